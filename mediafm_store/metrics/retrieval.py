"""How good a ranked list is, where it is known how relevant each item is.

`ranked` are different items, best first; `grades` tells of every relevant item, found or not, how
relevant it is. What is not in it, or has grade 0, is not relevant.
"""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np

Item = TypeVar("Item", bound=Hashable)


def precision_at(k: int, ranked: Sequence[Item], grades: Mapping[Item, int]) -> float:
    """The share of the first `k` places that hold a relevant item; a place left empty does not.

    Raises ValueError for a `k` below 1, or an item that is listed twice.
    """
    return float(np.count_nonzero(_graded(ranked, grades)[: _checked(k)])) / k


def ndcg_at(k: int, ranked: Sequence[Item], grades: Mapping[Item, int]) -> float:
    """Normalised discounted cumulative gain of the first `k` places, 0 to 1.

    An item of grade g gains 2^g - 1, divided by log2(1 + its place); the best order of all relevant
    items, found or not, is 1 (Burges et al., "Learning to Rank using Gradient Descent", 2005).
    Raises ValueError where no item is relevant, for a `k` below 1, or an item that is listed twice.
    """
    ideal = np.sort(_relevant(grades))[::-1]
    return _gain(_graded(ranked, grades)[: _checked(k)]) / _gain(ideal[:k])


def average_precision(ranked: Sequence[Item], grades: Mapping[Item, int]) -> float:
    """The mean, over all relevant items, of the precision at the place of each; 0 where not found.

    Raises ValueError where no item is relevant, or for an item that is listed twice.
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
