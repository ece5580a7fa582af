"""Tables and vectors as files. Exporters are plug-ins: functions of a view and a path."""

import json
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from mediafm_store import plugins
from mediafm_store.disk import writing
from mediafm_store.errors import InvalidInput, NotFound
from mediafm_store.files import named_in_errors, put, scratch_folder
from mediafm_store.storage.rows import VECTOR, half_vectors
from mediafm_store.storage.storage import Storage
from mediafm_store.storage.views import View

log = logging.getLogger("mediafm_store")
_Exporter = Callable[[View, Path], None]
"""Writes a view to a file that is not there yet, and perhaps to others beside it."""


def export(
    store: Storage,
    name: str,
    path: str | Path,
    *,
    file_format: str | None = None,
    version: int | None = None,
    where: str | None = None,
) -> list[Path]:
    """Write a table or a space to a file; vectors come with the columns of their shots.

    Files appear when they are complete, in place of earlier ones.

    Args:
        store: The store to export from.
        name: Name of a table or a space.
        path: File to write; `-` for stdout.
        file_format: Name of an exporter; None for the suffix of `path`.
        version: Version of the table, as in `Storage.view`.
        where: SQL condition on rows, as in `Storage.view`.

    Returns:
        Paths of the files.

    Raises:
        InvalidInput: No exporter has this name or suffix.
    """
    path = Path(path)
    exporter = _exporter_for(path, file_format)
    view = store.view(name, version=version, where=where)
    with scratch_folder(path) as scratch, named_in_errors(path):
        exporter(view, scratch / path.name)
        written = sorted(scratch.iterdir())
        for file in written:
            put(file, path.with_name(file.name))
    return [path.with_name(file.name) for file in written]


def _exporter_for(path: Path, file_format: str | None) -> _Exporter:
    """Load an exporter by its name, or by the suffix of a path.

    Raises:
        InvalidInput: There is no such exporter.
    """
    name = file_format or path.suffix.lower().lstrip(".")
    try:
        exporter: _Exporter = plugins.load("exporters", name)
    except NotFound as error:
        known = ", ".join(plugins.names("exporters"))
        raise InvalidInput(
            f"no way to write {path.name}: give it one of the suffixes {known}, or --format"
        ) from error
    plugins.check_call(name, exporter, None, path)
    return exporter


def parquet(view: View, path: Path) -> None:
    """Write one Parquet file, a batch at a time; vectors are lists of float16."""
    with pq.ParquetWriter(path, view.schema, compression="zstd") as writer:
        for batch in view.batches():
            writer.write_batch(batch)


def csv(view: View, path: Path) -> None:
    """Write a CSV in UTF-8 with a header: all columns but vectors and pictures, lists as JSON.

    Raises:
        InvalidInput: The table has no other columns.
    """
    columns = [field.name for field in view.schema if not _is_bulk(field)]
    if left_out := [name for name in view.schema.names if name not in columns]:
        log.warning("%s leaves out %s; .parquet has all", path.name, " and ".join(left_out))
    with path.open("wb") as file:
        first = True
        for batch in view.batches(columns):
            flat = [_in_words(batch[name]) for name in columns]
            frame = pl.DataFrame(pl.from_arrow(pa.table(flat, names=columns)))
            frame.write_csv(file, include_header=first)
            first = False
        if first:
            file.write((",".join(columns) + "\n").encode())


def _is_bulk(field: pa.Field) -> bool:
    """True if a column is too large for a spreadsheet: vectors, weights, pictures."""
    return pa.types.is_fixed_size_list(field.type) or pa.types.is_binary(field.type)


def _in_words(column: pa.Array) -> pa.Array:
    """A column of one value a cell: what has parts, as JSON."""
    if not pa.types.is_nested(column.type):
        return column
    rows = column.to_pylist()
    texts = [None if row is None else json.dumps(row, ensure_ascii=False) for row in rows]
    return pa.array(texts, pa.string())


def npy(view: View, path: Path) -> None:
    """Write vectors as a float16 .npy, and all else to FILE.rows.parquet, row by row."""
    dim = _dimension(view)
    rows = _write_rows(view, path)
    array = np.lib.format.open_memmap(path, "w+", np.float16, (len(rows), dim))
    start = 0
    for batch in view.batches([VECTOR]):
        array[start : start + len(batch)] = half_vectors(pa.Table.from_batches([batch]))
        start += len(batch)
    array.flush()


def safetensors(view: View, path: Path) -> None:
    """Write vectors as tensor `vectors`, float16, with their ids in the header; all in memory."""
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    dim = _dimension(view)
    batches = list(view.batches(["id", VECTOR]))
    ids = [row_id for batch in batches for row_id in batch["id"].to_pylist()]
    vectors = [half_vectors(pa.Table.from_batches([batch])) for batch in batches]
    joined = np.concatenate([np.empty((0, dim), np.float16), *vectors])
    told = {"ids": json.dumps(ids), "table": view.name}
    with writing(path.name, also=(SafetensorError,)):
        save_file({"vectors": joined}, path, metadata=told)


def _write_rows(view: View, path: Path) -> pl.DataFrame:
    """All but the vectors, beside the file of these."""
    names = [name for name in view.schema.names if name != VECTOR]
    rows = view.lazy().select(names).collect()
    rows.write_parquet(path.with_suffix(".rows.parquet"))
    return rows


def _dimension(view: View) -> int:
    """Dimension of a view's vectors; raise InvalidInput if it has none."""
    if VECTOR not in view.schema.names:
        raise InvalidInput(f"{view.name} has no vectors; write it as .parquet")
    return int(view.schema.field(VECTOR).type.list_size)
