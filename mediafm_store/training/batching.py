"""Titles of all lengths in batches, those longer than a sequence cut. Nothing is read for it."""

from collections.abc import Iterator, Sequence

import torch

from mediafm_store.model.sequences import Title
from mediafm_store.model.windows import window_starts
from mediafm_store.parallel import groups


def windows(titles: Sequence[Title], size: int) -> list[Title]:
    """All shots of all titles, those longer than `size` cut into as few sequences as will do."""
    return [
        title.at(slice(start, start + size))
        for title in titles
        for start in window_starts(title.shots, size=size, overlap=0)
    ]


def batches(sequences: Sequence[Title], batch_shots: int) -> Iterator[list[Title]]:
    """Yield batches of sequences in order, each of at most `batch_shots` shots."""
    return groups(sequences, lambda s: s.shots, most=batch_shots)


def endless(
    titles: Sequence[Title], *, size: int, batch_shots: int, generator: torch.Generator
) -> Iterator[list[Title]]:
    """Sequences for step after step, in passes over the titles, each time in a new order.

    A title longer than `size` is seen in random crops, as many a pass as would cover it. Steps
    which were taken before can be skipped at once.
    """
    turns = [t for t in titles for _ in window_starts(t.shots, size=size, overlap=0)]
    while True:
        order = torch.randperm(len(turns), generator=generator).tolist()
        yield from batches([_random_crop(turns[i], size, generator) for i in order], batch_shots)


def _random_crop(title: Title, size: int, generator: torch.Generator) -> Title:
    """At most `size` shots of a title, from anywhere in it."""
    room = max(0, title.shots - size)
    start = int(torch.randint(room + 1, (), generator=generator))
    return title.at(slice(start, start + size))
