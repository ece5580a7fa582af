"""What a search has read already, so that nothing is read twice."""

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
        self._rows |= {(space.table, id): row for id, row in zip(ids, vectors, strict=True)}

    def vectors(self, space: Space, ids: Sequence[str]) -> Vectors:
        """One row an id; zero where the space has none."""
        missing = [id for id in ids if (space.table, id) not in self._rows]
        nothing = np.zeros(space.dim, np.float32)
        if missing:
            self.add(space, *read_vectors(self.store, space, missing))
            for id in missing:  # those that are not there are not asked for again
                self._rows.setdefault((space.table, id), nothing)
        rows = [self._rows[space.table, id] for id in ids]
        return np.stack(rows) if rows else np.zeros((0, space.dim), np.float32)

    def shots(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """The rows of those of the shots that exist."""
        if missing := [id for id in dict.fromkeys(ids) if id not in self._shots]:
            self._shots |= self.store.shots_by_id(missing)
        return {id: self._shots[id] for id in ids if id in self._shots}
