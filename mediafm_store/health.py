"""Look for everything that may be wrong with a store, and mend what can be mended."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mediafm_store.errors import first_line
from mediafm_store.indexing.build import mend_index, refresh_index
from mediafm_store.indexing.directories import delete_unfinished, indexes, unfinished
from mediafm_store.indexing.edited import edited, edits_in_words
from mediafm_store.indexing.shard_plan import MOSTLY_DEAD
from mediafm_store.indexing.space_index import check_index, open_index
from mediafm_store.indexing.status import index_status
from mediafm_store.storage.counts import (
    UNIQUE,
    RowCounts,
    doubled,
    drop_doubled,
    drop_orphans,
    orphans,
    rows_by_title,
    tables_of_shots,
)
from mediafm_store.storage.maintenance import drop_stray_tables, health, stray_tables, tidy
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.schema import OF_IDS
from mediafm_store.tables.spaces import Space, is_imported
from mediafm_store.training.checkpoints import forgotten

_MANY_FILES = 50
"""Small files of a table: each write adds one, and every search opens all of them."""
_MANY_VERSIONS = 500
"""Of a table: each takes a listing of all of its files."""
_MANY_HIDDEN = 0.1
"""Share of a table's rows that no reader sees."""
_FEW_WORDS = 0.5
"""Share of titles with words, where some have any."""


@dataclass(frozen=True)
class CheckResult:
    """Result of one check."""

    check: str
    state: str
    """fine; due: nothing is wrong, but something is to be done; wrong; or fixed."""
    said: str
    cure: str = ""
    """Command or action that fixes it; empty if nothing is wrong."""


@dataclass(frozen=True)
class _Issue:
    """Something that is wrong, or due."""

    said: str
    cure: str = "mediafm doctor --fix"
    mend: Callable[[], object] | None = None
    """None: only the user can."""
    due: bool = False
    """True if it comes with normal use: such a store still answers well."""


def doctor(
    store: Storage, *, fix: bool = False, on_check: Callable[[str], None] = lambda check: None
) -> list[CheckResult]:
    """Check tables, spaces, indexes and titles.

    Each index is read completely and compared with its checksums. Tables are compacted as a stream,
    so that memory does not grow with them.

    Args:
        store: The store to check.
        fix: Repair what can be repaired.
        on_check: Called with the name of each check before it runs.

    Returns:
        Result of each check.

    Raises:
        InvalidInput: A table cannot be read, or `fix` is set and the store cannot be written to.
    """
    if fix:
        store.check_writable()
    findings: list[CheckResult] = []
    for name, look in CHECKS.items():
        on_check(name)
        found = []
        for fault in look(store):
            mended = fix and fault.mend is not None
            if mended and fault.mend:
                fault.mend()
            state = "fixed" if mended else "due" if fault.due else "wrong"
            found.append(CheckResult(name, state, fault.said, fault.cure))
        findings += found or [CheckResult(name, "fine", "")]
    return findings


def _tables(store: Storage) -> Iterator[_Issue]:
    """Rows that no reader sees, many small files, many versions: all make every read slow."""
    for table in health(store):
        said = []
        if table.hidden > _MANY_HIDDEN * table.rows:
            said.append(f"{table.hidden} of {table.rows} rows are of replaced titles")
        if table.small_files > _MANY_FILES:
            said.append(f"{table.small_files} small files")
        if table.versions > _MANY_VERSIONS:
            said.append(f"{table.versions} versions")
        if said:
            mend = partial(tidy, store, table.name)
            yield _Issue(f"{table.name}: {', '.join(said)}", mend=mend, due=True)


def _check_rows(store: Storage) -> Iterator[_Issue]:
    """Every title has a row a shot in every table that has rows of it, and none is there twice."""
    for name in sorted(UNIQUE):
        if count := len(doubled(store, name)):
            mend = partial(drop_doubled, store, name)
            yield _Issue(f"{name}: {count} rows are there more than once", mend=mend)
    for name in OF_IDS:
        if count := orphans(store, name):
            mend = partial(drop_orphans, store, name)
            yield _Issue(f"{name}: {count} rows are of titles that are not there", mend=mend)
    live = Counter(name for name, _ in {(s.name, s.version) for s in store.registry.live_spaces()})
    for name in (name for name, count in live.items() if count > 1):
        yield _Issue(
            f"several versions of {name} are live", cure=f"mediafm spaces promote {name} VERSION"
        )
    for name in tables_of_shots(store):
        yield from _rows_of_shots(store, name)


def _rows_of_shots(store: Storage, name: str) -> Iterator[_Issue]:
    """Check the rows of one table; missing vectors are reported by `_vectors`."""
    there = rows_by_title(store, name)
    if twice := sorted(title for title, found in there.items() if found.there > found.different):
        yield _Issue(
            f"{name}: rows of {len(twice)} titles are there more than once, as of {twice[0]}",
            mend=partial(drop_doubled, store, name, twice),
        )
    if name not in ("shots", "thumbnails"):
        return
    none = RowCounts(0, 0)
    odd = [
        title
        for title, shots in store.shot_counts().items()
        if (found := there.get(title, none)).different != shots and (found.there or name == "shots")
    ]
    if odd:
        yield _Issue(
            f"{name}: {len(odd)} titles do not have a row a shot, as {odd[0]}", cure=_anew(store)
        )


def _anew(store: Storage) -> str:
    """Advice on how to make titles again from their sources."""
    if is_imported(store.live("fused")):
        return "mediafm titles remove TITLE, and mediafm import its file again"
    return "mediafm ingest --force, with its film"


def _strays(store: Storage) -> Iterator[_Issue]:
    """Tables and indexes of no space, and indexes that were not finished."""
    if lost := stray_tables(store):
        yield _Issue(
            f"tables of no space: {', '.join(lost)}", mend=partial(drop_stray_tables, store)
        )
    there = {space.table for space in store.spaces() if space.state != "retired"}
    folder = indexes(store)
    for stray in sorted(f for f in folder.glob("*") if f.is_dir() and f.name not in there):
        yield _Issue(f"an index of no space: {stray.name}", mend=partial(shutil.rmtree, stray))
    for state in forgotten(store):
        yield _Issue(
            f"a training that was cut off more than a week ago: {state.name}",
            "mediafm train, as it was begun, goes on with it; mediafm doctor --fix deletes it",
            mend=state.unlink,
        )
    for folder in unfinished(store):
        yield _Issue(
            f"an index that was not finished: {folder.parent.name}",
            "the same command again goes on with it; mediafm doctor --fix deletes it",
            mend=partial(delete_unfinished, folder),
        )


def _damage(store: Storage) -> Iterator[_Issue]:
    """Every byte of an index is as it was written."""
    for space in store.registry.live_spaces():
        if damage := check_index(store, space):
            what = "; ".join(first_line(error) for error in damage.values())
            yield _Issue(
                f"the index of {space.table}: {what}", mend=partial(mend_index, store, space)
            )


def _stale(store: Storage) -> Iterator[_Issue]:
    """Indexes hold what their space holds."""
    for space in store.registry.live_spaces():
        opened = open_index(store, space)
        if opened and (changed := edited(store, space, opened)):
            yield _Issue(
                f"the index of {space.table}: {edits_in_words(changed)}",
                cure="mediafm index refresh",
                mend=partial(refresh_index, store, space),
            )
            continue
        status = index_status(store, space)
        many = status.replaced > MOSTLY_DEAD * (status.rows + status.replaced)
        if status.kind != "none" and (status.new or many):
            yield _Issue(
                f"the index of {space.table} lacks {status.new} rows and holds {status.replaced}"
                " of replaced titles",
                cure="mediafm index refresh",
                mend=partial(refresh_index, store, space),
                due=True,
            )


def _vectors(store: Storage) -> Iterator[_Issue]:
    """Every title has vectors in every version that is in use or on its way."""
    for space in store.spaces():
        if space.state == "retired":
            continue
        lacking, there = store.lacking(space), store.rows_by_title(space)
        some = [title for title in lacking if title in there]
        none = [title for title in lacking if title not in there]
        cure, due = _cure_of(space)
        if some:
            yield _Issue(
                f"{len(some)} titles do not have a vector a shot in {space.table}, as {some[0]}",
                cure,
            )
        if none:
            said = f"{len(none)} titles have no vectors in {space.table}, as {none[0]}"
            yield _Issue(said, cure, due=due)


def _cure_of(space: Space) -> tuple[str, bool]:
    """Command that makes vectors of a space, and whether they come later than the titles."""
    if space.name in ("context", "title"):
        return "mediafm embed" if space.live else "mediafm spaces retire", True
    if not space.live:
        return "mediafm spaces backfill", True
    return "mediafm import" if is_imported(space) else "mediafm ingest", False


def _media(store: Storage) -> Iterator[_Issue]:
    """The files that titles were made from are where they were."""
    titles = store.titles()
    gone = [
        title_id
        for title_id, path in zip(titles["id"], titles["media"], strict=True)
        if not _exists(path)
    ]
    if gone:
        yield _Issue(
            f"the files of {len(gone)} titles are not where they were, as {gone[0]}",
            cure="mediafm ingest, with the folder where they are",
        )


def _check_words(store: Storage) -> Iterator[_Issue]:
    """Titles without any words among titles with words: a subtitle file that was not found?"""
    shots = store.shots(columns=["title", "words"])
    if shots.is_empty():
        return
    said = shots.filter(shots["words"] != "")["title"].n_unique()
    titles = shots["title"].n_unique()
    if 0 < said < _FEW_WORDS * titles:
        yield _Issue(
            f"only {said} of {titles} titles have words",
            cure="put film.srt beside film.mp4 and run mediafm ingest",
            due=True,
        )


CHECKS: dict[str, Callable[[Storage], Iterator[_Issue]]] = {
    "tables": _tables,
    "rows": _check_rows,
    "damage": _damage,
    "stale indexes": _stale,
    "strays": _strays,  # after these, which go on with what was not finished
    "vectors": _vectors,
    "media": _media,
    "words": _check_words,
}


def _exists(path: str) -> bool:
    """True if a file exists; False if it may not be read."""
    try:
        return Path(path).exists()
    except OSError:
        return False
