"""mediafm labels."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from mediafm_cli.options import DEFAULT_STORE, AsJson, StorePath, open_store
from mediafm_cli.output import emit, say

EXAMPLE = (
    "Examples: mediafm labels import genre.csv; mediafm labels import clicks.jsonl --task liked;"
    " mediafm labels list; mediafm labels remove genre --title sintel"
)

ONLY = {
    "file": ("import", "remove"),
    "task": ("import",),
    "title": ("remove",),
    "dry_run": ("remove",),
}
"""Parameters that only some actions use."""


def labels(
    action: Annotated[Literal["import", "list", "remove"], typer.Argument(help="What to do.")],
    file: Annotated[
        Path | None, typer.Argument(help="A .csv, .jsonl or .parquet file; of remove the task.")
    ] = None,
    store: StorePath = DEFAULT_STORE,
    task: Annotated[
        str | None, typer.Option(help="What is labelled; default: the file's name.")
    ] = None,
    title: Annotated[
        list[str] | None, typer.Option(help="Remove those of this title alone; may be repeated.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell what remove would delete.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Labels of titles, shots and segments, which probes are fitted to.

    A row has the columns title (or shot, or title, start and end), label (several with a ; between
    them), and perhaps value: 1 has it, 0 has not, or a grade. An item has no other
    label of its task than those that are listed. All rows are checked before any is written.
    """
    opened = open_store(store)
    from mediafm_store import import_labels, labelled, remove_labels

    if action == "import":
        if file is None:
            raise typer.BadParameter("import which file? As: mediafm labels import genre.csv")
        found = import_labels(opened, file, task=task)
    elif action == "remove":
        if file is None:
            raise typer.BadParameter("remove which task? As: mediafm labels remove genre")
        found = [remove_labels(opened, str(file), title, dry_run=dry_run)]
    else:
        found = labelled(opened)
    emit([one._asdict() for one in found], as_json=as_json)
    if not found:
        say("No labels yet: mediafm labels import FILE.")
