"""The index of a space on disk, and which of its rows still hold.

`indexes/context_v1/000002/` holds what `mediafm_indexes` makes of vectors, and `rows.json`: whose
they are. The highest number is the newest; a folder gets its name when it is complete.
"""

import json
import logging
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from filelock import FileLock
from jaxtyping import Bool

from mediafm_indexes import FACTS, DamagedError, Facts, IndexedVectors, load
from mediafm_indexes.faiss_index import has_gpu
from mediafm_store.arrays import HalfVectors
from mediafm_store.store.spaces import Space, VectorBatch
from mediafm_store.store.store import Store
from mediafm_store.tasks.encoding import Device, DeviceChoice, resolve_device

log = logging.getLogger("mediafm_store")
IDS, RUNS = "ids.arrow", "runs.json"
BUILDING = ".building-"


class Run(NamedTuple):
    """Rows of one title, one after the other."""

    title: str
    revision: str
    start: int
    stop: int


@dataclass(frozen=True)
class SpaceIndex:
    """The index of a space as it was when it was written."""

    folder: Path
    indexed: IndexedVectors
    facts: Facts
    ids: pl.Series
    """Of the shots or titles whose vectors are its rows."""
    runs: list[Run]

    def still_valid(self, revisions: dict[str, str]) -> list[Run]:
        """The rows of titles that have not been replaced or deleted since."""
        return [run for run in self.runs if revisions.get(run.title) == run.revision]

    def rows(
        self, valid: list[Run], ids: pl.Series | None = None
    ) -> Bool[np.ndarray, " rows"] | None:
        """Which rows may be found: the valid ones, and of `ids` alone if given; None for all."""
        only = np.zeros(len(self.ids), bool)
        for run in valid:
            only[run.start : run.stop] = True
        if ids is not None:
            only &= self.ids.is_in(ids.implode()).to_numpy()
        return None if only.all() else only


class Rows:
    """Takes down whose vectors pass by on their way into an index."""

    def __init__(self, before: SpaceIndex | None = None) -> None:
        self.ids: list[str] = before.ids.to_list() if before else []
        self.runs: list[Run] = list(before.runs) if before else []

    def passing(self, batches: Iterable[VectorBatch], folder: Path) -> Iterator[HalfVectors]:
        """The vectors alone; once all have passed, the folder knows whose they are."""
        for batch in batches:
            for title, revision in zip(batch.titles, batch.revisions, strict=True):
                self._add(title, revision)
            self.ids += batch.ids
            yield batch.vectors
        pl.DataFrame({"id": self.ids}, schema={"id": pl.String}).write_ipc(folder / IDS)
        (folder / RUNS).write_text(json.dumps(self.runs), encoding="utf-8")

    def _add(self, title: str, revision: str) -> None:
        last = self.runs[-1] if self.runs else Run("", "", 0, 0)
        if (last.title, last.revision) == (title, revision):
            self.runs[-1] = last._replace(stop=last.stop + 1)
        else:
            self.runs.append(Run(title, revision, last.stop, last.stop + 1))


def open_index(store: Store, space: Space, *, device: DeviceChoice = "cpu") -> SpaceIndex | None:
    """The newest index of a space; None if there is none.

    One that cannot be read is as none, with a warning: what is not indexed is searched exactly.
    """
    for attempt in range(2):
        folder = newest(index_folder(store, space))
        if folder is None:
            return None
        try:
            changed_ns = (folder / FACTS).stat().st_mtime_ns
            return read_index(folder, changed_ns, resolve_device(device, has_gpu))
        except (DamagedError, OSError, RuntimeError, ValueError, KeyError) as error:
            if folder.is_dir() and attempt == 0:
                tell_damaged(folder, error)
                return None
            # Another program has put a newer one in its place since.
    return None


def tell_damaged(folder: Path, error: Exception) -> None:
    """Warn that an index is of no use."""
    reason = str(error).partition("\n")[0][:200]
    log.warning(
        "the index in %s cannot be used (%s) and all is compared instead; run `mediafm index`",
        folder,
        reason,
    )


@lru_cache(maxsize=8)
def read_index(folder: Path, changed_ns: int, device: Device) -> SpaceIndex:
    """Read once."""
    del changed_ns  # a folder of the same name may have been made anew
    indexed, facts = load(folder, device=device)
    ids = pl.read_ipc(folder / IDS)["id"]
    runs = json.loads((folder / RUNS).read_text(encoding="utf-8"))
    return SpaceIndex(folder, indexed, facts, ids, [Run(*run) for run in runs])


def check_index(store: Store, space: Space) -> None:
    """Read all of the newest index of a space; raise DamagedError if any of it has changed."""
    folder = newest(index_folder(store, space))
    if folder is not None:
        load(folder)[0].vectors.check()


@contextmanager
def new_generation(store: Store, space: Space) -> Iterator[Path]:
    """A folder to write an index to; it becomes the newest if an index is in it then.

    One program at a time writes for a space. Who reads the one before keeps its files open.
    """
    base = index_folder(store, space)
    base.mkdir(parents=True, exist_ok=True)
    with FileLock(base / ".lock"):
        for left_over in base.glob(f"{BUILDING}*"):  # by one that was killed
            shutil.rmtree(left_over, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=base, prefix=BUILDING) as scratch:
            folder = Path(scratch) / "index"
            folder.mkdir()
            yield folder
            before = newest(base)
            if (folder / FACTS).is_file():
                folder.rename(base / f"{int(before.name) + 1 if before else 1:06d}")
                if before:
                    shutil.rmtree(before, ignore_errors=True)


def newest(base: Path) -> Path | None:
    """The last complete index of a space."""
    return max(base.glob("[0-9]" * 6), default=None)


def indexes(store: Store) -> Path:
    """Where all indexes of a store lie."""
    return store.local / "indexes"


def index_folder(store: Store, space: Space) -> Path:
    """Where the indexes of a space lie."""
    return indexes(store) / space.table
