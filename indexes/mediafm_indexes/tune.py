"""Find the quickest settings with which an index reaches a recall."""

import time
from dataclasses import replace

import numpy as np
from jaxtyping import Float32, Int64

from mediafm_indexes.evaluate import (
    FILTERED,
    SHARES,
    TIMED,
    K,
    Sample,
    filters,
    seconds_each,
    without_itself,
    worst_recall,
)
from mediafm_indexes.index import Index
from mediafm_indexes.metadata import SearchParams
from mediafm_indexes.recall import recall_by_candidates
from mediafm_indexes.searcher import VectorSearcher
from mediafm_indexes.vectors_file import Vectors

_CANDIDATES = (15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 800, 1200, 2000, 3000)
_WIDENINGS = (1.0, 2.0, 4.0, 8.0, 16.0)
_BETWEEN_SHARES = 10**0.5
"""From one share to the middle between it and the next."""


def tune(
    vectors: Vectors,
    index: Index,
    sample: Sample,
    *,
    target: float,
    generator: np.random.Generator,
) -> SearchParams | None:
    """Fastest settings that reach a recall@10, with filters too.

    Args:
        vectors: Vectors of the index.
        index: Trained and filled index.
        sample: Queries with their exact answers.
        target: Recall@10 to reach, 0 to 1.
        generator: Source of the random filters.

    Returns:
        The settings; None if none reach the target.
    """
    quickest = _tune_plain(vectors, index, sample, target=target)
    if quickest is None:
        return None
    indexed = VectorSearcher(vectors, index, quickest)
    return _tune_filters(indexed, sample.rows[:FILTERED], target=target, generator=generator)


def widest(index: Index) -> SearchParams:
    """Settings with the best recall: the widest search."""
    return SearchParams(effort=index.efforts[-1], candidates=_CANDIDATES[-1])


def _tune_plain(
    vectors: Vectors, index: Index, sample: Sample, *, target: float
) -> SearchParams | None:
    """The quickest settings without a filter, with half as many misses as the target allows."""
    best: tuple[float, SearchParams] | None = None
    for effort in index.efforts:
        count = _fewest_candidates(index, sample, effort, _halved(target))
        if count is None:
            continue
        settings = SearchParams(effort, count)
        took = seconds_each(VectorSearcher(vectors, index, settings), sample.queries)
        if best is None or took < best[0]:
            best = took, settings
        elif took > 2 * best[0]:
            break
    return best and best[1]


def _fewest_candidates(index: Index, sample: Sample, effort: int, wanted: float) -> int | None:
    """The least of CANDIDATES with which this effort reaches a recall; None if none does."""
    most = min(_CANDIDATES[-1], len(index))
    proposed = without_itself(index.search(sample.queries, most, effort=effort), sample.rows, most)
    besides = [count - 1 for count in _CANDIDATES]  # the row that asks is one of them
    recalls = recall_by_candidates(proposed, sample.exact, K, besides)
    return next((c for c, r in zip(_CANDIDATES, recalls, strict=True) if r >= wanted), None)


def _tune_filters(
    indexed: VectorSearcher,
    rows: Int64[np.ndarray, " q"],
    *,
    target: float,
    generator: np.random.Generator,
) -> SearchParams:
    """Settings for searches with a filter.

    For each share of rows that a filter may keep, the index is searched as widely as it has to be,
    or, where that takes longer or is not enough, every allowed row is compared. Shares between
    those that are tried go with the nearer one.
    """
    vectors, index = indexed.vectors, indexed.index
    each_s = _seconds_each_row(vectors, generator)
    plain = seconds_each(indexed, vectors.read(rows[:TIMED]))
    widest, exact_up_to = 1.0, plain / each_s
    for share in SHARES:
        chosen = filters(vectors, rows, share, generator)
        exact_s = share * len(vectors) * each_s
        for widening in _WIDENINGS:
            tried = VectorSearcher(
                vectors, index, replace(indexed.settings, widening=max(widest, widening))
            )
            took = max(seconds_each(tried, f.sample.queries, f.only) for f in chosen)
            if took < exact_s and worst_recall(tried, chosen) >= _halved(target):
                widest = max(widest, widening)
                break
        else:
            exact_up_to = max(exact_up_to, share * len(vectors) * _BETWEEN_SHARES)
    return replace(indexed.settings, widening=widest, exact_up_to=round(exact_up_to))


def _halved(target: float) -> float:
    """The recall with half as many misses: other queries shall reach the target, too."""
    return 1 - (1 - target) / 2


def _seconds_each_row(vectors: Vectors, generator: np.random.Generator) -> float:
    """Seconds that comparing one more row takes."""
    rows = generator.choice(len(vectors), min(1000, len(vectors)), replace=False)
    query: Float32[np.ndarray, " dim"] = vectors.read(rows[:1])[0]
    took = []
    for _ in range(TIMED):
        began = time.perf_counter()
        vectors.nearest_of(query, rows, K)
        took.append(time.perf_counter() - began)
    return float(np.median(took)) / len(rows)
