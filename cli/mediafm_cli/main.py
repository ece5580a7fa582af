"""The `mediafm` command: a file for each verb or group; each parses, calls the library, prints."""

import gc
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from inspect import signature
from typing import Annotated, Literal, NoReturn, get_args

import typer

from mediafm_cli.output import errors_to_exit, show_version
from mediafm_cli.stderr import tell_as

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog="Start with `mediafm demo`, or `mediafm ingest FOLDER`.",
)


@app.callback()
def options(
    version: Annotated[  # noqa: ARG001 (its callback shows it)
        bool,
        typer.Option("--version", callback=show_version, is_eager=True, help="Show the version."),
    ] = False,
    log_format: Annotated[
        Literal["text", "json"],
        typer.Option(
            envvar="MEDIAFM_LOG_FORMAT",
            help="How notes, warnings, errors, progress are told: text, or a JSON object a line.",
        ),
    ] = "text",
) -> None:
    """An embedding store and similarity search for film and television."""
    if log_format == "json":
        tell_as(log_json=True, data_json=True)


COMMANDS = (
    *("demo", "ingest", "import_", "train", "embed", "index", "search", "serve"),
    *("titles", "clips", "labels", "probes", "tags", "breaks"),
    *("captions", "evaluate", "reports", "spaces", "export", "doctor", "plugins"),
)
"""Files of commands/, in the order of the help. Each has an `app`: one verb, or a named group."""
MOST = 2**31 - 1
"""Of whole numbers: larger ones overflow somewhere, and nobody means them."""


def bound_numbers(command: Callable[..., None]) -> None:
    """Refuse whole numbers beyond `MOST`; ranges of options would fill the help with it."""
    for parameter in signature(command).parameters.values():
        told = get_args(parameter.annotation)  # the type, and what Typer knows of it
        for about in told[1:]:
            if told[0] is int or int in get_args(told[0]):
                about.callback = about.callback or bounded


def bounded(number: int | None) -> int | None:
    """A number; raise BadParameter if it is out of bounds."""
    if number is not None and abs(number) > MOST:
        raise typer.BadParameter(f"{number} is out of bounds; give {MOST:,} at most")
    return number


for name in COMMANDS:
    found: typer.Typer = import_module(f"mediafm_cli.commands.{name}").app
    for command in found.registered_commands:
        if command.callback is not None:
            bound_numbers(command.callback)
    app.add_typer(found)


def main() -> NoReturn:
    """Run the command in a process of its own, and leave it at once."""
    # Imports make half a million objects that live to the end: looking through them for cycles
    # again and again takes a fifth of a second, taking them apart at the end another.
    gc.set_threshold(100_000)
    status = run()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # nobody reads it any more
            stream.flush()
    os._exit(status)


def run() -> int:
    """The command's exit status; errors that a user can mend are one line and status 1."""
    try:
        with errors_to_exit(sys.argv[1:]):
            if status := app(standalone_mode=False):
                raise SystemExit(status)
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 0
    return 0
