"""A space is a kind of vector; its versions each have a table and a fingerprint."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from mediafm_store.arrays import HalfVectors, Modality, Vectors
from mediafm_store.records import title_of

SpaceName = Literal["fused", "described", "metadata", "context", "title"]
"""Spaces of shots: `fused` content, `described` (text that could describe it) and `context` in the
title; of titles: `metadata` and `title`. `metadata` has 768 dimensions, the others 2304."""
_OF_TITLES = ("metadata", "title")
State = Literal["registered", "backfilled", "validated", "live", "retired"]
"""State of a version: it exists; all titles have vectors of it; it has passed its gates; readers
and searches use it; its vectors are gone."""


@dataclass(frozen=True, slots=True)
class EncoderUse:
    """Encoder that made vectors."""

    modality: Modality
    plugin: str
    """The name that loads it, with its argument."""
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Space:
    """Version of a space.

    The fingerprint hashes everything that its vectors depend on, including the version that they
    were computed from. Vectors with different fingerprints cannot be compared.
    """

    name: SpaceName
    version: int
    fingerprint: str
    dim: int
    made_by: str
    """In words: encoders, or the checkpoint."""
    fused: str
    """Fingerprint of the fused vectors that it is made from, or with: its own if it is fused."""
    state: State
    encoders: tuple[EncoderUse, ...] = field(default=(), compare=False)
    """Encoders of fused vectors; empty if there was none, or none that has a name."""

    @property
    def live(self) -> bool:
        """True if readers and searches use it; at most one version of a name is live."""
        return self.state == "live"

    @property
    def of_titles(self) -> bool:
        """True if it has one vector per title instead of one per shot."""
        return self.name in _OF_TITLES

    def rows_of(self, shots: int) -> int:
        """Number of vectors of a title with this many shots."""
        return 1 if self.of_titles else shots

    @property
    def table(self) -> str:
        """The LanceDB table of its vectors, such as `context_v2`."""
        return f"{self.name}_v{self.version}"


class StoredVectors(NamedTuple):
    """Vectors of a space in order of their ids, so in play order within a title."""

    ids: list[str]
    vectors: Vectors

    def by_title(self) -> dict[str, Vectors]:
        """The vectors of shots, title by title."""
        rows: dict[str, list[int]] = defaultdict(list)
        for row, row_id in enumerate(self.ids):
            rows[title_of(row_id)].append(row)
        return {title: self.vectors[r] for title, r in rows.items()}


class VectorBatch(NamedTuple):
    """Batch of rows of a space's table."""

    ids: list[str]
    titles: list[str]
    revisions: list[str]
    vectors: HalfVectors


class Passage(NamedTuple):
    """Consecutive vectors of a title."""

    title: str
    ids: tuple[str, ...]
    vectors: HalfVectors


IMPORTED = "import: "
"""Prefix of the provenance of imported spaces."""


def is_imported(space: Space) -> bool:
    """True if the vectors were imported, so that no encoder here can make more of them."""
    return space.made_by.startswith(IMPORTED)
