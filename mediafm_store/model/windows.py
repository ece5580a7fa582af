"""Embed whole titles, those longer than a sequence in overlapping windows."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float32, Int

from mediafm_store.arrays import unit_rows
from mediafm_store.errors import BadInput
from mediafm_store.model.transformer import ShotTransformer


class TitleShots(NamedTuple):
    """One title, as the model sees it."""

    fused: Float32[np.ndarray, "shots dim"]
    metadata: Float32[np.ndarray, " metadata_dim"]
    """A text block; zeros where nothing is known about the title."""


class TitleEmbedding(NamedTuple):
    """One title in context; every vector has length 1 (0 if all that was given is 0)."""

    shots: Float32[np.ndarray, "shots dim"]
    title: Float32[np.ndarray, " dim"]


@torch.inference_mode()
def embed_title(
    model: ShotTransformer,
    title: TitleShots,
    *,
    overlap: int = 64,
) -> TitleEmbedding:
    """Contextual vectors of a title, on the device where the model is.

    Each shot's vector comes from the window where it has most context on both sides; the title
    vector is the mean of the windows'. Raises BadInput if the title has no shots, or if `overlap`
    is not shorter than a window.
    """
    size = model.config.max_shots
    if not len(title.fused):
        raise BadInput("a title without shots cannot be embedded; ingest it again")
    windows = window_starts(len(title.fused), size=size, overlap=overlap)
    seen = [embed_window(model, title, start) for start in windows]
    best = best_window(len(title.fused), windows, size=size)
    shots = np.stack([seen[w].shots[i - windows[w]] for i, w in enumerate(best)])
    title_vector = np.sum([w.title * len(w.shots) for w in seen], axis=0, keepdims=True)
    return TitleEmbedding(shots, unit_rows(title_vector.astype(np.float32))[0])


def embed_window(model: ShotTransformer, title: TitleShots, start: int) -> TitleEmbedding:
    """Contextual vectors of the sequence that begins at shot `start`."""
    device = model.cls.device
    fused = torch.from_numpy(title.fused[start : start + model.config.max_shots]).to(device)
    metadata = torch.from_numpy(title.metadata).to(device)
    valid = torch.ones(1, len(fused), dtype=torch.bool, device=device)
    seen = model(fused[None], metadata[None], valid)
    return TitleEmbedding(seen.shots[0].cpu().numpy(), seen.title[0].cpu().numpy())


def window_starts(shots: int, *, size: int, overlap: int) -> list[int]:
    """Where windows of `size` shots begin so that they cover all, each `overlap` or more in common.

    Evenly spread, and as few as will do: a title that fits is one window.
    """
    if not 0 <= overlap < size:
        raise BadInput(f"an overlap of {overlap} shots must be from 0 to {size - 1}")
    last = max(0, shots - size)
    hops = -(-last // (size - overlap))
    return [last * i // max(1, hops) for i in range(hops + 1)]


def best_window(shots: int, starts: list[int], *, size: int) -> Int[np.ndarray, " shots"]:
    """For each shot the window where the nearer cut is farthest; a title's own ends are no cuts."""
    place, start = np.arange(shots), np.array(starts)[:, None]
    before = np.where(start == 0, shots, place - start)
    after = np.where(start + size >= shots, shots, start + size - 1 - place)
    best: Int[np.ndarray, " shots"] = np.argmax(np.minimum(before, after), axis=0)
    return best
