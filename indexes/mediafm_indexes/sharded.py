"""Several indexes as one: each is searched, and the best of all their answers are kept."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from jaxtyping import Bool, Float32, Int64

from mediafm_indexes.index import Neighbours
from mediafm_indexes.searcher import VectorSearcher
from mediafm_indexes.vectors_file import best_of

_POOL = ThreadPoolExecutor(os.cpu_count(), "shards")
"""Threads that search several shards for one query; FAISS itself runs many queries in parallel."""


class _Sharded:
    """Search among the vectors of several indexes, rows numbered one index after the other.

    Each shard is searched with its own settings for all `k` answers, so what each of them would
    find of its own rows is found.
    """

    def __init__(self, shards: Sequence[VectorSearcher]) -> None:
        self._shards = shards
        ends = np.cumsum([len(shard) for shard in shards]).tolist()
        self._spans = [slice(end - len(s), end) for s, end in zip(shards, ends, strict=True)]

    def __len__(self) -> int:
        return sum(map(len, self._shards))

    def search(
        self,
        queries: Float32[np.ndarray, "q dim"],
        k: int,
        *,
        only: Bool[np.ndarray, " rows"] | None = None,
    ) -> list[Neighbours]:
        """The `k` rows with the largest inner products, of those that `only` allows."""

        def of_shard(shard: VectorSearcher, rows: slice) -> list[Neighbours]:
            among = None if only is None else only[rows]
            found = shard.search(queries, k, only=None if among is None or among.all() else among)
            return [Neighbours(one.rows + rows.start, one.scores) for one in found]

        over = _POOL.map if len(queries) == 1 else map
        by_shard = list(over(of_shard, self._shards, self._spans))
        return [best_of(answers, k) for answers in zip(*by_shard, strict=True)]

    def read(self, rows: Int64[np.ndarray, " n"]) -> Float32[np.ndarray, "n dim"]:
        """Some of the vectors."""
        found = np.empty((len(rows), self._shards[0].vectors.dim), np.float32)
        for shard, span in zip(self._shards, self._spans, strict=True):
            here = (rows >= span.start) & (rows < span.stop)
            if here.any():
                found[here] = shard.read(rows[here] - span.start)
        return found


Searched = VectorSearcher | _Sharded


def combine_shards(shards: Sequence[VectorSearcher]) -> Searched:
    """Combine shards into one searchable index."""
    return shards[0] if len(shards) == 1 else _Sharded(shards)
