"""Rows to stdout, and what commands say in the end to stderr."""

import json
import logging
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from mediafm_cli.stderr import errors_in_json, printable, tell, tell_as, warn
from mediafm_store.errors import MediaFMError
from mediafm_store.files import is_stdout

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import JustifyMethod

    from mediafm_store.ingestion.ingest import IngestResult
    from mediafm_store.timelines.segment import Segment

Row = Mapping[str, Any]
_INTERRUPTED = 130
"""Exit status that Typer makes of Ctrl-C."""


def emit(
    rows: Sequence[Row], *, as_json: bool, table: Callable[[Row], Row] = dict, fold: str = ""
) -> None:
    """Print rows as JSON, one object a line, or as a table of what `table` shows of each.

    A row is a line, cut where a terminal ends; there, the column `fold` goes on below.
    """
    if as_json:
        for row in rows:
            line = json.dumps(row, default=str, ensure_ascii=False)
            # Bytes of a file's name that are no text stand as JSON escapes half characters.
            sys.stdout.write(line.encode(errors="backslashreplace").decode() + "\n")
        return
    if not rows:
        return
    shown = [{name: cell(value) for name, value in table(row).items()} for row in rows]
    numbers = {name for name, value in table(rows[0]).items() if isinstance(value, int | float)}
    if sys.stdout.isatty():
        _print_table(shown, numbers, fold)
    else:
        _write_table(shown, numbers)


def _print_table(rows: Sequence[Mapping[str, str]], numbers: Collection[str], fold: str) -> None:
    """A table as wide as the terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    sheet = Table(box=None, header_style="bold", pad_edge=False)
    *others, last = rows[0]  # the last gives way on a narrow terminal
    widths = {name: max(len(c) for c in (name, *(row[name] for row in rows))) for name in others}
    for name in others:
        justify: JustifyMethod = "right" if name in numbers else "left"
        sheet.add_column(name, justify=justify, no_wrap=name != fold, min_width=widths[name])
    rest = max(len(last), console.width - sum(widths.values()) - 2 * len(widths))
    sheet.add_column(last, no_wrap=last != fold, max_width=rest, overflow="ellipsis")
    for row in rows:
        sheet.add_row(*map(Text, row.values()))
    console.print(sheet)


def _write_table(rows: Sequence[Mapping[str, str]], numbers: Collection[str]) -> None:
    """A table as wide as it is: a pipe or a file has no width to fit into."""
    from rich.cells import cell_len

    lines = [{name: name for name in rows[0]}, *rows]
    widths = {name: max(cell_len(line[name]) for line in lines) for name in rows[0]}
    for line in lines:
        gaps = {name: " " * (widths[name] - cell_len(text)) for name, text in line.items()}
        cells = (gaps[n] + text if n in numbers else text + gaps[n] for n, text in line.items())
        sys.stdout.write("  ".join(cells).rstrip() + "\n")


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


def show_version(wanted: bool) -> None:
    """Print the installed version and leave."""
    if wanted:
        sys.stdout.write(f"mediafm-store {version('mediafm-store')}\n")
        raise SystemExit(0)


def is_terminal() -> bool:
    """True if a person reads and answers."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def say(text: str) -> None:
    """Tell a person something that is not data."""
    tell("info", text)


def tell_result(result: "IngestResult") -> None:
    """Say what was wrong with a title that was to go into the store, and what else there is."""
    if result.note:
        say(result.note)
    for warning in result.warnings:
        warn(warning)
    if result.error:
        tell("error", result.error)


def tell_failures(
    results: "Sequence[IngestResult]", *, done: str, what: str, strict: bool = False
) -> None:
    """Say how many failed; exit with status 1 if all did, or if one did and it is `strict`."""
    failed = sum(r.state == "failed" for r in results)
    if failed and failed == len(results):
        stop(f"Nothing was {done}: {failed} of {failed} {what} failed.", 1)
    if failed:
        told = f"{failed} of {len(results)} {what} failed; the others are in the store."
        if strict:
            stop(told, 1)
        say(told)


def write_out(
    files: "Sequence[Path] | None", segments: "Sequence[Segment]", *, fps: float | None = None
) -> None:
    """Write what a command found to each file of `--out`, and say so."""
    from mediafm_store.timelines.writers import write_timeline

    for file in files or ():
        write_timeline(file, segments, fps=fps)
        wrote(file)


def wrote(file: "Path") -> None:
    """Say so; what went to stdout stands there alone, so nothing more is printed."""
    if is_stdout(file):
        raise typer.Exit
    say(f"Wrote {file}")


class _ToStderr(logging.Handler):
    """Warnings of the library, one line each."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print it."""
        warn(record.getMessage())


@contextmanager
def errors_to_exit(arguments: Sequence[str]) -> Iterator[None]:
    """Turn errors that a user can mend into one line and exit status 1, wrong usage into 2."""
    log, handler = logging.getLogger("mediafm_store"), _ToStderr()
    log.addHandler(handler)
    tell_as(log_json=False, data_json="--json" in arguments)
    try:
        yield
    except (MediaFMError, OSError) as error:
        tell("error", str(error))
        raise SystemExit(1) from None
    except UnicodeEncodeError as error:
        stop(f"Error: {error.object!a:.80} is no text: arguments must be in UTF-8", 1)
    except typer.TyperException as error:
        show = None if errors_in_json() else getattr(error, "show", None)  # of its wrong usages
        show() if show else tell("error", error.format_message())
        raise SystemExit(error.exit_code) from None
    except typer.Abort:
        stop("Aborted: there is no answer to read.", 1)
    except SystemExit as leaving:
        if leaving.code == _INTERRUPTED:
            say(f"Interrupted; what `mediafm {' '.join(arguments[:1])}` finished is kept.")
        raise
    finally:
        log.removeHandler(handler)
        tell_as(log_json=False, data_json=False)


def stop(message: str, status: int) -> NoReturn:
    """Say why the command ends, and leave."""
    tell("error", message, prefix=False)
    raise SystemExit(status) from None
