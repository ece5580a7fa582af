"""Means and covariances of caption pairs, from which a caption map is learned.

They are additive, so a user's own pairs can be added to those that this package has learned from,
which are not shipped themselves.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64
from safetensors import safe_open
from safetensors.numpy import save

from mediafm_store import weights as shipped_files
from mediafm_store.arrays import BLOCK
from mediafm_store.files import whole_file

FILE = "caption_moments.safetensors"
Mean = Float64[np.ndarray, " 768"]
_Covariance = Float64[np.ndarray, "768 768"]


@dataclass(frozen=True, eq=False)
class Moments:
    """Means and covariances of pairs of a picture's and a text's block."""

    weight: float
    """Total weight of the pairs."""
    picture_mean: Mean
    text_mean: Mean
    pictures: _Covariance
    texts: _Covariance
    both: _Covariance
    """Covariance of pictures (rows) with texts (columns)."""

    @classmethod
    def of(
        cls,
        pictures: Float32[np.ndarray, "pairs 768"],
        texts: Float32[np.ndarray, "pairs 768"],
        weights: Float32[np.ndarray, " pairs"],
    ) -> "Moments":
        """Moments of pairs, a row a pair."""
        share = weights.astype(np.float64) / weights.sum(dtype=np.float64)
        picture_mean, text_mean = share @ pictures, share @ texts
        root = np.sqrt(share)[:, None]
        seen, said = (pictures - picture_mean) * root, (texts - text_mean) * root
        total = float(weights.sum(dtype=np.float64))
        return cls(total, picture_mean, text_mean, seen.T @ seen, said.T @ said, seen.T @ said)

    def __add__(self, other: "Moments") -> "Moments":
        """Moments of the pairs of both (Chan, Golub and LeVeque, 1983)."""
        weight = self.weight + other.weight
        a, b = self.weight / weight, other.weight / weight
        seen, said = other.picture_mean - self.picture_mean, other.text_mean - self.text_mean
        return Moments(
            weight,
            a * self.picture_mean + b * other.picture_mean,
            a * self.text_mean + b * other.text_mean,
            a * self.pictures + b * other.pictures + a * b * np.outer(seen, seen),
            a * self.texts + b * other.texts + a * b * np.outer(said, said),
            a * self.both + b * other.both + a * b * np.outer(seen, said),
        )

    def save(self, path: Path) -> None:
        """Write them in half precision, covariances as multiples of the mean variance.

        They would fall below what such numbers can hold. Of symmetric matrices, the upper half.
        """
        seen, said = (np.trace(c) / BLOCK for c in (self.pictures, self.texts))
        width = used(self.texts)
        arrays = {
            "picture_mean": self.picture_mean,
            "text_mean": self.text_mean[:width],
            "pictures": self.pictures[np.triu_indices(BLOCK)] / seen,
            "texts": self.texts[:width, :width][np.triu_indices(width)] / said,
            "both": self.both[:, :width] / np.sqrt(seen * said),
        }
        told = {"weight": str(self.weight), "seen": str(seen), "said": str(said)}
        with whole_file(path) as part:
            part.write_bytes(save({n: a.astype(np.float16) for n, a in arrays.items()}, told))

    @classmethod
    def load(cls, path: Path) -> "Moments":
        """Read what `save` wrote."""
        with safe_open(path, framework="numpy") as file:
            told = file.metadata()
            arrays = {n: file.get_tensor(n).astype(np.float64) for n in _ARRAYS}
        seen, said = float(told["seen"]), float(told["said"])
        text_mean, both = arrays["text_mean"], arrays["both"]
        lacking = BLOCK - len(text_mean)
        return cls(
            weight=float(told["weight"]),
            picture_mean=arrays["picture_mean"],
            text_mean=np.pad(text_mean, (0, lacking)),
            pictures=_symmetric(arrays["pictures"], BLOCK) * seen,
            texts=np.pad(_symmetric(arrays["texts"], len(text_mean)), (0, lacking)) * said,
            both=np.pad(both, ((0, 0), (0, lacking))) * np.sqrt(seen * said),
        )

    @classmethod
    def shipped(cls) -> "Moments":
        """Moments of the pairs that the map of this package was learned from."""
        return _shipped()


_ARRAYS = ("picture_mean", "text_mean", "pictures", "texts", "both")


@cache
def _shipped() -> Moments:
    return Moments.load(shipped_files.path(FILE))


def used(covariance: _Covariance) -> int:
    """Number of columns before the zeros that narrower encoders are padded with."""
    return int(np.flatnonzero(covariance.diagonal()).max(initial=0)) + 1


def _symmetric(upper: Float64[np.ndarray, " n"], width: int) -> Float64[np.ndarray, "width width"]:
    """A matrix by its upper half."""
    matrix = np.zeros((width, width))
    matrix[np.triu_indices(width)] = upper
    return matrix + np.triu(matrix, 1).T
