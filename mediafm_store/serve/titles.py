"""The first page: the search box, and every title with a picture."""

from mediafm_store.records import shot_id
from mediafm_store.report.rendering import render
from mediafm_store.report.sprites import Small, Sprites
from mediafm_store.serve.library import Library


def titles_page(library: Library) -> str:
    """The page as HTML."""
    _, rows, links, names = library.known()
    middle = {row["id"]: shot_id(row["id"], row["shots"] // 2) for row in rows}
    places = {shot: Small(f"a{i}", "") for i, shot in enumerate(middle.values())}
    return render(
        "titles.html.j2",
        store=library.store.path,
        titles=rows,
        names=names,
        middle=middle,
        pictures={},
        small=Sprites(places, {p.sheet: links.picture(s) for s, p in places.items()}),
        links=links,
    )
