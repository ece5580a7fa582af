"""Embed whole titles, those longer than a sequence in overlapping windows."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float32, Int

from mediafm_store.arrays import unit_rows
from mediafm_store.errors import InvalidInput
from mediafm_store.model.sequences import TitleSequence, pack
from mediafm_store.model.transformer import ShotTransformer
from mediafm_store.parallel import groups

_OVERLAP = 64
_BATCH_SHOTS = 2048


class TitleEmbedding(NamedTuple):
    """Contextual vectors of one title, of length 1 (0 if the input is 0)."""

    shots: Float32[np.ndarray, "shots dim"]
    title: Float32[np.ndarray, " dim"]


class _Window(NamedTuple):
    """A part of a title that fits into one sequence."""

    shots: TitleSequence
    start: int
    total: int
    """Shots of the whole title."""


def embed_title(
    model: ShotTransformer, title: TitleSequence, *, overlap: int = _OVERLAP
) -> TitleEmbedding:
    """Contextual vectors of one title: see `embed_titles`."""
    return next(embed_titles(model, [title], overlap=overlap))


def embed_titles(
    model: ShotTransformer,
    titles: Iterable[TitleSequence],
    *,
    overlap: int = _OVERLAP,
    batch_shots: int = _BATCH_SHOTS,
) -> Iterator[TitleEmbedding]:
    """Yield the contextual vectors of titles, in order, computed on the model's device.

    Each shot's vector comes from the window in which it has most context on both sides; the title
    vector is the mean of the windows' title vectors.

    Args:
        model: Trained model.
        titles: Titles with their vectors.
        overlap: Shots that neighbouring windows share; less than the length of a window.
        batch_shots: Shots that are computed together.

    Raises:
        InvalidInput: If a title has no shots, or `overlap` is out of range.
    """
    size, device = model.config.max_shots, model.cls.device
    cut = (window for title in titles for window in _cut_title(title, size=size, overlap=overlap))
    seen: dict[int, TitleEmbedding] = {}
    for group in groups(cut, lambda window: len(window.shots.fused), most=batch_shots):
        packed = pack([window.shots for window in group])
        with torch.inference_mode():
            made = model.embed(packed.to(device))
        shots = made.shots.cpu().split(packed.lengths)
        for window, its_shots, title in zip(group, shots, made.title.cpu(), strict=True):
            seen[window.start] = TitleEmbedding(its_shots.numpy(), title.numpy())
            if window.start + len(its_shots) == window.total:
                yield _stitch(seen, window.total, size=size)
                seen = {}


def _cut_title(title: TitleSequence, *, size: int, overlap: int) -> Iterator[_Window]:
    """A title in windows; raise InvalidInput if it has no shots."""
    total = len(title.fused)
    if not total:
        raise InvalidInput("a title without shots cannot be embedded; ingest it again")
    for start in window_starts(total, size=size, overlap=overlap):
        yield _Window(title.at(slice(start, start + size)), start, total)


def _stitch(seen: Mapping[int, TitleEmbedding], total: int, *, size: int) -> TitleEmbedding:
    """One title from its windows by where they start."""
    starts = list(seen)
    best = _best_window(total, starts, size=size)
    shots = np.stack([seen[starts[w]].shots[i - starts[w]] for i, w in enumerate(best)])
    title = np.sum([w.title * len(w.shots) for w in seen.values()], axis=0, keepdims=True)
    return TitleEmbedding(shots, unit_rows(title.astype(np.float32))[0])


def window_starts(shots: int, *, size: int, overlap: int) -> list[int]:
    """Starts of windows of `size` shots that cover all shots and overlap by `overlap` or more.

    They are evenly spread, and as few as possible; a title that fits is one window.

    Example:
        >>> window_starts(10, size=6, overlap=2)
        [0, 4]
    """
    if not 0 <= overlap < size:
        raise InvalidInput(f"an overlap of {overlap} shots must be from 0 to {size - 1}")
    last = max(0, shots - size)
    hops = -(-last // (size - overlap))
    return [last * i // max(1, hops) for i in range(hops + 1)]


def _best_window(shots: int, starts: list[int], *, size: int) -> Int[np.ndarray, " shots"]:
    """Index, for each shot, of the window whose nearer cut is farthest; title ends are no cuts."""
    place, start = np.arange(shots), np.array(starts)[:, None]
    before = np.where(start == 0, shots, place - start)
    after = np.where(start + size >= shots, shots, start + size - 1 - place)
    best: Int[np.ndarray, " shots"] = np.argmax(np.minimum(before, after), axis=0)
    return best
