"""Rows to stdout, all else to stderr. Nothing else prints."""

import json
import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from mediafm_store.errors import MediaFMError
from mediafm_store.files import is_stdout

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import JustifyMethod

    from mediafm_store import Ingested, Stretch

Row = Mapping[str, Any]
INTERRUPTED = 130
"""Exit status that Typer makes of Ctrl-C."""


def emit(
    rows: Sequence[Row], *, as_json: bool, table: Callable[[Row], Row] = dict, fold: str = ""
) -> None:
    """Print rows as JSON, one object a line, or as a table of what `table` shows of each.

    A row is a line, cut where the terminal ends; only the column `fold` goes on below.
    """
    if as_json:
        for row in rows:
            line = json.dumps(row, default=str, ensure_ascii=False)
            # Bytes of a file's name that are no text stand as JSON escapes half characters.
            sys.stdout.write(line.encode(errors="backslashreplace").decode() + "\n")
        return
    if not rows:
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = [table(row) for row in rows]
    # A pipe has no width to fit into.
    console = Console(width=None if sys.stdout.isatty() else 200)
    sheet = Table(box=None, header_style="bold", pad_edge=False)
    *others, last = shown[0]  # the last gives way on a narrow terminal
    widths = {n: max(len(c) for c in (n, *(cell(r[n]) for r in shown))) for n in others}
    for name in others:
        number = isinstance(shown[0][name], int | float)
        justify: JustifyMethod = "right" if number else "left"
        sheet.add_column(name, justify=justify, no_wrap=name != fold, min_width=widths[name])
    rest = max(len(last), console.width - sum(widths.values()) - 2 * len(widths))
    sheet.add_column(last, no_wrap=last != fold, max_width=rest, overflow="ellipsis")
    for row in shown:
        sheet.add_row(*(Text(cell(value)) for value in row.values()))
    console.print(sheet)


def emit_one(row: Row, *, as_json: bool) -> None:
    """Print a single result: as JSON, or a line for each of its parts."""
    if as_json:
        emit([row], as_json=True)
        return
    width = max(map(len, row))
    for name, value in row.items():
        sys.stdout.write(f"{name.ljust(width)}  {cell(value)}\n")


def cell(value: object) -> str:
    """A value as a table shows it."""
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "" if value is None else printable(str(value))


def one_line(text: str) -> str:
    """A message as one line: a line break in the name of a file becomes `\\n`."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def printable(text: str) -> str:
    """Without control characters: what comes from files must not steer the terminal."""
    return "".join(c if c.isprintable() else " " for c in text)


def show_version(wanted: bool) -> None:
    """Print the installed version and leave."""
    if wanted:
        sys.stdout.write(f"mediafm-store {version('mediafm-store')}\n")
        raise SystemExit(0)


def is_terminal() -> bool:
    """Whether a person reads and answers."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def say(text: str) -> None:
    """Tell a person something that is not data."""
    sys.stderr.write("\n".join(map(printable, text.split("\n"))) + "\n")


def tell(result: "Ingested") -> None:
    """Say what was wrong with a title that was to go into the store, and what else there is."""
    if result.note:
        say(result.note)
    for warning in result.warnings:
        say(one_line(f"Warning: {warning}"))
    if result.error:
        say(one_line(f"Error: {result.error}"))


def tell_failures(results: "Sequence[Ingested]", *, done: str, what: str) -> None:
    """Say how many failed; exit with status 1 if all did."""
    failed = sum(r.state == "failed" for r in results)
    if failed == len(results):
        stop(f"Nothing was {done}: {failed} of {failed} {what} failed.", 1)
    if failed:
        say(f"{failed} of {len(results)} {what} failed; the others are in the store.")


def write_out(
    files: "Sequence[Path] | None", stretches: "Sequence[Stretch]", *, fps: float | None = None
) -> None:
    """Write what a command found to each file of `--out`, and say so."""
    from mediafm_store import write_timeline

    for file in files or ():
        write_timeline(file, stretches, fps=fps)
        wrote(file)


def wrote(file: "Path") -> None:
    """Say so; what went to stdout stands there alone, so nothing more is printed."""
    if is_stdout(file):
        raise typer.Exit
    say(f"Wrote {file}")


class ToStderr(logging.Handler):
    """Warnings of the library, one line each."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print it."""
        say(one_line(f"Warning: {record.getMessage()}"))


@contextmanager
def errors_to_exit(arguments: Sequence[str]) -> Iterator[None]:
    """Turn errors that a user can mend into one line and exit status 1."""
    logging.getLogger("mediafm_store").addHandler(ToStderr())
    try:
        yield
    except MediaFMError as error:
        stop(one_line(f"Error: {error}"), 1)
    except OSError as error:
        stop(one_line(f"Error: {error}"), 1)
    except UnicodeEncodeError as error:
        stop(f"Error: {error.object!a:.80} is no text: arguments must be in UTF-8", 1)
    except SystemExit as leaving:
        if leaving.code == INTERRUPTED:
            say(f"Interrupted; what `mediafm {' '.join(arguments[:1])}` finished is kept.")
        raise


def stop(message: str, status: int) -> NoReturn:
    """Say one line and exit."""
    say(message)
    raise SystemExit(status) from None
