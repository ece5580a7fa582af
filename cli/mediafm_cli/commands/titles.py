"""mediafm titles."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mediafm_cli.commands.info import title_shown
from mediafm_cli.options import DEFAULT_STORE, AsJson, StorePath, open_store
from mediafm_cli.output import Row, emit, emit_one, say

if TYPE_CHECKING:
    from mediafm_store.storage.storage import Storage

EXAMPLE = (
    "Examples: mediafm titles list; mediafm titles remove sintel --dry-run;"
    ' mediafm titles rename sintel "Sintel (2010)"'
)


ONLY = {"dry_run": ("remove",)}
"""Parameters that only some actions use."""


def titles(
    action: Annotated[
        Literal["list", "show", "rename", "remove"], typer.Argument(help="What to do.")
    ],
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Titles, by id or name; of rename one, and its new name."),
    ] = None,
    store: StorePath = DEFAULT_STORE,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell what remove would delete.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """The titles of a store: list them, rename or remove them.

    remove deletes titles with their vectors, pictures, words, labels and tags, not the files of
    films. rename changes the name that is shown; the id stays, as labels and tables of yours may
    name it. A film whose file was renamed or moved stays the title that it is at the next ingest.
    """
    given = names or []
    wanted = {"list": 0, "rename": 2}.get(action, max(1, len(given)))
    if len(given) != wanted:
        raise typer.BadParameter(
            "as: mediafm titles list; titles show TITLE; titles rename TITLE NAME; titles remove"
            " TITLE ..."
        )
    opened = open_store(store)
    if action == "list":
        emit(opened.titles().drop("revision").to_dicts(), as_json=as_json, table=title_shown)
    elif action == "show":
        _show(opened, given, as_json)
    elif action == "rename":
        from mediafm_store.titles.editing import rename_title

        _show(opened, [rename_title(opened, *given)], as_json)
    else:
        from mediafm_store.titles.editing import remove_titles

        gone = remove_titles(opened, given, dry_run=dry_run)
        emit([asdict(one) for one in gone], as_json=as_json, table=_title_cells)
        if dry_run:
            say("Nothing was deleted.")


def _show(store: "Storage", names: list[str], as_json: bool) -> None:
    """All that is known of titles, and how many rows they have."""
    from mediafm_store.titles.editing import held
    from mediafm_store.titles.naming import find_titles

    for title in find_titles(store, names):
        row, own = store.title(title), asdict(held(store, title))
        del row["revision"], row["sources"]
        rows = own["rows"] if as_json else _title_cells(own)["rows"]
        emit_one(row | {"rows": rows}, as_json=as_json)


def _title_cells(row: Row) -> Row:
    """What the table shows of a title that goes."""
    rows = [f"{count} {table}" for table, count in row["rows"].items() if count]
    return {"title": row["title"], "name": row["name"], "rows": rows}
