"""Titles of all lengths in batches, those longer than a sequence cut."""

from collections.abc import Iterator, Sequence

import torch

from mediafm_store.model.packed import Packed, TitleShots, crop, pack
from mediafm_store.model.windows import window_starts
from mediafm_store.parallel import groups


def packs(sequences: Sequence[TitleShots], *, batch_shots: int) -> Iterator[Packed]:
    """Batch in the given order, each as many as stay within `batch_shots`."""
    for group in groups(sequences, lambda s: len(s.fused), most=batch_shots):
        yield pack(group)


def windows(titles: Sequence[TitleShots], size: int) -> list[TitleShots]:
    """All shots of all titles, those longer than `size` cut into as few sequences as will do."""
    return [
        crop(title, start, size)
        for title in titles
        for start in window_starts(len(title.fused), size=size, overlap=0)
    ]


def endless(
    titles: Sequence[TitleShots], *, size: int, batch_shots: int, generator: torch.Generator
) -> Iterator[list[TitleShots]]:
    """Sequences for step after step, in passes over the titles, each time in a new order.

    A title longer than `size` is seen in random crops, as many a pass as would cover it. Nothing is
    copied, so that steps which were taken before can be skipped at once.
    """
    turns = [t for t in titles for _ in window_starts(len(t.fused), size=size, overlap=0)]
    while True:
        order = torch.randperm(len(turns), generator=generator).tolist()
        crops = [random_crop(turns[i], size, generator) for i in order]
        yield from groups(crops, lambda s: len(s.fused), most=batch_shots)


def random_crop(title: TitleShots, size: int, generator: torch.Generator) -> TitleShots:
    """At most `size` shots of a title, from anywhere in it."""
    room = max(0, len(title.fused) - size)
    return crop(title, int(torch.randint(room + 1, (), generator=generator)), size)
