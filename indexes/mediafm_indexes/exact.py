"""Brute force in numpy: the reference that every other kind is tested against."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32

from mediafm_indexes.index import Device, Neighbours


class ExactIndex:
    """All pairs, exact, O(n) a query; ties go to the smaller row."""

    kind = "exact"
    efforts: Sequence[int] = (1,)

    def __init__(self, vectors: Float32[np.ndarray, "n dim"]) -> None:
        self._vectors = vectors

    def __len__(self) -> int:
        return len(self._vectors)

    @property
    def dim(self) -> int:
        """Length of each vector."""
        return int(self._vectors.shape[1])

    @classmethod
    def train(
        cls,
        sample: Float32[np.ndarray, "n dim"],
        *,
        rows: int,
        kind: str | None = None,
        device: Device = "cpu",
    ) -> "ExactIndex":
        """Return an empty index: exact search needs no training."""
        del rows, kind, device
        return cls(np.empty((0, sample.shape[1]), np.float32))

    def add(self, vectors: Float32[np.ndarray, "n dim"]) -> None:
        """Keep the vectors as they are."""
        self._vectors = np.concatenate([self._vectors, vectors])

    def search(
        self,
        queries: Float32[np.ndarray, "q dim"],
        k: int,
        *,
        effort: int = 1,
        only: Bool[np.ndarray, " rows"] | None = None,
    ) -> list[Neighbours]:
        """Sort every row of the similarity matrix."""
        del effort
        allowed = np.arange(len(self)) if only is None else np.flatnonzero(only)
        scores = queries @ self._vectors[allowed].T
        best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        return [Neighbours(allowed[b], s[b]) for b, s in zip(best, scores, strict=True)]

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
