"""An index that keeps vectors as float16 and compares all of them.

Register it in pyproject.toml:

    [project.entry-points."mediafm_store.indexes"]
    halves = "my_plugins.index:HalfIndex"

Then: mediafm index build fused --kind halves
"""

import json

import numpy as np

from mediafm_indexes.index import Neighbours


class HalfIndex:
    kind = "halves"
    efforts = (1,)

    def __init__(self, vectors):
        self._vectors = vectors

    @classmethod
    def train(cls, sample, *, rows, kind=None, device="cpu"):
        return cls(np.empty((0, sample.shape[1]), np.float16))

    @classmethod
    def load(cls, folder, *, device="cpu"):
        return cls(np.load(folder / "vectors.npy"))

    def __len__(self):
        return len(self._vectors)

    @property
    def dim(self):
        return self._vectors.shape[1]

    def add(self, vectors):
        self._vectors = np.concatenate([self._vectors, vectors.astype(np.float16)])

    def search(self, queries, k, *, effort, only=None):
        rows = np.arange(len(self)) if only is None else np.flatnonzero(only)
        scores = queries @ self._vectors[rows].astype(np.float32).T
        best = np.argsort(-scores, axis=1)[:, :k]
        return [Neighbours(rows[b], s[b]) for b, s in zip(best, scores, strict=True)]

    def save(self, folder):
        folder.mkdir()
        np.save(folder / "vectors.npy", self._vectors)
        (folder / "index.json").write_text(json.dumps({"plugin": "halves"}))
