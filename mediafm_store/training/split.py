"""Titles to train on and titles to hold out."""

from collections.abc import Sequence

import torch

from mediafm_store.errors import InvalidInput
from mediafm_store.model.sequences import Title


def split_titles(
    titles: Sequence[Title], *, share: float, generator: torch.Generator
) -> tuple[list[Title], list[Title]]:
    """Split titles into a training and a validation set.

    Titles of one series stay together: otherwise a held-out series would be known in part. Titles
    of a single shot are left out, since nothing is there to predict it from.

    Args:
        titles: Titles to split; a title without a series is one of its own.
        share: Share of the titles to hold out, 0 to 1; at least one title is, and never all.
        generator: Source of the random order.

    Returns:
        The titles to train on, and the titles to validate on.

    Raises:
        InvalidInput: If too few titles remain.
    """
    usable = [t for t in titles if t.shots > 1]
    families = _by_series(usable)
    if len(families) < 2:
        raise InvalidInput(
            f"training needs 2 titles of 2 or more shots, one of them to validate on, not both of"
            f" one series; of {len(titles)} titles {len(usable)} will do, in {len(families)} series"
            " or alone: ingest more"
        )
    order = torch.randperm(len(families), generator=generator).tolist()
    training: list[Title] = []
    held_out: list[Title] = []
    for family in (families[i] for i in order):
        enough = len(held_out) >= max(1, round(share * len(usable)))
        (training if enough else held_out).extend(family)
    if not training:  # the last family was needed to reach the share
        training = families[order[-1]]
        held_out = held_out[: -len(training)]
    return training, held_out


def _by_series(titles: Sequence[Title]) -> list[list[Title]]:
    """Titles that belong together; one that belongs to no series is alone."""
    series: dict[str, list[Title]] = {}
    for title in titles:
        if title.series:
            series.setdefault(title.series, []).append(title)
    return [*series.values(), *([t] for t in titles if not t.series)]
