"""Vectors by the ids of their shots: from the index of a space, and what that does not hold.

An index maps the vectors of a space into memory: a hundred are read in less than 1 ms, from the
table in 10 ms.
"""

from collections.abc import Sequence

import numpy as np

from mediafm_indexes import DamagedError
from mediafm_store.indexing.space_index import left_out, open_index
from mediafm_store.records import index_of, title_of
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.spaces import Space, StoredVectors


def read_vectors(store: Storage, space: Space, ids: Sequence[str]) -> StoredVectors:
    """Read the vectors of shots or titles that a space holds, as float32.

    Ids without a vector are left out.
    """
    if space.of_titles:
        return store.vectors_by_id(space, ids)
    counts = store.shot_counts()
    there = sorted(
        {shot_id for shot_id in ids if index_of(shot_id) < counts.get(title_of(shot_id), 0)}
    )
    held = _read_indexed(store, space, there)
    if not (rest := sorted(set(there) - set(held.ids))):
        return held
    others = store.vectors_by_id(space, rest)
    every = [*held.ids, *others.ids]
    order = sorted(range(len(every)), key=every.__getitem__)
    return StoredVectors(
        [every[i] for i in order], np.concatenate([held.vectors, others.vectors])[order]
    )


def _read_indexed(store: Storage, space: Space, shots: Sequence[str]) -> StoredVectors:
    """Vectors that the index of the space holds and that are current; none without an index."""
    opened = open_index(store, space)
    while opened is not None:
        rows = opened.find(shots, store.revisions())
        try:
            vectors = opened.indexed.read(np.fromiter(rows.values(), np.int64, len(rows)))
        except DamagedError as error:
            opened = left_out(opened, error)
            continue
        return StoredVectors([*rows], vectors)
    return StoredVectors([], np.zeros((0, space.dim), np.float32))
