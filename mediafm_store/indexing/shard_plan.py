"""Division of a space into shards, and the choice of those to build."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mediafm_store.encoding import DeviceChoice
from mediafm_store.errors import InvalidInput
from mediafm_store.indexing.config import IndexConfig
from mediafm_store.indexing.index_rows import Shard, count_rows, still_valid
from mediafm_store.tables.spaces import Space

_MOST_SHARDS = 9_999
"""As many as there are names for."""
MOSTLY_DEAD = 0.2
"""Share of a shard's rows in replaced titles above which it is rebuilt."""


@dataclass(frozen=True)
class ShardToMake:
    """Titles that are to be indexed together. What an engine hands to a worker."""

    space: Space
    titles: Sequence[str]
    before: Path | None
    """A shard that is to be extended by the titles."""
    held: Sequence[str]
    """Titles that it holds already."""
    more: int
    """Rows of the titles that it does not hold."""
    share: float
    """Share of the rows of the space."""
    config: IndexConfig
    device: DeviceChoice
    folder: Path
    """Folder of the finished shard; its name is a hash of its inputs."""


class ShardPlan(NamedTuple):
    """Shards of an index to keep and to build."""

    kept: list[Path]
    """Shards that stay as they are."""
    made: list[ShardToMake]


def plan(
    space: Space,
    counts: Mapping[str, int],
    shards: Sequence[Shard],
    revisions: Mapping[str, str],
    *,
    config: IndexConfig,
    device: DeviceChoice,
    scratch: Path,
) -> ShardPlan:
    """Plan the shards of a space whose titles have `counts` rows each.

    Of the `shards` that there are, those stay that are not mostly dead. The last of them takes what
    has come since, as far as it has room; others are made for the rest, in the folder `scratch`.
    """
    kept, new = [], dict(counts)
    for shard in shards:
        valid = still_valid(shard.runs, revisions)
        if len(shard.ids) - count_rows(valid) <= MOSTLY_DEAD * len(shard.ids):
            kept.append(shard)
            for run in valid:
                new.pop(run.title, None)
    every = sum(counts.values())

    def to_make(
        titles: Iterable[str], before: Path | None = None, held: Iterable[str] = ()
    ) -> ShardToMake:
        titles, held = tuple(titles), tuple(held)
        more, there = (sum(counts.get(t, 0) for t in some) for some in (titles, held))
        of = [(title, revisions.get(title)) for title in (*held, *titles)]
        told = (space.table, space.fingerprint, before, of, every, config, device)
        folder = scratch / hashlib.sha256(repr(told).encode()).hexdigest()[:32]
        share = (more + there) / every
        return ShardToMake(space, titles, before, held, more, share, config, device, folder)

    made: list[ShardToMake] = []
    if kept and (more := _fitting(new, config.shard_rows - len(kept[-1].ids))):
        last = kept.pop()
        held = dict.fromkeys(run.title for run in still_valid(last.runs, revisions))
        made.append(to_make(sorted(more), last.folder.absolute(), held))
        new = {title: rows for title, rows in new.items() if title not in more}
    made += [to_make(titles) for titles in _divided(new, config.shard_rows)]
    if len(kept) + len(made) > _MOST_SHARDS:
        raise InvalidInput(
            f"{config.shard_rows} rows a shard make more than {_MOST_SHARDS}; take more"
        )
    return ShardPlan([shard.folder for shard in kept], made)


def _fitting(counts: Mapping[str, int], room: int) -> set[str]:
    """First titles that together have no more than `room` rows."""
    ends = np.cumsum(list(counts.values()))
    return {title for title, end in zip(counts, ends, strict=True) if end <= room}


def _divided(counts: Mapping[str, int], most: int) -> list[list[str]]:
    """Divide titles into groups of about equal row counts.

    Args:
        counts: Number of rows by title, in order.
        most: Rows a group; only its last title may exceed it.

    Example:
        >>> _divided({"a": 3, "b": 3, "c": 2}, most=4)
        [['a', 'b'], ['c']]
    """
    if not counts:
        return []
    every = sum(counts.values())
    groups: list[list[str]] = [[] for _ in range(ceil(every / most))]
    start = 0
    for title, rows in counts.items():
        groups[start * len(groups) // every].append(title)
        start += rows
    return [group for group in groups if group]
