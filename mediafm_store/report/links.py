"""Targets of a page's links: files, or addresses of the server for served pages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from mediafm_store.records import title_of
from mediafm_store.report import views
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.spaces import is_imported

_MOST_NAMES = 500
"""Titles that a search form offers: those of 100,000 would be megabytes on every page."""


@dataclass(frozen=True)
class Links:
    """Addresses of films, titles, pictures and searches; None where there is no target."""

    films: Mapping[str, str] = field(default_factory=dict)
    """Address of the film of each title that has one."""
    served: bool = False
    names: Mapping[str, str] = field(default_factory=dict)
    """Display names by id of some titles: a server's search form offers these."""
    revisions: Mapping[str, str] = field(default_factory=dict)
    """Revisions of titles: part of a picture's address, so that it changes with the picture."""
    kept: Mapping[str, str] = field(default_factory=dict)
    """Options of a search that searches for its answers keep."""

    def film(self, title: str, seconds: float) -> str | None:
        """A film from a moment on, as media fragments write it (W3C, Media Fragments URI 1.0)."""
        film = self.films.get(title)
        return film and f"{film}#t={f'{seconds:.2f}'.rstrip('0').rstrip('.')}"

    def title(self, title: str, shot: int | None = None) -> str | None:
        """The page of a title, at one of its shots."""
        at = "" if shot is None else f"#s{shot}"
        return f"/titles/{quote(title, safe='')}{at}" if self.served else None

    def shot(self, shot: str) -> str | None:
        """A shot among the others of its title."""
        title, _, index = shot.rpartition("/")
        return self.title(title, int(index)) if title and index.isdecimal() else None

    def picture(self, shot: str) -> str:
        """The picture of a shot, of a server."""
        return f"/thumbnails/{quote(shot)}?of={self.revisions.get(title_of(shot), '')}"

    def like(self, row_id: str, what: str = "shot") -> str | None:
        """The search for what is like a shot, or a title."""
        return f"/search?{urlencode({what: row_id, **self.kept})}" if self.served else None


def file_links(store: Storage, titles: list[dict[str, Any]]) -> Links:
    """Links to the films on this machine; none to what was imported without its video."""
    if store.has("fused") and is_imported(store.live("fused")):
        return Links()
    # As bytes: a name need not be text.
    paths = {row["id"]: Path(row["media"]) for row in titles}
    return Links(
        {title_id: path.as_uri() for title_id, path in paths.items() if path.is_absolute()}
    )


def served_links(store: Storage, titles: list[dict[str, Any]]) -> Links:
    """Links of the server's own pages."""
    films = file_links(store, titles).films
    return Links(
        {title_id: f"/media/{quote(title_id, safe='')}" for title_id in films},
        served=True,
        revisions={row["id"]: row["revision"] for row in titles},
        names=dict(islice(views.title_names(titles).items(), _MOST_NAMES)),
    )
