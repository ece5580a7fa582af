"""Titles of all lengths in padded batches."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mediafm_store.model.windows import TitleShots, window_starts


class Batch(NamedTuple):
    """Sequences padded to the longest of them."""

    fused: Float[Tensor, "batch shots dim"]
    metadata: Float[Tensor, "batch metadata_dim"]
    valid: Bool[Tensor, "batch shots"]

    @property
    def eligible(self) -> Bool[Tensor, "batch shots"]:
        """The shots that may be hidden: a zero vector has no direction to predict."""
        return self.valid & self.fused.any(-1)

    def to(self, device: str | torch.device) -> "Batch":
        """The same batch on a device."""
        return Batch(*(part.to(device) for part in self))


def stack(titles: Sequence[TitleShots]) -> Batch:
    """Pad titles to the longest."""
    longest = max(len(t.fused) for t in titles)
    fused = torch.zeros(len(titles), longest, titles[0].fused.shape[1])
    valid = torch.zeros(len(titles), longest, dtype=torch.bool)
    for row, title in enumerate(titles):
        fused[row, : len(title.fused)] = torch.from_numpy(title.fused)
        valid[row, : len(title.fused)] = True
    return Batch(fused, torch.from_numpy(np.stack([t.metadata for t in titles])), valid)


def grouped(sequences: Sequence[TitleShots], *, batch_shots: int) -> Iterator[Batch]:
    """Batch in the given order, each as many as stay within `batch_shots` once padded."""
    group: list[TitleShots] = []
    for sequence in sequences:
        longest = max(len(s.fused) for s in (*group, sequence))
        if group and longest * (len(group) + 1) > batch_shots:
            yield stack(group)
            group = []
        group.append(sequence)
    if group:
        yield stack(group)


def crop(title: TitleShots, start: int, size: int) -> TitleShots:
    """At most `size` shots of a title, from shot `start`."""
    return title._replace(fused=title.fused[start : start + size])


def windows(titles: Sequence[TitleShots], size: int) -> list[TitleShots]:
    """All shots of all titles, those longer than `size` cut into as few sequences as will do."""
    return [
        crop(title, start, size)
        for title in titles
        for start in window_starts(len(title.fused), size=size, overlap=0)
    ]


def endless(
    titles: Sequence[TitleShots], *, size: int, batch_shots: int, generator: torch.Generator
) -> Iterator[Batch]:
    """Pass over the titles for ever, each time in a new order.

    A title longer than `size` is seen in random crops, as many a pass as would cover it.
    """
    turns = [t for t in titles for _ in window_starts(len(t.fused), size=size, overlap=0)]
    while True:
        order = torch.randperm(len(turns), generator=generator).tolist()
        crops = [random_crop(turns[i], size, generator) for i in order]
        yield from grouped(crops, batch_shots=batch_shots)


def random_crop(title: TitleShots, size: int, generator: torch.Generator) -> TitleShots:
    """At most `size` shots of a title, from anywhere in it."""
    room = max(0, len(title.fused) - size)
    return crop(title, int(torch.randint(room + 1, (), generator=generator)), size)
