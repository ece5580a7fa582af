"""Bring an encoder's own vectors to blocks of the fused vector."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Int

from mediafm_store.arrays import BLOCK, Blocks, unit_rows
from mediafm_store.features.weights import tensors

Mean = Float32[np.ndarray, " width"]
Projection = Float32[np.ndarray, "width 768"]


class BlockMap(NamedTuple):
    """The fixed map of an encoder; part of its fingerprint."""

    mean: Mean
    projection: Projection | None
    """Orthonormal columns; None pads with zeros."""

    @classmethod
    def of(cls, encoder: str) -> "BlockMap":
        """The map that ships for an encoder of this package."""
        arrays = tensors(encoder)
        signs, frequencies = arrays.get("signs"), arrays.get("frequencies")
        if signs is None or frequencies is None:
            return cls(arrays["mean"], None)
        return cls(arrays["mean"], signed_cosines(signs, frequencies))


def to_blocks(
    native: Float32[np.ndarray, "n width"],
    mean: Float32[np.ndarray, " width"],
    projection: Float32[np.ndarray, "width 768"] | None,
) -> Blocks:
    """Centre by the mean, project to 768 or pad with zeros, scale to unit rows.

    Centred, because vectors that come out of a ReLU all point one way: without it, unrelated
    items have a cosine of .4, and hide the differences that matter.
    """
    centred = native - mean
    if projection is not None:
        return unit_rows(centred @ projection)
    return unit_rows(np.pad(centred, ((0, 0), (0, BLOCK - centred.shape[1]))))


def signed_cosines(
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
