"""Tables as spreadsheets save them: cells between commas, semicolons or tabs, in any encoding."""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from mediafm_store.errors import InvalidInput
from mediafm_store.text_files.plain_text import read_text

SUFFIXES = (".csv", ".tsv")
_EXCEL = "cp1252"
"""Encoding in which Excel saves on a western Windows."""
_DIVIDERS = ",;\t"
_Cells = list[str]


Rows = Iterator[tuple[int, _Cells]]


class Table(NamedTuple):
    """A header, and the rows below it that are not empty, each with the number of its line."""

    header: _Cells
    rows: Rows


def read_records(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the rows of a table whose first line names its columns, with their line numbers.

    Names are in lower case, empty cells are left out.

    Raises:
        InvalidInput: If a line cannot be read; the error has its number.
    """
    header, rows = read_table(path)
    names = [cell.strip().lower() for cell in header]
    if twice := [name for name, count in Counter(filter(None, names)).items() if count > 1]:
        raise InvalidInput(f"{path}: two columns are called {twice[0]!r}; leave one out")
    for line, row in rows:
        if any(row[len(names) :]):
            raise InvalidInput(f"{path}, line {line}: more cells than columns")
        yield line, {name: cell for name, cell in zip(names, row, strict=False) if cell.strip()}


def read_table(path: Path, is_header: Callable[[_Cells], bool] = any) -> Table:
    """Read a table from a CSV file.

    Args:
        path: CSV file; the delimiter is detected.
        is_header: Tells if a line is the header; the first such line is used. Without one the table
            is empty.

    Raises:
        InvalidInput: If quotes are not closed and the like; the error has the line number.
    """
    text = read_text(path, few=_EXCEL)
    divider = max(_DIVIDERS, key=lambda one: len(_header_of(_nonempty_rows(text, one), is_header)))
    rows = _errors_with_file(path, _nonempty_rows(text, divider))
    return Table(_header_of(rows, is_header), rows)


def _header_of(rows: Rows, is_header: Callable[[_Cells], bool]) -> _Cells:
    """The first row that is a header; empty if none is. What follows it is left."""
    with suppress(csv.Error):
        return next((cells for _, cells in rows if is_header(cells)), [])
    return []


def _nonempty_rows(text: str, divider: str) -> Rows:
    """The rows that are not empty, which quotes may spread over lines, each with its first line."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=divider, strict=True)
    line = 1
    try:
        for cells in reader:
            if any(map(str.strip, cells)):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise csv.Error(f"line {line}: {error}") from error


def _errors_with_file(path: Path, rows: Rows) -> Rows:
    """Yield the rows; name the file in errors."""
    try:
        yield from rows
    except csv.Error as error:
        raise InvalidInput(f"{path}, {error}; save it as plain CSV") from error
