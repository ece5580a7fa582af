"""Read cache of one search, so that nothing is read twice."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float32

from mediafm_store.arrays import Vectors
from mediafm_store.indexing.reading import read_vectors
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.spaces import Space


class ReadCache:
    """Vectors, shots and revisions that were read."""

    def __init__(self, store: Storage) -> None:
        self.store = store
        self._rows: dict[tuple[str, str], Float32[np.ndarray, " dim"]] = {}
        self._shots: dict[str, dict[str, Any]] = {}

    @cached_property
    def revisions(self) -> Mapping[str, str]:
        """The revision of each title."""
        return self.store.revisions()

    def add(self, space: Space, ids: Sequence[str], vectors: Vectors) -> None:
        """Take vectors that came with a search."""
        self._rows |= {(space.table, row_id): row for row_id, row in zip(ids, vectors, strict=True)}

    def vectors(self, space: Space, ids: Sequence[str]) -> Vectors:
        """One row an id; zero where the space has none."""
        missing = [row_id for row_id in ids if (space.table, row_id) not in self._rows]
        nothing = np.zeros(space.dim, np.float32)
        if missing:
            self.add(space, *read_vectors(self.store, space, missing))
            for row_id in missing:  # those that are not there are not asked for again
                self._rows.setdefault((space.table, row_id), nothing)
        rows = [self._rows[space.table, row_id] for row_id in ids]
        return np.stack(rows) if rows else np.zeros((0, space.dim), np.float32)

    def shots(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """The rows of those of the shots that exist."""
        if missing := [shot_id for shot_id in dict.fromkeys(ids) if shot_id not in self._shots]:
            self._shots |= self.store.shots_by_id(missing)
        return {shot_id: self._shots[shot_id] for shot_id in ids if shot_id in self._shots}
