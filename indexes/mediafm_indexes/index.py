"""The interface of an index: a fast, approximate search for the nearest of a set of vectors."""

import json
from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float32, Int64

Device = Literal["cpu", "cuda"]


class Neighbours(NamedTuple):
    """Best rows of one query, best first; fewer than `k` if there are fewer."""

    rows: Int64[np.ndarray, " found"]
    """Positions among the vectors, in the order in which they were added."""
    scores: Float32[np.ndarray, " found"]
    """Inner products with the query."""


@runtime_checkable
class Index(Protocol):
    """Vectors of length 1 or less, searched by inner product. Plug-ins are classes like this.

    Scores may be approximate: the best candidates are scored again from the vectors themselves.
    The class also has `train(sample, *, rows, kind=None, device="cpu")`, which makes an empty
    index for about so many `rows`, and `load(folder, *, device="cpu")`, which reads what `save`
    wrote.
    """

    def __len__(self) -> int: ...

    @property
    def kind(self) -> str:
        """Name of the kind of index, as it is listed."""
        ...

    @property
    def dim(self) -> int:
        """Length of each vector."""
        ...

    @property
    def efforts(self) -> Sequence[int]:
        """Search efforts (nprobe or efSearch), ascending; the last has the best recall."""
        ...

    def add(self, vectors: Float32[np.ndarray, "n dim"]) -> None:
        """Append vectors; the first of them becomes row `len(self)`."""
        ...

    def search(
        self,
        queries: Float32[np.ndarray, "q dim"],
        k: int,
        *,
        effort: int,
        only: Bool[np.ndarray, " rows"] | None = None,
    ) -> list[Neighbours]:
        """Find about the `k` nearest rows of each query.

        Args:
            queries: Vectors, one a row.
            k: Number of rows to return for each.
            effort: One of `efforts`.
            only: Mask of the rows that may be found; default: all.
        """
        ...

    def save(self, folder: Path) -> None:
        """Write to a new folder, with an `index.json` that names the plug-in."""
        ...


def load_index(folder: Path, *, device: Device = "cpu") -> Index:
    """Load any saved index: its `index.json` names the plug-in that wrote it."""
    plugin = json.loads((folder / "index.json").read_text(encoding="utf-8"))["plugin"]
    points = tuple(entry_points(group="mediafm_store.indexes", name=plugin))
    if not points:
        raise ValueError(f"it was built by the plug-in {plugin!r}, which is not installed")
    index: Index = points[0].load().load(folder, device=device)
    return index
