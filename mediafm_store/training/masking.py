"""Masked shot modelling: what to hide, how wrong a prediction is, and how easy it was."""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mediafm_store.model.sequences import Packed

Predictor = Callable[[Packed, Bool[Tensor, " shots"]], Float[Tensor, "masked dim"]]
"""Guesses the shots that are masked, in play order."""
_PieceGuess = Callable[
    [Float[Tensor, "shots dim"], Int[Tensor, " seen"], Int[Tensor, " masked"]], Tensor
]
"""Guesses shots of one title from those that are seen; both by number, ascending."""


def mask_shots(
    eligible: Bool[Tensor, " shots"],
    lengths: Sequence[int],
    *,
    rate: float,
    tickets: Float[Tensor, " shots"],
) -> Bool[Tensor, " shots"]:
    """Hide `rate` of the eligible shots of each sequence, at least one where there is any.

    `tickets` are random numbers below 1 on the CPU; in each sequence the lowest are drawn.
    """
    lottery = tickets.masked_fill(~eligible.cpu(), 2.0)
    masked = torch.zeros(len(eligible), dtype=torch.bool)
    parts = lottery.split(tuple(lengths)), masked.split(tuple(lengths))
    for ticket, hidden in zip(*parts, strict=True):
        there = int((ticket < 1).sum())
        hidden[ticket.argsort()[: min(there, max(1, round(rate * there)))]] = True
    return masked.to(eligible.device)


def cosine_distances(
    predicted: Float[Tensor, "masked dim"], truth: Float[Tensor, "masked dim"]
) -> Float[Tensor, " masked"]:
    """1 - cosine between prediction and truth: 0 is perfect, 1 unrelated."""
    return 1 - F.cosine_similarity(predicted, truth, dim=-1)


def trivial_predictors() -> dict[str, Predictor]:
    """Baselines that a trained model must beat: predictors that know only the visible shots."""
    guesses: dict[str, _PieceGuess] = {
        "title mean": _title_mean,
        "mean of 4 neighbours": _neighbour_mean,
        "interpolation": _interpolation,
    }
    return {name: _by_title(guess) for name, guess in guesses.items()}


def _by_title(guess: _PieceGuess) -> Predictor:
    """A predictor that looks at one title at a time."""

    def predict(titles: Packed, masked: Bool[Tensor, " shots"]) -> Float[Tensor, "masked dim"]:
        pieces = (part.split(titles.lengths) for part in (titles.fused, masked, titles.eligible))
        return torch.cat(
            [
                guess(fused, (eligible & ~hidden).nonzero()[:, 0], hidden.nonzero()[:, 0])
                for fused, hidden, eligible in zip(*pieces, strict=True)
            ]
        )

    return predict


def _title_mean(
    fused: Float[Tensor, "shots dim"], seen: Int[Tensor, " seen"], masked: Int[Tensor, " masked"]
) -> Float[Tensor, "masked dim"]:
    """The mean of all that is seen."""
    mean = fused[seen].sum(0) / max(1, len(seen))
    return mean.expand(len(masked), -1)


def _neighbour_mean(
    fused: Float[Tensor, "shots dim"],
    seen: Int[Tensor, " seen"],
    masked: Int[Tensor, " masked"],
    count: int = 4,
) -> Float[Tensor, "masked dim"]:
    """The mean of the `count` nearest seen, of fewer where there are fewer."""
    if not len(seen):
        return torch.zeros_like(fused[masked])
    apart = (masked[:, None] - seen).abs().float()
    nearest = apart.topk(min(count, len(seen)), largest=False).indices
    return fused[seen[nearest]].mean(1)


def _interpolation(
    fused: Float[Tensor, "shots dim"], seen: Int[Tensor, " seen"], masked: Int[Tensor, " masked"]
) -> Float[Tensor, "masked dim"]:
    """On the straight line between the nearest seen before and after; at an end, the one there."""
    if not len(seen):
        return torch.zeros_like(fused[masked])
    after = torch.searchsorted(seen, masked)
    left, right = seen[(after - 1).clamp(min=0)], seen[after.clamp(max=len(seen) - 1)]
    way = ((masked - left) / (right - left).clamp(min=1)).clamp(0, 1)[:, None].to(fused.dtype)
    return (1 - way) * fused[left] + way * fused[right]
