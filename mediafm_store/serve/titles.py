"""The first page: the search box, and every title with a picture."""

from collections.abc import Mapping, Sequence
from typing import Any

from mediafm_store.charts.sprites import Small, Sprites
from mediafm_store.records import shot_id
from mediafm_store.report.links import Links
from mediafm_store.report.rendering import render
from mediafm_store.storage.storage import Storage


def titles_page(
    store: Storage, titles: Sequence[Mapping[str, Any]], *, links: Links, names: Mapping[str, str]
) -> str:
    """The page as HTML."""
    middle = {row["id"]: shot_id(row["id"], row["shots"] // 2) for row in titles}
    places = {shot: Small(f"a{i}", "") for i, shot in enumerate(middle.values())}
    return render(
        "titles.html.j2",
        store=store.path,
        titles=titles,
        names=names,
        middle=middle,
        pictures={},
        small=Sprites(places, {p.sheet: links.picture(s) for s, p in places.items()}),
        links=links,
    )
