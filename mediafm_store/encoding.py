"""Encoders of a store, and the device that models run on."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from shlex import quote
from typing import Literal

from mediafm_store import plugins
from mediafm_store.arrays import MODALITIES, Modality
from mediafm_store.encoders.encoder import Encoder, Encoders, by_modality, runtime_of
from mediafm_store.errors import InvalidInput, MediaFMError, NotFound, SpaceMismatch
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.spaces import EncoderUse

DEFAULTS: dict[Modality, str] = {
    "visual": "efficientnet-lite0",
    "audio": "yamnet",
    "text": "minilm-l6",
}
Device = Literal["cpu", "cuda"]
DeviceChoice = Literal["auto", "cpu", "cuda"]


@cache
def _cuda_available() -> bool:
    """True if torch sees a GPU."""
    import torch

    return torch.cuda.is_available()


def resolve_device(choice: DeviceChoice, has_gpu: Callable[[], bool] = _cuda_available) -> Device:
    """Device to use: `auto` is the GPU if there is one.

    Args:
        choice: `auto`, `cpu` or `cuda`.
        has_gpu: Tells if there is a GPU: torch, ONNX Runtime and FAISS each have their own test.

    Raises:
        InvalidInput: If the choice is a GPU and there is none.

    Example:
        >>> resolve_device("auto", has_gpu=lambda: False)
        'cpu'
    """
    if choice == "cuda" and not has_gpu():
        raise InvalidInput("no GPU here that can be used for this; use --device cpu, or auto")
    if choice == "auto":
        return "cuda" if has_gpu() else "cpu"
    return choice


def _onnx_has_gpu() -> bool:
    """True if the encoders' runtime can use a GPU that is there; its usual package cannot."""
    import onnxruntime

    return "CUDAExecutionProvider" in onnxruntime.get_available_providers() and _cuda_available()


def load_encoders(
    names: Sequence[str] = (), *, device: DeviceChoice = "auto", store: Storage | None = None
) -> Encoders:
    """Load encoder plug-ins, one per modality.

    Of the encoders that a `store` names, only installed ones are loaded, never a path: others may
    have written the store.

    Args:
        names: Names of plug-ins, with an argument where they take one: `hf=FOLDER`. Modalities that
            are not named get the encoder of `store`, or the default.
        device: `auto`, `cpu` or `cuda`.
        store: Store whose encoders are the default.

    Returns:
        Encoders by modality.

    Raises:
        NotFound: If a plug-in does not exist.
        InvalidInput: If two of them are of one modality.
        SpaceMismatch: If an encoder of the store is not installed, or has changed.
    """
    made = [(_settled(name), load_encoder(name, device)) for name in names]
    read = {encoder.modality for _, encoder in made}
    kept = {} if store is None else _stored(store, read)
    if store is not None:
        _check_paths(store, kept.values())
        made += [(used.plugin, _load_stored(store, used, device)) for used in kept.values()]
    rest = [name for m, name in DEFAULTS.items() if m not in read | kept.keys()]
    made += [(name, load_encoder(name, device)) for name in rest]
    on_gpu = {
        encoder.modality for name, encoder in made if _device_of(_plugin(name), device) == "cuda"
    }
    plugins = {encoder.modality: name for name, encoder in made}
    return LoadedEncoders(by_modality(encoder for _, encoder in made), plugins, device, on_gpu)


def _settled(name: str) -> str:
    """The name of a plug-in, which another working folder does not change."""
    plugin, given, argument = name.partition("=")
    there = bool(argument) and Path(argument).exists()
    return f"{plugin}={Path(argument).absolute()}" if given and there else name


def _stored(store: Storage, without: Collection[Modality]) -> dict[Modality, EncoderUse]:
    """Names of the encoders that made the live vectors of a store, as far as it knows them."""
    if not store.has("fused"):
        return {}
    known = {used.modality: used for used in store.live("fused").encoders}
    return {m: known[m] for m in MODALITIES if m in known and m not in without}


def _check_paths(store: Storage, kept: Collection[EncoderUse]) -> None:
    """Raise InvalidInput if code would run that the writer of a store chose, not who opens it."""
    names = [used.plugin for used in kept]
    if chosen := [name for name in names if not _is_harmless(name)]:
        told = " ".join(f"--encoder {quote(name)}" for name in chosen)
        raise InvalidInput(
            f"the vectors of {store.path} were made by {' and '.join(chosen)}, and a store cannot"
            f" choose which code runs: if you trust it, add {told}"
        )


def _is_harmless(name: str) -> bool:
    """True if a plug-in may be loaded because a store names it."""
    plugin, given, _ = name.partition("=")
    if plugins.is_path(plugin):
        return False
    return not given or plugins.runs_no_code("encoders", plugin)


def _load_stored(store: Storage, used: EncoderUse, device: DeviceChoice) -> Encoder:
    """An encoder that a store names; raise SpaceMismatch unless it is what made the vectors."""
    name, made = used.plugin, f"the {used.modality} vectors of {store.path} were made by"
    try:
        encoder = load_encoder(name, device)
    except NotFound as error:
        raise NotFound(
            f"{made} encoder plug-in {name!r}, which is not here: install it, or name it by its"
            f" path with --encoder package.module:Class ({error})"
        ) from error
    except MediaFMError as error:
        raise InvalidInput(f"{made} {name}: {error}; say with --encoder where it is now") from error
    if encoder.fingerprint != used.fingerprint:
        raise SpaceMismatch(
            f"{made} {name} of fingerprint {used.fingerprint}, which is {encoder.fingerprint} here;"
            f" install what made them, or `mediafm spaces backfill --encoder {name}` and promote it"
        )
    return encoder


class LoadedEncoders(dict[Modality, Encoder]):
    """Encoders that travel as their names: a worker loads the weights of its own machine.

    They run on its GPU if it has one, unless that was not wanted here: a worker may have none.
    """

    def __init__(
        self,
        encoders: Encoders,
        plugins: Mapping[Modality, str],
        device: DeviceChoice,
        on_gpu: Collection[Modality],
    ) -> None:
        super().__init__(encoders)
        self.plugins, self._device = plugins, device
        self.on_gpu = on_gpu
        """Modalities that are encoded on a GPU of this machine."""

    def __reduce__(self) -> tuple[Callable[..., Encoders], tuple[object, ...]]:
        """See pickle."""
        device = "cpu" if self._device == "cpu" else "auto"
        return _load_same, (tuple(self.plugins.values()), device, _fingerprints(self))


def _load_same(names: Sequence[str], device: DeviceChoice, made: Sequence[str]) -> Encoders:
    """Load encoders on a worker; raise SpaceMismatch unless they have these fingerprints."""
    encoders = load_encoders(names, device=device)
    if (own := _fingerprints(encoders)) != made:
        raise SpaceMismatch(
            f"a worker's encoders are {own}, not {made}; install the same version everywhere"
        )
    return encoders


def _fingerprints(encoders: Encoders) -> list[str]:
    """Fingerprints of encoders, in the order of their modalities."""
    return [encoders[m].fingerprint for m in MODALITIES]


def load_encoder(name: str, device: DeviceChoice) -> Encoder:
    """Load one encoder, on the device that it can use."""
    make = _plugin(name)
    _, given, argument = name.partition("=")
    arguments = (argument,) if given else ()
    encoder = plugins.make(name, make, *arguments, device=_device_of(make, device))
    if not isinstance(encoder, Encoder) or encoder.modality not in MODALITIES:
        raise InvalidInput(
            f"plug-in {name!r} makes no encoder; it has name, fingerprint, encode, encode_query and"
            f" modality, one of {', '.join(MODALITIES)}"
        )
    return encoder


def _plugin(name: str) -> Callable[..., object]:
    """The class or function that makes an encoder, without the argument that a name may carry."""
    plugin: Callable[..., object] = plugins.load("encoders", name.partition("=")[0])
    return plugin


def _device_of(plugin: Callable[..., object], choice: DeviceChoice) -> Device:
    """Device that the encoder of a plug-in runs on, on this machine."""
    has_gpu = _cuda_available if runtime_of(plugin) == "torch" else _onnx_has_gpu
    return resolve_device(choice, has_gpu)


def names_of(encoders: Encoders) -> tuple[EncoderUse, ...]:
    """Names by which a store can load encoders again; empty if they were passed as objects."""
    names: Mapping[Modality, str] = encoders.plugins if isinstance(encoders, LoadedEncoders) else {}
    return tuple(EncoderUse(m, names[m], encoders[m].fingerprint) for m in MODALITIES if m in names)


def made_by(encoders: Encoders) -> str:
    """Names of encoders in words, for tables and messages."""
    return " + ".join(encoders[m].name for m in MODALITIES if m in encoders)
