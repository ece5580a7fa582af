"""A view as torch reads it."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch.utils.data import IterableDataset, get_worker_info

from mediafm_store.store.rows import half_vectors
from mediafm_store.store.views import VECTOR, View


class Batches(IterableDataset[dict[str, Any]]):
    """Batches of a view: columns as lists, vectors as a float32 tensor [rows, dim]."""

    def __init__(self, view: View) -> None:
        self.view = view

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """All batches, or this worker's."""
        worker = get_worker_info()
        part = (worker.id, worker.num_workers) if worker else (0, 1)
        for batch in self.view.batches(part=part):
            columns = {n: batch[n].to_pylist() for n in batch.schema.names if n != VECTOR}
            if VECTOR in batch.schema.names:
                vectors = half_vectors(pa.Table.from_batches([batch])).astype(np.float32)
                columns[VECTOR] = torch.from_numpy(vectors)
            yield columns
