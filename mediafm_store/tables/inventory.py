"""Inventory of the revisions of titles that tables have rows of, valid or not."""

from collections.abc import Mapping

import polars as pl
import pyarrow as pa

from mediafm_store.tables.lancedb_tables import Tables

_Found = dict[str, dict[str, int]]
_ROWS = 1 << 20
"""Rows that are read in one go: 50 MB."""


class RevisionInventory:
    """Revisions that a writer has to know before it writes.

    A table is scanned once, and again after it was compacted or another program has written to it.
    A query before every write would take longer the larger the table is: the time of a bulk job
    would be quadratic in the size of the catalogue.
    """

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._known: dict[str, tuple[int, _Found]] = {}

    def of(self, name: str) -> Mapping[str, Mapping[str, int]]:
        """The revisions that a table has rows of, by title, and how many."""
        version = self._tables.open(name).version
        known = self._known.get(name)
        if known is None or known[0] != version:
            found: _Found = {}
            for rows in self._tables.batches(name, ["title", "revision"], _ROWS):
                _note(found, rows)
            known = self._known[name] = (version, found)
        return known[1]

    def add(self, name: str, rows: pa.Table) -> None:
        """Append rows to a table in one commit."""
        version, found = self._known.get(name, (0, {}))
        if self._tables.add(name, rows) == version + 1:
            _note(found, rows)
            self._known[name] = (version + 1, found)


def _note(found: _Found, rows: pa.Table) -> None:
    """Take down what rows belong to."""
    keys = pl.DataFrame(pl.from_arrow(rows.select(["title", "revision"])))
    for title, revision, count in keys.group_by("title", "revision").len().iter_rows():
        of_title = found.setdefault(title, {})
        of_title[revision] = of_title.get(revision, 0) + count
