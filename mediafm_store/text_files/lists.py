"""Lists that people and other programs make: CSV, JSON lines or Parquet."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from mediafm_store.errors import InvalidInput
from mediafm_store.text_files.csv_text import SUFFIXES as CSV
from mediafm_store.text_files.csv_text import read_records
from mediafm_store.text_files.json_text import read_json_lines

_JSON_LINES, PARQUET = ".jsonl", ".parquet"
_SEPARATOR = ";"
"""Between several things in one cell."""

Row = dict[str, Any]


def read_list(file: Path, what: str, example: str) -> Iterator[tuple[int, Row]]:
    """Yield the rows of a CSV, JSON Lines or Parquet file, without empty values.

    Args:
        file: File to read; cells of CSV are texts.
        what: Name of the rows, for errors.
        example: An object as it should be, for errors.

    Returns:
        Pairs of line number and row; for Parquet row number, from 1.

    Raises:
        InvalidInput: If a row cannot be read; the error has its number.
    """
    suffix = file.suffix.lower()
    if suffix not in (*CSV, _JSON_LINES, PARQUET):
        raise InvalidInput(f"{file}: {what} come as .csv, .jsonl or .parquet")
    if not file.is_file():
        raise InvalidInput(f"no file {file}")
    if suffix == _JSON_LINES:
        yield from read_json_lines(file, example)
    elif suffix == PARQUET:
        yield from _read_parquet(file)
    else:
        yield from read_records(file)


def _read_parquet(file: Path) -> Iterator[tuple[int, Row]]:
    """The rows of a table."""
    try:
        table = pl.read_parquet(file)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InvalidInput(f"{file} cannot be read as Parquet: {error}") from error
    for number, row in enumerate(table.iter_rows(named=True), start=1):
        yield number, {k: v for k, v in row.items() if v is not None}


def several(text: str) -> list[Any]:
    """Split a cell of several values, which are separated by `;` or a JSON list.

    Example:
        >>> several('["Drama", "Crime"]')
        ['Drama', 'Crime']
    """
    if not (text.strip().startswith("[") and text.strip().endswith("]")):
        return text.split(_SEPARATOR)
    try:
        found: list[Any] = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{text[:60]!r} is no list; give Drama;Crime, or []") from error
    return found
