"""The `mediafm` command: one file a command, each parses, calls one verb and prints its rows."""

import gc
import sys
from typing import Annotated

import typer

from mediafm_cli.commands import (
    adbreaks,
    demo,
    embed,
    index,
    info,
    ingest,
    plugins,
    search,
    tag,
    train,
)
from mediafm_cli.output import errors_to_exit, show_version

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog="Start with `mediafm demo`, or `mediafm ingest FOLDER`.",
)


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """An embedding store and similarity search for film and television."""


for module in (demo, ingest, train, embed, index, search, tag, adbreaks, info, plugins):
    name = module.__name__.rpartition(".")[2]
    app.command(name, epilog=module.EXAMPLE)(getattr(module, name))


def main() -> None:
    """Run the command; errors that a user can mend are one line and exit status 1."""
    # Imports make half a million objects that live to the end; looking through them for cycles
    # again and again takes a fifth of a second.
    gc.set_threshold(100_000)
    with errors_to_exit(sys.argv[1:]):
        app(standalone_mode=True)
