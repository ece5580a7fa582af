"""The index of a space as it was written, and which of its rows still hold."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Bool

from mediafm_indexes import (
    DamagedError,
    Searched,
    SearchQuality,
    combine_shards,
    load,
    of_all,
)
from mediafm_indexes.faiss_index import has_gpu
from mediafm_store.encoding import Device, DeviceChoice, resolve_device
from mediafm_store.errors import InvalidInput, first_line
from mediafm_store.indexing.config import IndexConfig, read_config
from mediafm_store.indexing.directories import index_folder, newest_build, shard_folders
from mediafm_store.indexing.index_rows import (
    IDS,
    RUNS,
    IndexedVersion,
    RowRange,
    Shard,
    count_rows,
    still_valid,
)
from mediafm_store.records import index_of, title_of
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.spaces import Space

log = logging.getLogger("mediafm_store")


@dataclass(frozen=True)
class SpaceIndex:
    """The index of a space as it was when it was written: the rows of one shard after another."""

    folder: Path
    shards: Sequence[Shard]
    """Shards that can be read."""

    @property
    def measured(self) -> SearchQuality:
        """Expected recall and speed of the index."""
        return of_all([shard.facts for shard in self.shards])

    @cached_property
    def indexed(self) -> Searched:
        """Searchable vectors of all shards."""
        return combine_shards([shard.indexed for shard in self.shards])

    @cached_property
    def ids(self) -> pl.Series:
        """Ids of the shots or titles, one per row of the index."""
        return pl.concat([shard.ids for shard in self.shards])

    @cached_property
    def runs(self) -> list[RowRange]:
        """Row ranges of all shards."""
        found, start = [], 0
        for shard in self.shards:
            found += [
                RowRange(r.title, r.revision, start + r.start, start + r.stop) for r in shard.runs
            ]
            start += len(shard.ids)
        return found

    def still_valid(self, revisions: Mapping[str, str]) -> list[RowRange]:
        """The rows of titles that have not been replaced or deleted since."""
        return still_valid(self.runs, revisions)

    def replaced(self, valid: list[RowRange]) -> int:
        """Number of rows that are out of date."""
        return len(self.ids) - count_rows(valid)

    def rows(
        self, valid: list[RowRange], ids: pl.Series | None = None
    ) -> Bool[np.ndarray, " rows"] | None:
        """Mask of the rows that may be found: valid ones, only `ids` if given; None for all."""
        only = np.zeros(len(self.ids), bool)
        for run in valid:
            only[run.start : run.stop] = True
        if ids is not None:
            only &= self.ids.is_in(ids.implode()).to_numpy()
        return None if only.all() else only

    def find(self, shots: Sequence[str], revisions: Mapping[str, str]) -> dict[str, int]:
        """The rows of some shots, as far as it holds their titles as they are now.

        Of a title that lies in one piece: its rows are in play order, so where a shot lies follows
        from where its title begins.
        """
        titles = frozenset(map(title_of, shots))
        starts = {
            run.title: run.start
            for run in self.runs
            if run.title in titles and revisions.get(run.title) == run.revision
        }
        places = {
            shot: starts[title_of(shot)] + index_of(shot)
            for shot in shots
            if title_of(shot) in starts
        }
        rows = {shot: row for shot, row in places.items() if row < len(self.ids)}
        held = self.ids.gather([*rows.values()])
        return {shot: rows[shot] for shot, row_id in zip(rows, held, strict=True) if shot == row_id}


def open_index(store: Storage, space: Space, *, device: DeviceChoice = "cpu") -> SpaceIndex | None:
    """Open the newest index of a space; None if there is none.

    A shard that cannot be read is left out with a warning: rows that are not indexed are searched
    exactly.
    """
    base = index_folder(store, space)
    while (folder := newest_build(base)) is not None:
        opened, damage = _read_index(folder, space, resolve_device(device, has_gpu))
        if damage and newest_build(base) != folder:
            continue  # another program has put a newer one in its place
        for where, error in damage.items():
            _tell_damaged(where, error)
        return opened
    return None


def config_of(store: Storage, space: Space) -> IndexConfig:
    """Settings that the index of a space was built with; the defaults if there is none."""
    folder = newest_build(index_folder(store, space))
    for shard in shard_folders(folder) if folder else ():
        try:
            return read_config(shard)
        except UNREADABLE as error:  # of one that is damaged; the others tell the same
            log.warning("what the index in %s was asked for cannot be read (%s)", shard, error)
    return IndexConfig()


def left_out(opened: SpaceIndex, error: DamagedError) -> SpaceIndex | None:
    """Drop a damaged shard from an open index, with a warning; None if it was the last."""
    others = [shard for shard in opened.shards if shard.folder not in error.path.parents]
    known = len(others) < len(opened.shards)
    left = SpaceIndex(opened.folder, others) if others and known else None
    for key, (version, kept) in list(_OPENED.items()):
        if kept is opened:
            _OPENED[key] = version, left
    _tell_damaged(error.path.parent, error)
    return left


def _tell_damaged(folder: Path, error: Exception) -> None:
    """Warn that an index, or a shard of one, is of no use."""
    log.warning(
        "the index in %s cannot be used (%s), so its rows are compared one by one;"
        " `mediafm doctor --fix` builds it anew",
        folder,
        first_line(error)[:200],
    )


_Damage = dict[Path, Exception]
"""What is wrong with which folder."""


def _read_index(folder: Path, space: Space, device: Device) -> tuple[SpaceIndex | None, _Damage]:
    """Read once: of each space the last is kept open. What is damaged is told at the first."""
    try:
        now = folder.stat()  # a folder may have been replaced
        key = folder.parent, device
        version = folder, space.fingerprint, now.st_mtime_ns, now.st_ino
    except OSError as error:
        return None, _Damage({folder: error})
    if key in _OPENED and _OPENED[key][0] == version:
        return _OPENED[key][1], {}
    shards, damage = [], _Damage()
    for shard in shard_folders(folder):
        try:
            shards.append(read_shard(shard, space, device))
        except UNREADABLE as error:
            damage[shard] = error
    opened = SpaceIndex(folder, shards) if shards else None
    _OPENED[key] = version, opened
    return opened, damage


def read_shard(folder: Path, space: Space, device: Device = "cpu") -> Shard:
    """Read one folder; raise one of UNREADABLE if that cannot be, or if it is of another space."""
    indexed, facts = load(folder, device=device)
    ids = pl.read_ipc(folder / IDS)["id"]
    told = json.loads((folder / RUNS).read_text(encoding="utf-8"))
    if isinstance(told, list):  # as it was written before it named its space
        raise DamagedError(folder / RUNS, "is of an older version, which did not name its space")
    held = IndexedVersion(**told["origin"])
    if not held.is_of(space):
        raise DamagedError(
            folder / RUNS,
            f"is of {held.space} (fingerprint {held.fingerprint}), not of {space.table}"
            f" ({space.fingerprint})",
        )
    return Shard(folder, indexed, facts, ids, [RowRange(*r) for r in told["runs"]], held)


_Version = tuple[Path, str, int, int]
_OPENED: dict[tuple[Path, Device], tuple[_Version, SpaceIndex | None]] = {}
UNREADABLE = (DamagedError, InvalidInput, OSError, RuntimeError, ValueError, KeyError, TypeError)
"""What reading damaged files raises."""


def check_index(store: Storage, space: Space) -> _Damage:
    """Read every file of the newest index of a space; return the damage by folder."""
    base = index_folder(store, space)
    while (folder := newest_build(base)) is not None:
        damage: _Damage = {}
        for shard in shard_folders(folder):
            try:
                read_shard(shard, space).indexed.vectors.check()
            except UNREADABLE as error:
                damage[shard] = error
        if not damage or newest_build(base) == folder:
            return damage
    return {}
