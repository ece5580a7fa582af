"""Segmentation of a sequence of shots into runs of similar ones, with a confidence for each cut."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64

from mediafm_store.arrays import Vectors

_PENALTY = 1.5
"""Cost of one more scene, in mean squared distances of the title's shots from their mean. A shot
taken out of noise saves one. Chosen on labelled films (docs/decisions/0015)."""
_TEMPER = 0.2
"""Temperature, as a share of the penalty: partitions that cost this much more are e times less
likely."""
_LONGEST = 256
"""Shots of a scene; in labelled films none has more than 94. It bounds time and memory."""
_PIECE = 128
"""Scenes whose costs are computed together, by their last shot."""
_SAME = 1e-6
"""Mean squared distance of shots that are all one."""


class Segments(NamedTuple):
    """Scenes of a sequence of shots."""

    starts: list[int]
    """Index of the first shot of each; the first is 0."""
    scores: Float32[np.ndarray, " cuts"]
    """For each cut how likely a scene begins there, 0 to 1, over all ways to part the shots."""


def segment(vectors: Vectors) -> Segments:
    """Segment shots in play order into scenes whose shots lie near the scene's mean.

    The sum of squared distances from the means of the scenes, with `_PENALTY` for each scene, is
    the least that there is. It is the optimal partition of Jackson et al., "An algorithm for
    optimal partitioning of data on an interval", 2005: n x `_LONGEST` steps. Scores are the
    marginals of the Gibbs distribution over partitions, forward and backward (Rabiner 1989).
    """
    shots = len(vectors)
    variance = _mean_squared_distance(vectors)
    if shots < 2 or variance < _SAME:
        return Segments([0][:shots], np.zeros(max(0, shots - 1), np.float32))
    costs = _scene_costs(vectors) + _PENALTY * variance
    return Segments(_cheapest(costs), _chances(costs / (_TEMPER * _PENALTY * variance)))


def _mean_squared_distance(vectors: Vectors) -> float:
    """Mean squared distance from the mean."""
    if not len(vectors):
        return 0.0
    return float(np.square(vectors - vectors.mean(axis=0)).sum(axis=1, dtype=np.float64).mean())


def _scene_costs(vectors: Vectors) -> Float64[np.ndarray, "shots longest"]:
    """Sum of squared distances from their mean of the `k` + 1 shots that end with shot `i`.

    Infinite in [i, k] where there are no such shots.
    """
    shots, longest = len(vectors), min(_LONGEST, len(vectors))
    costs = np.full((shots, longest), np.inf)
    for low in range(0, shots, _PIECE):
        high, first = min(shots, low + _PIECE), max(0, low + 1 - longest)
        part = vectors[first:high].astype(np.float64)
        sums = np.concatenate([np.zeros((1, part.shape[1])), part.cumsum(axis=0)])
        norms = np.square(sums).sum(axis=1)
        squares = np.concatenate([[0.0], np.square(part).sum(axis=1).cumsum()])
        ends = np.arange(low, high) + 1 - first
        products = sums[ends] @ sums.T
        for row, end in enumerate(ends.tolist()):
            count = min(longest, end)
            starts = end - 1 - np.arange(count)
            total = norms[end] + norms[starts] - 2 * products[row, starts]
            costs[low + row, :count] = squares[end] - squares[starts] - total / (end - starts)
    return costs.clip(min=0)


def _cheapest(costs: Float64[np.ndarray, "shots longest"]) -> list[int]:
    """First shots of the partition whose scenes cost least together."""
    shots, longest = costs.shape
    best, last = np.zeros(shots + 1), np.zeros(shots + 1, int)
    for end in range(1, shots + 1):
        low = max(0, end - longest)
        ways = best[low:end] + costs[end - 1, : end - low][::-1]
        last[end] = low + ways.argmin()
        best[end] = ways.min()
    starts, end = [], shots
    while end:
        end = int(last[end])
        starts.append(end)
    return starts[::-1]


def _chances(costs: Float64[np.ndarray, "shots longest"]) -> Float32[np.ndarray, " cuts"]:
    """Share of the partitions, each counting e^-cost, that have a scene begin after each cut."""
    shots, longest = costs.shape
    before, after = np.zeros(shots + 1), np.zeros(shots + 1)
    for end in range(1, shots + 1):
        low = max(0, end - longest)
        before[end] = np.logaddexp.reduce(before[low:end] - costs[end - 1, : end - low][::-1])
    for start in range(shots - 1, -1, -1):
        ends = np.arange(start + 1, min(shots, start + longest) + 1)
        after[start] = np.logaddexp.reduce(after[ends] - costs[ends - 1, ends - 1 - start])
    log_shares = (before + after - before[shots])[1:shots]
    return np.exp(log_shares.clip(max=0)).astype(np.float32)
