"""How sure a figure is: what comes out where items are drawn anew."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

_ROUNDS = 1000
AT_ONCE = 1_000_000
"""Values of which as many rounds are looked at together."""


class Interval(NamedTuple):
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


def mean_interval(values: Sequence[float], *, rounds: int = _ROUNDS, seed: int = 0) -> Interval:
    """The mean, and the middle 95 % of the means of as many values drawn with replacement.

    The percentile bootstrap (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993).
    Raises ValueError where there are no values.
    """
    if not len(values):
        raise ValueError("there is no mean of no values")
    found, rng = np.asarray(values, np.float64), np.random.default_rng(seed)
    step = max(1, AT_ONCE // len(found))
    sizes = [min(step, rounds - done) for done in range(0, rounds, step)]
    drawn = [
        found[rng.integers(len(found), size=(size, len(found)))].mean(axis=1) for size in sizes
    ]
    return between(float(found.mean()), np.concatenate(drawn))


def draws(groups: int, rounds: int, seed: int) -> Iterator[np.ndarray]:
    """The numbers of groups drawn with replacement, so many rounds."""
    rng = np.random.default_rng(seed)
    for _ in range(rounds):
        yield rng.integers(groups, size=groups)


def between(value: float, drawn: Sequence[float] | np.ndarray) -> Interval:
    """A figure with the middle 95 % of others."""
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Interval(value, float(low), float(high))
