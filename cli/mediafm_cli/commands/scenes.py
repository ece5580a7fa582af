"""mediafm scenes."""

from collections import Counter
from dataclasses import asdict
from textwrap import shorten
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mediafm_cli.options import DEFAULT_STORE, AsJson, Fps, Out, StorePath, open_store
from mediafm_cli.output import Row, emit, write_out

if TYPE_CHECKING:
    from mediafm_store.scenes.scenes import Scene

EXAMPLE = "Examples: mediafm scenes sintel; mediafm scenes sintel --out scenes.vtt"


def scenes(
    titles: Annotated[list[str], typer.Argument(help="Titles, by id or name.")],
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
        rows += [asdict(scene) | _known(scene, shots, cues) for scene in found]
    if segments:
        write_out(out, segments, fps=fps)
    emit(rows, as_json=as_json, table=_scene_cells)


def _known(
    scene: "Scene", shots: dict[str, dict[str, Any]], cues: list[dict[str, Any]]
) -> dict[str, Any]:
    """What is said in a scene, and what is recognised in most of its shots.

    Of imported titles there are no subtitles, only the words of each shot.
    """
    rows = [shots[shot] for shot in scene.shots]
    middles = [(cue["text"], (cue["start_s"] + cue["end_s"]) / 2) for cue in cues]
    said = [text for text, middle in middles if scene.start_s <= middle < scene.end_s]
    words = said if cues else [row["words"] for row in rows]
    often = {
        kind: tuple(name for name, _ in Counter(n for r in rows for n in r[kind]).most_common(3))
        for kind in ("seen", "heard")
    }
    return {"words": " ".join(filter(None, words)), **often}


def _scene_cells(row: Row) -> Row:
    """What the table shows of a scene."""
    from mediafm_cli.commands.search import about
    from mediafm_store.report.timecode import timecode

    words = shorten(row["words"], 60, placeholder=" ...")
    return {
        "title": row["title"],
        "scene": row["number"],
        "start": timecode(row["start_s"]),
        "end": timecode(row["end_s"]),
        "seconds": row["end_s"] - row["start_s"],
        "shots": len(row["shots"]),
        "change": row["change"],
        "key shot": row["key"],
        "said, seen, heard": about({**row, "words": words}),
    }
