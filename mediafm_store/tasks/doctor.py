"""Look for everything that may be wrong with a store, and mend what can be mended."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mediafm_store.store.store import Store
from mediafm_store.store.upkeep import drop_stray_tables, health, stray_tables, tidy
from mediafm_store.tasks.generations import delete_unfinished, indexes, unfinished
from mediafm_store.tasks.index import mend_index, refresh_index
from mediafm_store.tasks.index_status import index_status
from mediafm_store.tasks.indexed import check_index
from mediafm_store.tasks.sharding import MOSTLY_DEAD

MANY_FILES = 50
"""Small files of a table: each write adds one, and every search opens all of them."""
MANY_VERSIONS = 500
"""Of a table: each takes a listing of all of its files."""
MANY_HIDDEN = 0.1
"""Share of a table's rows that no reader sees."""
FEW_WORDS = 0.5
"""Share of titles with words, where some have any."""


@dataclass(frozen=True)
class Finding:
    """What one check found."""

    check: str
    state: str
    """fine, wrong, or fixed."""
    said: str
    cure: str = ""
    """What mends it; empty where nothing is wrong."""


@dataclass(frozen=True)
class Fault:
    """Something that is wrong."""

    said: str
    cure: str = "mediafm doctor --fix"
    mend: Callable[[], object] | None = None
    """None: only the user can."""


def doctor(
    store: Store, *, fix: bool = False, on_check: Callable[[str], None] = lambda check: None
) -> list[Finding]:
    """Check tables, spaces, indexes and titles; mend what can be mended if `fix` is set.

    Each index is read as a whole and compared with its checksums. Tables are compacted as a
    stream, so that memory does not grow with them. Raises BadInput if a table cannot be read, or
    if the store cannot be written to and shall be.
    """
    if fix:
        store.check_writable()
    findings: list[Finding] = []
    for name, look in CHECKS.items():
        on_check(name)
        found = []
        for fault in look(store):
            mended = fix and fault.mend is not None
            if mended and fault.mend:
                fault.mend()
            found.append(Finding(name, "fixed" if mended else "wrong", fault.said, fault.cure))
        findings += found or [Finding(name, "fine", "")]
    return findings


def tables(store: Store) -> Iterator[Fault]:
    """Rows that no reader sees, many small files, many versions: all make every read slow."""
    for table in health(store):
        said = []
        if table.hidden > MANY_HIDDEN * table.rows:
            said.append(f"{table.hidden} of {table.rows} rows are of replaced titles")
        if table.small_files > MANY_FILES:
            said.append(f"{table.small_files} small files")
        if table.versions > MANY_VERSIONS:
            said.append(f"{table.versions} versions")
        if said:
            mend = partial(tidy, store, table.name)
            yield Fault(f"{table.name}: {', '.join(said)}", mend=mend)


def strays(store: Store) -> Iterator[Fault]:
    """Tables and indexes of no space, and indexes that were not finished."""
    if lost := stray_tables(store):
        yield Fault(
            f"tables of no space: {', '.join(lost)}", mend=partial(drop_stray_tables, store)
        )
    there = {space.table for space in store.spaces() if space.state != "retired"}
    folder = indexes(store)
    for stray in sorted(f for f in folder.glob("*") if f.is_dir() and f.name not in there):
        yield Fault(f"an index of no space: {stray.name}", mend=partial(shutil.rmtree, stray))
    for folder in unfinished(store):
        yield Fault(
            f"an index that was not finished: {folder.parent.name}",
            "the same command again goes on with it; mediafm doctor --fix deletes it",
            mend=partial(delete_unfinished, folder),
        )


def damage(store: Store) -> Iterator[Fault]:
    """Every byte of an index is as it was written."""
    for space in store.registry.live_spaces():
        if damage := check_index(store, space):
            told = "; ".join(str(error).partition("\n")[0] for error in damage.values())
            yield Fault(
                f"the index of {space.table}: {told}", mend=partial(mend_index, store, space)
            )


def stale(store: Store) -> Iterator[Fault]:
    """Indexes hold what their space holds."""
    for space in store.registry.live_spaces():
        status = index_status(store, space)
        many = status.replaced > MOSTLY_DEAD * (status.rows + status.replaced)
        if status.kind != "none" and (status.new or many):
            yield Fault(
                f"the index of {space.table} lacks {status.new} rows and holds {status.replaced}"
                " of replaced titles",
                cure="mediafm index refresh",
                mend=partial(refresh_index, store, space),
            )


def vectors(store: Store) -> Iterator[Fault]:
    """Every title has vectors in every version that is in use or on its way."""
    for space in store.spaces():
        lacking = store.lacking(space) if space.state != "retired" else []
        if not lacking:
            continue
        said = f"{len(lacking)} titles have no vectors in {space.table}, as {lacking[0]}"
        if space.name in ("context", "title"):
            yield Fault(said, cure="mediafm embed" if space.live else "mediafm space retire")
        else:
            yield Fault(said, cure="mediafm ingest" if space.live else "mediafm space backfill")


def media(store: Store) -> Iterator[Fault]:
    """The files that titles were made from are where they were."""
    titles = store.titles()
    gone = [id for id, path in zip(titles["id"], titles["media"], strict=True) if not exists(path)]
    if gone:
        yield Fault(
            f"the files of {len(gone)} titles are not where they were, as {gone[0]}",
            cure="mediafm ingest, with the folder where they are",
        )


def words(store: Store) -> Iterator[Fault]:
    """Titles without any words among titles with words: a subtitle file that was not found?"""
    shots = store.shots(columns=["title", "words"])
    if shots.is_empty():
        return
    said = shots.filter(shots["words"] != "")["title"].n_unique()
    titles = shots["title"].n_unique()
    if 0 < said < FEW_WORDS * titles:
        yield Fault(
            f"only {said} of {titles} titles have words",
            cure="put film.srt beside film.mp4 and run mediafm ingest",
        )


CHECKS: dict[str, Callable[[Store], Iterator[Fault]]] = {
    "tables": tables,
    "damage": damage,
    "stale indexes": stale,
    "strays": strays,  # after these, which go on with what was not finished
    "vectors": vectors,
    "media": media,
    "words": words,
}


def exists(path: str) -> bool:
    """Whether a file is there; one that may not be looked at is not."""
    try:
        return Path(path).exists()
    except OSError:
        return False
