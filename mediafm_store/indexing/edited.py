"""Vectors that another program has changed in the tables since they were indexed."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int64

from mediafm_indexes import DamagedError
from mediafm_store.indexing.index_rows import count_rows
from mediafm_store.indexing.space_index import SpaceIndex
from mediafm_store.records import index_of
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.spaces import Space, VectorBatch


def edited(store: Storage, space: Space, index: SpaceIndex) -> dict[Path, int]:
    """Count the vectors of each shard that differ from the table; shards without any are left out.

    Nothing is read of a table that has the version that was indexed; else all of it, for tables do
    not tell which of their rows were changed.
    """
    version = store.tables.version(space.table)
    if all(shard.origin.version == version for shard in index.shards):
        return {}
    valid = index.still_valid(store.revisions())
    starts = {run.title: run.start for run in reversed(valid)}
    same = np.zeros(len(index.ids), bool)
    for batch in store.vector_batches(space, starts.keys()):
        rows, places = _placed(space, index, batch, starts)
        same[places] = _equal(index, batch, rows, places)
    found: Counter[Path] = Counter()
    end = 0
    for shard in index.shards:
        start, end = end, end + len(shard.ids)
        inside = [run for run in valid if start <= run.start < end]
        found[shard.folder] = count_rows(inside) - int(same[start:end].sum())
    return {folder: rows for folder, rows in found.items() if rows}


def _placed(
    space: Space, index: SpaceIndex, batch: VectorBatch, starts: dict[str, int]
) -> tuple[Int64[np.ndarray, " n"], Int64[np.ndarray, " n"]]:
    """The rows of a batch that an index holds, and where it holds them."""
    numbers = [0 if space.of_titles else index_of(row_id) for row_id in batch.ids]
    begins = [starts.get(title, len(index.ids)) for title in batch.titles]
    places = np.array(begins, np.int64) + np.array(numbers, np.int64)
    rows = np.flatnonzero(places < len(index.ids))
    held = index.ids.gather(places[rows]).to_list()
    there = [row_id == batch.ids[row] for row_id, row in zip(held, rows, strict=True)]
    return rows[there], places[rows][there]


def _equal(
    index: SpaceIndex,
    batch: VectorBatch,
    rows: Int64[np.ndarray, " n"],
    places: Int64[np.ndarray, " n"],
) -> Bool[np.ndarray, " n"]:
    """Mask of the vectors in a batch that the index holds unchanged."""
    try:
        held = index.indexed.read(places)
    except DamagedError:  # reported and mended separately
        return np.ones(len(rows), bool)
    return (held == batch.vectors[rows].astype(np.float32)).all(axis=1)


def edits_in_words(found: Mapping[Path, int]) -> str:
    """Result of `edited`, in words."""
    return f"{sum(found.values())} of its vectors are not those of the table any more"
