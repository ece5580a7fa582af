"""The atlas: all shots of a catalogue in a plane, alike ones close together."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mediafm_store.atlas import ShotMap, lay_out
from mediafm_store.charts.sprites import COLUMNS, ROWS, sprites
from mediafm_store.report.links import Links
from mediafm_store.report.rendering import render
from mediafm_store.storage.storage import Storage

SCRIPTS = ("map.js", "atlas.js", "groups.js")
_LARGE, _SMALL, _MANY = 112, 96, 2000
"""Widths of pictures, in pixels; of many shots they are small."""
_GRID = 10_000
"""Places are whole numbers up to this, which are shorter than fractions."""
_MOST_WORDS = 90
_NO_GENRE = "no genre"


def atlas_page(
    store: Storage, titles: Sequence[Mapping[str, Any]], *, links: Links, names: Mapping[str, str]
) -> str:
    """The page as HTML: with the shots that `lay_out` takes."""
    layout = lay_out(store) if titles else ShotMap((), np.empty((0, 2), np.float32))
    small = sprites(store, layout.shots, width=_SMALL if len(layout.shots) > _MANY else _LARGE)
    return render(
        "atlas.html.j2",
        scripts=SCRIPTS,
        store=store.path,
        titles=sum(1 for row in titles if row["shots"]),
        every=sum(row["shots"] for row in titles) == len(layout.shots),
        data=_data(store, titles, layout, links=links, names=names, pictures=list(small.places)),
        shown=len(layout.shots),
        pictures={},
        small=small,
        links=links,
    )


def _data(
    store: Storage,
    titles: Sequence[Mapping[str, Any]],
    layout: ShotMap,
    *,
    links: Links,
    names: Mapping[str, str],
    pictures: Sequence[str],
) -> dict[str, Any]:
    """Data that the script draws: a list for each column of the shots; -1 without a picture.

    `pictures` are the shots that have one, in the order of the sheets.
    """
    number = {shot: i for i, shot in enumerate(pictures)}
    rows = store.shots_by_id(layout.shots)
    place = {row["id"]: i for i, row in enumerate(titles)}
    there = [i for i, s in enumerate(layout.shots) if s in rows and rows[s]["title"] in place]
    shots = [rows[layout.shots[i]] for i in there]
    grid = (layout.places[there] * _GRID).round().astype(int)
    return {
        "titles": [
            {
                "name": names[row["id"]],
                "genre": row["genres"][0] if row["genres"] else _NO_GENRE,
                "film": links.film(row["id"], 0),
                "page": links.title(row["id"]),
            }
            for row in titles
        ],
        "x": grid[:, 0].tolist(),
        "y": grid[:, 1].tolist(),
        "title": [place[row["title"]] for row in shots],
        "index": [row["index"] for row in shots],
        "start": [round(row["start_s"], 2) for row in shots],
        "words": [_shortened(row["words"]) for row in shots],
        "picture": [number.get(row["id"], -1) for row in shots],
        "pictures": len(pictures),
        "columns": COLUMNS,
        "rows": ROWS,
        "grid": _GRID,
    }


def _shortened(words: str) -> str:
    """Words that fit beside a picture."""
    cut = words[:_MOST_WORDS].rstrip()
    return words if len(words) <= _MOST_WORDS else f"{cut} \N{HORIZONTAL ELLIPSIS}"
