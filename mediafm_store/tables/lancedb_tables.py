"""The LanceDB tables behind a store. With `spoken` the only code that imports lancedb."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from mediafm_store.errors import InvalidInput, first_line
from mediafm_store.tables.lazy_import import init_later
from mediafm_store.tables.location import StoreLocation
from mediafm_store.tables.turns import turn

# LanceDB needs a few types of this client of a REST service, whose __init__ builds all of it with
# pydantic: 0.4 s of every command, half of what importing LanceDB takes.
init_later("lance_namespace_urllib3_client")
import lancedb  # noqa: E402
import lancedb.index  # noqa: E402

from mediafm_store.tables.spoken import full_text_query  # noqa: E402

_MOST_TABLES = 10_000
AT_ONCE = 1000
"""Rows that one condition names."""
COMPACTED = 50
"""Writes between compactions: each leaves a file that every reader has to open."""
KEPT = timedelta(days=1)
"""Time for which old versions can be read."""
CITED = frozenset({"labels"})
"""Tables whose versions are all kept: a probe names the one that it was fitted to."""
_FOR_EVER = timedelta(days=365_000)
_HELD: ContextVar[dict[tuple[str, str], Any] | None] = ContextVar("held", default=None)
"""Address and name -> the table, while tables are held."""
_OVERTAKEN = "commit conflict"
_VERSIONS = "*.lance/_versions"
"""Pattern of the files that LanceDB writes for each commit."""
_SETTLED_NS = 2_000_000_000
"""Far longer than two commits can bear the same time."""


class Tables:
    """LanceDB tables at a location.

    Raises:
        InvalidInput: If a table cannot be read or written.
    """

    def __init__(self, place: StoreLocation) -> None:
        self.place = place
        self._whole: dict[tuple[str, ...], tuple[int, pa.Table]] = {}
        with self._telling("opened"):
            self._db = lancedb.connect(place.address)

    def __reduce__(self) -> tuple[type["Tables"], tuple[StoreLocation]]:
        """Another process opens them for itself."""
        return Tables, (self.place,)

    @contextmanager
    def _telling(self, what: str) -> Iterator[None]:
        """LanceDB's own errors are pages long, with paths of its source code."""
        try:
            yield
        except (OSError, RuntimeError, ValueError) as error:
            reason = first_line(error).split(", /")[0]
            raise InvalidInput(f"store {self.place.address} cannot be {what}: {reason}") from error

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Held while rows are written: see `turn`. Who has it may take it again."""
        with ExitStack() as stack:
            with self._telling("written"):
                self.place.local.mkdir(parents=True, exist_ok=True)
                what = f"store {self.place.address}"
                stack.enter_context(turn(self.place.local / ".write.lock", what))
            yield

    def create(self, name: str, schema: pa.Schema, *, anew: bool = False) -> None:
        """Make an empty table where there is none, or in any case."""
        with self._telling("written"):
            if anew:
                self._db.drop_table(name, ignore_missing=True)
            self._db.create_table(name, schema=schema, exist_ok=not anew)

    def rewrite(self, name: str, rows: pa.Table) -> None:
        """Put other columns and rows in the place of a table's, in one commit."""
        with self._telling("written"):
            self._db.create_table(name, data=rows, schema=rows.schema, mode="overwrite")

    def drop(self, name: str) -> None:
        """Delete a table, if it is there."""
        with self._telling("written"):
            self._db.drop_table(name, ignore_missing=True)

    def names(self) -> list[str]:
        """All tables."""
        with self._telling("read"):
            return sorted(self._db.list_tables(limit=_MOST_TABLES).tables)

    def files(self, name: str) -> tuple[int, int]:
        """Number of small files and of versions of a table."""
        with self._telling("read"):
            table = self.open(name)
            stats: Any = table.stats()
            return stats["fragment_stats"]["num_small_fragments"], len(table.list_versions())

    def compact(self, name: str) -> None:
        """Join the files of a table and delete its versions of yesterday and before.

        LanceDB does so as a stream: 176 MB for a table of 460 MB in 200 files.
        """
        with self._telling("written"):
            _optimize(name, self.open(name))

    def open(self, name: str, version: int | None = None) -> Any:
        """A LanceDB table as it is now, or as it was."""
        with self._telling("read"):
            held = _HELD.get()
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
    def held(self, known: dict[tuple[str, str], Any] | None = None) -> Iterator[None]:
        """Within it, a table is looked up once, and read as it was then.

        What was looked up is in `known`, for those who know that no table has changed since.

        To look whether there is a newer version is a request to an object store, and a search would
        do so two dozen times. Of this thread alone; what it writes itself is seen. Within another
        it is of the same moment.
        """
        if _HELD.get() is not None:
            yield
            return
        token = _HELD.set({} if known is None else known)
        try:
            yield
        finally:
            _HELD.reset(token)

    def versions(self, name: str) -> list[tuple[int, datetime]]:
        """The versions of a table that are still there, and when each was written."""
        with self._telling("read"):
            found = self.open(name).list_versions()
        return [(v["version"], v["timestamp"].astimezone(UTC)) for v in found]

    def select(
        self, name: str, condition: str | None = None, columns: list[str] | None = None
    ) -> pa.Table:
        """Rows that fulfil an SQL condition."""
        return self._select(self.open(name), condition, columns)

    def _select(self, table: Any, condition: str | None, columns: list[str] | None) -> pa.Table:
        with self._telling("read"):
            query = table.search()
            if condition:
                query = query.where(condition)
            if columns:
                query = query.select(columns)
            return query.limit(None).to_arrow()

    def select_places(self, name: str, columns: Sequence[str], where: str | None) -> pa.Table:
        """Rows with the place of each as `_rowid`."""
        with self._telling("read"):
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
        with self._telling("read"):
            held, key = _HELD.get(), (self.place.address, f"version of {name}")
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
            with self._telling("read"):
                if chosen is None:
                    query = table.search().offset(start).limit(rows)
                else:
                    query = table.take_row_ids(chosen[start : start + rows])
                found = (query.select(list(columns)) if columns else query).to_arrow()
            yield found

    def _places(self, table: Any, condition: str) -> list[int]:
        """Offsets of the rows that match a condition, evaluated once for all batches."""
        with self._telling("read"):
            # One column: where none is named, LanceDB reads all, with the vectors.
            query = table.search().where(condition).select(table.schema.names[:1])
            return list(query.with_row_id(True).limit(None).to_arrow()["_rowid"].to_pylist())

    def take(self, table: Any, places: Sequence[int], columns: Sequence[str]) -> pa.Table:
        """Rows of an open table at some offsets, ascending and counted from 0."""
        with self._telling("read"):
            return table.take_offsets(list(places)).select(list(columns)).to_arrow()

    def index_words(self, name: str, column: str) -> None:
        """Make the full-text index of a column where there is none.

        Every word counts, stop words too: people search for what was said literally. Rows that come
        later are found all the same; `compact` takes them into the index.
        """
        if self._has_index(name, column):  # who may not write may search
            return
        config = lancedb.index.FTS(
            base_tokenizer="icu", with_position=True, stem=False, remove_stop_words=False
        )
        with self.lock(), self._telling("written"):
            if not self._has_index(name, column):
                self.open(name).create_index(column, config=config)

    def _has_index(self, name: str, column: str) -> bool:
        """True if a column of a table has an index."""
        return any(index.columns == [column] for index in self.open(name).list_indices())

    def index_ids(self, name: str) -> None:
        """Join the files of a table, and make the index of its ids where there is none.

        A hundred rows of twelve files are then found in 9 ms, else in 17. Rows that come later are
        found all the same, as with `index_words`.
        """
        with self.lock(), self._telling("written"):
            table = self.open(name)
            _optimize(name, table)
            if not self._has_index(name, "id"):
                table.create_index("id", config=lancedb.index.BTree())

    def search_words(
        self, name: str, column: str, words: str, k: int, condition: str | None
    ) -> pa.Table:
        """Ids of the best `k` rows by BM25, as `id` and `_score`; quotes mark a phrase."""
        query = full_text_query(words, column)
        with self._telling("read"):
            asked = self.open(name).search(query, query_type="fts").limit(k)
            if condition:
                asked = asked.where(condition, prefilter=True)
            return asked.select(["id", "title", "revision", "_score"]).to_arrow()

    def add(self, name: str, rows: pa.Table) -> int:
        """Append rows in one commit, if there are any; return the table's version with them."""
        if not rows.num_rows:
            return int(self.open(name).version)
        return self._commit(name, lambda table: table.add(rows))

    def replace(
        self, name: str, key: Sequence[str], rows: pa.Table, *, instead_of: str | None = None
    ) -> None:
        """Replace the rows with the same key, in one commit.

        Others that fulfil the condition `instead_of` are deleted by the same commit.
        """

        def write(table: Any) -> None:
            merge = table.merge_insert(list(key))
            merge = merge.when_matched_update_all().when_not_matched_insert_all()
            if instead_of:
                merge = merge.when_not_matched_by_source_delete(instead_of)
            merge.execute(rows)

        self._commit(name, write)

    def delete(self, name: str, condition: str) -> None:
        """Delete rows in one commit, if there are any."""
        with self._telling("read"):
            there = self.open(name).count_rows(condition)
        if there:
            self._commit(name, lambda table: table.delete(condition))

    def delete_places(self, name: str, places: Sequence[int]) -> None:
        """Delete the rows at some offsets, as `select_places` returns them."""

        def write(table: Any) -> None:  # all of it before the table is compacted: that moves rows
            for start in range(0, len(places), AT_ONCE):
                told = ", ".join(map(str, places[start : start + AT_ONCE]))
                table.delete(f"_rowid IN ({told})")

        self._commit(name, write)

    def _commit(self, name: str, write: Callable[[Any], object]) -> int:
        """Write to a table; each COMPACTED-th version of it is compacted.

        Returns the version that was written.
        LanceDB repeats a commit that another machine's has overtaken; compaction alone it does not,
        and that has time until the next turn.
        """
        with self._telling("written"):
            table = self.open(name)  # LanceDB brings one that is held up to date
            write(table)
            version = int(table.version)
            if (held := _HELD.get()) is not None:
                held.pop((self.place.address, f"version of {name}"), None)
            if version % COMPACTED == 0:
                with _suppressed(_OVERTAKEN):
                    _optimize(name, table)
            return version


def _optimize(name: str, table: Any) -> None:
    """Join its files; forget its old versions, if nobody cites them."""
    table.optimize(cleanup_older_than=_FOR_EVER if name in CITED else KEPT)


@contextmanager
def _suppressed(reason: str) -> Iterator[None]:
    """Errors of LanceDB that say so, which has no classes for them."""
    try:
        yield
    except RuntimeError as error:
        if reason not in str(error):
            raise


def quoted(text: str) -> str:
    """String literal in SQL.

    Example:
        >>> quoted("it's")
        "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def one_of(column: str, values: Sequence[str]) -> str:
    """SQL condition: the column has one of the values."""
    return f"{column} IN ({', '.join(map(quoted, values))})" if values else "false"
