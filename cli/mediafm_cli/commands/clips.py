"""mediafm clips: shots and segments as files, and as vectors."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mediafm_cli.options import (
    DEFAULT_STORE,
    AsJson,
    Checkpoint,
    Device,
    End,
    Start,
    StorePath,
    Title,
    open_store,
)
from mediafm_cli.output import Row, emit, emit_one, say
from mediafm_cli.progress import progress_bar
from mediafm_store.errors import InvalidInput
from mediafm_store.text_files.json_text import parse_json

if TYPE_CHECKING:
    from mediafm_store.storage.storage import Storage
    from mediafm_store.timelines.segment import Segment

app = typer.Typer(
    name="clips", no_args_is_help=True, help="Shots and segments of titles, as files or vectors."
)


@app.command(
    epilog="Examples: mediafm clips cut sintel/00042 sintel/00043 --into clips;"
    " mediafm clips cut sintel --from 1:00 --to 1:30 --into clips;"
    " mediafm clips cut - --into clips < found.json"
)
def cut(
    what: Annotated[
        list[str],
        typer.Argument(
            help="Shots, as sintel/42; a title with --from and --to; or - for JSON from a pipe.",
            metavar="SHOT...",
        ),
    ],
    into: Annotated[Path, typer.Option(help="Folder for the clips.", metavar="FOLDER")],
    store: StorePath = DEFAULT_STORE,
    start: Start = None,
    end: End = None,
    fast: Annotated[
        bool,
        typer.Option("--fast", help="Encode nothing: begin at the key frame before, if need be."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write shots or segments as clips, picture and sound, to the frame.

    What begins at a key frame is copied as it is; else it is encoded (H.264, HDR as H.265; AAC)
    into an MP4.
    """
    from mediafm_store.clips.cut import cut as cut_segments

    opened = open_store(store)
    segments = _wanted(opened, what, start, end)
    with progress_bar("") as update:
        clips = cut_segments(
            segments,
            into,
            fast=fast,
            on_clip=lambda clip, done, total: update("clips", done, total, clip.file.name),
        )
    emit([asdict(clip) for clip in clips], as_json=as_json, table=_clip_cells)
    early = [clip.early for clip in clips if clip.early]
    if early:
        say(f"{len(early)} of {len(clips)} clips begin early, by up to {max(early)} frames.")
    if not clips:
        say("Nothing to cut: no line came in.")


@app.command(
    epilog="Example: mediafm clips embed sintel --from 1:00 --to 1:30 --json",
)
def embed(
    title: Title,
    store: StorePath = DEFAULT_STORE,
    start: Start = None,
    end: End = None,
    checkpoint: Checkpoint = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Embed a segment of a title: within its title, alone, and as the plain mean of its shots.

    Nothing is written to the store; --json prints the vectors.
    """
    from mediafm_store.embedding.embed import embed_clip
    from mediafm_store.titles.naming import find_title

    opened = open_store(store)
    title = find_title(opened, title)
    start_s = start or 0.0
    end_s = opened.title(title)["duration_s"] if end is None else end
    clip = embed_clip(opened, title, start_s, end_s, checkpoint=checkpoint, device=device)
    row = {"title": title, "start_s": start_s, "end_s": end_s, "shots": clip.shots}
    if as_json:
        vectors = {
            name: getattr(clip, name)[0].tolist() for name in ("fused", "isolated", "context")
        }
        emit_one(row | vectors, as_json=True)
        return
    changed = float((clip.isolated @ clip.context.T).item())
    emit_one(row | {"context against isolated": changed}, as_json=False)


def _wanted(
    store: "Storage", what: Sequence[str], start: float | None, end: float | None
) -> "list[Segment]":
    """The segments that the command line asks for."""
    from mediafm_store.segments import segment_of_row, segment_of_times, segments_of_shots

    if start is not None or end is not None:
        if len(what) != 1 or what[0] == "-":
            raise typer.BadParameter("--from and --to belong to one title")
        return [segment_of_times(store, what[0], start or 0.0, inf if end is None else end)]
    if "-" in what:
        if len(what) > 1:
            raise typer.BadParameter("- stands alone: the shots come from the pipe")
        return [segment_of_row(store, row) for row in json_rows(sys.stdin.read())]
    return segments_of_shots(store, what)


def json_rows(text: str) -> Iterator[dict[str, Any]]:
    """JSON objects: one a line, as --json prints them, or in an array, as --out writes them."""
    whole = text.lstrip().startswith("[")
    try:
        found = parse_json(text) if whole else map(parse_json, filter(str.strip, text.split("\n")))
        for row in found:
            if not isinstance(row, dict):
                raise InvalidInput("the pipe brings JSON, but no objects; give search --json")
            yield row
    except ValueError as error:
        raise InvalidInput(f"the pipe brings no JSON ({error}); give search --json") from error


def _clip_cells(clip: Row) -> Row:
    """Table cells of a clip."""
    from mediafm_store.report.timecode import timecode

    return {
        "from": timecode(clip["start_s"]),
        "frames": clip["frames"],
        "how": "copied" if clip["copied"] else "encoded",
        "early": clip["early"],
        "file": clip["file"],
    }
