"""Tables as other tools read them: Polars, Arrow, DuckDB, pandas, torch."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from importlib import import_module
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from polars.io.plugins import register_io_source

from mediafm_store.errors import InvalidInput
from mediafm_store.storage.filters import matching
from mediafm_store.storage.rows import VECTOR
from mediafm_store.tables.lancedb_tables import Tables

_ROWS = 8192
"""Rows of a batch: 38 MB of vectors."""
_KEYS = ("id", "title", "revision")
_NOW = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class View:
    """Valid rows of a table, without internal columns.

    Vectors have the columns of their shots or titles beside them. All rows are of one moment: that
    at which the view was opened, or the last at which the version was the newest.
    """

    tables: Tables
    name: str
    versions: Mapping[str, int]
    """Versions of the tables that it is made from."""
    ids: frozenset[str] | None = None
    """The shots that are in it; None: all."""

    @cached_property
    def schema(self) -> pa.Schema:
        """Columns and types."""
        own = self._schema_of(self.name)
        if VECTOR not in own.names:
            return own
        known = [f for f in self._schema_of(self._about) if f.name not in _KEYS]
        return pa.schema([own.field("id"), own.field("title"), *known, own.field(VECTOR)])

    def batches(
        self, columns: Sequence[str] | None = None, *, part: tuple[int, int] = (0, 1)
    ) -> Iterator[pa.RecordBatch]:
        """Yield batches of all columns or some; `part` (i, n) is every n-th of them."""
        schema = pa.schema([f for f in self.schema if columns is None or f.name in columns])
        there = self.tables.open(self.name, self.versions[self.name]).schema.names
        own = [c for c in there if c in _KEYS or c in schema.names]
        lacking = [c for c in schema.names if c not in there]
        known = self._known(lacking) if lacking else None
        # Not by Arrow, which would hash all of them again for every batch.
        place_of = {row_id: i for i, row_id in enumerate(known["id"].to_pylist())} if known else {}
        for found in self._valid(self.name, own, part):
            rows = found
            if self.ids is not None:
                rows = rows.filter(
                    pa.array([row_id in self.ids for row_id in rows["id"].to_pylist()], pa.bool_())
                )
            if known is not None:
                places = pa.array(
                    [place_of[row_id] for row_id in rows["id"].to_pylist()], pa.int64()
                )
                for column in lacking:
                    taken = known[column].take(places)
                    rows = rows.append_column(schema.field(column), taken)
            yield from rows.select(schema.names).cast(schema).to_batches()

    def lazy(self) -> pl.LazyFrame:
        """Polars LazyFrame: only columns that are used are read, a batch at a time."""

        def source(
            with_columns: list[str] | None,
            predicate: pl.Expr | None,
            n_rows: int | None,
            _batch_size: int | None,
        ) -> Iterator[pl.DataFrame]:
            left = n_rows
            for batch in self.batches(with_columns):
                frame = pl.DataFrame(pl.from_arrow(batch))
                frame = frame.select(with_columns) if with_columns is not None else frame
                frame = frame.head(left) if left is not None else frame
                left = left - len(frame) if left is not None else None
                yield frame.filter(predicate) if predicate is not None else frame
                if left == 0:
                    return

        empty = pl.DataFrame(pl.from_arrow(self.schema.empty_table()))
        return register_io_source(source, schema=empty.schema)

    def arrow(self) -> pa.Table:
        """All rows as an Arrow table, in memory."""
        return pa.Table.from_batches(self.batches(), self.schema)

    def pandas(self) -> Any:
        """A pandas frame; vectors are numpy arrays in a column. Needs pandas."""
        _needed("pandas")
        return self.arrow().to_pandas()

    def duckdb(self) -> Any:
        """A relation for DuckDB; vectors are FLOAT[n], as DuckDB knows no float16. Needs duckdb."""
        return _needed("duckdb").from_arrow(_single_precision(self.arrow()))

    def torch(self, columns: Sequence[str] | None = None, *, batch_size: int = _ROWS) -> Any:
        """Torch IterableDataset of batches, streamed from disk.

        Vectors are float32 [rows, dim], numbers and booleans tensors [rows], all else lists.
        Columns with nulls are lists with None, except floats, which have NaN. Workers of a
        DataLoader (with batch_size=None) share the batches; the last batch of each may be smaller.

        Args:
            columns: Names of columns; default: all.
            batch_size: Rows per batch.

        Raises:
            InvalidInput: If a column does not exist.
        """
        from mediafm_store.storage.streams import Batches

        names = self.chosen(columns)
        return Batches(partial(self.batches, names), names, batch_size)

    def chosen(self, columns: Sequence[str] | None) -> list[str]:
        """Columns of these names, or all.

        Raises:
            InvalidInput: If there is no column of a name.
        """
        names = self.schema.names
        if unknown := [c for c in columns or () if c not in names]:
            raise InvalidInput(
                f"{self.name} has no column {unknown[0]!r}; there are {', '.join(names)}"
            )
        return names if columns is None else list(columns)

    # What it is made of

    @property
    def _about(self) -> str:
        """The table that says what a space's vectors belong to."""
        return "titles" if self.name.startswith(("title_", "metadata_")) else "shots"

    def _schema_of(self, name: str) -> pa.Schema:
        schema = self.tables.open(name, self.versions[name]).schema.remove_metadata()
        hidden = {"revision", "sources"}
        return pa.schema([field for field in schema if field.name not in hidden])

    def _valid(
        self, name: str, columns: Sequence[str], part: tuple[int, int] = (0, 1)
    ) -> Iterator[pa.Table]:
        version = self.versions[name]
        for rows in self.tables.batches(name, columns, _ROWS, version=version, part=part):
            if "revision" in rows.column_names and name != "titles":
                yield only_valid(rows, self._revisions)
            else:
                yield rows

    @cached_property
    def _revisions(self) -> dict[str, str]:
        found: dict[str, str] = {}
        version = self.versions["titles"]
        for rows in self.tables.batches("titles", ["id", "revision"], _ROWS, version=version):
            found |= dict(zip(rows["id"].to_pylist(), rows["revision"].to_pylist(), strict=True))
        return found

    def _known(self, columns: Sequence[str]) -> pa.Table:
        """Facts about shots or titles, by id."""
        there = self.tables.open(self._about, self.versions[self._about]).schema
        keys = [c for c in _KEYS if c in there.names]
        empty = pa.schema([there.field(c) for c in [*keys, *columns]]).empty_table()
        parts = [
            part.select(empty.column_names) for part in self._valid(self._about, empty.column_names)
        ]
        return pa.concat_tables([empty, *parts]).combine_chunks()


def open_view(tables: Tables, name: str, *, version: int | None, where: str | None) -> View:
    """A table at one of its versions, with those that it depends on as they were then."""
    of_titles = "revision" in tables.open(name).schema.names
    needed_tables = {name, "titles", "shots"} if of_titles else {name}
    if version is None:
        # Titles first: a title that is replaced in between is then seen as it was.
        order = sorted(needed_tables, key=lambda n: n != "titles")
        versions = {n: tables.open(n).version for n in order}
    else:
        written = dict(tables.versions(name))
        if version not in written:
            known = ", ".join(map(str, written)) if len(written) < 9 else f"up to {max(written)}"
            raise InvalidInput(f"{name} has no version {version}; there are {known}")
        # The others as they were until the table changed again: titles are written last.
        until = written.get(min((v for v in written if v > version), default=0), _NOW)
        versions = {name: version}
        for other in needed_tables - {name}:
            found = [v for v, when in tables.versions(other) if when < until]
            if not found:
                raise InvalidInput(f"{other} of the time of {name} version {version} is gone")
            versions[other] = max(found)
    view = View(tables, name, versions)
    if where is None:
        return view
    if name != "shots" and (VECTOR not in view.schema.names or view._about != "shots"):
        raise InvalidInput(f"a condition is on shots; {name} has none")

    def rows(table: str, _: str | None, columns: list[str]) -> pa.Table:
        return pa.concat_tables(view._valid(table, columns))

    ids = matching(where, rows, lambda columns: rows("titles", None, columns))
    return replace(view, ids=frozenset(ids))


def only_valid(rows: pa.Table, valid: Mapping[str, str]) -> pa.Table:
    """The rows of those revisions; `valid` is that of each title. No two titles share one."""
    revisions = pa.array(list(valid.values()), pa.string())
    return rows.filter(pc.is_in(rows["revision"], value_set=revisions))


def _single_precision(rows: pa.Table) -> pa.Table:
    """Convert float16 columns to float32."""
    for place, field in enumerate(rows.schema):
        if pa.types.is_fixed_size_list(field.type) and pa.types.is_float16(field.type.value_type):
            wide = pa.list_(pa.float32(), field.type.list_size)
            rows = rows.set_column(place, pa.field(field.name, wide), rows[field.name].cast(wide))
    return rows


def _needed(package: str) -> Any:
    """A package that only some users want; raise InvalidInput if it is not installed."""
    try:
        return import_module(package)
    except ImportError as error:
        raise InvalidInput(f"this needs the package {package}: pip install {package}") from error
