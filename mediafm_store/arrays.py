"""Array shapes used across the package, and what a fused vector is made of.

A fused vector is three blocks of 768, one a modality: visual 0:768, audio 768:1536, text
1536:2304. Each block has length 1, or is zero where the title has no such modality, so an inner
product of two fused vectors is a sum of one share a modality.
"""

from collections.abc import Mapping
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float16, Float32

Modality = Literal["visual", "audio", "text"]
MODALITIES: tuple[Modality, ...] = get_args(Modality)
BLOCK = 768
FUSED = BLOCK * len(MODALITIES)

Vectors = Float32[np.ndarray, "n dim"]
HalfVectors = Float16[np.ndarray, "n dim"]
"""Vectors as they are stored."""
Blocks = Float32[np.ndarray, "items 768"]
Fused = Float32[np.ndarray, "shots 2304"]


def unit_rows(x: Float32[np.ndarray, "n dim"]) -> Float32[np.ndarray, "n dim"]:
    """Scale each row to length 1; a zero row stays zero.

    Example:
        >>> unit_rows(np.array([[3, 4], [0, 0]], np.float32)).round(3).tolist()
        [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    norms = np.linalg.norm(x, axis=1, keepdims=True)
    return np.divide(x, norms, out=np.zeros_like(x), where=norms > 0)


def pooled(shots: Vectors) -> Float32[np.ndarray, "1 dim"]:
    """Mean vector of several shots, scaled to length 1."""
    return unit_rows(shots.mean(axis=0, keepdims=True))


def block(modality: Modality) -> slice:
    """Slice of a modality's block in a fused vector.

    Example:
        >>> block("audio")
        slice(768, 1536, None)
    """
    start = MODALITIES.index(modality) * BLOCK
    return slice(start, start + BLOCK)


def weigh(fused: Fused, weights: Mapping[Modality, float]) -> Fused:
    """Scale each block by its weight, then each row to length 1.

    Scaling the query alone re-weights a whole index: the shares of its inner products with the
    stored vectors are scaled by the same factors.

    Args:
        fused: Fused vectors, one a row.
        weights: Weights by modality, 0 or more; 1 if missing. Only their proportions count.
    """
    largest = max(weights.get(m, 1.0) for m in MODALITIES) or 1.0
    weighed = fused.copy()
    for modality in MODALITIES:
        weighed[:, block(modality)] *= np.float32(weights.get(modality, 1.0) / largest)
    return unit_rows(weighed)


def _shares(
    query: Float32[np.ndarray, " 2304"], found: Fused
) -> dict[Modality, Float32[np.ndarray, " shots"]]:
    """Contribution of each modality to the inner products of `query` with the rows of `found`."""
    return {m: found[:, block(m)] @ query[block(m)] for m in MODALITIES}


def zeros(rows: int) -> Blocks:
    """Zero blocks for items that have no such modality."""
    return np.zeros((rows, BLOCK), np.float32)
