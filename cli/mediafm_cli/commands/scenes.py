"""mediafm scenes."""

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mediafm_cli.options import DEFAULT_STORE, AsJson, StorePath, open_store
from mediafm_cli.output import Row, emit

if TYPE_CHECKING:
    from mediafm_store import Scene

EXAMPLE = "Examples: mediafm scenes sintel; mediafm scenes sintel elephants_dream --json"


def scenes(
    titles: Annotated[list[str], typer.Argument(help="Titles.")],
    store: StorePath = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """Find the scenes of titles: runs of shots that look alike."""
    from mediafm_store import find_scenes

    opened = open_store(store)
    rows = []
    for title in titles:
        found = find_scenes(opened, title)
        shots = {shot["id"]: shot for shot in opened.shots(title).to_dicts()}
        rows += [asdict(scene) | known(scene, shots) for scene in found]
    emit(rows, as_json=as_json, table=shown)


def known(scene: "Scene", shots: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What is said in a scene, and what is recognised in most of its shots."""
    rows = [shots[id] for id in scene.shots]
    words = list(dict.fromkeys(row["words"] for row in rows if row["words"]))
    counted = {
        kind: tuple(name for name, _ in Counter(n for r in rows for n in r[kind]).most_common(3))
        for kind in ("seen", "heard")
    }
    return {"words": " ".join(words), **counted}


def shown(row: Row) -> Row:
    """What the table shows of a scene."""
    from mediafm_cli.commands.search import about
    from mediafm_store.report.timecode import timecode

    return {
        "title": row["title"],
        "scene": row["number"],
        "start": timecode(row["start_s"]),
        "end": timecode(row["end_s"]),
        "seconds": row["end_s"] - row["start_s"],
        "shots": len(row["shots"]),
        "change": row["change"],
        "key shot": row["key"],
        "said, seen, heard": about(row),
    }
