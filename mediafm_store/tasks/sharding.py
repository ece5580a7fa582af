"""How a space is divided into shards, which of them have to be made, and the stage that does it."""

import shutil
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mediafm_indexes import EXACT, KINDS, Train, Wanted, build, extend, trainers
from mediafm_indexes.faiss_index import has_gpu
from mediafm_store import plugins
from mediafm_store.engines import Tell
from mediafm_store.errors import BadInput
from mediafm_store.store.spaces import Space
from mediafm_store.store.store import Store
from mediafm_store.tasks.encoding import DeviceChoice, resolve_device
from mediafm_store.tasks.indexed import Rows, Shard, read_shard, rows_of, still_valid

SHARD_ROWS = 4_000_000
"""Rows of a shard at most. Fewer make building linear and bound what it takes in memory and what
a dead worker costs; each shard is one more to look into."""
MOSTLY_DEAD = 0.2
"""Share of a shard's rows that are of replaced titles, with which it is built anew."""


@dataclass(frozen=True)
class ShardToMake:
    """Titles that are to be indexed together. What an engine hands to a worker."""

    space: Space
    number: int
    """Among those that are made."""
    titles: Sequence[str]
    before: Path | None
    """A shard that is to be extended by the titles."""
    kept: Sequence[str]
    """Those that it holds already."""
    more: int
    """Rows of the titles that it does not hold."""
    share: float
    """Of the rows of the space, that these are."""
    target: float
    """The wanted recall@10."""
    scratch: Path
    """Where its folder is made."""


class Plan(NamedTuple):
    """What is to become of an index."""

    kept: list[Path]
    """Shards that stay as they are."""
    made: list[ShardToMake]


def plan(
    space: Space,
    counts: Mapping[str, int],
    shards: Sequence[Shard],
    revisions: Mapping[str, str],
    *,
    shard_rows: int,
    target: float,
    scratch: Path,
) -> Plan:
    """Which shards make an index of a space, whose titles have so many rows (`counts`).

    Of the `shards` that there are, those stay that are not mostly dead. The last of them takes what
    has come since, up to `shard_rows`; others are made for the rest.
    """
    kept, new = [], dict(counts)
    for shard in shards:
        valid = still_valid(shard.runs, revisions)
        if len(shard.ids) - rows_of(valid) <= MOSTLY_DEAD * len(shard.ids):
            kept.append(shard)
            for run in valid:
                new.pop(run.title, None)
    every = sum(counts.values())

    def to_make(
        number: int, titles: Iterable[str], before: Path | None = None, held: Iterable[str] = ()
    ) -> ShardToMake:
        titles, held = tuple(titles), tuple(held)
        more, there = (sum(counts.get(t, 0) for t in some) for some in (titles, held))
        share = (more + there) / every
        return ShardToMake(space, number, titles, before, held, more, share, target, scratch)

    made: list[ShardToMake] = []
    if kept and (more := fitting(new, shard_rows - len(kept[-1].ids))):
        last = kept.pop()
        held = dict.fromkeys(run.title for run in still_valid(last.runs, revisions))
        made.append(to_make(0, more, last.folder, held))
        new = {title: rows for title, rows in new.items() if title not in more}
    made += [to_make(n, titles) for n, titles in enumerate(divided(new, shard_rows), len(made))]
    return Plan([shard.folder for shard in kept], made)


def fitting(counts: Mapping[str, int], room: int) -> set[str]:
    """The first titles that have no more than so many rows together."""
    ends = np.cumsum(list(counts.values()))
    return {title for title, end in zip(counts, ends, strict=True) if end <= room}


def divided(counts: Mapping[str, int], most: int) -> list[list[str]]:
    """Titles in groups of about equally many rows, no more than `most` but for a last title."""
    if not counts:
        return []
    every = sum(counts.values())
    groups: list[list[str]] = [[] for _ in range(ceil(every / most))]
    start = 0
    for title, rows in counts.items():
        groups[start * len(groups) // every].append(title)
        start += rows
    return [group for group in groups if group]


@dataclass(frozen=True)
class BuildShard:
    """Build a shard, or extend one. A stage: ShardToMake -> the folder that it was made in.

    A worker reads the vectors and writes the index by itself, since both are larger than what
    should travel, into a folder of its own: what one that died has left there counts for nothing.
    """

    store: Store
    kind: str | None
    memory_bytes: float
    device: DeviceChoice

    def __call__(self, shard: ShardToMake, tell: Tell) -> Path:
        """Tells nothing, which is where it can be stopped."""
        if shard.before is not None and (folder := self._extended(shard, shard.before, tell)):
            return folder
        titles = {*shard.titles, *shard.kept}
        folder = new_folder(shard)
        build(
            folder,
            Rows().passing(
                self.store.vector_batches(shard.space, titles), folder, partial(tell, None)
            ),
            dim=shard.space.dim,
            generator=np.random.default_rng(0),
            kinds=chosen(self.kind),
            wanted=Wanted(
                shard.target, self.memory_bytes, resolve_device(self.device, has_gpu), shard.share
            ),
            on_batch=partial(tell, None),
        )
        return folder

    def _extended(self, shard: ShardToMake, before: Path, tell: Tell) -> Path | None:
        """A shard with more titles in it; None if it has to be built anew."""
        folder, old = new_folder(shard), read_shard(before)
        batches = self.store.vector_batches(shard.space, set(shard.titles))
        facts = extend(
            folder,
            before,
            Rows(old).passing(batches, folder, partial(tell, None)),
            more=shard.more,
            generator=np.random.default_rng(0),
        )
        if facts is None:
            shutil.rmtree(folder)
            return None
        return folder


def new_folder(shard: ShardToMake) -> Path:
    """An empty one that nobody else writes to."""
    folder = shard.scratch / uuid.uuid4().hex
    folder.mkdir()
    return folder


def chosen(kind: str | None) -> dict[str, Train | None] | None:
    """What makes an index of a kind: FAISS, or a plug-in of that name; None: let it be chosen."""
    if kind is None:
        return None
    if kind == EXACT or kind in KINDS:
        return trainers([kind])
    if ":" not in kind and kind not in plugins.names("indexes"):
        kinds = sorted({EXACT, *KINDS, *plugins.names("indexes")} - {"faiss"})
        raise BadInput(f"no index kind {kind!r}; there are {', '.join(kinds)}")
    return {kind: plugins.load("indexes", kind).train}
