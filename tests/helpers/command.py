"""The command `mediafm` in this process: a start of its own takes more than a second each time."""

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from typing import NamedTuple
from unittest.mock import patch

import typer

from mediafm_cli.main import app, run


class Done(NamedTuple):
    """As subprocess.CompletedProcess has it."""

    returncode: int
    stdout: str
    stderr: str


def mediafm(*arguments) -> Done:
    """What the command prints for these arguments, and how it ends."""
    out, err = io.StringIO(), io.StringIO()
    with (
        patch.object(sys, "argv", ["mediafm", *map(str, arguments)]),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        status = run()
    return Done(status, out.getvalue(), err.getvalue())


def commands() -> dict[str, typer.core.TyperCommand]:
    """Every command by what is typed, such as `titles list`."""
    found = {}
    for name, one in typer.main.get_command(app).commands.items():
        inner = getattr(one, "commands", None)
        found |= {f"{name} {verb}": it for verb, it in inner.items()} if inner else {name: one}
    return found
