"""The page of one search: a contact sheet of what was found, with the shots around each answer."""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from mediafm_store.charts.sprites import Small, Sprites, sprites
from mediafm_store.examples.clip_locator import ClipMatch
from mediafm_store.records import shot_id
from mediafm_store.report import views
from mediafm_store.report.links import Links
from mediafm_store.report.rendering import PLAYER, render
from mediafm_store.retrieval.hit import Hit, RankedHits
from mediafm_store.scenes.own_scene import OwnScene
from mediafm_store.storage.storage import Storage

Unit = Literal["shot", "scene", "title"]
_AROUND = 3
"""Shots before and after an answer that can be looked at."""
_MOST_IN_STRIP = 24
"""Shots of a scene that are shown; of a longer one, those around the best."""
SCRIPTS = ("keys.js",)


@dataclass(frozen=True)
class SearchView:
    """One search and its answers."""

    query: str
    """Text after “Shots like” or “Shots for”: a shot's id, a file, “words”."""
    hits: Sequence[Hit]
    query_shot: str | None = None
    """The shot that was searched for, if it was one."""
    example: bool = False
    """True if an example other than a shot was given."""

    @property
    def compared(self) -> str:
        """Description of how shots were compared, in plain words."""
        return self.hits.compared if isinstance(self.hits, RankedHits) else ""

    @property
    def refused(self) -> bool:
        """True if there were answers, but none that is good enough."""
        return not self.hits and getattr(self.hits, "chance", 1.0) is not None

    @property
    def own_scene(self) -> OwnScene | None:
        """The scene that was asked with."""
        return self.hits.own_scene if isinstance(self.hits, RankedHits) else None

    @property
    def origin(self) -> ClipMatch | None:
        """Position in the store of the clip that was the query."""
        return self.hits.origin if isinstance(self.hits, RankedHits) else None


class Offer(NamedTuple):
    """A title whose name is the text of the search."""

    name: str
    page: str
    like: str
    """The address of the search for what is like it."""


@dataclass(frozen=True)
class NextSearches:
    """Addresses of further searches on a served page."""

    offers: Sequence[Offer] = ()
    own_scene: str | None = None
    """Address of the search with the own scene among the answers."""
    origin: str | None = None
    """The search for the place that a clip was cut from."""


class _ShotsAround(NamedTuple):
    """The shots of one answer, and those around it, as rows of the store."""

    shot: Mapping[str, Any] | None
    """The best of the answer; None if it is gone by now."""
    before: Sequence[Mapping[str, Any]]
    shots: Sequence[Mapping[str, Any]]
    """Shots of a scene or a title with several; else none."""
    left_out: int
    """Number of its shots that are left out, as there are too many."""
    after: Sequence[Mapping[str, Any]]
    alike: Sequence[Mapping[str, Any]]


class _Shown(NamedTuple):
    """Rows of the store that the page of a search shows."""

    beside: Mapping[str, _ShotsAround]
    """Shots around each hit, by its shot, and around the query."""
    own: Sequence[Mapping[str, Any]]
    """The shots of the scene that was asked with."""


def search_page(
    store: Storage,
    view: SearchView,
    *,
    unit: Unit = "shot",
    links: Links,
    names: Mapping[str, str],
    form: Mapping[str, str] | None = None,
    onward: NextSearches | None = None,
) -> str:
    """The page as HTML. If it is served, `form` stands in its search form, by field.

    Raises NotFound if the store has no `query_shot`.
    """
    beside, own = _shots_beside(store, view)
    asked = view.query_shot and (beside[view.query_shot].shot or store.shot(view.query_shot))
    small = {row["id"]: row for b in beside.values() for part in _parts(b) for row in part}
    small |= {row["id"]: row for row in own}
    shown = views.without_repeats(view.hits, view.query_shot)
    big = _addresses(shown, links) if links.served else picture_uris(store, shown)
    return render(
        "search.html.j2",
        scripts=(*SCRIPTS, *((PLAYER,) if links.served else ())),
        store=store.path,
        search=view,
        unit=unit,
        own=own,
        asked={view.query_shot: asked},
        names=names,
        pictures=big,
        small=_by_address(small, links) if links.served else sprites(store, small),
        beside=beside,
        links=links,
        anchors={},
        form=form or {},
        onward=onward or NextSearches(),
    )


def _shots_beside(store: Storage, view: SearchView) -> _Shown:
    """Shots shown beside each hit, and those of the query's own scene.

    All in one question to the store.
    """
    answers: dict[str, tuple[Sequence[str], Sequence[str]]] = {}
    if view.query_shot:
        answers[view.query_shot] = ((view.query_shot,), ())
    answers |= {hit.shot: (hit.shots, hit.alike) for hit in view.hits}
    wanted = {shot: _ids_beside(shot, *answer) for shot, answer in answers.items()}
    own = _own_ids(view)
    ids = sorted({*wanted, *own}.union(*(some for lists in wanted.values() for some in lists)))
    rows = store.shots_by_id(ids) if ids else {}
    found = {}
    for shot, lists in wanted.items():
        before, strip, after, alike = ([rows[one] for one in ids if one in rows] for ids in lists)
        left_out = len(answers[shot][0]) - len(lists[1]) if strip else 0
        found[shot] = _ShotsAround(rows.get(shot), before, strip, left_out, after, alike)
    return _Shown(found, [rows[one] for one in own if one in rows])


def _own_ids(view: SearchView) -> Sequence[str]:
    """The shots of the scene that was asked with; of a long one some."""
    if view.own_scene is None:
        return []
    every = view.own_scene.shots
    return _around_best(every, view.query_shot or every[len(every) // 2])


def _ids_beside(shot: str, own: Sequence[str], alike: Sequence[str]) -> tuple[Sequence[str], ...]:
    """Shots before an answer, its own if it has several, those after it, and near duplicates."""
    strip = _around_best(own, shot) if len(own) > 1 else []
    return _neighbours(own[0], -1)[::-1], strip, _neighbours(own[-1], 1), alike


def _parts(beside: _ShotsAround) -> tuple[Sequence[Mapping[str, Any]], ...]:
    """All rows of it."""
    return beside.before, beside.shots, beside.after, beside.alike


def _neighbours(shot: str, step: int) -> list[str]:
    """The ids of the next shots of its title in one direction, should they exist."""
    title, _, index = shot.rpartition("/")
    if not index.isdecimal():
        return []
    places = [int(index) + step * i for i in range(1, _AROUND + 1)]
    return [shot_id(title, i) for i in places if i >= 0]


def _around_best(shots: Sequence[str], best: str) -> list[str]:
    """Shots of a scene that fit into a strip, around the best one."""
    middle = shots.index(best) if best in shots else 0
    first = max(0, min(middle - _MOST_IN_STRIP // 2, len(shots) - _MOST_IN_STRIP))
    return list(shots[first : first + _MOST_IN_STRIP])


def _by_address(shots: Iterable[str], links: Links) -> Sprites:
    """Pictures that the browser asks the server for when it shows them."""
    ids = list(shots)
    places = {shot: Small(f"a{i}", "") for i, shot in enumerate(ids)}
    return Sprites(places, {f"a{i}": links.picture(shot) for i, shot in enumerate(ids)})


def _addresses(shots: Iterable[str], links: Links) -> dict[str, tuple[str, str]]:
    """For each shot, a CSS class and the address that the browser asks for its picture."""
    return {shot: (f"p{i}", links.picture(shot)) for i, shot in enumerate(dict.fromkeys(shots), 1)}


def asked_shots(store: Storage, shots: Iterable[str | None]) -> dict[str, dict[str, Any]]:
    """The rows of the shots that were searched for."""
    return {shot: store.shot(shot) for shot in shots if shot is not None}


def picture_uris(store: Storage, shots: Iterable[str]) -> dict[str, tuple[str, str]]:
    """For each shot with a picture, a CSS class and the data URI that it stands for.

    A shot may be shown in several places; through the class its picture is on the page once.
    """
    found = store.thumbnails(list(dict.fromkeys(shots)))
    return {
        shot: (f"p{i}", f"data:image/jpeg;base64,{b64encode(jpeg).decode()}")
        for i, (shot, jpeg) in enumerate(found.items(), 1)
    }
