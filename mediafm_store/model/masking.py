"""Masked shot modelling: what to hide, how wrong a prediction is, and how easy it was."""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor


def mask_shots(
    eligible: Bool[Tensor, "batch shots"], *, rate: float, generator: torch.Generator
) -> Bool[Tensor, "batch shots"]:
    """Pick `rate` of the eligible shots of each sequence, at least one where there is any."""
    count = (eligible.sum(1) * rate).round().clamp(min=1)
    lottery = torch.rand(eligible.shape, generator=generator).to(eligible.device)
    rank = lottery.masked_fill(~eligible, 2.0).argsort(1).argsort(1)
    return (rank < count[:, None]) & eligible


def distances(
    predicted: Float[Tensor, "batch shots dim"],
    fused: Float[Tensor, "batch shots dim"],
    masked: Bool[Tensor, "batch shots"],
) -> Float[Tensor, " masked"]:
    """1 - cosine between prediction and truth, one a masked shot: 0 is perfect, 1 unrelated."""
    return 1 - F.cosine_similarity(predicted[masked], fused[masked], dim=-1)


def title_mean(
    fused: Float[Tensor, "batch shots dim"], visible: Bool[Tensor, "batch shots"]
) -> Float[Tensor, "batch shots dim"]:
    """The mean of the visible shots of each sequence, as the prediction of all its shots."""
    weights = visible.float() / visible.sum(1, keepdim=True).clamp(min=1)
    return (weights[:, None] @ fused).expand_as(fused)


def neighbour_mean(
    fused: Float[Tensor, "batch shots dim"], visible: Bool[Tensor, "batch shots"], count: int = 4
) -> Float[Tensor, "batch shots dim"]:
    """The mean of the `count` nearest other visible shots, of fewer where there are fewer."""
    place = torch.arange(fused.shape[1], device=fused.device)
    apart = (place[:, None] - place).abs().float()
    apart = apart.masked_fill(~visible[:, None] | (apart == 0), torch.inf)
    nearest = apart.topk(min(count, len(place)), largest=False)
    chosen = torch.zeros_like(apart).scatter(2, nearest.indices, nearest.values.isfinite().float())
    return chosen @ fused / chosen.sum(2, keepdim=True).clamp(min=1)
