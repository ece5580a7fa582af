"""An open store, with what its pages need again and again kept ready."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

from mediafm_store.errors import NotFound
from mediafm_store.features.encoders import Encoders
from mediafm_store.report import views
from mediafm_store.report.board import board_page
from mediafm_store.report.links import Links, served_links
from mediafm_store.report.mapped import atlas_page
from mediafm_store.report.searched import Offer, Onward, SearchView, search_page
from mediafm_store.report.titled import title_page
from mediafm_store.serve.kept import Pages
from mediafm_store.serve.query import Query, query_of
from mediafm_store.store.store import Store
from mediafm_store.tasks.comparison import compare
from mediafm_store.tasks.dashboard import dashboard
from mediafm_store.tasks.encoding import DeviceChoice, load_encoders
from mediafm_store.tasks.file_kinds import kind_of
from mediafm_store.tasks.hit import Hits
from mediafm_store.tasks.naming import Names, find_shot, find_title
from mediafm_store.tasks.search import search

MOST_OFFERS = 5
"""Titles of one name that are offered."""


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
        if query.title is not None:
            query = query._replace(title=find_title(self.store, query.title))
        hits = self._hits(query)
        known = self.known()
        kept = query._replace(same_scene=False).options
        return search_page(
            self.store,
            SearchView(query.shown(known.names), hits, query.shot, example=query.by_example),
            unit=query.unit,
            links=replace(known.links, kept=kept),
            names=known.names,
            form=query.form,
            onward=self._onward(query, hits, known),
        )

    def _onward(self, query: Query, hits: Hits, known: Known) -> Onward:
        """Where the page of a search leads on to."""
        found = Names(self.store).called(query.text) if query.text else []
        offers = [
            Offer(
                known.names.get(title, title),
                known.links.title(title) or "",
                query._replace(text=None, title=title).address,
            )
            for title in found[:MOST_OFFERS]
        ]
        # What a file is compared with again needs no file where it was recognised.
        again = query.from_place(hits.origin) if hits.origin else query
        if again.file is not None:
            return Onward(offers)
        return Onward(
            offers,
            own_scene=again._replace(same_scene=True).address if hits.own_scene else None,
            origin=again.address if hits.origin else None,
        )

    def _hits(self, query: Query) -> Hits:
        ask = partial(
            search,
            self.store,
            shot=query.shot,
            title=query.title,
            start_s=query.start_s,
            end_s=query.end_s,
            said=query.said,
            weights=query.weights,
            where=query.where,
            exclude_same_title=query.exclude_same_title,
            same_scene=query.same_scene,
            unit=query.unit,
            k=query.k,
            device=self.device,
        )
        if query.text is None and query.file is None:
            return ask()
        sent = {} if query.file is None else {kind_of(query.file): query.file}
        with self._encoding:  # one at a time: they use every core as it is
            if self._encoders is None:
                self._encoders = load_encoders(self._names, device=self.device)
            return ask(
                text=query.text,
                clip=sent.get("clip"),
                picture=sent.get("visual"),
                sound=sent.get("audio"),
                encoders=self._encoders,
            )

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
        links = replace(self.known().links, films={})
        return board_page(board, store=str(self.store.path), comparison=comparison, links=links)

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

    def meant(self, values: Mapping[str, str]) -> Query:
        """What the fields of the search form mean: `q` is a shot or a stretch if it names one.

        Words that are a title's name stay words. Raises as `find_shot` does for what names a title
        but none of its shots, and as `query_of` does.
        """
        query = query_of({name: value for name, value in values.items() if name != "q"})
        q = values.get("q", "").strip()
        if not q:
            return query
        place = Names(self.store).place(q) if "/" in q or "@" in q else None
        if place is None:
            return query._replace(text=q)
        if place.shot is not None:
            return query._replace(shot=place.shot)
        return query._replace(title=place.title, start=place.start, end=place.end)
