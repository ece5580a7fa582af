"""Find the quickest settings with which an index reaches a recall."""

import time
from dataclasses import replace

import numpy as np
from jaxtyping import Float32, Int64

from mediafm_indexes.facts import Settings
from mediafm_indexes.index import Index
from mediafm_indexes.indexed import IndexedVectors
from mediafm_indexes.measuring import (
    FILTERED,
    SHARES,
    TIMED,
    K,
    Sample,
    filters,
    others,
    seconds_each,
    worst_recall,
)
from mediafm_indexes.recall import recall_by_candidates
from mediafm_indexes.vectors import Vectors

CANDIDATES = (15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 800, 1200, 2000, 3000)
WIDENINGS = (1.0, 2.0, 4.0, 8.0)


def tune(
    vectors: Vectors,
    index: Index,
    sample: Sample,
    *,
    target: float,
    generator: np.random.Generator,
) -> Settings | None:
    """The quickest settings that reach a recall@10, with filters too; None if there are none."""
    quickest = tune_plain(vectors, index, sample, target=target)
    if quickest is None:
        return None
    indexed = IndexedVectors(vectors, index, quickest)
    return tune_filters(indexed, sample.rows[:FILTERED], target=target, generator=generator)


def widest(index: Index) -> Settings:
    """The settings that miss the least."""
    return Settings(effort=index.efforts[-1], candidates=CANDIDATES[-1])


def tune_plain(vectors: Vectors, index: Index, sample: Sample, *, target: float) -> Settings | None:
    """The quickest settings without a filter, with half as many misses as the target allows.

    Half, since other queries than those of the sample shall reach the target, too.
    """
    wanted = 1 - (1 - target) / 2
    best: tuple[float, Settings] | None = None
    for effort in index.efforts:
        count = fewest_candidates(index, sample, effort, wanted)
        if count is None:
            continue
        settings = Settings(effort, count)
        took = seconds_each(IndexedVectors(vectors, index, settings), sample.queries)
        if best is None or took < best[0]:
            best = took, settings
        elif took > 2 * best[0]:
            break
    return best and best[1]


def fewest_candidates(index: Index, sample: Sample, effort: int, wanted: float) -> int | None:
    """The least of CANDIDATES with which this effort reaches a recall; None if none does."""
    most = min(CANDIDATES[-1], len(index))
    proposed = others(index.search(sample.queries, most, effort=effort), sample.rows, most)
    besides = [count - 1 for count in CANDIDATES]  # the row that asks is one of them
    recalls = recall_by_candidates(proposed, sample.exact, K, besides)
    return next((c for c, r in zip(CANDIDATES, recalls, strict=True) if r >= wanted), None)


def tune_filters(
    indexed: IndexedVectors,
    rows: Int64[np.ndarray, " q"],
    *,
    target: float,
    generator: np.random.Generator,
) -> Settings:
    """Settings for searches with a filter.

    First, how much wider they have to be. Then, up to which number of allowed rows each is
    compared: because that is quicker than the index, or because the index misses too much.
    """
    vectors, index = indexed.vectors, indexed.index
    by_share = {share: filters(vectors, rows, share, generator) for share in SHARES}
    for widening in WIDENINGS:
        settings = replace(indexed.settings, widening=widening)
        tried = IndexedVectors(vectors, index, settings)
        if worst_recall(tried, by_share[SHARES[0]]) >= target:
            break
    each_s = seconds_each_row(vectors, generator)
    queries = vectors.read(rows[:TIMED])
    exact_up_to = seconds_each(tried, queries) / each_s
    for share, chosen in by_share.items():
        allowed = share * len(vectors)
        took = seconds_each(tried, queries, chosen[0].only)
        if took >= allowed * each_s or worst_recall(tried, chosen) < target:
            exact_up_to = max(exact_up_to, allowed)
    return replace(settings, exact_up_to=round(exact_up_to))


def seconds_each_row(vectors: Vectors, generator: np.random.Generator) -> float:
    """What comparing one row more takes."""
    rows = generator.choice(len(vectors), min(1000, len(vectors)), replace=False)
    query: Float32[np.ndarray, " dim"] = vectors.read(rows[:1])[0]
    took = []
    for _ in range(TIMED):
        began = time.perf_counter()
        vectors.nearest_of(query, rows, K)
        took.append(time.perf_counter() - began)
    return float(np.median(took)) / len(rows)
