"""FAISS itself, and what all who use it share."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import numpy as np
from jaxtyping import Bool, Float16, Float32

# Idle OpenMP threads would spin and take the cores from torch and LanceDB; this has to be set
# before FAISS is loaded, and made training of an index 13 times faster.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

faiss: Any = import_module("faiss")  # its type stubs know half of it


def selector(only: Bool[np.ndarray, " rows"]) -> Any:
    """Rows that may be found, as a FAISS selector."""
    return faiss.IDSelectorBitmap(np.packbits(only, bitorder="little"))


@contextmanager
def threads_for(queries: Float32[np.ndarray, "q dim"]) -> Iterator[None]:
    """Limit FAISS to one thread for a single query: waking another takes 0.1 ms."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1 if len(queries) == 1 else before)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def half_index(vectors: Float16[np.ndarray, "n dim"]) -> Any:
    """Exact FAISS index over float16 vectors, without a copy of them."""
    rows, dim = vectors.shape
    index = faiss.IndexScalarQuantizer(
        dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    )
    codes = vectors.view(np.uint8).reshape(-1)
    nobody = faiss.MaybeOwnedVectorUInt8().owner
    index.codes = faiss.MaybeOwnedVectorUInt8.create_view(faiss.swig_ptr(codes), codes.size, nobody)
    index.ntotal = rows
    index.referenced_objects = [vectors]  # kept alive as long as the index that looks at them
    return index
