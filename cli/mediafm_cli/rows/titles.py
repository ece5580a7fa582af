"""Titles, their shots and scenes."""

from collections import Counter
from textwrap import shorten
from typing import TYPE_CHECKING, Any

from mediafm_cli.output import Row

if TYPE_CHECKING:
    from mediafm_store.scenes.scenes import Scene


def title_cells(row: Row) -> Row:
    """Table cells of a title."""
    from mediafm_store.report.timecode import timecode

    return {
        "title": row["id"],
        "length": timecode(row["duration_s"]),
        "shots": row["shots"],
        "warnings": len(row["warnings"]),
        "name, genres, tags": " · ".join([row["name"], *row["genres"], *row["tags"]]),
    }


def shot_cells(row: Row) -> Row:
    """Table cells of a shot."""
    from mediafm_store.report.timecode import timecode

    return {
        "shot": row["id"],
        "start": timecode(row["start_s"]),
        "seconds": row["duration_s"],
        "flags": _flags(row),
        "said, seen, heard, looks": about(row),
    }


def _flags(row: Row) -> str:
    """Faults of a shot as material."""
    repeats = f"as {row['repeats'].rpartition('/')[2]}" if row["repeats"] else ""
    words = ("black" if row["black"] else "", "silent" if row["silent"] else "", repeats)
    return ", ".join(filter(None, words))


def held_cells(row: Row) -> Row:
    """Table cells of a title that goes."""
    rows = [f"{count} {table}" for table, count in row["rows"].items() if count]
    return {"title": row["title"], "name": row["name"], "rows": rows}


def known_of_scene(
    scene: "Scene", shots: dict[str, dict[str, Any]], cues: list[dict[str, Any]]
) -> dict[str, Any]:
    """Words of a scene, and names recognised in most of its shots.

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


def scene_cells(row: Row) -> Row:
    """Table cells of a scene."""
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


def about(hit: Row) -> str:
    """A shot in one line: words, what is seen and heard."""
    said = f"“{hit['words']}”" if hit["words"] else ""
    return " · ".join(filter(None, [said, *hit["seen"], *hit["heard"], *hit.get("looks", ())]))
