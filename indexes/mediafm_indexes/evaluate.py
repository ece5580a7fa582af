"""Recall and latency of searches, with and without filters."""

import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Int64

from mediafm_indexes.index import Neighbours
from mediafm_indexes.metadata import SearchQuality
from mediafm_indexes.recall import reached, recall_at_k
from mediafm_indexes.searcher import TUNED_FOR, VectorSearcher
from mediafm_indexes.vectors_file import Vectors

K = TUNED_FOR - 1
"""recall@10: a row that asks is no answer to itself."""
_DEEP = 5 * K
_QUERIES = 150
"""Queries to tune with, and as many to measure with: a standard error of 0.003 at recall 0.99."""
FILTERED = 50
"""Queries for each filter."""
SHARES = (0.1, 0.01, 0.001)
"""Shares of the rows that the measured filters keep."""
TIMED = 15
"""Queries whose median time decides between settings."""


class Sample(NamedTuple):
    """Rows as queries, with the exact answers to them; a row is no answer to itself."""

    rows: Int64[np.ndarray, " q"]
    queries: Float32[np.ndarray, "q dim"]
    exact: list[Neighbours]
    """More than the K nearest: DEEP, so that rows as near as the K-th are known."""


class Filter(NamedTuple):
    """A choice of rows, and queries with their answers among these."""

    only: Bool[np.ndarray, " rows"]
    sample: Sample


def draw(
    vectors: Vectors, generator: np.random.Generator, *, start: int = 0
) -> tuple[Sample, Sample]:
    """Draw two disjoint samples of rows, to tune with and to measure with.

    Rows for which any answer is right are left out, such as zero vectors and duplicates of many.

    Args:
        vectors: Vectors to draw from.
        generator: Source of the random order.
        start: First row that may be drawn.
    """
    rows = start + generator.permutation(len(vectors) - start)[: 2 * _QUERIES]
    sample = _answer(vectors, rows)
    telling = [i for i, one in enumerate(sample.exact) if not _undecided(one)]
    halves = np.array_split(np.array(telling), 2) if len(telling) > 1 else [[0], [0]]
    tuning, measuring = (
        Sample(sample.rows[h], sample.queries[h], [sample.exact[i] for i in h]) for h in halves
    )
    return tuning, measuring


def _undecided(answers: Neighbours) -> bool:
    """True if all answers score as high as the K-th, so that others which are not here may too."""
    return len(answers.scores) == _DEEP and bool(reached(answers.scores, answers.scores[:K]).all())


def measure(
    indexed: VectorSearcher, sample: Sample, generator: np.random.Generator
) -> SearchQuality:
    """Measure the recall and latency of a search, with and without filters."""
    took = _times(indexed, sample.queries)
    rows = sample.rows[:FILTERED]
    by_share = {s: filters(indexed.vectors, rows, s, generator) for s in SHARES}
    return SearchQuality(
        recall_at_10=recall(indexed, sample),
        p50_ms=float(np.median(took)) * 1e3,
        p99_ms=float(np.quantile(took, 0.99)) * 1e3,
        filtered_recall={str(s): worst_recall(indexed, f) for s, f in by_share.items()},
        filtered_ms={
            str(s): 1e3 * max(seconds_each(indexed, sample.queries, one.only) for one in f)
            for s, f in by_share.items()
        },
    )


def _answer(
    vectors: Vectors,
    rows: Int64[np.ndarray, " q"],
    *,
    only: Bool[np.ndarray, " rows"] | None = None,
) -> Sample:
    """Rows with their exact answers."""
    queries = vectors.read(rows)
    exact = vectors.nearest(queries, _DEEP + 1, only=only)
    return Sample(rows, queries, without_itself(exact, rows, _DEEP))


def without_itself(
    found: Sequence[Neighbours], rows: Int64[np.ndarray, " q"], k: int
) -> list[Neighbours]:
    """Best `k` answers without the row that is the query."""
    kept = [(one, one.rows != row) for one, row in zip(found, rows, strict=True)]
    return [Neighbours(one.rows[keep][:k], one.scores[keep][:k]) for one, keep in kept]


def filters(
    vectors: Vectors,
    rows: Int64[np.ndarray, " q"],
    share: float,
    generator: np.random.Generator,
) -> list[Filter]:
    """Two filters that keep a share of the rows: scattered rows, and contiguous rows.

    Rows of a title are contiguous, and mostly far from a query of another title.
    """
    count = max(1, round(share * len(vectors)))
    scattered, run = np.zeros((2, len(vectors)), bool)
    scattered[generator.choice(len(vectors), count, replace=False)] = True
    start = int(generator.integers(len(vectors) - count + 1))
    run[start : start + count] = True
    return [Filter(only, _answer(vectors, rows, only=only)) for only in (scattered, run)]


def worst_recall(indexed: VectorSearcher, chosen: Sequence[Filter]) -> float:
    """Lowest recall@10 under any of the filters."""
    return min(recall(indexed, sample, only) for only, sample in chosen)


def recall(
    indexed: VectorSearcher, sample: Sample, only: Bool[np.ndarray, " rows"] | None = None
) -> float:
    """Recall@10 of a search, 0 to 1."""
    found = indexed.search(sample.queries, TUNED_FOR, only=only)
    return recall_at_k(without_itself(found, sample.rows, K), sample.exact, K)


def seconds_each(
    indexed: VectorSearcher,
    queries: Float32[np.ndarray, "q dim"],
    only: Bool[np.ndarray, " rows"] | None = None,
) -> float:
    """Median latency of single queries, in seconds."""
    return float(np.median(_times(indexed, queries[:TIMED], only)))


def _times(
    indexed: VectorSearcher,
    queries: Float32[np.ndarray, "q dim"],
    only: Bool[np.ndarray, " rows"] | None = None,
) -> list[float]:
    """Seconds of each query, one at a time."""
    took = []
    for i in range(len(queries)):
        began = time.perf_counter()
        indexed.search(queries[i : i + 1], K, only=only)
        took.append(time.perf_counter() - began)
    return took
