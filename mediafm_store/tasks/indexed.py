"""The index of a space on disk, and which of its rows still hold.

`indexes/context_v1/000002/` holds what `mediafm_indexes` makes of vectors, and `rows.json`: whose
they are. The highest number is the newest; a folder gets its name when it is complete.
"""

import json
import logging
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from filelock import FileLock, Timeout
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
LOCK = ".lock"
GENERATION = "[0-9]" * 6


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

    def replaced(self, valid: list[Run]) -> int:
        """How many of its rows do not hold any more."""
        return len(self.ids) - sum(run.stop - run.start for run in valid)

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
    base = index_folder(store, space)
    while (folder := newest(base)) is not None:
        try:
            return read_index(folder, resolve_device(device, has_gpu))
        except UNREADABLE as error:
            if newest(base) == folder:
                tell_damaged(folder, error)
                return None
            # Another program has put a newer one in its place.
    return None


def tell_damaged(folder: Path, error: Exception) -> None:
    """Warn that an index is of no use."""
    reason = str(error).partition("\n")[0][:200]
    log.warning(
        "the index in %s cannot be used (%s) and all is compared instead; run `mediafm index`",
        folder,
        reason,
    )


def read_index(folder: Path, device: Device) -> SpaceIndex:
    """Read once; of each space, the last is kept open."""
    changed_ns = (folder / FACTS).stat().st_mtime_ns  # a folder may have been made anew
    key, version = (folder.parent, device), (folder, changed_ns)
    if key not in OPENED or OPENED[key][0] != version:
        indexed, facts = load(folder, device=device)
        ids = pl.read_ipc(folder / IDS)["id"]
        runs = json.loads((folder / RUNS).read_text(encoding="utf-8"))
        OPENED[key] = version, SpaceIndex(folder, indexed, facts, ids, [Run(*r) for r in runs])
    return OPENED[key][1]


OPENED: dict[tuple[Path, Device], tuple[tuple[Path, int], SpaceIndex]] = {}
UNREADABLE = (DamagedError, OSError, RuntimeError, ValueError, KeyError, TypeError)
"""What reading damaged files raises."""


def check_index(store: Store, space: Space) -> Exception | None:
    """Read all of the newest index of a space; what is wrong with it, if anything is."""
    base = index_folder(store, space)
    while (folder := newest(base)) is not None:
        try:
            load(folder)[0].vectors.check()
        except UNREADABLE as error:
            if newest(base) == folder:
                return error
        else:
            return None
    return None


def halves(store: Store) -> list[Path]:
    """What is left of indexes that were not finished; not those that are being built."""
    found = []
    for half in sorted(indexes(store).glob(f"*/{BUILDING}*")):
        with suppress(Timeout), FileLock(half.parent / LOCK, timeout=0):
            found.append(half)
    return found


@contextmanager
def new_generation(store: Store, space: Space) -> Iterator[Path]:
    """A folder to write an index to; it becomes the newest if an index is in it then.

    One program at a time writes for a space. Who reads the one before keeps its files open.
    """
    base = index_folder(store, space)
    base.mkdir(parents=True, exist_ok=True)
    with FileLock(base / LOCK):
        for left_over in base.glob(f"{BUILDING}*"):  # by one that was killed
            shutil.rmtree(left_over, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=base, prefix=BUILDING) as scratch:
            folder = Path(scratch) / "index"
            folder.mkdir()
            yield folder
            before = newest(base)
            if (folder / FACTS).is_file():
                folder.rename(base / f"{int(before.name) + 1 if before else 1:06d}")
                for older in sorted(base.glob(GENERATION))[:-1]:
                    shutil.rmtree(older, ignore_errors=True)


def newest(base: Path) -> Path | None:
    """The last complete index of a space."""
    return max(base.glob(GENERATION), default=None)


def indexes(store: Store) -> Path:
    """Where all indexes of a store lie."""
    return store.local / "indexes"


def index_folder(store: Store, space: Space) -> Path:
    """Where the indexes of a space lie."""
    return indexes(store) / space.table
