"""Folders of indexes: each generation takes the place of the one before when it is complete.

`indexes/context_v1/000002/` is what `mediafm_indexes` makes of vectors, and whose they are; of a
large space it holds several such folders, the shards 0000, 0001 and so on. The highest number is
the newest; a folder gets its name when it is complete.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from mediafm_indexes import Whole, load, measure_drawn, read_whole, together, write_whole
from mediafm_store.store.spaces import Space
from mediafm_store.store.store import Store

BUILDING = ".building-"
LOCK = ".lock"
GENERATION = "[0-9]" * 6


@dataclass(frozen=True)
class Generation:
    """An index of a space that is being written."""

    base: Path
    folder: Path
    """Where its shards are made, under any names; absolute."""

    def complete(self, shards: Sequence[Path]) -> None:
        """Make it the newest. Its shards are those made here, and others of the one before.

        One shard is the index itself; several are measured as the one that they are together.
        """
        index = self.folder / "index"
        index.mkdir()
        placed = [index / f"{number:04d}" for number in range(len(shards))]
        for shard, place in zip(shards, placed, strict=True):
            if shard.parent == self.folder:
                shard.rename(place)
            else:
                shutil.copytree(shard, place, copy_function=link)
        if len(placed) == 1:
            index = placed[0]
        else:
            searched = together([load(place)[0] for place in placed])
            measured = measure_drawn(searched, np.random.default_rng(0))
            write_whole(index, Whole(len(placed), measured))
        before = newest(self.base)
        index.rename(self.base / f"{int(before.name) + 1 if before else 1:06d}")
        for older in sorted(self.base.glob(GENERATION))[:-1]:
            shutil.rmtree(older, ignore_errors=True)


def link(source: str, target: str) -> None:
    """The same file under another name, or a copy where the file system has no such names."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


@contextmanager
def new_generation(store: Store, space: Space) -> Iterator[Generation]:
    """A place to write an index in; what is not completed is deleted.

    One program at a time writes for a space. Who reads the one before keeps its files open.
    """
    base = index_folder(store, space)
    base.mkdir(parents=True, exist_ok=True)
    with FileLock(base / LOCK):
        for left_over in base.glob(f"{BUILDING}*"):  # by one that was killed
            shutil.rmtree(left_over, ignore_errors=True)
        with tempfile.TemporaryDirectory(
            dir=base, prefix=BUILDING, ignore_cleanup_errors=True
        ) as scratch:
            yield Generation(base, Path(scratch).absolute())


def shard_folders(folder: Path) -> list[Path]:
    """The shards of an index, which may be its only one; raise DamagedError if none can tell."""
    whole = read_whole(folder)
    if whole is None:
        return [folder]
    return [folder / f"{number:04d}" for number in range(whole.shards)]


def newest(base: Path) -> Path | None:
    """The last complete index of a space."""
    return max(base.glob(GENERATION), default=None)


def halves(store: Store) -> list[Path]:
    """What is left of indexes that were not finished; not those that are being built."""
    found = []
    for half in sorted(indexes(store).glob(f"*/{BUILDING}*")):
        with suppress(Timeout), FileLock(half.parent / LOCK, timeout=0):
            found.append(half)
    return found


def indexes(store: Store) -> Path:
    """Where all indexes of a store lie."""
    return store.local / "indexes"


def index_folder(store: Store, space: Space) -> Path:
    """Where the indexes of a space lie."""
    return indexes(store) / space.table
