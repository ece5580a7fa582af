"""Titles as the model reads them: many of them end to end, without padding between."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32
from torch import Tensor


class TitleShots(NamedTuple):
    """One title, as the model sees it."""

    fused: Float32[np.ndarray, "shots dim"]
    metadata: Float32[np.ndarray, " metadata_dim"]
    """A text block; zeros where nothing is known about the title."""
    series: str = ""
    """What it belongs to; titles of one series are never parted when some are held out."""
    id: str = ""


class Packed(NamedTuple):
    """Sequences of shots, end to end. None of them sees another."""

    fused: Float[Tensor, "shots dim"]
    metadata: Float[Tensor, "sequences metadata_dim"]
    lengths: tuple[int, ...]
    """Shots of each sequence."""

    @property
    def eligible(self) -> Bool[Tensor, " shots"]:
        """The shots that may be hidden: a zero vector has no direction to predict."""
        return self.fused.any(-1)

    def to(self, device: str | torch.device) -> "Packed":
        """The same on a device."""
        return self._replace(fused=self.fused.to(device), metadata=self.metadata.to(device))


def pack(titles: Sequence[TitleShots]) -> Packed:
    """Titles end to end."""
    fused = np.concatenate([t.fused for t in titles])
    metadata = np.stack([t.metadata for t in titles])
    lengths = tuple(len(t.fused) for t in titles)
    return Packed(torch.from_numpy(fused), torch.from_numpy(metadata), lengths)


def crop(title: TitleShots, start: int, size: int) -> TitleShots:
    """At most `size` shots of a title, from shot `start`."""
    return title._replace(fused=title.fused[start : start + size])
