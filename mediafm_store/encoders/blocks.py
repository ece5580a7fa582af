"""Bring an encoder's own vectors to blocks of the fused vector."""

import hashlib
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from jaxtyping import Float, Float32, Int

from mediafm_store.arrays import BLOCK, Blocks, unit_rows
from mediafm_store.weights import tensors

T = TypeVar("T")
Mean = Float32[np.ndarray, " width"]
_Projection = Float32[np.ndarray, "width 768"]


class BlockMap(NamedTuple):
    """Fixed linear map from an encoder's features to a block; part of its fingerprint."""

    mean: Mean
    projection: _Projection | None
    """Orthonormal columns; None pads with zeros."""

    @classmethod
    def of(cls, encoder: str) -> "BlockMap":
        """The map that ships for an encoder of this package."""
        arrays = tensors(encoder)
        signs, frequencies = arrays.get("signs"), arrays.get("frequencies")
        if signs is None or frequencies is None:
            return cls(arrays["mean"], None)
        return cls(arrays["mean"], _signed_cosines(signs, frequencies))

    @classmethod
    def plain(cls, width: int) -> "BlockMap":
        """The map for any other encoder: not centred, as nothing is known of its mean.

        Signs and frequencies come from a hash, and are the same everywhere and for good.
        """
        mean = np.zeros(width, np.float32)
        if width <= BLOCK:
            return cls(mean, None)
        noise = np.frombuffer(hashlib.shake_256(b"block map").digest(5 * width), np.uint8)
        signs = noise[:width].astype(np.int8) % 2 * 2 - 1
        order = np.argsort(noise[width:].view("<u4"), kind="stable")
        return cls(mean, _signed_cosines(signs, np.sort(order[:BLOCK])))

    def blocks(self, native: Float32[np.ndarray, "n width"]) -> Blocks:
        """Project an encoder's vectors to unit rows of 768 dimensions."""
        return to_blocks(native, self.mean, self.projection)


def in_batches(items: Sequence[T], size: int, encode: Callable[[Sequence[T]], Blocks]) -> Blocks:
    """Encode any number of items, also none, `size` at a time."""
    parts = [encode(items[start : start + size]) for start in range(0, len(items), size)]
    return np.concatenate([np.zeros((0, BLOCK), np.float32), *parts])


def to_blocks(
    native: Float32[np.ndarray, "n width"],
    mean: Float32[np.ndarray, " width"],
    projection: Float32[np.ndarray, "width 768"] | None,
) -> Blocks:
    """Centre by the mean, project to 768 or pad with zeros, scale to unit rows.

    Centred, because vectors that come out of a ReLU all point one way: without it, unrelated
    items have a cosine of 0.4, and hide the differences that matter.
    """
    centred = native - mean
    if projection is not None:
        return unit_rows(centred @ projection)
    return unit_rows(np.pad(centred, ((0, 0), (0, BLOCK - centred.shape[1]))))


def _signed_cosines(
    signs: Int[np.ndarray, " width"], frequencies: Int[np.ndarray, " 768"]
) -> Float32[np.ndarray, "width 768"]:
    """An orthonormal projection: random signs, then some rows of the cosine transform (DCT-II).

    It keeps cosines as well as a random orthonormal matrix does (Ailon and Chazelle, "The Fast
    Johnson-Lindenstrauss Transform", 2009), and ships as two short lists instead of 2 MB.
    """
    width = len(signs)
    times = np.arange(width)[:, None] + 0.5
    cosines = np.cos(np.pi / width * times * frequencies.astype(np.float64))
    scale = np.where(frequencies == 0, np.sqrt(1 / width), np.sqrt(2 / width))
    projection: Float[np.ndarray, "width 768"] = signs[:, None] * cosines * scale
    return projection.astype(np.float32)
