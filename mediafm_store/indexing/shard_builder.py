"""The stage that makes the shards of indexes, and how far it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import numpy as np

from mediafm_indexes import DamagedError, IndexTarget, build, extend
from mediafm_indexes.faiss_index import has_gpu
from mediafm_store.disk import writing
from mediafm_store.encoding import resolve_device
from mediafm_store.engines import Tell
from mediafm_store.errors import InvalidInput
from mediafm_store.indexing.config import write_config
from mediafm_store.indexing.directories import delete, new_half
from mediafm_store.indexing.index_rows import RowRecorder, origin
from mediafm_store.indexing.shard_plan import ShardToMake
from mediafm_store.indexing.space_index import UNREADABLE, read_shard
from mediafm_store.storage.storage import Storage


class RowsDone(NamedTuple):
    """Vectors that have been read from the store, or added to the index of a shard."""

    folder: Path
    """Folder of the shard."""
    vectors: int


class BuildProgress:
    """Number of vectors read and added, and their total: each vector counts twice."""

    def __init__(
        self, shards: Sequence[ShardToMake], on_vectors: Callable[[int, int], object]
    ) -> None:
        self._most = {shard.folder: 2 * shard.more for shard in shards}
        self._passed = dict.fromkeys(self._most, 0)
        self._on_vectors = on_vectors
        self._lock = Lock()

    def tell(self, told: RowsDone) -> None:
        """Count rows, in any worker's thread. A shard that is rebuilt is read more than once."""
        with self._lock:
            passed = self._passed[told.folder] + told.vectors
            self._passed[told.folder] = min(passed, self._most[told.folder])
            self._on_vectors(sum(self._passed.values()), sum(self._most.values()))

    def finish(self, shard: ShardToMake) -> None:
        """Whatever was told of it."""
        self.tell(RowsDone(shard.folder, self._most[shard.folder]))


@dataclass(frozen=True)
class BuildShard:
    """Build a shard, or extend one. A stage: ShardToMake -> nothing; its folder is there then.

    A worker reads the vectors and writes the index by itself, since both are larger than what
    should travel. A shard that is there is complete: what a worker that died has left of one is
    elsewhere, and counts for nothing.
    """

    store: Storage

    def __call__(self, shard: ShardToMake, tell: Tell) -> None:
        """Tells what has Passed, which is where it can be stopped."""
        if shard.folder.exists():  # by a worker that was held to be dead
            return
        try:
            with writing(shard.folder.parent.parent, also=(RuntimeError,)):
                half = self._extended(shard, tell) or self._built(shard, tell)
        except DamagedError as error:
            raise InvalidInput(
                f"{error}, or the store has changed meanwhile; run this again"
            ) from error
        try:
            half.rename(shard.folder)
        except OSError:
            if not shard.folder.exists():
                raise

    def _built(self, shard: ShardToMake, tell: Tell) -> Path:
        """A folder with the index of all titles."""
        folder, on_batch = new_half(shard.folder), partial(_passed, shard, tell)
        write_config(folder, shard.config)
        now = origin(self.store, shard.space)
        batches = self.store.vector_batches(shard.space, {*shard.titles, *shard.held})
        build(
            folder,
            RowRecorder(now).passing(batches, folder, on_batch),
            dim=shard.space.dim,
            generator=np.random.default_rng(0),
            kinds=shard.config.kinds(),
            wanted=IndexTarget(
                shard.config.target,
                shard.config.memory_gb * 1e9,
                resolve_device(shard.device, has_gpu),
                shard.share,
            ),
            on_batch=on_batch,
        )
        return folder

    def _extended(self, shard: ShardToMake, tell: Tell) -> Path | None:
        """A folder with the shard before and more titles; None if it has to be built."""
        if shard.before is None:
            return None
        folder, on_batch = new_half(shard.folder), partial(_passed, shard, tell)
        write_config(folder, shard.config)
        now = origin(self.store, shard.space)
        batches = self.store.vector_batches(shard.space, set(shard.titles))
        try:
            rows = RowRecorder(now, read_shard(shard.before, shard.space))
            facts = extend(
                folder,
                shard.before,
                rows.passing(batches, folder, on_batch),
                more=shard.more,
                generator=np.random.default_rng(0),
                on_batch=on_batch,
            )
        except DamagedError:
            facts = None
        if facts is None:
            delete(folder)
            return None
        return folder


def _passed(shard: ShardToMake, tell: Tell, vectors: int) -> None:
    """Tell what has passed of a shard."""
    tell(RowsDone(shard.folder, vectors))


def is_made(shard: ShardToMake) -> bool:
    """True if an earlier run finished the shard and it can be read; else remove leftovers."""
    if not shard.folder.exists():
        return False
    try:
        read_shard(shard.folder, shard.space)
    except UNREADABLE:
        delete(shard.folder)
        return False
    return True
