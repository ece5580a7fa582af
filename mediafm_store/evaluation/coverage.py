"""Share of a catalogue that has vectors, words, sound, tags, labels, and is in its indexes."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from mediafm_store.indexing.status import index_status, searchable
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.spaces import Space


class TitlesCovered(NamedTuple):
    """Number of titles that have something."""

    name: str
    titles: int


class Indexed(NamedTuple):
    """Number of vectors of a space that the index holds."""

    space: str
    kind: str
    """`none` without an index."""
    rows: int
    new: int
    """Not in the index yet: each search compares them one by one."""


@dataclass(frozen=True)
class Coverage:
    """Coverage of a catalogue by vectors, words, tags, labels and indexes."""

    titles: int
    shots: int
    hours: float
    shares: Sequence[TitlesCovered]
    indexes: Sequence[Indexed]


def coverage(store: Storage) -> Coverage:
    """Count what the titles of a store have."""
    titles = store.titles().select("id", "duration_s", "shots", "tags", "genres")
    ids = set(titles["id"])
    shots = store.view("shots").lazy()
    of_shots = (
        shots.select(
            "title", words=pl.col("words") != "", sound=pl.col("loudness_db").is_not_null()
        )
        .group_by("title")
        .agg(pl.col("words").any(), pl.col("sound").any())
        .collect()
    )
    given = titles.filter((pl.col("tags").list.len() > 0) | (pl.col("genres").list.len() > 0))
    proposed = store.rows("tags", "applies = true")
    having: dict[str, Collection[str]] = {
        f"{space.table} vectors": store.rows_by_title(space)
        for space in store.registry.live_spaces()
    }
    having |= {
        "words": of_shots.filter("words")["title"].to_list(),
        "sound": of_shots.filter("sound")["title"].to_list(),
        "tags or genres given": given["id"].to_list(),
        "proposed tags": proposed["title"].to_list(),
        "labels": store.rows("labels")["title"].to_list(),
    }
    return Coverage(
        titles=len(titles),
        shots=int(titles["shots"].sum()),
        hours=float(titles["duration_s"].sum()) / 3600,
        shares=[
            TitlesCovered(name, len(ids.intersection(found))) for name, found in having.items()
        ],
        indexes=[_tail(store, space) for space in searchable(store)],
    )


def _tail(store: Storage, space: Space) -> Indexed:
    """Rows of a space that its index holds and lacks."""
    status = index_status(store, space)
    return Indexed(status.space, status.kind, status.rows, status.new)
