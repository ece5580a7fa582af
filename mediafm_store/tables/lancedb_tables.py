"""Write the LanceDB tables behind a store."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any

import pyarrow as pa

from mediafm_store.tables.location import StoreLocation
from mediafm_store.tables.reader import PINNED, TableReader
from mediafm_store.tables.turns import turn

import lancedb.index  # isort: skip  # after the reader, which makes it light

_AT_ONCE = 1000
"""Rows that one condition names."""
_COMPACTED = 50
"""Writes between compactions: each leaves a file that every reader has to open."""
_KEPT = timedelta(days=1)
"""Time for which old versions can be read."""
CITED = frozenset({"labels"})
"""Tables whose versions are all kept: a probe names the one that it was fitted to."""
_FOR_EVER = timedelta(days=365_000)
_OVERTAKEN = "commit conflict"


class Tables(TableReader):
    """The LanceDB tables at a place, to read and write.

    Raises InvalidInput where a table cannot be read or written.
    """

    def __reduce__(self) -> tuple[type["Tables"], tuple[StoreLocation]]:
        """Another process opens them for itself."""
        return Tables, (self.place,)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Held while rows are written: see `turn`. Who has it may take it again."""
        with ExitStack() as stack:
            with self._translate_errors("written"):
                self.place.local.mkdir(parents=True, exist_ok=True)
                what = f"store {self.place.address}"
                stack.enter_context(turn(self.place.local / ".write.lock", what))
            yield

    def create(self, name: str, schema: pa.Schema, *, anew: bool = False) -> None:
        """Make an empty table where there is none, or in any case."""
        with self._translate_errors("written"):
            if anew:
                self._db.drop_table(name, ignore_missing=True)
            self._db.create_table(name, schema=schema, exist_ok=not anew)

    def rewrite(self, name: str, rows: pa.Table) -> None:
        """Put other columns and rows in the place of a table's, in one commit."""
        with self._translate_errors("written"):
            self._db.create_table(name, data=rows, schema=rows.schema, mode="overwrite")

    def drop(self, name: str) -> None:
        """Delete a table, if it is there."""
        with self._translate_errors("written"):
            self._db.drop_table(name, ignore_missing=True)

    def compact(self, name: str) -> None:
        """Join the files of a table and delete its versions of yesterday and before.

        LanceDB does so as a stream: 176 MB for a table of 460 MB in 200 files.
        """
        with self._translate_errors("written"):
            _optimize(name, self.open(name))

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
        with self.lock(), self._translate_errors("written"):
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
        with self.lock(), self._translate_errors("written"):
            table = self.open(name)
            _optimize(name, table)
            if not self._has_index(name, "id"):
                table.create_index("id", config=lancedb.index.BTree())

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
        with self._translate_errors("read"):
            there = self.open(name).count_rows(condition)
        if there:
            self._commit(name, lambda table: table.delete(condition))

    def delete_places(self, name: str, places: Sequence[int]) -> None:
        """Delete the rows at some offsets, as `select_places` returns them."""

        def write(table: Any) -> None:  # all of it before the table is compacted: that moves rows
            for start in range(0, len(places), _AT_ONCE):
                told = ", ".join(map(str, places[start : start + _AT_ONCE]))
                table.delete(f"_rowid IN ({told})")

        self._commit(name, write)

    def _commit(self, name: str, write: Callable[[Any], object]) -> int:
        """Write to a table; each COMPACTED-th version of it is compacted.

        Returns the version that was written.
        LanceDB repeats a commit that another machine's has overtaken; compaction alone it does not,
        and that has time until the next turn.
        """
        with self._translate_errors("written"):
            table = self.open(name)  # LanceDB brings one that is held up to date
            write(table)
            version = int(table.version)
            if (held := PINNED.get()) is not None:
                held.pop((self.place.address, f"version of {name}"), None)
            if version % _COMPACTED == 0:
                with _suppressed(_OVERTAKEN):
                    _optimize(name, table)
            return version


def _optimize(name: str, table: Any) -> None:
    """Join its files; forget its old versions, if nobody cites them."""
    table.optimize(cleanup_older_than=_FOR_EVER if name in CITED else _KEPT)


@contextmanager
def _suppressed(reason: str) -> Iterator[None]:
    """Errors of LanceDB that say so, which has no classes for them."""
    try:
        yield
    except RuntimeError as error:
        if reason not in str(error):
            raise
