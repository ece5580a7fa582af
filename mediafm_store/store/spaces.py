"""A space is a kind of vector; its versions each have a table and a fingerprint."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Literal, NamedTuple

from mediafm_store.arrays import HalfVectors, Vectors

SpaceName = Literal["fused", "described", "context", "title"]


@dataclass(frozen=True, slots=True)
class Space:
    """One version of a space.

    The fingerprint hashes everything that its vectors depend on, the version that they were
    computed from included. Vectors of two fingerprints cannot be compared.
    """

    name: SpaceName
    version: int
    fingerprint: str
    dim: int
    made_by: str
    live: bool

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
        for row, id in enumerate(self.ids):
            rows[id.rpartition("/")[0]].append(row)
        return {title: self.vectors[r] for title, r in rows.items()}


class VectorBatch(NamedTuple):
    """Some rows of a space's table."""

    ids: list[str]
    titles: list[str]
    revisions: list[str]
    vectors: HalfVectors
