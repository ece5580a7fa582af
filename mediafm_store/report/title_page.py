"""The page of a title: its shots, scenes, ad breaks, words, and how alike its shots are."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from mediafm_store.ad_breaks.ad_break import AdBreak
from mediafm_store.ad_breaks.rank import rank_breaks
from mediafm_store.charts.matrix import Matrix, matrix
from mediafm_store.charts.sprites import sprites
from mediafm_store.errors import InvalidInput
from mediafm_store.report import views
from mediafm_store.report.links import Links
from mediafm_store.report.rendering import PLAYER, render
from mediafm_store.scenes.scenes import Scene, find_scenes
from mediafm_store.storage.storage import Storage

SCRIPTS = ("matrix.js", "keys.js")
_MOST_PARTS = 200
"""Shots of the timeline; of a longer title every second, third ... is shown."""
_LARGE, _SMALL, _MANY = 160, 112, 800
"""Widths of pictures, in pixels; titles of many shots have small ones."""
_BREAKS = 8
_SHOT_HEIGHT, _SCENE_HEIGHT = 92, 60
"""In pixels, about: what a browser takes for those that it has not yet drawn."""


class _ShotView(NamedTuple):
    """A shot, with what is said in it."""

    row: Mapping[str, Any]
    cues: Sequence[Mapping[str, Any]]
    """The subtitles that begin in it."""


class _SceneView(NamedTuple):
    """A scene, and its place on the timeline in percent."""

    scene: Scene
    left: float
    width: float
    height: int
    """Approximate width of its shots on the page, in pixels."""
    shots: Sequence[_ShotView]


def title_page(store: Storage, title: str, *, links: Links, names: Mapping[str, str]) -> str:
    """The page as HTML. Raises NotFound for an unknown title."""
    row = store.title(title)
    shots = store.shots(title).to_dicts()
    breaks, similar = _breaks_and_similarity(store, title, len(shots))
    tags = store.tags().filter(pl.col("title") == title).to_dicts()
    return render(
        "title.html.j2",
        scripts=(*SCRIPTS, *((PLAYER,) if links.served else ())),
        store=store.path,
        row=row,
        proposed=tags,
        breaks=breaks,
        timeline=views.timeline(shots, breaks, max(1, -(-len(shots) // _MOST_PARTS))),
        scenes=_scenes_of(store, title, shots),
        similar=similar,
        names=names,
        links=links,
        anchors={shot["id"]: f"s{shot['index']}" for shot in shots},
        pictures={},
        small=sprites(
            store, [s["id"] for s in shots], width=_SMALL if len(shots) > _MANY else _LARGE
        ),
    )


def _breaks_and_similarity(
    store: Storage, title: str, shots: int
) -> tuple[Sequence[AdBreak], Matrix | None]:
    """Ad breaks and the similarity of shots; nothing of a title without vectors."""
    if not shots:
        return (), None
    try:
        breaks = rank_breaks(store, title, k=_BREAKS)
    except InvalidInput:  # embedded neither in context nor alone
        return (), None
    return breaks, matrix(store.vectors(store.registry.shot_space(), title).vectors)


def _scenes_of(
    store: Storage, title: str, shots: Sequence[Mapping[str, Any]]
) -> Sequence[_SceneView]:
    """The scenes with their shots, in play order."""
    if not shots:
        return []
    cues = _cues_by_shot(shots, store.cues(title).to_dicts())
    by_id = {s["id"]: _ShotView(s, cues[i]) for i, s in enumerate(shots)}
    begin, length = shots[0]["start_s"], shots[-1]["end_s"] - shots[0]["start_s"]
    return [
        _SceneView(
            scene,
            left=views.percent(scene.start_s - begin, length),
            width=views.percent(scene.end_s - scene.start_s, length),
            height=_SCENE_HEIGHT + _SHOT_HEIGHT * -(-len(scene.shots) // 3),
            shots=[by_id[shot_id] for shot_id in scene.shots],
        )
        for scene in find_scenes(store, title)
    ]


def _cues_by_shot(
    shots: Sequence[Mapping[str, Any]], cues: Sequence[Mapping[str, Any]]
) -> list[list[Mapping[str, Any]]]:
    """For each shot the subtitles that begin in it; those before the first belong to that."""
    found: list[list[Mapping[str, Any]]] = [[] for _ in shots]
    place = 0
    for cue in sorted(cues, key=lambda c: c["start_s"]):
        while place + 1 < len(shots) and shots[place + 1]["start_s"] <= cue["start_s"]:
            place += 1
        found[place].append(cue)
    return found
