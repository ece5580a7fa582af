"""Vectors with an index beside them: candidates from the index, answers scored exactly."""

from math import ceil
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32, Int64

from mediafm_indexes.factories import EXACT
from mediafm_indexes.index import Device, Index, Neighbours, load_index
from mediafm_indexes.metadata import INDEX, IndexMetadata, SearchParams, read_metadata, sums
from mediafm_indexes.vectors_file import DamagedError, Vectors

TUNED_FOR = 11
"""Answers that settings are tuned for: 10, and the row that asks. More take more, in proportion."""


class VectorSearcher:
    """Search the vectors of a folder, with the settings that its index was tuned to.

    Scores are exact for float16 vectors. Filters apply before scoring, so a query for `k` rows gets
    `k` if that many match.
    """

    def __init__(self, vectors: Vectors, index: Index | None, settings: SearchParams) -> None:
        self.vectors = vectors
        self.index = index
        """None: everything is compared."""
        self.settings = settings

    def __len__(self) -> int:
        return len(self.vectors)

    def search(
        self,
        queries: Float32[np.ndarray, "q dim"],
        k: int,
        *,
        only: Bool[np.ndarray, " rows"] | None = None,
    ) -> list[Neighbours]:
        """Find the `k` rows with the largest inner products.

        Args:
            queries: Vectors, one a row.
            k: Number of rows to return for each.
            only: Mask of the rows that may be found; default: all.

        Returns:
            Answers by query, best first, with exact scores.
        """
        allowed = len(self) if only is None else int(only.sum())
        wider = max(1.0, k / TUNED_FOR)
        if allowed < len(self):
            wider *= self.settings.widening
        count = ceil(self.settings.candidates * wider)
        if self.index is None or allowed <= max(self.settings.exact_up_to, count):
            return self.vectors.nearest(queries, k, only=only)
        # The more a filter leaves out, the farther away are the rows that it allows.
        effort = ceil(self.settings.effort * wider * len(self) / allowed)
        effort = min(effort, self.index.efforts[-1])
        proposed = self.index.search(queries, count, effort=effort, only=only)
        found = [
            self.vectors.nearest_of(query, candidates.rows, k)
            for query, candidates in zip(queries, proposed, strict=True)
        ]
        for i, one in enumerate(found):
            if len(one.rows) < k:  # the lists that were looked at hold too few that are allowed
                found[i] = self.vectors.nearest(queries[i : i + 1], k, only=only)[0]
        return found

    def read(self, rows: Int64[np.ndarray, " n"]) -> Float32[np.ndarray, "n dim"]:
        """Vectors of some rows."""
        return self.vectors.read(rows)


def load(folder: Path, *, device: Device = "cpu") -> tuple[VectorSearcher, IndexMetadata]:
    """Open an index that `build` made.

    Vectors are memory mapped: candidates are compared with their checksums when they are scored.
    Without an index, where every search reads all vectors, all are compared now.

    Raises:
        DamagedError: If a file has changed since it was written.
    """
    facts = read_metadata(folder)
    vectors = Vectors(folder, rows=facts.rows, dim=facts.dim)
    now = sums(folder)
    if now != facts.checksums:
        changed = {name for name, _ in now.items() ^ facts.checksums.items()}
        raise DamagedError(folder / min(changed))
    index = None if facts.kind == EXACT else load_index(folder / INDEX, device=device)
    if index is None:
        vectors.check()
    return VectorSearcher(vectors, index, facts.settings), facts
