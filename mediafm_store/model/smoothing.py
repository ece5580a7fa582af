"""Averages of the shots around a shot, by weights that fall with the distance."""

from collections.abc import Iterable, Iterator

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from mediafm_store.model.sequences import Packed

RANGES = (1.0, 2.5, 6.0, 16.0)
"""Ranges of the averages that predict a hidden shot, in shots: the distance at which weights fall
to 1/e."""
_TINY = 1e-9
_LAGS = 8
"""Distances over which it is seen how fast shots become unlike."""
_SCENES = torch.logspace(-0.5, 2.5, 60).tolist()
"""Candidate decay lengths of scenes, in shots."""
_SHARPER = 0.75
"""Factor for the reach that would be best if scenes drifted: they end abruptly
(docs/decisions/0009)."""
_NEAR, _FAR = 96, 8.0
"""Shots averaged together, and the number of reaches after which weights are cut off: e^-8."""


def averages(
    titles: Packed, masked: Bool[Tensor, " shots"]
) -> Iterator[tuple[Float[Tensor, "kinds masked shots"], Float[Tensor, "shots dim"]]]:
    """Yield for each title the averaging weights for its masked shots, and its fused vectors.

    One average a range, and the mean of the title. Masked and empty shots have weight 0.
    """
    seen = titles.eligible & ~masked
    parts = (part.split(titles.lengths) for part in (titles.fused, masked, seen))
    for fused, hidden, there in zip(*parts, strict=True):
        apart = distances(len(fused), fused.device)[hidden]
        counts = torch.stack(
            [*(_falling(apart, reach) for reach in RANGES), torch.ones_like(apart)]
        )
        counts = counts * there
        yield counts / counts.sum(-1, keepdim=True).clamp(min=_TINY), fused


class NeighbourSmoother(nn.Module):
    """Each shot averaged with those around it: what it shares with its scene, as far as time tells.

    If a scene drifts away from what it was by a factor a shot, and each shot adds what is its own,
    then the best linear estimate of the scene weighs shots by a two-sided exponential (the steady
    Kalman smoother of a first-order process in noise). Its reach follows from how alike shots are
    at each distance: short where scenes are short or shots say much by themselves.
    """

    reach: Tensor
    """In shots: that far away weights have fallen to 1/e."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("reach", torch.ones(()))

    def forward(self, vectors: Float[Tensor, "shots dim"]) -> Float[Tensor, "shots dim"]:
        """The weighted sums over the shots of one title."""
        beyond = int(_FAR * self.reach) + 1
        weights = _falling(distances(_NEAR + 2 * beyond, vectors.device), self.reach)
        parts = []
        for start in range(0, len(vectors), _NEAR):
            end = min(len(vectors), start + _NEAR)
            low, high = max(0, start - beyond), min(len(vectors), end + beyond)
            rows = weights[start - low : end - low, : high - low]
            parts.append(rows @ vectors[low:high])
        return torch.cat(parts)

    @torch.no_grad()
    def fit(self, titles: Iterable[Float[Tensor, "shots dim"]]) -> None:
        """Set the reach by the vectors of titles in play order."""
        self.reach.fill_(_SHARPER * _best_reach(_likeness_by_lag(titles)))


def _likeness_by_lag(titles: Iterable[Tensor]) -> Float[Tensor, " lags"]:
    """Mean inner product of shots that are 1, 2 .

    `_LAGS` apart, over that of shots themselves.
    """
    products, pairs = torch.zeros(_LAGS + 1), torch.zeros(_LAGS + 1)
    for vectors in titles:
        for lag in range(min(_LAGS + 1, len(vectors))):
            products[lag] += (vectors[: len(vectors) - lag] * vectors[lag:]).sum()
            pairs[lag] += len(vectors) - lag
    mean = products / pairs.clamp(min=1)
    return mean[1:] / mean[0].clamp(min=_TINY)


def _best_reach(alike: Float[Tensor, " lags"]) -> float:
    """Reach of the smoother for similarities of share * exp(-lag / scene), by least squares."""
    lags = torch.arange(1, _LAGS + 1)
    fits = []
    for scene in _SCENES:
        fall = torch.exp(-lags / scene)
        share = float((fall @ alike) / (fall @ fall))
        fits.append((float((alike - share * fall).square().sum()), scene, share))
    _, scene, share = min(fits)
    share = min(max(share, 0.01), 0.99)
    kept = torch.exp(torch.tensor(-1.0 / scene)).item()
    # The pole of the smoother: Anderson and Moore, "Optimal Filtering", 1979.
    trace = (share * (1 - kept**2) / (1 - share) + 1 + kept**2) / kept
    pole = trace / 2 - (trace**2 / 4 - 1) ** 0.5
    return float(-1 / torch.log(torch.tensor(pole)))


def distances(shots: int, device: torch.device) -> Float[Tensor, "shots shots"]:
    """Distances between all pairs of shots, in shots."""
    place = torch.arange(shots, device=device, dtype=torch.float32)
    return (place[:, None] - place).abs()


def _falling(apart: Float[Tensor, "n shots"], reach: float | Tensor) -> Float[Tensor, "n shots"]:
    """Weights that fall with the distance."""
    return torch.exp(-apart / reach)
