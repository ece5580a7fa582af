"""How bright or how loud a film is from moment to moment."""

from array import array
from bisect import bisect_left

import numpy as np
from jaxtyping import Float32

SILENCE_DB = -90.0
"""What digital silence counts as, in decibels below full scale."""


class TimeSeries:
    """A quantity sampled in time: append ascending times, then ask about segments of them."""

    def __init__(self) -> None:
        self._times = array("d")
        self._values = array("d")

    def __len__(self) -> int:
        return len(self._times)

    def append(self, seconds: float, value: float) -> None:
        """Add the value from `seconds` on."""
        self._times.append(seconds)
        self._values.append(value)

    def values(self, start_s: float, end_s: float) -> "array[float]":
        """Those of [start_s, end_s)."""
        first = bisect_left(self._times, start_s)
        return self._values[first : bisect_left(self._times, end_s, first)]

    def mean(self, start_s: float, end_s: float) -> float | None:
        """The mean over [start_s, end_s); None if nothing was sampled there."""
        values = self.values(start_s, end_s)
        return sum(values) / len(values) if values else None

    def lowest(self, start_s: float, end_s: float) -> float | None:
        """The smallest value in [start_s, end_s); None if nothing was sampled there."""
        return min(self.values(start_s, end_s), default=None)

    def highest(self, start_s: float, end_s: float) -> float | None:
        """The largest value in [start_s, end_s); None if nothing was sampled there."""
        return max(self.values(start_s, end_s), default=None)


def loudness_db(samples: Float32[np.ndarray, " n"]) -> float:
    """Root mean square of samples in [-1, 1], in decibels below full scale."""
    power = float(np.mean(np.square(samples), dtype=np.float64)) if len(samples) else 0.0
    return max(SILENCE_DB, 10 * float(np.log10(power))) if power > 0 else SILENCE_DB
