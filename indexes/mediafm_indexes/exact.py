"""Brute force in numpy: the reference that every other kind is tested against."""

import json
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from mediafm_indexes.index import Device, Neighbours


class ExactIndex:
    """All pairs, exact, O(n) a query; ties go to the smaller row."""

    kind = "exact"

    def __init__(self, vectors: Float32[np.ndarray, "n dim"]) -> None:
        self._vectors = vectors

    def __len__(self) -> int:
        return len(self._vectors)

    @property
    def dim(self) -> int:
        """Length of each vector."""
        return int(self._vectors.shape[1])

    @classmethod
    def build(
        cls, vectors: Float32[np.ndarray, "n dim"], *, device: Device = "cpu"
    ) -> "ExactIndex":
        """Keep the vectors as they are."""
        del device  # numpy has one
        return cls(vectors)

    def search(self, queries: Float32[np.ndarray, "q dim"], k: int) -> list[Neighbours]:
        """Sort every row of the similarity matrix."""
        scores = queries @ self._vectors.T
        best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        return [Neighbours(rows, s[rows]) for rows, s in zip(best, scores, strict=True)]

    def save(self, folder: Path) -> None:
        """Write vectors.npy and index.json."""
        folder.mkdir(parents=True)
        np.save(folder / "vectors.npy", self._vectors)
        (folder / "index.json").write_text(json.dumps({"plugin": "exact"}), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, *, device: Device = "cpu") -> "ExactIndex":
        """Read what `save` wrote."""
        del device
        return cls(np.load(folder / "vectors.npy", allow_pickle=False))
