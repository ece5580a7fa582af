"""Recall of an approximate search against an exact one."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32

from mediafm_indexes.index import Neighbours

_TIE = 1e-6
"""Scores closer than this are one score: which of two equal rows is found does not matter."""


def recall_at_k(found: Sequence[Neighbours], exact: Sequence[Neighbours], k: int) -> float:
    """Share of the exact top `k` that was found; ties with the last count as found.

    Args:
        found: Answers by query, with exact scores.
        exact: Exact answers by query.
        k: Number of answers that count.

    Returns:
        The mean over queries, 0 to 1; 1.0 if there are none.

    Example:
        >>> exact = Neighbours(np.array([4, 7]), np.array([0.9, 0.8], np.float32))
        >>> found = Neighbours(np.array([4, 1]), np.array([0.9, 0.3], np.float32))
        >>> recall_at_k([found], [exact], 2)
        0.5
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
    """Recall@k by the number of candidates that are scored exactly.

    Args:
        candidates: Candidates by query, best first.
        exact: More than `k` exact answers by query: all that tie with the last one wanted.
        k: Number of answers that count.
        counts: Numbers of candidates.

    Returns:
        Recall for each of `counts`.
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
    """Scores that are as good as the last one wanted, as a mask."""
    return scores >= wanted[-1] - _TIE if len(wanted) else np.zeros(len(scores), bool)
