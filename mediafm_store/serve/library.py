"""An open store, with what its pages need again and again kept ready."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

from mediafm_store.errors import BadInput, NotFound
from mediafm_store.features.encoders import Encoders
from mediafm_store.report import views
from mediafm_store.report.board import board_page
from mediafm_store.report.links import Links, served_links
from mediafm_store.report.mapped import atlas_page
from mediafm_store.report.searched import SearchView, search_page
from mediafm_store.report.titled import title_page
from mediafm_store.serve.kept import Pages
from mediafm_store.store.store import Store
from mediafm_store.tasks.comparison import compare
from mediafm_store.tasks.dashboard import dashboard
from mediafm_store.tasks.encoding import DeviceChoice, load_encoders
from mediafm_store.tasks.hit import Hits
from mediafm_store.tasks.naming import Names, find_shot, find_title
from mediafm_store.tasks.queries import seconds
from mediafm_store.tasks.search import Unit, search

MOST_HITS = 200
UNITS: tuple[Unit, ...] = ("shot", "scene", "title")


class Query(NamedTuple):
    """A search as an address says it: one of `text`, `shot`, `stretch` and `clip`, or words that
    are `said`, alone or with one of these; and how to look."""

    text: str | None = None
    said: str | None = None
    shot: str | None = None
    stretch: str | None = None
    """Of a title, as sintel@0:03:10-0:03:40."""
    clip: Path | None = None
    called: str = ""
    """What a clip's own name is; that of its file here says nothing."""
    unit: Unit = "shot"
    where: str | None = None
    exclude_same_title: bool = False
    k: int = 12

    @property
    def shown(self) -> str:
        """What a page says is looked for."""
        example = self.shot or self.stretch or self.called
        words = [f"“{words}”" for words in (self.text, self.said) if words]
        return " + ".join(filter(None, [example, *words]))


class Known(NamedTuple):
    """What most pages show."""

    of: tuple[int, int]
    """The versions of the tables that it was read from."""
    titles: list[dict[str, Any]]
    links: Links
    """Where titles and films are found."""
    names: dict[str, str]


class Library:
    """A store that many requests share; safe to use from several threads."""

    def __init__(
        self, store: Store, *, encoders: Sequence[str] = (), device: DeviceChoice = "auto"
    ) -> None:
        self.store = store
        self.device: DeviceChoice = device
        self._names = list(encoders)
        self._encoders: Encoders | None = None
        self._encoding = Lock()
        self._known: Known | None = None
        self._pages = Pages()

    def search(self, query: Query) -> str:
        """The page of what was found. Raises NotFound or BadInput as `search` does."""
        if query.shot is not None:
            query = query._replace(shot=find_shot(self.store, query.shot))
        hits = self._hits(query)
        known = self.known()
        return search_page(
            self.store,
            SearchView(query.shown, hits, query.shot),
            unit=query.unit,
            links=known.links,
            names=known.names,
            form={
                "q": query.shot or query.stretch or query.text or "",
                "said": query.said or "",
                "unit": query.unit,
            },
        )

    def _hits(self, query: Query) -> Hits:
        ask = partial(
            search,
            self.store,
            said=query.said,
            unit=query.unit,
            where=query.where,
            k=query.k,
            device=self.device,
        )
        if query.text is None and query.clip is None:
            ask = partial(ask, exclude_same_title=query.exclude_same_title)
            if query.stretch is None:
                return ask(shot=query.shot)
            title, _, start, end = Names(self.store).find(query.stretch)  # never a file
            if start is None or end is None:
                return ask(title=title)
            return ask(title=title, start_s=seconds(start), end_s=seconds(end))
        with self._encoding:  # one at a time: they use every core as it is
            if self._encoders is None:
                self._encoders = load_encoders(self._names, device=self.device)
            # A picture or a sound may be sent, too.
            sent = () if query.clip is None else (str(query.clip),)
            return ask(text=query.text, like=sent, encoders=self._encoders)

    def known(self) -> Known:
        """What most pages show; read again only when its tables have changed."""
        of = (self.store.table("titles").version, self.store.table("spaces").version)
        if self._known is None or self._known.of != of:
            titles = self.store.titles().to_dicts()
            links = served_links(self.store, titles)
            self._known = Known(of, titles, links, views.names(titles))
        return self._known

    def title(self, title: str) -> str:
        """The page of a title. Raises NotFound."""
        title = find_title(self.store, title)
        known, revision = self.known(), self.store.title(title)["revision"]
        tags = int(self.store.table("tags").version)
        return self._pages.get(
            f"title {title}",
            (known.of, tags, revision),
            lambda: title_page(self.store, title, links=known.links, names=known.names),
        )

    def atlas(self) -> str:
        """The page of all shots; that of a large catalogue takes half a minute the first time."""
        known = self.known()
        return self._pages.get(
            "atlas",
            known.of,
            lambda: atlas_page(self.store, known.titles, links=known.links, names=known.names),
        )

    def report(self, asked: Mapping[str, str]) -> str:
        """The page of all that was measured; two versions are compared if they are asked for.

        These are `before` and `after`. Raises NotFound for those that were not measured.
        """
        board = dashboard(self.store)
        before, after = asked.get("before"), asked.get("after")
        comparison = compare(board.series, before, after) if before and after else None
        links, place = Links(served=True), str(self.store.path)
        return board_page(board, store=place, comparison=comparison, links=links)

    def film(self, title: str) -> Path:
        """The file of a title's film; the only files that are ever sent. Raises NotFound."""
        row = self.store.title(title)
        if title not in self.known().links.films:
            raise NotFound(f"title {title!r} was imported without its film")
        film = Path(row["media"])
        if not film.is_file():
            raise NotFound(f"the film of {title!r} is no longer at {film}; ingest it again")
        return film

    def picture(self, shot: str) -> bytes:
        """A JPEG of a shot. Raises NotFound."""
        found = self.store.thumbnails([shot])
        if shot not in found:
            raise NotFound(f"shot {shot!r} has no picture")
        return found[shot]

    def meant(self, values: Mapping[str, str]) -> dict[str, str]:
        """What the fields of the search box mean: `q` is a shot or a stretch if it names one.

        Words that are a title's name stay words. Raises as `find_shot` does for what names a title
        but none of its shots.
        """
        q = values.get("q", "").strip()
        filled = {name: value for name, value in values.items() if value and name != "q"}
        if q or "said" not in filled:
            place = Names(self.store).place(q) if "/" in q or "@" in q else None
            if place is None:
                filled["text"] = q
            elif place.shot is not None:
                filled["shot"] = place.shot
            else:
                filled["stretch"] = f"{place.title}@{place.start}-{place.end}"
        return filled


def query_of(values: Mapping[str, str]) -> Query:
    """The search that the fields of a form ask for. Raises BadInput for those that cannot be."""
    unit = values.get("unit", "shot")
    if unit not in UNITS:
        raise BadInput(f"the unit must be one of {', '.join(UNITS)}, is {unit!r}")
    k = values.get("k", "12")
    if not k.isascii() or not k.isdecimal() or not 0 < int(k[:9]) <= MOST_HITS:
        raise BadInput(f"k must be a number from 1 to {MOST_HITS}, is {k!r}")
    return Query(
        text=values.get("text"),
        said=values.get("said") or None,
        shot=values.get("shot") or None,
        stretch=values.get("stretch") or None,
        unit=unit,
        where=values.get("where") or None,
        exclude_same_title=values.get("exclude_same_title") in ("1", "on", "true"),
        k=int(k),
    )
