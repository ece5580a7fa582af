"""mediafm titles: the titles of a store, their shots and scenes."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mediafm_cli.options import (
    DEFAULT_STORE,
    AsJson,
    DryRun,
    Fps,
    Html,
    Out,
    StorePath,
    Title,
    Titles,
    open_store,
)
from mediafm_cli.output import emit, emit_one, say, write_out, wrote
from mediafm_cli.rows.titles import held_cells, known_of_scene, scene_cells, shot_cells, title_cells
from mediafm_cli.stderr import warn

if TYPE_CHECKING:
    from mediafm_store.storage.storage import Storage

app = typer.Typer(
    name="titles",
    no_args_is_help=True,
    help="The titles of a store, their shots and scenes; rename or remove titles.",
)


@app.command("list", epilog="Examples: mediafm titles list; mediafm titles list --json")
def list_titles(store: StorePath = DEFAULT_STORE, as_json: AsJson = False) -> None:
    """List the titles of a store."""
    opened = open_store(store)
    titles = opened.titles().drop("revision").to_dicts()
    emit(titles, as_json=as_json, table=title_cells)
    live = ", ".join(f"{s.name} v{s.version} by {s.made_by}" for s in opened.registry.live_spaces())
    say(f"Titles: {len(titles)}. Shots: {sum(t['shots'] for t in titles)}. Vectors: {live}.")


@app.command("show", epilog="Examples: mediafm titles show sintel; mediafm titles show a b --json")
def show_titles(titles: Titles, store: StorePath = DEFAULT_STORE, as_json: AsJson = False) -> None:
    """Show all that is known of titles, and how many rows they have."""
    _print(open_store(store), titles, as_json)


@app.command(
    epilog="Examples: mediafm titles shots sintel; mediafm titles shots sintel --html page.html"
)
def shots(
    title: Title,
    store: StorePath = DEFAULT_STORE,
    html: Annotated[
        Path | None, typer.Option(help="Write a page about the title, with pictures.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the shots of a title; --html shows them with scenes and ad breaks."""
    from mediafm_store.titles.naming import find_title

    opened = open_store(store)
    title = find_title(opened, title)
    if html is not None:
        from mediafm_store.report.pages import write_title_page

        write_title_page(html, store=opened, title=title)
        wrote(html)
    for warning in opened.title(title)["warnings"]:
        warn(warning)
    emit(opened.shots(title).to_dicts(), as_json=as_json, table=shot_cells)


@app.command(
    epilog="Examples: mediafm titles scenes sintel; mediafm titles scenes sintel --out scenes.vtt"
)
def scenes(
    titles: Titles,
    store: StorePath = DEFAULT_STORE,
    out: Out = None,
    fps: Fps = None,
    as_json: AsJson = False,
) -> None:
    """Find the scenes of titles: runs of shots that look alike."""
    from mediafm_store.scenes.scenes import find_scenes
    from mediafm_store.segments import segments_of_scenes
    from mediafm_store.titles.naming import find_titles

    opened = open_store(store)
    rows, segments = [], []
    for title in find_titles(opened, titles):
        found = find_scenes(opened, title)
        if out:
            segments += segments_of_scenes(opened, found)
        shots = {shot["id"]: shot for shot in opened.shots(title).to_dicts()}
        cues = opened.cues(title).to_dicts()
        rows += [asdict(scene) | known_of_scene(scene, shots, cues) for scene in found]
    if segments:
        write_out(out, segments, fps=fps)
    emit(rows, as_json=as_json, table=scene_cells)


@app.command(
    "map", epilog="Examples: mediafm titles map --html atlas.html; mediafm titles map --json"
)
def map_shots(store: StorePath = DEFAULT_STORE, html: Html = None, as_json: AsJson = False) -> None:
    """Lay out the shots of all titles in a plane, those that are alike close together.

    Of a catalogue of more than 5,000 shots, as many of each title as there is room for.
    """
    from mediafm_store.atlas import lay_out

    opened = open_store(store)
    if html is not None:
        from mediafm_store.report.pages import write_atlas_page

        write_atlas_page(html, store=opened)
        wrote(html)
        return
    layout = lay_out(opened)
    rows = [
        {"shot": shot, "x": float(x), "y": float(y)}
        for shot, (x, y) in zip(layout.shots, layout.places, strict=True)
    ]
    emit(rows, as_json=as_json)


@app.command(epilog='Example: mediafm titles rename sintel "Sintel (2010)"')
def rename(
    title: Title,
    name: Annotated[str, typer.Argument(help="The name that is shown.")],
    store: StorePath = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """Change the name that is shown; the id stays, as labels and tables of yours may name it.

    A film whose file was renamed or moved stays the title that it is at the next ingest.
    """
    from mediafm_store.titles.editing import rename_title

    opened = open_store(store)
    _print(opened, [rename_title(opened, title, name)], as_json)


@app.command(epilog="Example: mediafm titles remove sintel --dry-run")
def remove(
    titles: Titles,
    store: StorePath = DEFAULT_STORE,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Remove titles with their vectors, pictures, words, labels and tags; files of films stay."""
    from mediafm_store.titles.editing import remove_titles

    gone = remove_titles(open_store(store), titles, dry_run=dry_run)
    emit([asdict(one) for one in gone], as_json=as_json, table=held_cells)
    if dry_run:
        say("Nothing was deleted.")


def _print(store: "Storage", names: list[str], as_json: bool) -> None:
    """All that is known of titles, and how many rows they have."""
    from mediafm_store.titles.editing import held
    from mediafm_store.titles.naming import find_titles

    for title in find_titles(store, names):
        row, own = store.title(title), asdict(held(store, title))
        del row["revision"], row["sources"]
        rows = own["rows"] if as_json else held_cells(own)["rows"]
        emit_one(row | {"rows": rows}, as_json=as_json)
