"""Titles as they might have been: what keeps training from learning a small catalogue by heart."""

import torch
from jaxtyping import Float
from torch import Tensor

from mediafm_store.model.sequences import Packed

_FEW = 20_000
"""Number of shots up to which all titles are reflected; above it, the share falls in proportion."""


def turned_share(shots: int) -> float:
    """Share of the titles to reflect, by the number of shots in the training set."""
    return min(1.0, _FEW / max(1, shots))


def draw_turn(count: int, *, share: float, generator: torch.Generator) -> Float[Tensor, " count"]:
    """Along which of `count` directions to turn a title round: 1 there, 0 elsewhere.

    It is turned with a chance of `share`. The first direction, what all shots have in common, is
    kept.
    """
    chance = torch.rand((), generator=generator)
    backwards = torch.randint(0, 2, (count,), generator=generator).float()
    backwards[0] = 0
    return backwards * (chance < share)


def turn(
    titles: Packed,
    directions: Float[Tensor, "dim count"],
    backwards: Float[Tensor, "sequences count"],
) -> Packed:
    """Reflect each title along some of the `directions`, which are orthonormal.

    All cosines within a title stay as they are, and how shots follow each other stays to be
    learned; what the films of this catalogue show does not.
    """
    lengths = torch.tensor(titles.lengths, device=titles.fused.device)
    along = (titles.fused @ directions) * backwards.repeat_interleave(lengths, dim=0)
    return titles._replace(fused=titles.fused - 2 * along @ directions.T)
