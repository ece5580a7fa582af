"""Measures of ranked lists with graded relevance.

`ranked` are different items, best first; `grades` has the relevance of every relevant item, found
or not. Items that are not in it, or have grade 0, are not relevant.
"""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np

Item = TypeVar("Item", bound=Hashable)


def precision_at(k: int, ranked: Sequence[Item], grades: Mapping[Item, int]) -> float:
    """Share of the first `k` places with a relevant item; an empty place counts as a miss.

    Raises:
        ValueError: If `k` is below 1, or an item is listed twice.

    Example:
        >>> precision_at(2, ["a", "b", "c"], {"a": 1, "c": 2})
        0.5
    """
    return float(np.count_nonzero(_graded(ranked, grades)[: _checked(k)])) / k


def ndcg_at(k: int, ranked: Sequence[Item], grades: Mapping[Item, int]) -> float:
    """Normalised discounted cumulative gain of the first `k` places, 0 to 1.

    An item of grade g gains 2^g - 1, divided by log2(1 + its place); the best order of all relevant
    items, found or not, scores 1 (Burges et al., "Learning to Rank using Gradient Descent", 2005).

    Raises:
        ValueError: If no item is relevant, `k` is below 1, or an item is listed twice.

    Example:
        >>> ndcg_at(3, ["c", "a"], {"a": 1, "c": 2})
        1.0
    """
    ideal = np.sort(_relevant(grades))[::-1]
    return _gain(_graded(ranked, grades)[: _checked(k)]) / _gain(ideal[:k])


def average_precision(ranked: Sequence[Item], grades: Mapping[Item, int]) -> float:
    """Mean over all relevant items of the precision at their places; 0 for those not found.

    Raises:
        ValueError: If no item is relevant, or an item is listed twice.

    Example:
        >>> average_precision(["a", "b", "c"], {"a": 1, "d": 1})
        0.5
    """
    hit = _graded(ranked, grades) > 0
    precision = np.cumsum(hit) / np.arange(1, len(hit) + 1)
    return float(precision[hit].sum()) / len(_relevant(grades))


def _graded(ranked: Sequence[Item], grades: Mapping[Item, int]) -> np.ndarray:
    """The grade at each place."""
    if len(set(ranked)) < len(ranked):
        (twice, _), *_ = Counter(ranked).most_common(1)
        raise ValueError(f"an item has one place in a ranked list; {twice!r} is listed twice")
    return np.array([grades.get(item, 0) for item in ranked], np.float64)


def _relevant(grades: Mapping[Item, int]) -> np.ndarray:
    """The grades of the relevant items, at least one."""
    found = [grade for grade in grades.values() if grade > 0]
    if not found:
        raise ValueError("no item is relevant: there is nothing to find")
    return np.array(found, np.float64)


def _gain(grades: np.ndarray) -> float:
    """Discounted cumulative gain."""
    return float(((2**grades - 1) / np.log2(np.arange(2, len(grades) + 2))).sum())


def _checked(k: int) -> int:
    """A number of places, at least one."""
    if k < 1:
        raise ValueError(f"the first {k} places hold nothing; k is 1 or more")
    return k
