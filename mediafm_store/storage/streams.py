"""A view as torch reads it."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch.utils.data import IterableDataset, get_worker_info

from mediafm_store.errors import InvalidInput
from mediafm_store.storage.rows import VECTOR, half_vectors

Read = Callable[..., Iterator[pa.RecordBatch]]
"""From `part`, the number of a worker and of all workers, to its share of the rows."""


class Batches(IterableDataset[dict[str, Any]]):
    """Batches of a view: numbers and vectors as tensors, other columns as lists."""

    def __init__(self, read: Read, columns: Sequence[str], batch_size: int) -> None:
        if batch_size < 1:
            raise InvalidInput(f"batch_size must be 1 or more, is {batch_size}")
        self.read, self.columns, self.batch_size = read, columns, batch_size

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """All batches, or this worker's."""
        worker = get_worker_info()
        part = (worker.id, worker.num_workers) if worker else (0, 1)
        for rows in _sized(self.read(part=part), self.batch_size):
            yield {name: _column(rows, name) for name in self.columns}


def _sized(batches: Iterator[pa.RecordBatch], size: int) -> Iterator[pa.Table]:
    """Regroup rows into batches of `size`; the last may be smaller."""
    kept: list[pa.RecordBatch] = []
    for batch in batches:
        kept.append(batch)
        while sum(map(len, kept)) >= size:
            rows = pa.Table.from_batches(kept)
            yield rows[:size]
            kept = rows[size:].to_batches()
    if kept:
        yield pa.Table.from_batches(kept)


def _column(rows: pa.Table, name: str) -> Any:
    """A column as a tensor, or as a list if it has no numbers, or gaps that a number cannot say."""
    if name == VECTOR:
        return torch.from_numpy(half_vectors(rows).astype(np.float32))
    found = rows[name]
    is_real = pa.types.is_floating(found.type)
    is_number = is_real or pa.types.is_integer(found.type) or pa.types.is_boolean(found.type)
    if not is_number or (found.null_count and not is_real):
        return found.to_pylist()
    return torch.from_numpy(np.array(found.to_numpy(zero_copy_only=False)))
