"""Which encoders a store uses, and the device that models run on."""

from collections.abc import Sequence
from functools import cache
from typing import Literal

from mediafm_store import plugins
from mediafm_store.arrays import MODALITIES
from mediafm_store.errors import BadInput
from mediafm_store.features.extract import Encoders, by_modality

DEFAULT_ENCODERS = ("efficientnet-lite0", "yamnet", "minilm-l6")
Device = Literal["cpu", "cuda"]
DeviceChoice = Literal["auto", "cpu", "cuda"]


@cache
def cuda_available() -> bool:
    """Whether torch sees a GPU."""
    import torch

    return torch.cuda.is_available()


def resolve_device(choice: DeviceChoice) -> Device:
    """`auto` is the GPU where there is one; asking for one that is not there is BadInput."""
    if choice == "cuda" and not cuda_available():
        raise BadInput("no CUDA device here; use --device cpu, or auto")
    if choice == "auto":
        return "cuda" if cuda_available() else "cpu"
    return choice


def onnx_has_cuda() -> bool:
    """Whether the encoders' runtime can use a GPU that is there."""
    import onnxruntime

    return "CUDAExecutionProvider" in onnxruntime.get_available_providers() and cuda_available()


def load_encoders(
    names: Sequence[str] = DEFAULT_ENCODERS, *, device: DeviceChoice = "auto"
) -> Encoders:
    """Encoder plug-ins by modality; raise NotFound or BadInput unless each modality has one.

    `auto` takes the GPU only where ONNX Runtime has one too: the usual package is for CPUs.
    """
    chosen = device if device != "auto" else "cuda" if onnx_has_cuda() else "cpu"
    return by_modality(plugins.load("encoders", name)(device=chosen) for name in names)


def made_by(encoders: Encoders) -> str:
    """The names of encoders in words, for tables and messages."""
    return " + ".join(encoders[m].name for m in MODALITIES)
