"""mediafm labels: what people say of titles, shots and segments; probes are fitted to it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mediafm_cli.completion import complete_titles
from mediafm_cli.options import DEFAULT_STORE, AsJson, DryRun, StorePath, Task, open_store
from mediafm_cli.output import emit, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mediafm_store.labels.labels import TaskLabels

app = typer.Typer(
    name="labels",
    no_args_is_help=True,
    help="Labels of titles, shots and segments, which probes are fitted to.",
)


@app.command(
    "import",
    epilog="Examples: mediafm labels import genre.csv; mediafm labels import clicks.jsonl --task"
    " liked",
)
def import_(
    file: Annotated[Path, typer.Argument(help="A .csv, .jsonl or .parquet file.")],
    store: StorePath = DEFAULT_STORE,
    task: Annotated[
        str | None, typer.Option(help="What is labelled; default: the file's name.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Import labels from a file.

    A row has the columns title (or shot, or title, start and end), label (several with a ; between
    them), and perhaps value: 1 has it, 0 has not, or a grade. An item has no other label of its
    task than those that are listed. All rows are checked before any is written.
    """
    opened = open_store(store)
    from mediafm_store.labels.labels import import_labels

    _print(import_labels(opened, file, task=task), as_json)


@app.command("list", epilog="Example: mediafm labels list --json")
def list_labels(store: StorePath = DEFAULT_STORE, as_json: AsJson = False) -> None:
    """List the tasks that have labels, and how many."""
    opened = open_store(store)
    from mediafm_store.labels.labels import labelled

    _print(labelled(opened), as_json)


@app.command(
    epilog="Examples: mediafm labels remove genre --dry-run; mediafm labels remove genre --title"
    " sintel"
)
def remove(
    task: Task,
    store: StorePath = DEFAULT_STORE,
    title: Annotated[
        list[str] | None,
        typer.Option(
            help="Remove those of this title alone; may be repeated.",
            autocompletion=complete_titles,
        ),
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Remove the labels of a task, of all titles or of some."""
    opened = open_store(store)
    from mediafm_store.labels.labels import remove_labels

    _print([remove_labels(opened, task, title, dry_run=dry_run)], as_json)


def _print(found: "Sequence[TaskLabels]", as_json: bool) -> None:
    """A line a task and label."""
    emit([one._asdict() for one in found], as_json=as_json)
    if not found:
        say("No labels yet: mediafm labels import FILE.")
