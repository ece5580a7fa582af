"""Vectors in a file: float16, mapped into memory rather than read, and scored exactly."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float16, Float32, Int64, UInt64

from mediafm_indexes.faiss_utils import faiss, half_index, selector, threads_for
from mediafm_indexes.index import Neighbours

_BATCH = 8192
"""Vectors that are held as float32 at a time: 75 MB of 2304 dimensions."""
_MANY = 20
"""Queries that are quicker answered together."""
_NARROW = 16
"""If one row in this many or fewer is needed, rows are fetched; else all are read in order."""


class DamagedError(ValueError):
    """A file does not hold what was written to it."""

    def __init__(self, path: Path, how: str = "is damaged") -> None:
        super().__init__(path, how)
        self.path = path

    def __str__(self) -> str:
        return " ".join(map(str, self.args))


class Vectors:
    """Vectors of a folder, in the order in which they were written.

    Searches are exact over float16. A row that is read by its number is compared with the checksum
    that was written with it; DamagedError is raised if it differs.
    """

    def __init__(self, folder: Path, *, rows: int, dim: int) -> None:
        try:
            self._stored = np.asarray(
                np.memmap(folder / VECTORS, np.float16, "r", shape=(rows, dim))
            )
            self._checks = np.asarray(np.memmap(folder / CHECKS, np.uint64, "r", shape=(rows,)))
        except (OSError, ValueError) as error:
            raise DamagedError(folder / VECTORS, "is shorter than it was written") from error
        self._folder = folder
        self._scan = half_index(self._stored)

    def __len__(self) -> int:
        return len(self._stored)

    @property
    def dim(self) -> int:
        """Length of each vector."""
        return int(self._stored.shape[1])

    def read(self, rows: Int64[np.ndarray, " n"]) -> Float32[np.ndarray, "n dim"]:
        """Vectors of some rows."""
        return self._checked(rows).astype(np.float32)

    def batches(self, start: int = 0) -> Iterator[Float32[np.ndarray, "_ dim"]]:
        """Yield the vectors from row `start` on, in batches."""
        for rows in self._parts(start):
            yield self.read(rows)

    def check(self) -> None:
        """Compare every row with its checksum."""
        for rows in self._parts():
            self._checked(rows)

    def _parts(self, start: int = 0) -> Iterator[Int64[np.ndarray, " _"]]:
        for first in range(start, len(self), _BATCH):
            yield np.arange(first, min(first + _BATCH, len(self)))

    def nearest(
        self,
        queries: Float32[np.ndarray, "q dim"],
        k: int,
        *,
        only: Bool[np.ndarray, " rows"] | None = None,
    ) -> list[Neighbours]:
        """The `k` nearest of all vectors, or of those that `only` allows, by exact search."""
        if only is None and len(queries) >= _MANY:
            return self._nearest_of_many(queries, min(k, len(self)))
        if only is not None:
            allowed = np.flatnonzero(only)
            if len(allowed) * _NARROW <= len(self):
                return [self.nearest_of(query, allowed, k) for query in queries]
        how = faiss.SearchParameters(sel=selector(only)) if only is not None else None
        with threads_for(queries):
            scores, rows = self._scan.search(queries, min(k, len(self)), params=how)
        return [Neighbours(r[r >= 0], s[r >= 0]) for r, s in zip(rows, scores, strict=True)]

    def _nearest_of_many(self, queries: Float32[np.ndarray, "q dim"], k: int) -> list[Neighbours]:
        """Search by matrix products: each vector is widened to float32 once, not once per query."""
        best = faiss.ResultHeap(len(queries), k, keep_max=True)
        start = 0
        for batch in self.batches():
            metric = faiss.METRIC_INNER_PRODUCT
            scores, rows = faiss.knn(queries, batch, min(k, len(batch)), metric=metric)
            best.add_result(scores, rows + start)
            start += len(batch)
        best.finalize()
        return [Neighbours(r, s) for r, s in zip(best.I, best.D, strict=True)]

    def nearest_of(
        self, query: Float32[np.ndarray, " dim"], rows: Int64[np.ndarray, " n"], k: int
    ) -> Neighbours:
        """The `k` nearest of some rows."""
        if not len(rows):
            return Neighbours(np.empty(0, np.int64), np.empty(0, np.float32))
        if len(rows) > _BATCH:
            parts = [
                self.nearest_of(query, p, k)
                for p in np.split(rows, range(_BATCH, len(rows), _BATCH))
            ]
            return best_of(parts, k)
        # Scored by FAISS from float16: numpy takes 0.8 ns for each number that it widens.
        fetched = half_index(self._checked(rows))
        with threads_for(query[None]):
            scores, places = fetched.search(query[None], min(k, len(rows)))
        return Neighbours(rows[places[0]], scores[0])

    def _checked(self, rows: Int64[np.ndarray, " n"]) -> Float16[np.ndarray, "n dim"]:
        found = np.take(self._stored, rows, axis=0)
        if not np.array_equal(_checksums(found), self._checks[rows]):
            raise DamagedError(self._folder / VECTORS)
        return found


VECTORS = "vectors.f16"
CHECKS = "checks.u64"


def write_vectors(folder: Path, batches: Iterable[Float16[np.ndarray, "_ dim"]]) -> int:
    """Append vectors to those of a folder; return their number."""
    written = 0
    with (folder / VECTORS).open("ab") as vectors, (folder / CHECKS).open("ab") as checks:
        for batch in batches:
            vectors.write(np.ascontiguousarray(batch).data)
            checks.write(_checksums(batch).data)
            written += len(batch)
    return written


def _checksums(vectors: Float16[np.ndarray, "n dim"]) -> UInt64[np.ndarray, " n"]:
    """One number a row: the exclusive or of its words, against accidents rather than attacks."""
    words = np.ascontiguousarray(vectors).view(
        np.uint64 if vectors.shape[1] % 4 == 0 else np.uint16
    )
    return np.bitwise_xor.reduce(words, axis=1).astype(np.uint64)


def best_of(parts: Iterable[Neighbours], k: int) -> Neighbours:
    """Merge several answers to one query into its best `k`."""
    joined = [np.concatenate(part) for part in zip(*parts, strict=True)]
    rows, scores = joined
    order = np.argsort(-scores, kind="stable")[:k]
    return Neighbours(rows[order], scores[order])
