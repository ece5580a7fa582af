"""The state of a store's tables, and how to tidy them."""

import re
from typing import NamedTuple

from mediafm_store.storage.storage import Storage
from mediafm_store.storage.views import only_valid
from mediafm_store.tables.lancedb_tables import CITED
from mediafm_store.tables.sql import one_of

_VECTOR_TABLE = re.compile(r"(fused|described|metadata|context|title)_v\d+")


class TableHealth(NamedTuple):
    """Maintenance state of a table."""

    name: str
    rows: int
    hidden: int
    """Rows that no reader sees: of replaced titles, or of an ingest that was killed."""
    small_files: int
    versions: int
    """Versions that can be dropped once no reader has them open."""


def health(store: Storage) -> list[TableHealth]:
    """State of every table that belongs to a store."""
    return [_table_health(store, name) for name in sorted(store.table_names())]


def _table_health(store: Storage, name: str) -> TableHealth:
    """The state of one table."""
    rows = visible = store.table(name).count_rows()
    if _has_revisions(store, name):
        found = store.tables.select(name, None, ["revision"])
        visible = only_valid(found, store.revisions()).num_rows
    files, versions = store.tables.files(name)
    return TableHealth(name, rows, rows - visible, files, 0 if name in CITED else versions)


def _has_revisions(store: Storage, name: str) -> bool:
    """True if a table holds rows that may not be valid."""
    return name != "titles" and "revision" in store.table(name).schema.names


def tidy(store: Storage, name: str) -> None:
    """Compact a table: delete rows that no reader sees, merge files, drop old versions.

    Readers that have had the table open for a day lose it.
    """
    with store.tables.lock():
        if _has_revisions(store, name):
            valid = one_of("revision", list(store.revisions().values()))
            store.tables.delete(name, f"NOT ({valid})")
        store.tables.compact(name)


def stray_tables(store: Storage) -> list[str]:
    """Tables of vectors that belong to no space, left when a process was killed."""
    own = store.table_names()
    return [n for n in store.tables.names() if _VECTOR_TABLE.fullmatch(n) and n not in own]


def drop_stray_tables(store: Storage) -> None:
    """Delete tables of vectors that belong to no space."""
    with store.tables.lock():
        for name in stray_tables(store):
            store.tables.drop(name)
