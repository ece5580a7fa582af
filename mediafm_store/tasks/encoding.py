"""Which encoders a store uses, and the device that models run on."""

from collections.abc import Callable, Sequence
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


def resolve_device(choice: DeviceChoice, has_gpu: Callable[[], bool] = cuda_available) -> Device:
    """`auto` is the GPU where there is one; asking for one that is not there is BadInput.

    `has_gpu` says so for whoever computes: torch, ONNX Runtime and FAISS each have their own.
    """
    if choice == "cuda" and not has_gpu():
        raise BadInput("no GPU here that can be used for this; use --device cpu, or auto")
    if choice == "auto":
        return "cuda" if has_gpu() else "cpu"
    return choice


def onnx_has_gpu() -> bool:
    """Whether the encoders' runtime can use a GPU that is there; its usual package cannot."""
    import onnxruntime

    return "CUDAExecutionProvider" in onnxruntime.get_available_providers() and cuda_available()


def load_encoders(
    names: Sequence[str] = DEFAULT_ENCODERS, *, device: DeviceChoice = "auto"
) -> Encoders:
    """Encoder plug-ins by modality; raise NotFound or BadInput unless each modality has one."""
    chosen = resolve_device(device, onnx_has_gpu)
    return by_modality(plugins.load("encoders", name)(device=chosen) for name in names)


def made_by(encoders: Encoders) -> str:
    """The names of encoders in words, for tables and messages."""
    return " + ".join(encoders[m].name for m in MODALITIES)
