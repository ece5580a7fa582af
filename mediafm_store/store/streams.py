"""A view as torch reads it."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch.utils.data import IterableDataset, get_worker_info

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
                flat = batch[VECTOR].flatten().to_numpy(zero_copy_only=False).astype(np.float32)
                columns[VECTOR] = torch.from_numpy(flat.reshape(len(batch), -1))
            yield columns
