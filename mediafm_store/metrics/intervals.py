"""Bootstrap confidence intervals."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

_ROUNDS = 1000
_AT_ONCE = 1_000_000
"""Values of which as many rounds are looked at together."""


class Interval(NamedTuple):
    """A measure with its 95 % interval."""

    value: float
    low: float
    high: float


def mean_interval(values: Sequence[float], *, rounds: int = _ROUNDS, seed: int = 0) -> Interval:
    """Mean with its 95 % interval, by the percentile bootstrap.

    Efron and Tibshirani, "An Introduction to the Bootstrap", 1993.

    Raises:
        ValueError: If there are no values.

    Example:
        >>> mean_interval([0.5, 0.5, 0.5]).value
        0.5
    """
    if not len(values):
        raise ValueError("there is no mean of no values")
    found, rng = np.asarray(values, np.float64), np.random.default_rng(seed)
    step = max(1, _AT_ONCE // len(found))
    sizes = [min(step, rounds - done) for done in range(0, rounds, step)]
    drawn = [
        found[rng.integers(len(found), size=(size, len(found)))].mean(axis=1) for size in sizes
    ]
    return between(float(found.mean()), np.concatenate(drawn))


def draws(groups: int, rounds: int, seed: int) -> Iterator[np.ndarray]:
    """Yield `rounds` bootstrap draws of group numbers, with replacement."""
    rng = np.random.default_rng(seed)
    for _ in range(rounds):
        yield rng.integers(groups, size=groups)


def between(value: float, drawn: Sequence[float] | np.ndarray) -> Interval:
    """A measure with the middle 95 % of its bootstrap values."""
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Interval(value, float(low), float(high))
