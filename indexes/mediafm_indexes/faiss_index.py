"""Every FAISS kind, told apart by its factory string alone."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from mediafm_indexes.index import Device, Neighbours

# Idle OpenMP threads would spin and take the cores from torch and LanceDB; this has to be set
# before FAISS is loaded, and made training of an index 13 times faster.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import faiss

FACTORY = {
    "flat": "Flat",
    "hnsw": "HNSW32,SQ8",
    "ivf": "IVF{lists},SQ8",
}
"""Kind -> FAISS factory string. `lists` is about 4 sqrt(n), at most n / 39 as FAISS advises."""

MOST_ON_GPU = 2048
"""Neighbours that FAISS can select on a GPU; more are found on the CPU."""
FLAT_UP_TO = 50_000
"""Rows up to which exact search takes milliseconds and nothing is gained by approximating."""


class FaissIndex:
    """A FAISS index by inner product, on a GPU where one is asked for."""

    def __init__(self, index: Any, *, kind: str, device: Device) -> None:
        self.kind = kind
        self._index = index
        self._searched = to_gpu(index) if device == "cuda" else index

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def dim(self) -> int:
        """Length of each vector."""
        return int(self._index.d)

    @classmethod
    def build(
        cls,
        vectors: Float32[np.ndarray, "n dim"],
        *,
        kind: str | None = None,
        device: Device = "cpu",
    ) -> "FaissIndex":
        """Train and add. Without a `kind`, exact up to 50,000 rows and a graph above."""
        kind = kind or ("flat" if len(vectors) <= FLAT_UP_TO else "hnsw")
        lists = max(1, min(round(4 * len(vectors) ** 0.5), len(vectors) // 39))
        key = FACTORY[kind].format(lists=lists)
        index = faiss.index_factory(vectors.shape[1], key, faiss.METRIC_INNER_PRODUCT)
        index.train(vectors)
        index.add(vectors)
        tune(index)
        return cls(index, kind=kind, device=device)

    def search(self, queries: Float32[np.ndarray, "q dim"], k: int) -> list[Neighbours]:
        """FAISS pads short answers with row -1; those are dropped."""
        searched = self._searched if k <= MOST_ON_GPU else self._index
        scores, rows = searched.search(queries, min(k, len(self)))
        return [Neighbours(r[r >= 0], s[r >= 0]) for r, s in zip(rows, scores, strict=True)]

    def save(self, folder: Path) -> None:
        """Write index.faiss and index.json."""
        folder.mkdir(parents=True)
        faiss.write_index(self._index, str(folder / "index.faiss"))
        facts = {"plugin": "faiss", "kind": self.kind}
        (folder / "index.json").write_text(json.dumps(facts), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, *, device: Device = "cpu") -> "FaissIndex":
        """Read what `save` wrote."""
        kind = json.loads((folder / "index.json").read_text(encoding="utf-8"))["kind"]
        index = faiss.read_index(str(folder / "index.faiss"))
        tune(index)
        return cls(index, kind=kind, device=device)


def tune(index: Any) -> None:
    """How widely the approximate kinds search; the recall that this gives is measured at build."""
    if isinstance(index, faiss.IndexIVF):
        index.nprobe = max(1, index.nlist // 4)
    elif isinstance(index, faiss.IndexHNSW):
        index.hnsw.efSearch = 64


def has_gpu() -> bool:
    """Whether FAISS can use a GPU."""
    return bool(faiss.get_num_gpus())


def to_gpu(index: Any) -> Any:
    """A copy on the first GPU; kinds that FAISS has no GPU version of stay on the CPU."""
    if isinstance(index, faiss.IndexHNSW):
        return index
    return faiss.index_cpu_to_gpu(faiss.StandardGpuResources(), 0, index)
