"""How much an approximate search finds of what an exact one does."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32

from mediafm_indexes.index import Neighbours

_TIE = 1e-6
"""Scores closer than this are one score: which of two equal rows is found does not matter."""


def recall_at_k(found: Sequence[Neighbours], exact: Sequence[Neighbours], k: int) -> float:
    """Share of the exact top `k` that was found, or others as near; 1.0 if there are none.

    The scores of `found` have to be exact, too.
    """
    wanted = [e.scores[:k] for e in exact]
    there = sum(
        min(len(w), int(reached(f.scores[:k], w).sum())) for f, w in zip(found, wanted, strict=True)
    )
    total = sum(map(len, wanted))
    return there / total if total else 1.0


def recall_by_candidates(
    candidates: Sequence[Neighbours], exact: Sequence[Neighbours], k: int, counts: Sequence[int]
) -> list[float]:
    """recall@k if only so many of the candidates were looked at.

    `exact` are more than `k` answers: all that are as near as the last that is wanted.
    """
    shares = []
    for one, best in zip(candidates, exact, strict=True):
        wanted = len(best.scores[:k])
        near = best.rows[reached(best.scores, best.scores[:k])]
        if wanted:
            there = np.cumsum([False, *np.isin(one.rows, near)])  # among the first 0, 1, 2, ...
            shares.append([min(there[min(c, len(one.rows))], wanted) / wanted for c in counts])
    return [float(share) for share in np.mean(shares, axis=0)] if shares else [1.0] * len(counts)


def reached(scores: Float32[np.ndarray, " n"], wanted: Float32[np.ndarray, " k"]) -> np.ndarray:
    """Which scores are as good as the last that is wanted."""
    return scores >= wanted[-1] - _TIE if len(wanted) else np.zeros(len(scores), bool)
