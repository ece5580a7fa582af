"""Which revisions of which titles tables have rows of, be they valid or not."""

from collections.abc import Mapping

import polars as pl
import pyarrow as pa

from mediafm_store.store.tables import Tables

ROWS = 1 << 20
"""That are gone through at a time: 50 MB."""


class Contents:
    """What a writer has to know before it writes.

    A table is gone through once, and again when it was compacted or another program has written to
    it. To ask it at every write would take the longer the more there is: a bulk job would grow with
    the square of the catalogue.
    """

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._known: dict[str, tuple[int, dict[str, set[str]]]] = {}

    def of(self, name: str) -> Mapping[str, set[str]]:
        """The revisions that a table has rows of, by title."""
        version = self._tables.open(name).version
        known = self._known.get(name)
        if known is None or known[0] != version:
            found: dict[str, set[str]] = {}
            for rows in self._tables.batches(name, ["title", "revision"], ROWS):
                note(found, rows)
            known = self._known[name] = (version, found)
        return known[1]

    def add(self, name: str, rows: pa.Table) -> None:
        """Append rows to a table in one commit."""
        version, found = self._known.get(name, (0, {}))
        if self._tables.add(name, rows) == version + 1:
            note(found, rows)
            self._known[name] = (version + 1, found)


def note(found: dict[str, set[str]], rows: pa.Table) -> None:
    """Take down what rows belong to."""
    keys = pl.DataFrame(pl.from_arrow(rows.select(["title", "revision"])))
    for title, revision in keys.unique().iter_rows():
        found.setdefault(title, set()).add(revision)
