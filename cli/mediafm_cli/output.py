"""Rows to stdout, all else to stderr. Nothing else prints."""

import json
import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from mediafm_store.errors import MediaFMError

Row = Mapping[str, Any]
INTERRUPTED = 130
"""Exit status that Typer makes of Ctrl-C."""


def emit(rows: Sequence[Row], *, as_json: bool, table: Callable[[Row], Row] = dict) -> None:
    """Print rows as JSON, one object a line, or as a table of what `table` shows of each."""
    if as_json:
        for row in rows:
            sys.stdout.write(json.dumps(row, default=str, ensure_ascii=False) + "\n")
        return
    if not rows:
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = [table(row) for row in rows]
    sheet = Table(box=None, header_style="bold", pad_edge=False)
    for name, value in shown[0].items():
        number = isinstance(value, int | float)
        sheet.add_column(name, justify="right" if number else "left", overflow="fold")
    for row in shown:
        sheet.add_row(*(Text(cell(value)) for value in row.values()))
    width = None if sys.stdout.isatty() else 200  # a pipe has no width to fit into
    Console(width=width).print(sheet)


def cell(value: object) -> str:
    """A value as a table shows it."""
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def say(text: str) -> None:
    """Tell a person something that is not data."""
    sys.stderr.write(text + "\n")


class ToStderr(logging.Handler):
    """Warnings of the library, one line each."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print it."""
        say(f"Warning: {record.getMessage()}")


@contextmanager
def errors_to_exit(arguments: Sequence[str]) -> Iterator[None]:
    """Turn errors that a user can mend into one line and exit status 1."""
    logging.getLogger("mediafm_store").addHandler(ToStderr())
    try:
        yield
    except MediaFMError as error:
        stop(f"Error: {error}", 1)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of a pipe, such as `head`, has seen enough
        raise SystemExit(0) from None
    except OSError as error:
        stop(f"Error: {error}", 1)
    except SystemExit as leaving:
        if leaving.code == INTERRUPTED:
            say(f"Interrupted; what `mediafm {' '.join(arguments[:1])}` finished is kept.")
        raise


def stop(message: str, status: int) -> NoReturn:
    """Say one line and exit."""
    say(message)
    raise SystemExit(status) from None
