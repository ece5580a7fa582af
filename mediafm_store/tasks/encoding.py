"""Which encoders a store uses, and the device that models run on."""

from collections.abc import Callable, Collection, Sequence
from functools import cache
from typing import Literal

from mediafm_store import plugins
from mediafm_store.arrays import MODALITIES, Modality
from mediafm_store.errors import BadInput, SpaceMismatch
from mediafm_store.features.encoders import Encoder, Encoders, by_modality

DEFAULTS: dict[Modality, str] = {
    "visual": "efficientnet-lite0",
    "audio": "yamnet",
    "text": "minilm-l6",
}
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


def load_encoders(names: Sequence[str] = (), *, device: DeviceChoice = "auto") -> Encoders:
    """Encoder plug-ins by modality; a modality that none of them reads has its default.

    A name may carry an argument, as `hf=FOLDER`. Raises NotFound for a plug-in that is not there,
    BadInput for two of one modality.
    """
    made = [(name, load_encoder(name, device)) for name in names]
    read = {encoder.modality for _, encoder in made}
    made += [(name, load_encoder(name, device)) for m, name in DEFAULTS.items() if m not in read]
    on_gpu = {encoder.modality for name, encoder in made if device_of(name, device) == "cuda"}
    return Loaded(by_modality(encoder for _, encoder in made), names, device, on_gpu)


class Loaded(dict[Modality, Encoder]):
    """Encoders that travel as their names: a worker loads the weights of its own machine.

    They run on its GPU if it has one, unless that was not wanted here: a worker may have none.
    """

    def __init__(
        self,
        encoders: Encoders,
        names: Sequence[str],
        device: DeviceChoice,
        on_gpu: Collection[Modality],
    ) -> None:
        super().__init__(encoders)
        self._names, self._device = tuple(names), device
        self.on_gpu = on_gpu
        """What is encoded on a GPU of this machine."""

    def __reduce__(self) -> tuple[Callable[..., Encoders], tuple[object, ...]]:
        """See pickle."""
        device = "cpu" if self._device == "cpu" else "auto"
        return load_same, (self._names, device, fingerprints(self))


def load_same(names: Sequence[str], device: DeviceChoice, made: Sequence[str]) -> Encoders:
    """Load encoders on a worker; raise SpaceMismatch unless they have these fingerprints."""
    encoders = load_encoders(names, device=device)
    if (own := fingerprints(encoders)) != made:
        raise SpaceMismatch(
            f"a worker's encoders are {own}, not {made}; install the same version everywhere"
        )
    return encoders


def fingerprints(encoders: Encoders) -> list[str]:
    """Of encoders in order of their modalities."""
    return [encoders[m].fingerprint for m in MODALITIES]


def load_encoder(name: str, device: DeviceChoice) -> Encoder:
    """One encoder, on the device that it can use."""
    plugin, given, argument = name.partition("=")
    make = plugins.load("encoders", plugin)
    arguments = (argument,) if given else ()
    encoder = plugins.make(name, make, *arguments, device=device_of(name, device))
    if not isinstance(encoder, Encoder) or encoder.modality not in MODALITIES:
        raise BadInput(
            f"plug-in {name!r} makes no encoder; it has name, fingerprint, encode, encode_query and"
            f" modality, one of {', '.join(MODALITIES)}"
        )
    return encoder


def device_of(name: str, choice: DeviceChoice) -> Device:
    """Where an encoder runs on this machine."""
    # torch runs what takes an argument, ONNX Runtime what ships; each has its own view of GPUs.
    return resolve_device(choice, cuda_available if "=" in name else onnx_has_gpu)


def made_by(encoders: Encoders) -> str:
    """The names of encoders in words, for tables and messages."""
    return " + ".join(encoders[m].name for m in MODALITIES if m in encoders)
