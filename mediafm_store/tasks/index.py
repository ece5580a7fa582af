"""Build and open the FAISS indexes beside the tables.

An index lies in a folder named after the state of the table that it was built from. So it
either matches the table as it is now or is not found, and what is not found is searched exactly.
"""

import json
import shutil
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from mediafm_indexes import Index, load_index
from mediafm_indexes.evaluate import measure_recall
from mediafm_indexes.faiss_index import FACTORY, FaissIndex, gpus
from mediafm_store.errors import BadInput
from mediafm_store.store.spaces import Space
from mediafm_store.store.store import Store
from mediafm_store.tasks.encoding import Device, DeviceChoice


@dataclass(frozen=True)
class BuiltIndex:
    """Facts of an index, kept beside it."""

    space: str
    """The space and its version, such as context_v1."""
    kind: str
    rows: int
    recall_at_10: float
    """Against exact search, over up to 100 of its own vectors as queries."""
    build_s: float
    megabytes: float


def build_index(
    store: Store, space: Space, *, kind: str | None = None, device: DeviceChoice = "auto"
) -> BuiltIndex:
    """Index the vectors of a space, measure the index, and put it in place in one rename."""
    if kind is not None and kind not in FACTORY:
        raise BadInput(f"no index kind {kind!r}; there are {', '.join(FACTORY)}")
    store.check_writable()
    folder = index_folder(store, space)
    ids, vectors = store.vectors(space)
    if not ids:
        raise BadInput(f"space {space.name} is empty; nothing to index")
    began = time.perf_counter()
    index = FaissIndex.build(vectors, kind=kind, device=index_device(device))
    build_s = time.perf_counter() - began
    recall = measure_recall(index, vectors, generator=np.random.default_rng(0))

    folder.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".building-") as scratch:
        made = Path(scratch) / "index"
        index.save(made)
        size = sum(f.stat().st_size for f in made.iterdir()) / 1e6
        facts = BuiltIndex(space.table, index.kind, len(ids), recall, build_s, size)
        (made / "ids.json").write_text(json.dumps(ids), encoding="utf-8")
        (made / "built.json").write_text(json.dumps(asdict(facts)), encoding="utf-8")
        for old in folder.parent.glob(f"{space.table}@*"):
            shutil.rmtree(old)
        made.rename(folder)
    return facts


def open_index(
    store: Store, space: Space, *, device: DeviceChoice = "cpu"
) -> tuple[list[str], Index] | None:
    """The ids and the index of a space as it is now; None if there is no such index."""
    folder = index_folder(store, space)
    if not folder.is_dir():
        return None
    ids: list[str] = json.loads((folder / "ids.json").read_text(encoding="utf-8"))
    return ids, load_index(folder, device=index_device(device))


def index_device(choice: DeviceChoice) -> Device:
    """`auto` is the GPU where FAISS has one; asking for one that is not there is BadInput."""
    if choice == "cuda" and not gpus():
        raise BadInput("FAISS has no GPU here; use --device cpu, or auto")
    if choice == "auto":
        return "cuda" if gpus() else "cpu"
    return choice


def index_folder(store: Store, space: Space) -> Path:
    """Where the index of a space in its present state lies."""
    return store.path / "indexes" / store.state(space).replace("/", "_")
