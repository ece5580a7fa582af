"""Folders of indexes: each generation takes the place of the one before when it is complete.

`indexes/context_v1/000002/` is what `mediafm_indexes` makes of vectors, and whose they are; of a
large space it holds several such folders, the shards 0000, 0001 and so on. The highest number is
the newest; a folder gets its name when it is complete. What is being made lies in `.building/`.
"""

import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from mediafm_store.storage.storage import Storage
from mediafm_store.tables.spaces import Space
from mediafm_store.tables.turns import turn

_BUILDING = ".building"
_HALF = "half-"
_LOCK = ".lock"
_GENERATION = "[0-9]" * 6
_SHARD = "[0-9]" * 4


@dataclass(frozen=True)
class Generation:
    """An index of a space that is being written."""

    base: Path
    folder: Path
    """Folder of its shards; absolute. Names of unfinished ones begin with HALF."""

    def complete(self, shards: Sequence[Path]) -> None:
        """Make it the newest. Its shards are those made here, and others of the one before.

        One shard is the index itself.
        """
        index = self.folder / "index"
        index.mkdir()
        placed = [index / f"{number:04d}" for number in range(len(shards))]
        for shard, place in zip(shards, placed, strict=True):
            if shard.parent == self.folder:
                shard.rename(place)
            else:
                shutil.copytree(shard, place, copy_function=_link)
        before = newest_build(self.base)
        newer = self.base / f"{int(before.name) + 1 if before else 1:06d}"
        (placed[0] if len(placed) == 1 else index).rename(newer)
        shutil.rmtree(self.folder, ignore_errors=True)
        for older in sorted(self.base.glob(_GENERATION))[:-1]:
            shutil.rmtree(older, ignore_errors=True)

    def keep_only(self, shards: Sequence[Path]) -> None:
        """Delete what another plan, or a worker that died, has left."""
        for left_over in set(self.folder.iterdir()) - set(shards):
            delete(left_over)


def delete(folder: Path) -> None:
    """Delete a folder in one step, as a worker without its driver may still write to it."""
    with suppress(OSError):  # on Windows, where it is open
        folder = folder.rename(folder.with_name(_HALF + uuid.uuid4().hex))
    shutil.rmtree(folder, ignore_errors=True)


def new_half(shard: Path) -> Path:
    """An empty folder beside that of a shard to make it in; it does not outlive the build."""
    folder = shard.with_name(_HALF + uuid.uuid4().hex)
    folder.mkdir()
    return folder


def _link(source: str, target: str) -> None:
    """Hard-link a file, or copy it where the file system has no links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


@contextmanager
def new_generation(store: Storage, space: Space) -> Iterator[Generation]:
    """A place to write an index in; shards that were finished there stay for another try.

    One program at a time writes for a space. Who reads the one before keeps its files open.
    """
    base = index_folder(store, space)
    base.mkdir(parents=True, exist_ok=True)
    with turn(base / _LOCK, f"the index of {space.table}"):
        generation = Generation(base, (base / _BUILDING).absolute())
        generation.folder.mkdir(exist_ok=True)
        try:
            yield generation
        finally:
            for half in generation.folder.glob(f"{_HALF}*"):
                delete(half)
            with suppress(OSError):  # it is gone, or there are finished shards in it
                generation.folder.rmdir()


def shard_folders(folder: Path) -> list[Path]:
    """The shards of an index, which may be its only one."""
    return sorted(folder.glob(_SHARD)) or [folder]


def newest_build(base: Path) -> Path | None:
    """The last complete index of a space."""
    return max(base.glob(_GENERATION), default=None)


def unfinished(store: Storage) -> list[Path]:
    """Left-overs of index builds that stopped, without those that still run."""
    found = []
    for folder in sorted(indexes(store).glob(f"*/{_BUILDING}*")):
        # A store that is only read cannot be locked.
        with suppress(Timeout, OSError), FileLock(folder.parent / _LOCK, timeout=0):
            found.append(folder)
    return found


def delete_unfinished(folder: Path) -> None:
    """Delete the leftovers of a build, unless a process has resumed it by now."""
    with suppress(Timeout), FileLock(folder.parent / _LOCK, timeout=0):
        delete(folder)


def indexes(store: Storage) -> Path:
    """Folder of all indexes of a store."""
    return store.local / "indexes"


def index_folder(store: Storage, space: Space) -> Path:
    """Folder of the indexes of a space."""
    return indexes(store) / space.table
