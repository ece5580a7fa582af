"""Answers of a search, and what is said beside them."""

from pathlib import Path
from typing import TYPE_CHECKING

from mediafm_cli.output import Row
from mediafm_cli.rows.titles import about

if TYPE_CHECKING:
    from mediafm_store.examples.clip_locator import ClipMatch
    from mediafm_store.scenes.own_scene import OwnScene


def nothing_found(where: str | None, *, alone: bool) -> str:
    """Why there is no answer, and what may be done; `alone` says that nothing was compared."""
    such = f" that fulfils {where}" if where else ""
    if alone:
        return (
            f"Nothing found: there is nothing else{such} to compare with; --same-scene also looks"
            " at what lies around the query."
        )
    return f"No good match{such}. --least 0 shows what is nearest all the same."


def origin_line(path: Path, origin: "ClipMatch") -> str:
    """Where in the store a clip lies."""
    from mediafm_store.report.timecode import timespan

    where = timespan(origin.start_s, origin.end_s)
    return f"{path} is {origin.title} {where}; what is like it elsewhere:"


def own_scene_line(scene: "OwnScene") -> str:
    """The scene that was asked with, folded into one line."""
    from mediafm_store.report.timecode import timespan
    from mediafm_store.scenes.own_scene import NEAR

    count = len(scene.shots)
    where = f"{scene.title} {timespan(scene.start_s, scene.end_s)}"
    shots = f"{count} shot{'' if count == 1 else 's'}"
    return (
        f"Left out: its own scene ({where}, {shots}) and {NEAR} shots either side of the query;"
        " --same-scene lists them too."
    )


def hit_cells(hit: Row, *, until: bool) -> Row:
    """Table cells of a hit, and perhaps `until` when it lasts."""
    from mediafm_store.report.timecode import timecode

    return {
        "shot": hit["shot"],
        "time": timecode(hit["start_s"]),
        **({"to": timecode(hit["end_s"])} if until else {}),
        "score": hit["score"],
        "as good by chance": "" if hit["chance"] is None else _percent(hit["chance"]),
        **hit["shares"],
        "alike": len(hit["alike"]),
        "said, seen, heard, looks": about(hit),
    }


def _percent(share: float) -> str:
    """How often a random query finds something as good; not known better than to some percent."""
    return "< 2 %" if share < 0.02 else f"{share:.0%}".replace("%", " %")
