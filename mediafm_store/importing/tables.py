"""Read `.parquet` files and `.lance` folders: rows are shots, of many titles."""

from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mediafm_store.arrays import Modality
from mediafm_store.errors import InvalidInput
from mediafm_store.importing.bounds import too_many
from mediafm_store.importing.validation import Native, RawTitle, Times, TitleInFile, damaged_files
from mediafm_store.sources.ids import id_of
from mediafm_store.tables import location
from mediafm_store.tables.lancedb_tables import Tables

_ROWS = 1024
"""Rows that are read in one go; a title has as many as it has shots."""
_PARQUET_BUFFER = 1 << 20
"""Bytes of a column read in one go. Whole row groups, as Polars reads them, take gigabytes."""


class TableFile:
    """A table as it is found by its columns and titles; raises InvalidInput if it cannot be used.

    `arrays` says which column is which modality, `scenes` which one numbers the scenes.
    The rows of a title lie together, and titles are read in the order of `ids`.
    """

    def __init__(self, path: Path, arrays: Mapping[Modality, str], scenes: str = "scene") -> None:
        self.path, self._arrays, self._scenes = path, arrays, scenes
        schema = _schema_of(path)
        self.holds = list(schema.names)
        _check_columns(path, schema, arrays)
        self.widths: dict[Modality, int] = {
            m: width
            for m, name in arrays.items()
            if name in self.holds and (width := _width_of(path, schema.field(name)))
        }
        self._runs = _title_runs(path)
        times = Counter(name for name, _ in self._runs)
        self._scattered = {name for name, count in times.items() if count > 1}
        self.ids = {name: id_of(name) for name in times}
        widest = max(self.widths.values(), default=1)
        self._too_many = {name: r for name, rows in self._runs if (r := too_many(rows, widest))}
        self._titles = self._read()

    def metadata_beside(self, title: str) -> Path:
        """The file whose neighbours describe a title, as if it were one: `sintel.parquet`."""
        return self.path.with_name(title + self.path.suffix)

    def read(self, name: str) -> RawTitle:
        """The rows of a title."""
        if name in self._scattered:
            raise InvalidInput(
                f"{self.path}, title {name!r}: its rows do not lie together; sort the table by"
                " title and start_s"
            )
        place = TitleInFile(self.path, self.ids[name])
        if name in self._too_many:
            raise place.bad(f"it has {self._too_many[name]}")
        for found, rows in self._titles:
            if found == name:
                return self._raw(rows, place)
        raise InvalidInput(f"{self.path} cannot be read as far as title {name!r}; write it anew")

    def close(self) -> None:
        """Close what `read` opened."""
        self._titles.close()

    def _read(self) -> Generator[tuple[str, pa.Table]]:
        """The rows of title after title; memory holds one title, and one chunk."""
        wanted = {"title", "start_s", "end_s", "words", self._scenes}
        wanted |= {*(self._arrays[m] for m in self.widths)}
        with damaged_files(self.path):
            batches = _batches_of(self.path, [c for c in self.holds if c in wanted])
            batch = next(batches)
            for name, rows in self._runs:
                parts, missing = [batch.slice(0, 0)], rows
                while missing:
                    batch = batch if len(batch) else next(batches)
                    part = batch.slice(0, missing)
                    if name not in self._too_many:
                        parts.append(part)
                    batch, missing = batch.slice(missing), missing - len(part)
                yield name, pa.concat_tables(parts)

    def _raw(self, rows: pa.Table, place: TitleInFile) -> RawTitle:
        """A title's columns as arrays."""
        return RawTitle(
            times=Times(rows["start_s"].to_numpy(), rows["end_s"].to_numpy()),
            vectors={
                m: _matrix(rows[self._arrays[m]], width, self._arrays[m], place)
                for m, width in self.widths.items()
            },
            words=rows["words"].to_pylist() if "words" in self.holds else None,
            scenes=rows[self._scenes].to_numpy() if self._scenes in self.holds else None,
        )


def _schema_of(path: Path) -> pa.Schema:
    """The columns of a table."""
    if path.suffix == ".lance":
        return Tables(location.StoreLocation.of(path.parent)).open(path.stem).schema
    with damaged_files(path), pq.ParquetFile(path) as file:
        return file.schema_arrow


def _batches_of(path: Path, columns: Sequence[str]) -> Iterator[pa.Table]:
    """Some columns of a table, some rows at a time."""
    if path.suffix == ".lance":
        yield from Tables(location.StoreLocation.of(path.parent)).batches(path.stem, columns, _ROWS)
        return
    with pq.ParquetFile(path, pre_buffer=False, buffer_size=_PARQUET_BUFFER) as file:
        for batch in file.iter_batches(_ROWS, columns=columns, use_threads=False):
            yield pa.Table.from_batches([batch])


def _check_columns(path: Path, schema: pa.Schema, arrays: Mapping[Modality, str]) -> None:
    """Raise InvalidInput for columns that are not there, or that hold something else."""
    for name in ("title", "start_s", "end_s"):
        if name not in schema.names:
            raise InvalidInput(
                f"{path} has no column {name} (it has {', '.join(schema.names)}); rows are shots,"
                " with title, start_s and end_s"
            )
    for name in arrays.values():
        if name in schema.names and not _is_vector(schema.field(name).type):
            raise InvalidInput(
                f"{path}: column {name} is {schema.field(name).type}; give it a list of numbers a"
                " shot"
            )


def _is_vector(data_type: pa.DataType) -> bool:
    """True if a column holds lists of numbers."""
    lists = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    if not any(is_a(data_type) for is_a in lists):
        return False
    return pa.types.is_floating(data_type.value_type) or pa.types.is_integer(data_type.value_type)


def _width_of(path: Path, column: pa.Field) -> int:
    """Length of a shot's vector, from the type or from the first row that has one."""
    fixed = pa.types.is_fixed_size_list(column.type)
    width = int(column.type.list_size) if fixed else _mean_width(path, column.name)
    if reason := too_many(1, width):
        raise InvalidInput(f"{path}: {column.name} has {reason}")
    if fixed:
        return width
    with damaged_files(path):
        for batch in _batches_of(path, [column.name]):
            for width in pc.list_value_length(batch[column.name].drop_null()):
                if width.as_py():
                    return int(width.as_py())
    return 0


def _mean_width(path: Path, column: str) -> int:
    """Numbers a row of a column of lists, as a Parquet file declares them; 0 if nothing does."""
    if path.suffix == ".lance":
        return 0
    with damaged_files(path), pq.ParquetFile(path) as file:
        groups = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
        parts = [(g.num_rows, g.column(i)) for g in groups for i in range(g.num_columns)]
        means = [
            part.num_values // rows
            for rows, part in parts
            if rows and part.path_in_schema.partition(".")[0] == column
        ]
        return max(means, default=0)


def _title_runs(path: Path) -> list[tuple[str, int]]:
    """Titles in the order of their rows, and how many rows each has there."""
    with damaged_files(path):
        names = (
            name for batch in _batches_of(path, ["title"]) for name in batch["title"].to_pylist()
        )
        runs = [(name, sum(1 for _ in rows)) for name, rows in groupby(names)]
    if not runs:
        raise InvalidInput(f"{path} has no rows; give one a shot")
    before = 0
    for name, rows in runs:
        if not isinstance(name, str) or not name.strip():
            raise InvalidInput(f"{path}, row {before}: its title is {name!r}; name the title's id")
        before += rows
    return runs


def _matrix(column: pa.ChunkedArray, width: int, name: str, place: TitleInFile) -> Native:
    """Lists as rows of an array; a null is a row of zeros."""
    there = column.is_valid().to_numpy()
    lengths = pc.list_value_length(column).fill_null(width).to_numpy()
    for shot in np.flatnonzero(lengths != width):
        raise place.bad(f"{name} holds {lengths[shot]} numbers, elsewhere {width}", int(shot))
    found = np.zeros((len(column), width))
    values = pc.list_flatten(column.drop_null()).cast(pa.float64())
    found[there] = values.to_numpy().reshape(-1, width)
    return found
