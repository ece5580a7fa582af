"""Read the LanceDB tables behind a store. With `spoken` the only code that imports lancedb."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from mediafm_store.errors import InvalidInput, first_line
from mediafm_store.tables.lazy_import import init_later
from mediafm_store.tables.location import StoreLocation

# LanceDB needs a few types of this client of a REST service, whose __init__ builds all of it with
# pydantic: 0.4 s of every command, half of what importing LanceDB takes.
init_later("lance_namespace_urllib3_client")
import lancedb  # noqa: E402

from mediafm_store.tables.spoken import full_text_query  # noqa: E402

_MOST_TABLES = 10_000
PINNED: ContextVar[dict[tuple[str, str], Any] | None] = ContextVar("pinned", default=None)
"""Address and name -> the table, while tables are pinned to a version."""
_VERSIONS = "*.lance/_versions"
"""Pattern of the files that LanceDB writes for each commit."""
_SETTLED_NS = 2_000_000_000
"""Far longer than two commits can bear the same time."""


class TableReader:
    """The LanceDB tables at a place, to read.

    Raises InvalidInput where a table cannot be read.
    """

    def __init__(self, place: StoreLocation) -> None:
        self.place = place
        self._whole: dict[tuple[str, ...], tuple[int, pa.Table]] = {}
        with self._translate_errors("opened"):
            self._db = lancedb.connect(place.address)

    @contextmanager
    def _translate_errors(self, what: str) -> Iterator[None]:
        """LanceDB's own errors are pages long, with paths of its source code."""
        try:
            yield
        except (OSError, RuntimeError, ValueError) as error:
            reason = first_line(error).split(", /")[0]
            raise InvalidInput(f"store {self.place.address} cannot be {what}: {reason}") from error

    def names(self) -> list[str]:
        """All tables."""
        with self._translate_errors("read"):
            return sorted(self._db.list_tables(limit=_MOST_TABLES).tables)

    def files(self, name: str) -> tuple[int, int]:
        """Number of small files and of versions of a table."""
        with self._translate_errors("read"):
            table = self.open(name)
            stats: Any = table.stats()
            return stats["fragment_stats"]["num_small_fragments"], len(table.list_versions())

    def open(self, name: str, version: int | None = None) -> Any:
        """A LanceDB table as it is now, or as it was."""
        with self._translate_errors("read"):
            held = PINNED.get()
            if version is None and held is not None:
                key = (self.place.address, name)
                if key not in held:
                    held[key] = self._db.open_table(name)
                return held[key]
            table = self._db.open_table(name)
            if version is not None:
                table.checkout(version)
            return table

    @contextmanager
    def pinned(self, known: dict[tuple[str, str], Any] | None = None) -> Iterator[None]:
        """Within it, a table is looked up once, and read as it was then.

        What was looked up is in `known`, for those who know that no table has changed since.

        To look whether there is a newer version is a request to an object store, and a search would
        do so two dozen times. Of this thread alone; what it writes itself is seen. Within another
        it is of the same moment.
        """
        if PINNED.get() is not None:
            yield
            return
        token = PINNED.set({} if known is None else known)
        try:
            yield
        finally:
            PINNED.reset(token)

    def versions(self, name: str) -> list[tuple[int, datetime]]:
        """The versions of a table that are still there, and when each was written."""
        with self._translate_errors("read"):
            found = self.open(name).list_versions()
        return [(v["version"], v["timestamp"].astimezone(UTC)) for v in found]

    def select(
        self, name: str, condition: str | None = None, columns: list[str] | None = None
    ) -> pa.Table:
        """Rows that fulfil an SQL condition."""
        return self._select(self.open(name), condition, columns)

    def _select(self, table: Any, condition: str | None, columns: list[str] | None) -> pa.Table:
        with self._translate_errors("read"):
            query = table.search()
            if condition:
                query = query.where(condition)
            if columns:
                query = query.select(columns)
            return query.limit(None).to_arrow()

    def select_places(self, name: str, columns: Sequence[str], where: str | None) -> pa.Table:
        """Rows with the place of each as `_rowid`."""
        with self._translate_errors("read"):
            query = self.open(name).search().select(list(columns)).with_row_id(True)
            return (query.where(where) if where else query).limit(None).to_arrow()

    def whole(self, name: str, columns: Sequence[str]) -> pa.Table:
        """All rows of a small table that is asked for again and again.

        They are read when the table has another version than at the last time: to see that takes
        a quarter of the time of reading.
        """
        version = self.version(name)
        key = (name, *columns)
        known = self._whole.get(key)
        if known is None or known[0] != version:
            rows = self._select(self.open(name), None, list(columns))
            known = self._whole[key] = (version, rows)
        return known[1]

    def version(self, name: str) -> int:
        """The version of a table as it is now; of one that is held, looked up once, too."""
        with self._translate_errors("read"):
            held, key = PINNED.get(), (self.place.address, f"version of {name}")
            if held is None:
                return int(self.open(name).version)
            if key not in held:
                held[key] = int(self.open(name).version)
            return int(held[key])

    def state(self) -> tuple[tuple[str, int], ...]:
        """Versions of all tables: they differ after any commit."""
        return tuple((name, self.version(name)) for name in self.names())

    def commits(self) -> tuple[tuple[str, int, int], ...] | None:
        """Times of the last commits to the tables, without opening them.

        None where that is unreliable: at an address, or if the last commit was a moment ago and the
        next may have the same time.
        """
        try:
            found = [(f.parent.name, f.stat()) for f in sorted(self.place.local.glob(_VERSIONS))]
        except FileNotFoundError:  # dropped at this moment
            return None
        latest = max((stat.st_mtime_ns for _, stat in found), default=0)
        if self.place.remote or not found or latest > time.time_ns() - _SETTLED_NS:
            return None
        return tuple((name, stat.st_ino, stat.st_mtime_ns) for name, stat in found)

    def born(self, name: str) -> tuple[int, int] | None:
        """Identity of a table on this machine, or None; it changes if another table replaces it.

        Both may have the same version number.
        """
        try:
            found = (self.place.local / f"{name}.lance").stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns

    def batches(
        self,
        name: str,
        columns: Sequence[str] | None,
        rows: int,
        *,
        condition: str | None = None,
        version: int | None = None,
        part: tuple[int, int] = (0, 1),
    ) -> Iterator[pa.Table]:
        """Yield columns of a table in order, in batches; `version` is by default the last.

        `part` (i, n) is every n-th of them, from the i-th on.

        LanceDB's own batches read ahead of who takes them: all of a table of 400 MB.
        """
        table = self.open(name, version)
        first, parts = part
        chosen = None if condition is None else self._places(table, condition)
        count = table.count_rows() if chosen is None else len(chosen)
        for start in range(first * rows, count, parts * rows):
            with self._translate_errors("read"):
                if chosen is None:
                    query = table.search().offset(start).limit(rows)
                else:
                    query = table.take_row_ids(chosen[start : start + rows])
                found = (query.select(list(columns)) if columns else query).to_arrow()
            yield found

    def _places(self, table: Any, condition: str) -> list[int]:
        """Offsets of the rows that match a condition, evaluated once for all batches."""
        with self._translate_errors("read"):
            # One column: where none is named, LanceDB reads all, with the vectors.
            query = table.search().where(condition).select(table.schema.names[:1])
            return list(query.with_row_id(True).limit(None).to_arrow()["_rowid"].to_pylist())

    def take(self, table: Any, places: Sequence[int], columns: Sequence[str]) -> pa.Table:
        """Rows of an open table at some offsets, ascending and counted from 0."""
        with self._translate_errors("read"):
            return table.take_offsets(list(places)).select(list(columns)).to_arrow()

    def search_words(
        self, name: str, column: str, words: str, k: int, condition: str | None
    ) -> pa.Table:
        """Ids of the best `k` rows by BM25, as `id` and `_score`; quotes mark a phrase."""
        query = full_text_query(words, column)
        with self._translate_errors("read"):
            asked = self.open(name).search(query, query_type="fts").limit(k)
            if condition:
                asked = asked.where(condition, prefilter=True)
            return asked.select(["id", "title", "revision", "_score"]).to_arrow()
