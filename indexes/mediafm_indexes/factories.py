"""The kinds of index as data, and which of them suit a table."""

from collections.abc import Sequence
from dataclasses import dataclass

from mediafm_indexes.index import Device


@dataclass(frozen=True, slots=True)
class Kind:
    """One way of FAISS's to keep vectors small and to find among them."""

    factory: str
    """FAISS's factory string. {lists} is about 2 sqrt(rows), {half} half the dimension."""
    bytes_per_dim: float
    """Memory of a row, for each dimension that is kept."""
    bytes_per_row: float = 0.0
    """Bytes that a row takes besides: its number, correction factors, the edges of a graph."""
    reduced: bool = False
    """Projected on the first `REDUCED` principal directions."""

    def row_bytes(self, dim: int) -> float:
        """Memory of a row of `dim` dimensions."""
        kept = min(REDUCED, dim) if self.reduced else dim
        return kept * self.bytes_per_dim + self.bytes_per_row


REDUCED = 256
"""Directions that are kept of 2304: what they lose is made up for by exact scores of candidates."""

KINDS = {
    "flat": Kind("Flat", 4),
    "fp16": Kind("SQfp16", 2),
    "ivf-sq8": Kind("IVF{lists},SQ8", 1, 8),
    "ivf-pq": Kind("IVF{lists},PQ{half}x4fs", 0.25, 8),
    "ivf-rabitq": Kind("IVF{lists},RaBitQ", 0.125, 16),
    "hnsw-sq8": Kind("HNSW32,SQ8", 1, 264),
    "pca-ivf-sq8": Kind("IVF{lists},SQ8", 1, 8, reduced=True),
    "pca-ivf-pq": Kind("IVF{lists},PQ{half}x4fs", 0.25, 8, reduced=True),
    "pca-ivf-rabitq": Kind("IVF{lists},RaBitQ", 0.125, 16, reduced=True),
    "pca-hnsw-sq8": Kind("HNSW32,SQ8", 1, 264, reduced=True),
}
EXACT = "exact"
"""No index at all: every vector is compared."""

EXACT_UP_TO = 5_000
"""Rows that are all compared in 2 ms, so that an index would gain nothing."""


def preferred(rows: int, dim: int, memory_bytes: float, device: Device) -> Sequence[str]:
    """Kinds of index to try for a table, the fastest first, of those that fit into memory.

    Later kinds are for vectors for which earlier ones miss the wanted recall, since they do not lie
    near few directions. A GPU compares all vectors, if they fit.

    Args:
        rows: Number of vectors.
        dim: Their dimension.
        memory_bytes: Memory that the index may take.
        device: `cpu` or `cuda`.
    """
    if rows <= EXACT_UP_TO:
        return [EXACT]
    wanted = ["pca-ivf-sq8", "ivf-sq8", "pca-ivf-rabitq", "ivf-rabitq"]
    if device == "cuda":
        wanted = ["fp16", *wanted]
    fitting = [k for k in wanted if KINDS[k].row_bytes(dim) * rows <= memory_bytes]
    return fitting or [EXACT]
