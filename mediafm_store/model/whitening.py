"""Count what changes from scene to scene, not what changes from shot to shot."""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from jaxtyping import Float, Float32
from torch import Tensor, nn

from mediafm_store.model.sequences import TitleSequence

_RIDGE = 3.0
"""Ridge as a multiple of a block's mean variance: few shots say little about the smallest."""
_TINY = 1e-9
_LEAST = 0.05
"""Steadiness that every block is taken to have: what a query is weighed by must be there."""


class Whitening(nn.Module):
    """A linear map a block, after which neighbouring shots differ equally in all directions.

    Neighbours are mostly of one scene: what they differ by is what a scene does not keep, such as
    who is in the picture. Where that is large a direction counts less. The labels of "within-class
    covariance normalisation" (Hatch et al. 2006) are replaced by time, as in slow feature analysis
    (Wiskott and Sejnowski 2002). Blocks stay blocks, so a query can still be weighed by modality.
    """

    mean: Tensor
    maps: Tensor

    def __init__(self, dim: int, block: int) -> None:
        super().__init__()
        self.block = block
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("maps", torch.eye(block).repeat(dim // block, 1, 1))

    def forward(self, fused: Float[Tensor, "shots dim"]) -> Float[Tensor, "shots dim"]:
        """Fused vectors, whitened and of length 1 again; blocks that are absent stay zero."""
        return F.normalize(self.turned(fused), dim=-1)

    def turned(self, fused: Float[Tensor, "shots dim"]) -> Float[Tensor, "shots dim"]:
        """Fused vectors centred and turned."""
        parts = []
        for block, mean, turn in zip(
            fused.split(self.block, dim=-1), self.mean.split(self.block), self.maps, strict=True
        ):
            there = block.any(-1, keepdim=True)
            # A modality that none of the shots has is not worth a third of the work.
            parts.append((block - mean) * there @ turn if there.any() else torch.zeros_like(block))
        return torch.cat(parts, dim=-1)

    def turn(self, x: Float[Tensor, "n dim"]) -> Float[Tensor, "n dim"]:
        """The map alone, for differences."""
        blocks = x.unflatten(-1, (-1, self.block))
        return torch.einsum("nbi,bij->nbj", blocks, self.maps).flatten(-2)

    @torch.no_grad()
    def weigh(self, steadiness: Float[Tensor, " blocks"]) -> None:
        """Let each block count in a cosine by how steady it is."""
        self.maps *= steadiness.clamp(min=_LEAST).sqrt()[:, None, None]

    @torch.no_grad()
    def steadiness(self, titles: Iterable[TitleSequence]) -> Float[Tensor, " blocks"]:
        """Similarity of neighbours in each block, 0 to 1, of titles that the map was not fitted to.

        A block that none of them has gets the mean of the others.
        """
        shared, own = torch.zeros(len(self.maps)), torch.zeros(len(self.maps))
        for title in titles:
            vectors = self.turned(torch.from_numpy(title.fused)).unflatten(-1, (-1, self.block))
            shared += (vectors[1:] * vectors[:-1]).sum((0, 2))
            own += vectors.square().sum((0, 2))
        there = own > 0
        if not there.any():
            return torch.ones_like(own)
        steady = (shared / own.clamp(min=_TINY)).clamp(0, 1)
        return torch.where(there, steady, steady[there].mean())

    @torch.no_grad()
    def fit(self, titles: Iterable[TitleSequence]) -> None:
        """Set the map by titles in play order."""
        total, present = torch.zeros(len(self.maps), self.block), torch.zeros(len(self.maps), 1)
        spreads = torch.zeros_like(self.maps)
        for title in titles:
            fused = torch.from_numpy(title.fused).unflatten(-1, (-1, self.block))
            there = fused.any(-1, keepdim=True)
            steps = ((fused[1:] - fused[:-1]) * (there[1:] & there[:-1])).transpose(0, 1)
            spreads += steps.mT @ steps
            total += fused.sum(0)
            present += there.sum(0)
        self.mean.copy_((total / present.clamp(min=1)).flatten())
        for number, spread in enumerate(spreads):
            self.maps[number] = _inverse_root(spread)


def _inverse_root(spread: Float32[Tensor, "d d"]) -> Float32[Tensor, "d d"]:
    """The inverse square root of a covariance with the ridge, of mean eigenvalue about 1."""
    mean = spread.trace() / len(spread)
    if mean <= 0:
        return torch.eye(len(spread))
    values, directions = torch.linalg.eigh(spread / mean)
    found: Tensor = (directions / (values.clamp(min=0) + _RIDGE).sqrt()) @ directions.T
    return found
