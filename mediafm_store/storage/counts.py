"""Rows that are missing, there twice, or of no title."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from mediafm_store.storage.storage import Storage
from mediafm_store.storage.vector_reader import COUNTED
from mediafm_store.storage.views import only_valid
from mediafm_store.tables.schema import KEYS, OF_IDS
from mediafm_store.tables.sql import one_of

UNIQUE: Mapping[str, Sequence[str]] = {**KEYS, "titles": ("id",), "spaces": ("name", "version")}
"""Key columns of small tables."""
_SHOT = ("id", "revision")
"""Key columns of the other tables."""


class RowCounts(NamedTuple):
    """Number of rows of a title, and of different ids among them."""

    there: int
    different: int


def rows_by_title(store: Storage, name: str) -> dict[str, RowCounts]:
    """Number of rows, and of different ids, of each title in a table that readers see."""
    numbers: dict[str, list[np.ndarray]] = defaultdict(list)
    valid = store.revisions()
    for rows in store.tables.batches(name, ["id", "title", "revision"], COUNTED):
        seen = pl.DataFrame(pl.from_arrow(only_valid(rows, valid)))
        for (title,), part in seen.group_by("title"):
            numbers[str(title)].append(part["id"].hash().to_numpy())
    every = {title: np.concatenate(parts) for title, parts in numbers.items()}
    return {title: RowCounts(len(ids), len(np.unique(ids))) for title, ids in every.items()}


def tables_of_shots(store: Storage) -> list[str]:
    """Tables that have a row per shot, or per title."""
    return sorted(store.tables_of_titles() - {*OF_IDS, "cues"})


def doubled(store: Storage, name: str, titles: Collection[str] | None = None) -> list[int]:
    """Offsets of duplicate rows, of some titles or of all."""
    key = list(UNIQUE.get(name, _SHOT))
    where = None if titles is None else one_of("title", sorted(titles))
    rows = pl.DataFrame(pl.from_arrow(store.tables.select_places(name, key, where)))
    return rows.filter(~pl.struct(key).is_first_distinct())["_rowid"].to_list()


def drop_doubled(store: Storage, name: str, titles: Collection[str] | None = None) -> None:
    """Delete duplicate rows: the first of each is kept."""
    with store.tables.lock():
        store.tables.delete_places(name, doubled(store, name, titles))


def orphans(store: Storage, name: str) -> int:
    """Number of labels, or tags, whose titles do not exist."""
    return int(store.table(name).count_rows()) - len(store.rows(name))


def drop_orphans(store: Storage, name: str) -> None:
    """Delete labels, or tags, whose titles do not exist."""
    with store.tables.lock():
        store.tables.delete(name, f"NOT ({one_of('title', list(store.revisions()))})")
