"""Similarity matrix of the shots of a title, as a picture."""

import io
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32
from PIL import Image

from mediafm_store.arrays import Vectors
from mediafm_store.charts.sprites import data_uri

_SIDE = 720
"""Pixels; of a longer title a pixel is the mean of several shots."""
_DARKEST, _BRIGHTEST = 1, 99.5
"""Percentiles of the cosines at which the shades end, since most lie close together."""


class Matrix(NamedTuple):
    """Picture of the cosines of all pairs of shots."""

    address: str
    """The picture, in greys, the brighter the more alike."""
    least: float
    """The cosine of black."""
    most: float
    """That of white."""


def matrix(vectors: Vectors) -> Matrix:
    """Draw the cosines of vectors of unit length, one a shot."""
    means = _grouped(vectors)
    cosines = means @ means.T
    others = cosines[~np.eye(len(cosines), dtype=bool)]
    ends = np.percentile(others, [_DARKEST, _BRIGHTEST]) if len(others) else np.array([0.0, 1.0])
    least, most = float(ends[0]), float(max(ends[1], ends[0] + 1e-3))
    greys = np.clip((cosines - least) / (most - least), 0, 1) * 255
    out = io.BytesIO()
    Image.fromarray(greys.round().astype(np.uint8)).save(out, "PNG", optimize=True)
    return Matrix(data_uri(out.getvalue(), "image/png"), least, most)


def _grouped(vectors: Vectors) -> Float32[np.ndarray, "side dim"]:
    """Means of neighbouring vectors, so that at most `_SIDE` are left.

    The product of two means is the mean of the products, so of the cosines, of all pairs.
    """
    if len(vectors) <= _SIDE:
        return vectors
    edges = np.linspace(0, len(vectors), _SIDE + 1).astype(int)
    sums = np.add.reduceat(vectors, edges[:-1], axis=0)
    return (sums / np.diff(edges)[:, None]).astype(np.float32)
