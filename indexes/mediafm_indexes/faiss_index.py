"""Every FAISS kind, told apart by its factory string alone."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32

from mediafm_indexes.factories import KINDS, REDUCED
from mediafm_indexes.faiss_utils import faiss, selector, threads_for
from mediafm_indexes.index import Device, Neighbours

_MOST_ON_GPU = 2048
"""Neighbours that FAISS can select on a GPU, and lists that it can probe; more on the CPU."""
_NOT_ON_GPU = (faiss.IndexHNSW, faiss.IndexIVFPQFastScan, faiss.IndexIVFRaBitQ)
"""Kinds of which FAISS has no GPU version: they stay on the CPU."""
_GPU_LOCK = Lock()
"""FAISS's resources of a GPU are for one thread at a time."""
_POINTS_PER_LIST = 39
"""The least that FAISS wants to see of each list while training."""


class FaissIndex:
    """FAISS index by inner product, on a GPU if one is requested."""

    def __init__(self, index: Any, *, kind: str, device: Device) -> None:
        self.kind = kind
        self._index = index
        self._core = faiss.downcast_index(index.index) if _is_chain(index) else index
        self._on_gpu = None
        self._device = "cpu" if isinstance(self._core, _NOT_ON_GPU) else device

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def dim(self) -> int:
        """Length of each vector."""
        return int(self._index.d)

    @property
    def efforts(self) -> Sequence[int]:
        """Numbers of lists to probe (nprobe), or candidate list sizes of a graph (efSearch)."""
        if isinstance(self._core, faiss.IndexIVF):
            return _doubling(1, self._core.nlist)
        if isinstance(self._core, faiss.IndexHNSW):
            return _doubling(16, max(16, min(len(self), 4096)))
        return (1,)

    @classmethod
    def train(
        cls,
        sample: Float32[np.ndarray, "n dim"],
        *,
        rows: int,
        kind: str | None = None,
        device: Device = "cpu",
    ) -> "FaissIndex":
        """Learn lists and codes of a kind (default: flat) from a sample; holds no vectors yet."""
        kind = kind or "flat"
        how, dim = KINDS[kind], sample.shape[1]
        kept = min(REDUCED, dim) if how.reduced else dim
        lists = max(1, min(_lists_for(rows), len(sample) // _POINTS_PER_LIST))
        key = how.factory.format(lists=lists, half=kept // 2)
        index = faiss.index_factory(kept, key, faiss.METRIC_INNER_PRODUCT)
        if how.reduced:
            projection = _principal_directions(sample, kept)
            index.train(projection.apply(sample))
            index = _chained(projection, index)
        else:
            index.train(sample)
        return cls(index, kind=kind, device=device)

    def add(self, vectors: Float32[np.ndarray, "n dim"]) -> None:
        """Append vectors."""
        self._index.add(vectors)
        self._on_gpu = None

    def search(
        self,
        queries: Float32[np.ndarray, "q dim"],
        k: int,
        *,
        effort: int,
        only: Bool[np.ndarray, " rows"] | None = None,
    ) -> list[Neighbours]:
        """Search by FAISS; the rows -1 with which it pads short answers are dropped."""
        k = min(k, len(self))
        if self._device == "cuda" and only is None and max(k, effort) <= _MOST_ON_GPU:
            with _GPU_LOCK:
                searched = self._gpu()
                _set_effort(searched, effort)
                scores, rows = searched.search(queries, k)
        else:
            how = self._parameters(effort, only)
            with threads_for(queries):
                scores, rows = self._index.search(queries, k, params=how)
        return [Neighbours(r[r >= 0], s[r >= 0]) for r, s in zip(rows, scores, strict=True)]

    def _parameters(self, effort: int, only: Bool[np.ndarray, " rows"] | None) -> Any:
        chosen = {} if only is None else {"sel": selector(only)}
        if isinstance(self._core, faiss.IndexIVF):
            how = faiss.SearchParametersIVF(nprobe=effort, **chosen)
        elif isinstance(self._core, faiss.IndexHNSW):
            how = faiss.SearchParametersHNSW(efSearch=effort, **chosen)
        else:
            how = faiss.SearchParameters(**chosen)
        if not _is_chain(self._index):
            return how
        return faiss.SearchParametersPreTransform(index_params=how)

    def _gpu(self) -> Any:
        if self._on_gpu is None:
            self._on_gpu = _to_gpu(self._index)
        return self._on_gpu

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
        return cls(faiss.read_index(str(folder / "index.faiss")), kind=kind, device=device)


def _lists_for(rows: int) -> int:
    """Number of lists that balances choosing among lists against reading some of them."""
    return round(2 * rows**0.5)


def sample_for(rows: int) -> int:
    """Number of vectors that is enough to learn lists and directions from."""
    return max(20_000, 50 * _lists_for(rows))


def _doubling(first: int, last: int) -> list[int]:
    """first, 2 first, 4 first, ... last."""
    steps = [first]
    while steps[-1] * 2 < last:
        steps.append(steps[-1] * 2)
    return steps if steps[-1] >= last else [*steps, last]


def _principal_directions(sample: Float32[np.ndarray, "n dim"], kept: int) -> Any:
    """The linear map on the `kept` directions that hold most of the vectors' inner products.

    FAISS's own PCA takes all eigenvectors of 2304 dimensions, 20 s; here are only those needed,
    by randomized iteration (Halko, Martinsson and Tropp 2011). Not centred: a mean taken from
    the query too would change the order of inner products.
    """
    from sklearn.utils.extmath import randomized_svd

    some = sample[:: max(1, len(sample) // 20_000)]
    directions = randomized_svd(some.T @ some, kept, random_state=0)[0].T
    projection = faiss.LinearTransform(sample.shape[1], kept, False)
    faiss.copy_array_to_vector(np.ascontiguousarray(directions, np.float32).ravel(), projection.A)
    projection.is_trained = True
    return projection


def _chained(transform: Any, index: Any) -> Any:
    """An index behind a transform of its vectors, which it owns."""
    chain = faiss.IndexPreTransform(transform, index)
    chain.own_fields = True
    for owned in (transform, index):
        owned.this.disown()
    return chain


def _is_chain(index: Any) -> bool:
    """True if vectors are transformed before they reach the index proper."""
    return isinstance(index, faiss.IndexPreTransform)


def has_gpu() -> bool:
    """True if FAISS can use a GPU."""
    return bool(faiss.get_num_gpus())


def _to_gpu(index: Any) -> Any:
    """A copy on the first GPU, in float16; cuVS does the work where FAISS was built with it."""
    options = faiss.GpuClonerOptions()
    options.useFloat16 = True
    options.use_cuvs = hasattr(faiss, "GpuIndexCagra")
    return faiss.index_cpu_to_gpu(_gpu_resources(), 0, index, options)


@cache
def _gpu_resources() -> Any:
    """GPU resources that all indexes of this process share: FAISS allocates 1.5 GB for them."""
    return faiss.StandardGpuResources()


def _set_effort(index: Any, effort: int) -> None:
    """Lists to probe, of an index that takes no parameters with a search."""
    core = faiss.downcast_index(index.index) if _is_chain(index) else index
    if hasattr(core, "nprobe"):
        core.nprobe = effort
