"""mediafm info."""

from pathlib import Path
from typing import Annotated

import typer

from mediafm_cli.commands.search import about
from mediafm_cli.options import DEFAULT_STORE, AsJson, StorePath, open_store
from mediafm_cli.output import Row, emit, say, wrote
from mediafm_cli.stderr import warn

EXAMPLE = "Examples: mediafm info; mediafm info sintel --json; mediafm info sintel --html page.html"


def info(
    title: Annotated[
        str | None, typer.Argument(help="A title, by id or name; default: all.")
    ] = None,
    store: StorePath = DEFAULT_STORE,
    html: Annotated[
        Path | None, typer.Option(help="Write a page about the title, with pictures.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the titles of a store, or the shots of one title."""
    opened = open_store(store)
    if title is not None:
        from mediafm_store.titles.naming import find_title

        title = find_title(opened, title)
    if html is not None:
        from mediafm_store.report.pages import write_title_page

        if title is None:
            raise typer.BadParameter("--html writes a page about one title: name it")
        write_title_page(html, store=opened, title=title)
        wrote(html)
    if title is not None:
        for warning in opened.title(title)["warnings"]:
            warn(warning)
        emit(opened.shots(title).to_dicts(), as_json=as_json, table=_shot_shown)
        return
    titles = opened.titles().drop("revision").to_dicts()
    emit(titles, as_json=as_json, table=title_shown)
    live = ", ".join(f"{s.name} v{s.version} by {s.made_by}" for s in opened.registry.live_spaces())
    say(f"Titles: {len(titles)}. Shots: {sum(t['shots'] for t in titles)}. Vectors: {live}.")


def title_shown(row: Row) -> Row:
    """What the table shows of a title."""
    from mediafm_store.report.timecode import timecode

    return {
        "title": row["id"],
        "length": timecode(row["duration_s"]),
        "shots": row["shots"],
        "warnings": len(row["warnings"]),
        "name, genres, tags": " · ".join([row["name"], *row["genres"], *row["tags"]]),
    }


def _shot_shown(row: Row) -> Row:
    """What the table shows of a shot."""
    from mediafm_store.report.timecode import timecode

    return {
        "shot": row["id"],
        "start": timecode(row["start_s"]),
        "seconds": row["duration_s"],
        "flags": _flags(row),
        "said, seen, heard, looks": about(row),
    }


def _flags(row: Row) -> str:
    """What is wrong with a shot as material."""
    repeats = f"as {row['repeats'].rpartition('/')[2]}" if row["repeats"] else ""
    words = ("black" if row["black"] else "", "silent" if row["silent"] else "", repeats)
    return ", ".join(filter(None, words))
