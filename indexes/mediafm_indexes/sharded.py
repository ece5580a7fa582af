"""Several indexes as one: each is searched, and the best of all their answers are kept."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from jaxtyping import Bool, Float32, Int64

from mediafm_indexes.index import Neighbours
from mediafm_indexes.indexed import IndexedVectors
from mediafm_indexes.vectors import Vectors, best_of

POOL = ThreadPoolExecutor(os.cpu_count(), "shards")
"""One query is looked for in several shards at once; of many, FAISS takes several at once."""
Search = Callable[..., list[Neighbours]]


class Parts:
    """Rows of several parts, numbered one part after the other."""

    def __init__(self, sizes: Sequence[int]) -> None:
        ends = np.cumsum(sizes).tolist()
        self.spans = [slice(end - size, end) for size, end in zip(sizes, ends, strict=True)]

    def merged(
        self,
        searches: Sequence[Search],
        queries: Float32[np.ndarray, "q dim"],
        k: int,
        only: Bool[np.ndarray, " rows"] | None,
    ) -> list[Neighbours]:
        """The `k` best of all parts for each query, of those that `only` allows."""

        def of_part(search: Search, rows: slice) -> list[Neighbours]:
            among = None if only is None else only[rows]
            found = search(queries, k, only=None if among is None or among.all() else among)
            return [Neighbours(one.rows + rows.start, one.scores) for one in found]

        over = POOL.map if len(queries) == 1 else map
        by_part = list(over(of_part, searches, self.spans))
        return [best_of(answers, k) for answers in zip(*by_part, strict=True)]


class ShardedVectors:
    """The vectors of several folders, one after the other."""

    def __init__(self, shards: Sequence[Vectors]) -> None:
        self._shards = shards
        self._parts = Parts([len(shard) for shard in shards])

    def __len__(self) -> int:
        return sum(map(len, self._shards))

    def read(self, rows: Int64[np.ndarray, " n"]) -> Float32[np.ndarray, "n dim"]:
        """Some of the vectors."""
        found = np.empty((len(rows), self._shards[0].dim), np.float32)
        for shard, span in zip(self._shards, self._parts.spans, strict=True):
            here = (rows >= span.start) & (rows < span.stop)
            if here.any():
                found[here] = shard.read(rows[here] - span.start)
        return found

    def nearest(
        self,
        queries: Float32[np.ndarray, "q dim"],
        k: int,
        *,
        only: Bool[np.ndarray, " rows"] | None = None,
    ) -> list[Neighbours]:
        """The `k` nearest of all vectors, or of those that `only` allows."""
        return self._parts.merged([s.nearest for s in self._shards], queries, k, only)


class Sharded:
    """Search among the vectors of several indexes, as in those of one.

    Each shard is searched with its own settings for all `k` answers, so what each of them would
    find of its own rows is found.
    """

    def __init__(self, shards: Sequence[IndexedVectors]) -> None:
        self._shards = shards
        self._parts = Parts([len(shard) for shard in shards])
        self.vectors = ShardedVectors([shard.vectors for shard in shards])

    def __len__(self) -> int:
        return len(self.vectors)

    def search(
        self,
        queries: Float32[np.ndarray, "q dim"],
        k: int,
        *,
        only: Bool[np.ndarray, " rows"] | None = None,
    ) -> list[Neighbours]:
        """The `k` rows with the largest inner products, of those that `only` allows."""
        return self._parts.merged([s.search for s in self._shards], queries, k, only)


Searched = IndexedVectors | Sharded


def together(shards: Sequence[IndexedVectors]) -> Searched:
    """Shards as one index; one alone is one."""
    return shards[0] if len(shards) == 1 else Sharded(shards)
