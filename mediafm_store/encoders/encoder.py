"""The interface of an encoder: items of one modality in, one block of the fused vector each out."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol, get_args, runtime_checkable

import numpy as np

from mediafm_store.arrays import BLOCK, MODALITIES, Blocks, Modality
from mediafm_store.errors import InvalidInput

Runtime = Literal["torch", "onnx"]
"""What an encoder computes with; each has its own view of the GPUs of a machine."""


class EncoderOutput(NamedTuple):
    """Output of an encoder, one row per item."""

    blocks: Blocks
    """The items in the encoder's own space, unit rows of 768."""
    described: Blocks
    """Description vectors: unit rows in the space of `encode_query` (zero if there is nothing)."""
    labels: list[tuple[str, ...]]
    """Names of what was recognised in each item, most likely first; often empty."""
    probabilities: Sequence[tuple[float, ...]] = ()
    """Probability of each of these names; empty if the encoder has none."""


@runtime_checkable
class Encoder(Protocol):
    """Turns items of one modality into unit vectors of 768 dimensions.

    Items are, by modality: visual, an RGB image (uint8 [height, width, 3]); audio, mono samples in
    [-1, 1] at 16 kHz (float32 [n], any n >= 1); text, a non-empty string.

    A plug-in is a class or function that makes an encoder. It is called with `device`, "cpu" or
    "cuda", and, if it is named as NAME=ARGUMENT, with that text before it. Its attribute `runtime`
    says what it computes with, "torch" (the default) or "onnx": it gets "cuda" only where that
    runtime has a GPU. An entry point that takes no argument is loaded again by every store whose
    vectors it made. Several threads may use an encoder in parallel, when several films are ingested
    or people search.
    """

    @property
    def name(self) -> str:
        """Stored with the vectors, so that a table says what made it."""
        ...

    @property
    def modality(self) -> Modality:
        """Block of the fused vector that the encoder fills."""
        ...

    @property
    def fingerprint(self) -> str:
        """Hash of everything that changes its vectors: weights, preprocessing, block map."""
        ...

    def encode(self, items: Sequence[Any]) -> EncoderOutput:
        """Encode a batch of any length, also none; the rows do not depend on the batch."""
        ...

    def encode_query(self, texts: Sequence[str]) -> Blocks:
        """Encode non-empty texts as unit rows, to search the space of `described` with.

        An encoder that was trained together with a text tower uses that; a classifier uses the text
        encoder that embedded the names of its classes; a text encoder uses itself.
        """
        ...


Encoders = Mapping[Modality, Encoder]


def runtime_of(plugin: object) -> Runtime:
    """The runtime that an encoder plug-in names, "torch" if it names none."""
    runtime: Runtime = getattr(plugin, "runtime", "torch")
    if runtime not in get_args(Runtime):
        raise InvalidInput(
            f"an encoder plug-in has runtime {runtime!r}; use one of {', '.join(get_args(Runtime))}"
        )
    return runtime


def by_modality(encoders: Iterable[Encoder]) -> Encoders:
    """Map modalities to encoders.

    Raises:
        InvalidInput: Unless there is one encoder for each modality.
    """
    found: dict[Modality, Encoder] = {}
    for encoder in encoders:
        if encoder.modality in found:
            names = f"{found[encoder.modality].name} and {encoder.name}"
            raise InvalidInput(f"two encoders for {encoder.modality}: {names}; name one")
        found[encoder.modality] = encoder
    for modality in MODALITIES:
        if modality not in found:
            raise InvalidInput(f"no encoder for {modality}; name one")
    return found


def encode(encoder: Encoder, items: Sequence[Any]) -> EncoderOutput:
    """Encode items and check the output.

    Raises:
        InvalidInput: If the output is not what `Encoder` promises.
    """
    encoded = encoder.encode(items)
    for rows in (encoded.blocks, encoded.described):
        _check_rows(encoder, rows, len(items))
    if len(encoded.labels) != len(items):
        raise InvalidInput(
            f"encoder {encoder.name} gives {len(encoded.labels)} lists of labels for {len(items)}"
            " items; it must give one each, which may be empty"
        )
    return encoded


def encode_query(encoder: Encoder, texts: Sequence[str]) -> Blocks:
    """Encode query texts and check the output.

    Raises:
        InvalidInput: If the output is not what `Encoder` promises.
    """
    rows = encoder.encode_query(texts)
    _check_rows(encoder, rows, len(texts))
    return rows


def _check_rows(encoder: Encoder, rows: Any, count: int) -> None:
    """Raise InvalidInput unless each item has a row of the right width, of finite numbers."""
    shape = np.shape(rows)
    if shape != (count, BLOCK):
        raise InvalidInput(
            f"encoder {encoder.name} gives vectors of shape {shape} for {count} items; it must"
            f" give ({count}, {BLOCK}): BlockMap.plain(WIDTH).blocks of"
            " mediafm_store.encoders.blocks makes such of other widths"
        )
    if not np.isfinite(rows).all():
        raise InvalidInput(f"encoder {encoder.name} gives numbers that are not finite")
