"""What an index is."""

import json
from importlib.metadata import entry_points
from pathlib import Path
from typing import Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, Int64

Device = Literal["cpu", "cuda"]


class Neighbours(NamedTuple):
    """The best rows of one query, best first; fewer than asked for if the index holds fewer."""

    rows: Int64[np.ndarray, " found"]
    """Positions among the vectors that the index was built from."""
    scores: Float32[np.ndarray, " found"]
    """Inner products with the query."""


@runtime_checkable
class Index(Protocol):
    """A fixed set of vectors, of length 1 or less, searched by inner product."""

    def __len__(self) -> int: ...

    @property
    def kind(self) -> str:
        """What it is called where indexes are listed."""
        ...

    @property
    def dim(self) -> int:
        """Length of each vector."""
        ...

    def search(self, queries: Float32[np.ndarray, "q dim"], k: int) -> list[Neighbours]:
        """The `k` nearest rows of each query."""
        ...

    def save(self, folder: Path) -> None:
        """Write to a new folder, with an `index.json` that names the plug-in."""
        ...


def load_index(folder: Path, *, device: Device = "cpu") -> Index:
    """Read any saved index: its `index.json` says which plug-in wrote it."""
    kind = json.loads((folder / "index.json").read_text(encoding="utf-8"))["plugin"]
    (point,) = entry_points(group="mediafm_store.indexes", name=kind)
    index: Index = point.load().load(folder, device=device)
    return index
