"""Build and open the FAISS indexes beside the tables.

An index lies in a folder named after the state of the table that it was built from. So it
either matches the table as it is now or is not found, and what is not found is searched exactly.
"""

import json
import logging
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from mediafm_indexes import Index, load_index
from mediafm_indexes.evaluate import measure_recall
from mediafm_indexes.faiss_index import FACTORY, FaissIndex, has_gpu
from mediafm_store import plugins
from mediafm_store.errors import BadInput
from mediafm_store.store.spaces import Space
from mediafm_store.store.store import Store
from mediafm_store.tasks.encoding import Device, DeviceChoice, resolve_device

log = logging.getLogger("mediafm_store")


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
    build = builder(kind)
    store.check_writable()
    folder = index_folder(store, space)
    ids, vectors = store.vectors(space)
    if not ids:
        raise BadInput(f"space {space.name} is empty; nothing to index")
    began = time.perf_counter()
    index = build(vectors, device=resolve_device(device, has_gpu))
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
        if folder.is_dir():
            folder.rename(Path(scratch) / "replaced")
        made.rename(folder)
    valid = {index_folder(store, live) for live in store.live_spaces()}
    for old in set(folder.parent.glob("*@*")) - valid:
        shutil.rmtree(old, ignore_errors=True)
    return facts


def open_index(
    store: Store, space: Space, *, device: DeviceChoice = "cpu"
) -> tuple[list[str], Index] | None:
    """The ids and the index of a space as it is now; None if there is no such index.

    One that cannot be read is as none, with a warning: what is not indexed is searched exactly.
    """
    folder = index_folder(store, space)
    if not folder.is_dir():
        return None
    try:
        return read_index(folder, resolve_device(device, has_gpu))
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        reason = str(error).partition("\n")[0][:80]
        log.warning("%s cannot be read (%s); run `mediafm index`", folder, reason)
        return None


@lru_cache(maxsize=8)
def read_index(folder: Path, device: Device) -> tuple[list[str], Index]:
    """Read once: a folder's name says which state of the table it was built from."""
    ids: list[str] = json.loads((folder / "ids.json").read_text(encoding="utf-8"))
    return ids, load_index(folder, device=device)


def builder(kind: str | None) -> Callable[..., Index]:
    """What builds an index of a kind: FAISS, or a plug-in of that name."""
    if kind is None or kind in FACTORY:
        return partial(FaissIndex.build, kind=kind)
    if ":" not in kind and kind not in plugins.names("indexes"):
        kinds = sorted({*FACTORY, *plugins.names("indexes")})
        raise BadInput(f"no index kind {kind!r}; there are {', '.join(kinds)}")
    build: Callable[..., Index] = plugins.load("indexes", kind).build
    return build


def index_folder(store: Store, space: Space) -> Path:
    """Where the index of a space in its present state lies."""
    return store.path / "indexes" / store.state(space).replace("/", "_")
