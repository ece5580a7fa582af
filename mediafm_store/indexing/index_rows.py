"""Rows of a space that an index holds."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import polars as pl

from mediafm_indexes import IndexMetadata, VectorSearcher
from mediafm_store.arrays import HalfVectors
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.spaces import Space, VectorBatch

IDS, RUNS = "ids.arrow", "runs.json"


class IndexedVersion(NamedTuple):
    """Version of a space, and the rows of it that an index holds."""

    space: str
    """The table, such as context_v1."""
    fingerprint: str
    version: int
    """Version of the table when they were read; in another they may differ."""

    def is_of(self, space: Space) -> bool:
        """True if the rows are of this version of a space."""
        return self[:2] == (space.table, space.fingerprint)


def origin(store: Storage, space: Space) -> IndexedVersion:
    """Current version and rows of a space."""
    return IndexedVersion(space.table, space.fingerprint, store.tables.version(space.table))


class RowRange(NamedTuple):
    """Rows of one title, one after the other."""

    title: str
    revision: str
    start: int
    stop: int


def still_valid(runs: Iterable[RowRange], revisions: Mapping[str, str]) -> list[RowRange]:
    """The runs of titles that have not been replaced or deleted since."""
    return [run for run in runs if revisions.get(run.title) == run.revision]


def count_rows(runs: Iterable[RowRange]) -> int:
    """Total number of rows in all runs."""
    return sum(run.stop - run.start for run in runs)


@dataclass(frozen=True)
class Shard:
    """Some titles of a space, indexed; of most spaces all."""

    folder: Path
    indexed: VectorSearcher
    facts: IndexMetadata
    ids: pl.Series
    """Ids of the shots or titles whose vectors are its rows."""
    runs: list[RowRange]
    origin: IndexedVersion


class RowRecorder:
    """Takes down whose vectors pass by on their way into an index."""

    def __init__(self, origin: IndexedVersion, before: Shard | None = None) -> None:
        self.origin = origin
        self.ids: list[str] = before.ids.to_list() if before else []
        self.runs: list[RowRange] = list(before.runs) if before else []

    def passing(
        self, batches: Iterable[VectorBatch], folder: Path, on_batch: Callable[[int], object]
    ) -> Iterator[HalfVectors]:
        """The vectors alone; once all have passed, the folder knows whose they are.

        `on_batch` is called with the number of vectors in each batch, and may raise to stop.
        """
        for batch in batches:
            for title, revision in zip(batch.titles, batch.revisions, strict=True):
                self._add(title, revision)
            self.ids += batch.ids
            on_batch(len(batch.ids))
            yield batch.vectors
        pl.DataFrame({"id": self.ids}, schema={"id": pl.String}).write_ipc(folder / IDS)
        told = {"origin": self.origin._asdict(), "runs": self.runs}
        (folder / RUNS).write_text(json.dumps(told), encoding="utf-8")

    def _add(self, title: str, revision: str) -> None:
        last = self.runs[-1] if self.runs else RowRange("", "", 0, 0)
        if (last.title, last.revision) == (title, revision):
            self.runs[-1] = last._replace(stop=last.stop + 1)
        else:
            self.runs.append(RowRange(title, revision, last.stop, last.stop + 1))
