"""An open store, with what its pages need again and again kept ready."""

import os
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

from mediafm_store.encoders.encoder import Encoders
from mediafm_store.encoding import DeviceChoice, load_encoders
from mediafm_store.errors import InvalidMedia, NotFound
from mediafm_store.evaluation.comparison import compare
from mediafm_store.evaluation.history import dashboard
from mediafm_store.examples.file_kinds import kind_of, streams_in
from mediafm_store.records import title_of
from mediafm_store.report import views
from mediafm_store.report.evaluation_page import board_page
from mediafm_store.report.links import Links, served_links
from mediafm_store.report.map_page import atlas_page
from mediafm_store.report.search_page import NextSearches, Offer, SearchView, search_page
from mediafm_store.report.title_page import title_page
from mediafm_store.retrieval.hit import RankedHits
from mediafm_store.retrieval.query import SearchOptions, SearchQuery
from mediafm_store.retrieval.search import search
from mediafm_store.serve.page_cache import PageCache
from mediafm_store.serve.query import PageQuery, query_of_address
from mediafm_store.serve.titles import titles_page
from mediafm_store.storage.storage import Storage
from mediafm_store.titles.naming import Names

_MOST_OFFERS = 5
"""Titles of one name that are offered."""


class _PageFacts(NamedTuple):
    """Data that most pages show."""

    of: tuple[Storage, int, int]
    """The store, and the versions of `titles` and `spaces`: it depends on no other table."""
    titles: Mapping[str, Mapping[str, Any]]
    """Their rows, by id."""
    links: Links
    """Addresses of titles and films."""
    names: Mapping[str, str]
    called: Names
    """Names of the titles."""


class _Looked(NamedTuple):
    """Data read from a store, valid until it is written to."""

    commits: Hashable
    """State of the store; None if it is unknown, so that each request reads for itself."""
    tables: dict[tuple[str, str], Any]


class _StoreState(NamedTuple):
    """A store as it is while a page is made."""

    store: Storage
    known: _PageFacts
    commits: Hashable

    @property
    def state(self) -> Hashable:
        """Key that changes with every change of the store."""
        return self.store, self.commits or self.store.tables.state()


class SharedStore:
    """A store that many requests share; safe to use from several threads."""

    def __init__(
        self, store: Storage, *, encoders: Sequence[str] = (), device: DeviceChoice = "auto"
    ) -> None:
        self._store, self._born = store, store.tables.born("titles")
        self.device: DeviceChoice = device
        self._names = list(encoders)
        self._encoders: tuple[str, Encoders] | None = None
        self._loading = Lock()
        self._known: _PageFacts | None = None
        self._looked = _Looked(None, {})
        self._kept = PageCache()

    @contextmanager
    def _moment(self) -> Iterator[_StoreState]:
        """The store, all of it as it is now; reopened if another was put in its place."""
        if (born := self._store.tables.born("titles")) != self._born:
            self._store, self._born = Storage(self._store.path), born
        store, looked = self._store, self._looked
        commits = store.tables.commits()
        if commits is None or looked.commits != commits:
            looked = self._looked = _Looked(commits, {})
        with store.tables.pinned(looked.tables):
            yield _StoreState(store, self._read(store), commits)

    def _read(self, store: Storage) -> _PageFacts:
        """Data that most pages show; read again only when its tables have changed."""
        of = store, store.tables.version("titles"), store.tables.version("spaces")
        known = self._known
        if known is None or known.of != of:
            titles = store.titles().to_dicts()
            by_id = {row["id"]: row for row in titles}
            links = served_links(store, titles)
            known = self._known = _PageFacts(
                of, by_id, links, views.title_names(titles), Names(store)
            )
        return known

    def search(self, query: PageQuery) -> str:
        """The page of what was found. Raises NotFound or InvalidInput as `search` does."""
        with self._moment() as (store, known, _):
            if query.shot is not None:
                query = query._replace(shot=known.called.shot(query.shot))
            if query.title is not None:
                query = query._replace(title=known.called.title(query.title))
            hits = self._hits(store, query)
            kept = query._replace(same_scene=False).options
            return search_page(
                store,
                SearchView(query.shown(known.names), hits, query.shot, example=query.by_example),
                unit=query.unit,
                links=replace(known.links, kept=kept),
                names=known.names,
                form=query.form,
                onward=self._onward(query, hits, known),
            )

    def _onward(self, query: PageQuery, hits: RankedHits, known: _PageFacts) -> NextSearches:
        """Addresses of further searches from the page of a search."""
        found = known.called.called(query.text) if query.text else []
        offers = [
            Offer(
                known.names.get(title, title),
                known.links.title(title) or "",
                query._replace(text=None, title=title).address,
            )
            for title in found[:_MOST_OFFERS]
        ]
        # What a file is compared with again needs no file where it was recognised.
        again = query.from_place(hits.origin) if hits.origin else query
        if again.file is not None:
            return NextSearches(offers)
        return NextSearches(
            offers,
            own_scene=again._replace(same_scene=True).address if hits.own_scene else None,
            origin=again.address if hits.origin else None,
        )

    def _hits(self, store: Storage, query: PageQuery) -> RankedHits:
        sent = {} if query.file is None else {kind_of(query.file): query.file}
        needs_encoders = query.text is not None or query.file is not None
        asked = SearchQuery(
            shot=query.shot,
            title=query.title,
            start_s=query.start_s,
            end_s=query.end_s,
            text=query.text,
            said=query.said,
            clip=sent.get("clip"),
            picture=sent.get("visual"),
            sound=sent.get("audio"),
        )
        options = SearchOptions(
            k=query.k,
            unit=query.unit,
            where=query.where,
            weights=query.weights,
            exclude_same_title=query.exclude_same_title,
            same_scene=query.same_scene,
        )
        encoders = self._loaded(store) if needs_encoders else None
        return search(store, asked, options, encoders=encoders, device=self.device)

    def load(self) -> Encoders:
        """The encoders of the live vectors, loaded once; safe to use from several threads."""
        with self._moment() as now:
            return self._loaded(now.store)

    def _loaded(self, store: Storage) -> Encoders:
        live = store.live("fused").fingerprint if store.has("fused") else ""
        with self._loading:
            if self._encoders is None or self._encoders[0] != live:
                made = load_encoders(self._names, device=self.device, store=store)
                self._encoders = live, made
            return self._encoders[1]

    def _page(self, name: str, make: Callable[[Storage, _PageFacts], str]) -> str:
        """A page that depends on nothing but the store, kept until any table has changed."""
        with self._moment() as now:
            return self._kept.get(name, now.state, lambda: make(now.store, now.known))

    def titles(self) -> str:
        """The first page: all titles."""
        return self._page(
            "titles",
            lambda store, known: titles_page(
                store, [*known.titles.values()], links=known.links, names=known.names
            ),
        )

    def title(self, title: str) -> str:
        """The page of a title. Raises NotFound."""
        with self._moment() as (_, known, _):
            title = known.called.title(title)
        return self._page(
            f"title {title}",
            lambda store, known: title_page(store, title, links=known.links, names=known.names),
        )

    def atlas(self) -> str:
        """The page of all shots; that of a large catalogue takes half a minute the first time."""
        return self._page(
            "atlas",
            lambda store, known: atlas_page(
                store, [*known.titles.values()], links=known.links, names=known.names
            ),
        )

    def report(self, asked: Mapping[str, str]) -> str:
        """The page of all that was measured; two versions are compared if they are asked for.

        These are `before` and `after`. Raises NotFound for those that were not measured.
        """
        with self._moment() as (store, known, _):
            board = dashboard(store)
            before, after = asked.get("before"), asked.get("after")
            comparison = compare(board.series, before, after) if before and after else None
            links = replace(known.links, films={})
            return board_page(board, store=str(store.path), comparison=comparison, links=links)

    def film(self, title: str) -> Path:
        """The file of a title's film; the only files that are ever sent. Raises NotFound."""
        with self._moment() as (store, known, _):
            store.check_titles([title])
        if title not in known.links.films:
            raise NotFound(f"title {title!r} was imported without its film")
        film = Path(known.titles[title]["media"])
        try:
            found = film.stat()
        except (OSError, ValueError) as error:
            raise NotFound(
                f"the film of {title!r} is no longer at {film}; ingest it again"
            ) from error
        state = film, found.st_mtime_ns, found.st_size
        return self._kept.get(f"film {title}", state, lambda: _checked_film(title, film))

    def picture(self, shot: str) -> bytes:
        """A JPEG of a shot. Raises NotFound."""
        with self._moment() as (store, known, _):
            revision = known.links.revisions.get(title_of(shot))
            return self._kept.get(f"picture {shot}", revision, lambda: _read_picture(store, shot))

    def meant(self, values: Mapping[str, str]) -> PageQuery:
        """Query in the fields of the search form: `q` is a shot or a segment if it names one.

        Words that are a title's name stay words. Raises as `find_shot` does for what names a title
        but none of its shots, and as `query_of` does.
        """
        query = query_of_address({name: value for name, value in values.items() if name != "q"})
        q = values.get("q", "").strip()
        if not q:
            return query
        with self._moment() as (_, known, _):
            place = known.called.place(q) if "/" in q or "@" in q else None
        if place is None:
            return query._replace(text=q)
        if place.shot is not None:
            return query._replace(shot=place.shot)
        return query._replace(title=place.title, start=place.start, end=place.end)


def _checked_film(title: str, film: Path) -> Path:
    """Return the path of a film; raise NotFound if none is there or it is not readable."""
    reason = "it cannot be read"
    if film.is_file() and os.access(film, os.R_OK):
        try:
            if streams_in(film).moving:
                return film
            reason = "it has no moving pictures"
        except InvalidMedia as error:
            reason = str(error)
    raise NotFound(f"the file of {title!r}, {film}, is no film ({reason}); ingest it again")


def _read_picture(store: Storage, shot: str) -> bytes:
    """A JPEG of a shot. Raises NotFound."""
    found = store.thumbnails([shot])
    if not found.get(shot):
        raise NotFound(f"shot {shot!r} has no picture")
    return found[shot]
