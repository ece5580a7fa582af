"""How good an index is, against the exact one."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32

from mediafm_indexes.exact import ExactIndex
from mediafm_indexes.index import Index, Neighbours


def recall_at_k(found: Sequence[Neighbours], exact: Sequence[Neighbours], k: int) -> float:
    """Share of the exact top `k` rows that were found; 1.0 if there are none to find."""
    pairs = list(zip(found, exact, strict=True))
    there = sum(len(np.intersect1d(f.rows[:k], e.rows[:k])) for f, e in pairs)
    wanted = sum(len(e.rows[:k]) for _, e in pairs)
    return there / wanted if wanted else 1.0


def measure_recall(
    index: Index,
    vectors: Float32[np.ndarray, "n dim"],
    *,
    generator: np.random.Generator,
    queries: int = 100,
    k: int = 10,
) -> float:
    """recall@k of an index of `vectors`, over queries drawn from them."""
    drawn = generator.choice(len(vectors), size=min(queries, len(vectors)), replace=False)
    sample = vectors[drawn]
    return recall_at_k(index.search(sample, k), ExactIndex(vectors).search(sample, k), k)
