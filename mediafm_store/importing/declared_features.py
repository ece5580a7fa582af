"""Features that imported titles bring along: declared by the first import, kept by all others.

A store remembers them in the words that say what made its space `fused`, such as `import:
visual=VGG19/512 + audio=HSV/256 + text=minilm-l6`: name and width by modality.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from mediafm_store.arrays import BLOCK, FUSED, MODALITIES, Blocks, Modality
from mediafm_store.encoders.blocks import BlockMap
from mediafm_store.encoders.encoder import Encoder
from mediafm_store.errors import InvalidInput, SpaceMismatch
from mediafm_store.features.fusion import combined
from mediafm_store.importing.validation import Native
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.spaces import IMPORTED, Space, is_imported

_FEATURE = re.compile(r"(visual|audio|text)=(\S+)/(\d+)")
_BLOCK_MAP = "plain"
"""What brings vectors to blocks; `BlockMap.plain` is the same for good."""


class _Feature(NamedTuple):
    """The vectors of one modality: what made them, and how many numbers each has."""

    name: str
    width: int

    @property
    def fingerprint(self) -> str:
        """Fingerprint over the blocks of all modalities."""
        return hashlib.sha256(repr((self.name, self.width, _BLOCK_MAP)).encode()).hexdigest()[:16]


Features = Mapping[Modality, _Feature]


@runtime_checkable
class HasWidths(Protocol):
    """A file, as far as this is about it."""

    path: Path
    holds: list[str]
    widths: dict[Modality, int]


def unit_blocks(native: Native) -> Blocks:
    """Vectors as blocks of length 1; zeros stay zero.

    First each is scaled by its largest number: squares of very large or small ones are no floats.
    """
    largest = np.abs(native).max(axis=1, keepdims=True)
    scaled = np.divide(native, largest, out=np.zeros_like(native), where=largest > 0)
    return _block_map(native.shape[1]).blocks(scaled.astype(np.float32))


@lru_cache(maxsize=len(MODALITIES))
def _block_map(width: int) -> BlockMap:
    """Made once: that of wide vectors takes a moment."""
    return BlockMap.plain(width)


def declare(store: Storage, files: Iterable[HasWidths], names: Mapping[Modality, str]) -> Features:
    """The vectors that a store holds or, if it is empty, those that all files have together.

    So nothing depends on the order of files, and titles that come later may lack a modality.
    Raises InvalidInput if files differ in a width, SpaceMismatch if the store's have other `names`.
    """
    found: dict[Modality, tuple[int, Path]] = {}
    for file in files:
        for modality, width in file.widths.items():
            first, other = found.setdefault(modality, (width, file.path))
            if first != width and not store.has("fused"):
                raise InvalidInput(
                    f"{modality} has {first} numbers a shot in {other} and {width} in {file.path};"
                    " leave one of them out"
                )
    kept = _stored_features(store)
    if kept is None:
        return {m: _Feature(_checked(names[m], m), found[m][0]) for m in MODALITIES if m in found}
    for modality in sorted(kept.keys() & found.keys()):
        if kept[modality].name != names[modality]:
            raise SpaceMismatch(
                f"the {modality} vectors of {store.path} are {kept[modality].name}, these"
                f" {names[modality]}; if they are the same, say"
                f" --made-by {modality}={kept[modality].name}, else use a new store"
            )
    return kept


def _checked(name: str, modality: Modality) -> str:
    """A name that can be read out of what a space says of itself."""
    if not _FEATURE.fullmatch(f"{modality}={name}/1"):
        raise InvalidInput(
            f"{name!r} cannot name vectors; give one without spaces, as --made-by {modality}=vgg19"
        )
    return name


def check_fits(file: HasWidths, features: Features, store: Storage) -> None:
    """Raise unless the vectors of a file are such as the store holds."""
    for modality, width in file.widths.items():
        if modality not in features:
            raise SpaceMismatch(
                f"{file.path} has {modality} vectors, the titles of {store.path} have none of their"
                " own; import all into a new store"
            )
        if width != features[modality].width:
            raise SpaceMismatch(
                f"{file.path} has {modality} vectors of {width}, {store.path} of"
                f" {features[modality].width} ({features[modality].name}); use a new store"
            )


def _stored_features(store: Storage) -> Features | None:
    """Features that the titles of a store were imported with; None without any, or for films."""
    if not store.has("fused") or not is_imported(store.live("fused")):
        return None
    found = _FEATURE.findall(store.live("fused").made_by)
    known: dict[str, Modality] = {m: m for m in MODALITIES}
    return {known[modality]: _Feature(name, int(width)) for modality, name, width in found}


def spaces(store: Storage, features: Features, reader: Encoder) -> tuple[Space, Space, Space]:
    """Spaces `fused`, `described` and `metadata` of imported titles.

    Args:
        store: The store that the titles are imported into.
        features: Features that the titles bring along.
        reader: Text encoder for titles without text vectors.

    Raises:
        SpaceMismatch: The store holds titles with other features.
    """
    words: dict[Modality, str] = {"text": reader.fingerprint}
    reads: dict[Modality, str] = {"text": reader.name}
    made = words | {m: f.fingerprint for m, f in features.items()}
    told = reads | {m: f"{f.name}/{f.width}" for m, f in features.items()}
    fused, by_reader = combined("fused", made), _in_words(reads)
    described = combined("described", words)
    version = store.registry.only_version
    return (
        version("fused", fused, dim=FUSED, made_by=_in_words(told), fused=fused),
        version("described", described, dim=FUSED, made_by=by_reader, fused=fused),
        version("metadata", fused, dim=BLOCK, made_by=by_reader, fused=fused),
    )


def _in_words(told: Mapping[Modality, str]) -> str:
    """Description of the features, as a space stores it."""
    return IMPORTED + " + ".join(f"{m}={told[m]}" for m in MODALITIES if m in told)
