"""Time series of the brightness or loudness of a film."""

from array import array
from bisect import bisect_left

import numpy as np
from jaxtyping import Float32

_SILENCE_DB = -90.0
"""Level of digital silence, in decibels below full scale."""


class TimeSeries:
    """A quantity sampled in time: append ascending times, then query intervals."""

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
        """Values within [start_s, end_s)."""
        first = bisect_left(self._times, start_s)
        return self._values[first : bisect_left(self._times, end_s, first)]

    def mean(self, start_s: float, end_s: float) -> float | None:
        """Mean over [start_s, end_s); None if there are no samples."""
        values = self.values(start_s, end_s)
        return sum(values) / len(values) if values else None

    def lowest(self, start_s: float, end_s: float) -> float | None:
        """Minimum over [start_s, end_s); None if there are no samples."""
        return min(self.values(start_s, end_s), default=None)

    def highest(self, start_s: float, end_s: float) -> float | None:
        """Maximum over [start_s, end_s); None if there are no samples."""
        return max(self.values(start_s, end_s), default=None)


def loudness_db(samples: Float32[np.ndarray, " n"]) -> float:
    """Root mean square of samples in [-1, 1], in dB below full scale."""
    power = float(np.mean(np.square(samples), dtype=np.float64)) if len(samples) else 0.0
    return max(_SILENCE_DB, 10 * float(np.log10(power))) if power > 0 else _SILENCE_DB
