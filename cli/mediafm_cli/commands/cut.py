"""mediafm cut."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mediafm_cli.options import DEFAULT_STORE, AsJson, End, Start, StorePath, open_store
from mediafm_cli.output import Row, emit, say
from mediafm_cli.progress import progress_bar
from mediafm_store.errors import InvalidInput
from mediafm_store.text_files.json_text import parse_json

if TYPE_CHECKING:
    from mediafm_store import Segment, Storage

EXAMPLE = (
    "Examples: mediafm cut sintel/00042 sintel/00043 --into clips;"
    " mediafm cut sintel --from 60 --to 90 --into clips;"
    " mediafm cut - --into clips < found.json"
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
    from mediafm_store import cut as cut_segments

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


def _wanted(
    store: "Storage", what: Sequence[str], start: float | None, end: float | None
) -> "list[Segment]":
    """The segments that the command line asks for."""
    from mediafm_store import segment_of_times, segments_of_shots
    from mediafm_store.segments import segment_of_row

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
    """What the table shows of a clip."""
    from mediafm_store.report.timecode import timecode

    return {
        "from": timecode(clip["start_s"]),
        "frames": clip["frames"],
        "how": "copied" if clip["copied"] else "encoded",
        "early": clip["early"],
        "file": clip["file"],
    }
