"""Ask a store what people have labelled the answers to, and judge what it says."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any, Literal, NamedTuple

import numpy as np

from mediafm_store.encoders.encoder import Encoders
from mediafm_store.encoding import DeviceChoice, load_encoders
from mediafm_store.errors import InvalidInput, NotFound
from mediafm_store.judgements.judgements import (
    Judgements,
    Query,
    ShotPosition,
    SimilarQuery,
    TextQuery,
)
from mediafm_store.judgements.matching import (
    StoredShot,
    at_best,
    by_chance,
    condensed,
    holder,
    judged,
    places_of,
)
from mediafm_store.judgements.outcomes import (
    BEST,
    CHANCE,
    JudgedReport,
    QueryOutcome,
    Sort,
    judged_metrics,
)
from mediafm_store.retrieval.hit import Hit
from mediafm_store.retrieval.query import SearchOptions, SearchQuery
from mediafm_store.retrieval.search import search
from mediafm_store.storage.evaluations import record_if_writable
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.sql import one_of

log = logging.getLogger("mediafm_store")

SearchParams = Mapping[Literal["similar", "text"], Mapping[str, Mapping[str, Any]]]
"""For queries by a shot and by words: name -> arguments of `search`."""
_DEFAULT: SearchParams = {"similar": {"default": {}}, "text": {"default": {}}}
_FIRST = 10
"""Answers that somebody sees."""
_TOLD = 10
"""Films and queries that are named when some are left out."""


class _JudgedQuery(NamedTuple):
    """A query, as a store can answer it."""

    query: Query
    """Relevant are shots of films that the store has."""
    like: str | None
    """The shot that others are to be found for, which is no answer."""

    @property
    def sort(self) -> Sort:
        """Sort of the query."""
        if isinstance(self.query, SimilarQuery):
            return "similar"
        return "text" if self.query.relevant else "nothing"


class _Ground(NamedTuple):
    """Store, labels and shots that answers are judged by."""

    labels: Judgements
    shots: Sequence[StoredShot]
    """Shots of the labelled films."""
    places: Mapping[str, ShotPosition]
    """Of those that are judged."""

    @property
    def titles(self) -> list[str]:
        """The labelled films that the store has."""
        return list(dict.fromkeys(shot.title for shot in self.shots))


def judge(
    store: Storage,
    judgements: Judgements,
    *,
    settings: SearchParams = _DEFAULT,
    encoders: Encoders | None = None,
    device: DeviceChoice = "auto",
    on_query: Callable[[str, int, int], None] = lambda query, done, total: None,
) -> JudgedReport:
    """Search a store with the queries of a label file, and judge the answers.

    A film is the title whose id is its name. A query by a labelled shot asks for shots like the
    store's own that holds its middle. Each query is searched for twice: with the defaults, for ten
    answers, each of which counts as one (p5, ndcg10, near, unanswered, refused); and for all shots,
    without a threshold and without folding (ap). Where a setting folds those too, near duplicates
    follow their answer.

    A shot that is found counts for the labelled shot that holds its middle, once. If there is none
    it is not relevant; if that one is tiny it is passed over. Titles without labels are passed over
    too: where the store has such, searches are confined to the others, which removes unjudged
    answers from the list (Sakai, "Alternatives to Bpref", 2007).

    Metrics over all queries are stored in the table `evaluations`, if it can be written to. Labels
    of films that the store lacks are left out, with a warning.

    Args:
        store: The store to search.
        judgements: Queries and relevant shots; see `read_judgements`.
        settings: Keyword arguments of `search`, by the name of the setting.
        encoders: Encoders of text queries; None for those of the store.
        device: Device of the encoders.
        on_query: Called with the query, the number done and the total.

    Raises:
        NotFound: No query is left.
        InvalidInput: A setting is called `chance` or `best`.
    """
    if taken := {name for named in settings.values() for name in named} & {CHANCE, BEST}:
        raise InvalidInput(f"no setting may be called {min(taken)!r}: it stands beside them")
    ground = _ground_of(store, judgements)
    asked, skipped = _askable(ground)
    _tell(store, ground, asked, skipped)
    others = store.revisions().keys() - ground.titles
    confined = one_of("title", ground.titles) if others else None
    loaded = cache(lambda: encoders or load_encoders(device=device, store=store))
    rng = np.random.default_rng(0)
    outcomes = []
    for done, one in enumerate(asked, start=1):
        chosen = settings.get("similar" if one.sort == "similar" else "text", {})
        for name, setting in chosen.items():
            options = _arguments(one, setting, confined, loaded) | {"device": device}
            outcomes.append(_outcome(one, name, _answered(store, one, options, ground)))
        if chosen and one.sort != "nothing":
            outcomes += _beside(one, ground, rng)
        on_query(one.query.id, done, len(asked))
    report = JudgedReport(ground.titles, len(ground.shots), skipped, outcomes)
    _record_figures(store, report, judgements.path.name)
    return report


def _ground_of(store: Storage, labels: Judgements) -> _Ground:
    """The shots of a store in the films that are labelled, and where they lie."""
    columns = StoredShot._fields
    shots = [
        StoredShot(*row)
        for title in sorted(labels.films.keys() & store.revisions().keys())
        for row in store.shots(title).select(columns).iter_rows()
    ]
    return _Ground(labels, shots, places_of(shots, labels))


def _askable(ground: _Ground) -> tuple[list[_JudgedQuery], list[str]]:
    """The queries that a store can answer, and the ids of the others."""
    titles, asked, skipped = set(ground.titles), [], []
    for query in ground.labels.queries:
        relevant = {place: g for place, g in query.relevant.items() if place.film in titles}
        like = None
        if isinstance(query, SimilarQuery):
            like = holder(ground.shots, query.place.film, query.middle_s)
        if (query.relevant and not relevant) or (isinstance(query, SimilarQuery) and like is None):
            skipped.append(query.id)
        else:
            asked.append(_JudgedQuery(replace(query, relevant=relevant), like))
    return asked, skipped


def _tell(
    store: Storage, ground: _Ground, asked: Sequence[_JudgedQuery], skipped: Sequence[str]
) -> None:
    """Warn of what is left out; raise NotFound if that is all."""
    labels = ground.labels
    lacking = sorted(labels.films.keys() - set(ground.titles))
    if not ground.titles:
        raise NotFound(
            f"no film of {labels.path} is a title of {store.path}: {_first_of(lacking)}; ingest"
            " them under these names, or name them in the file as `mediafm titles list` does"
        )
    if not asked:
        raise NotFound(
            f"no query of {labels.path} is about shots that {store.path} has; it lacks"
            f" {_first_of(lacking) or 'none of the films'}"
        )
    if lacking:
        log.warning("labelled films that the store lacks are not judged: %s", _first_of(lacking))
    if skipped:
        count, every = len(skipped), len(skipped) + len(asked)
        what = "queries are left out, since the store lacks what they are about"
        log.warning("%d of %d %s: %s", count, every, what, _first_of(skipped))


def _first_of(names: Sequence[str]) -> str:
    """The first TOLD names."""
    return ", ".join([*names[:_TOLD], *(["..."] if len(names) > _TOLD else [])])


def _arguments(
    asked: _JudgedQuery,
    setting: Mapping[str, Any],
    confined: str | None,
    loaded: Callable[[], Encoders],
) -> dict[str, Any]:
    """Keyword arguments of `search` for a judged query."""
    what: dict[str, Any] = {"shot": asked.like}
    if isinstance(asked.query, TextQuery):
        what = {"text": asked.query.text, "encoders": loaded()}
    where = [f"({one})" for one in (setting.get("where"), confined) if one]
    return {"k": _FIRST, **what, **setting, "where": " AND ".join(where) or None}


def _search(
    store: Storage,
    *,
    shot: str | None = None,
    text: str | None = None,
    encoders: Encoders | None = None,
    device: DeviceChoice,
    **options: Any,
) -> Sequence[Hit]:
    """The answers to a judged query, with the options of its setting."""
    query = SearchQuery(shot=shot, text=text)
    return search(store, query, SearchOptions(**options), encoders=encoders, device=device)


def _answered(
    store: Storage, asked: _JudgedQuery, options: Mapping[str, Any], ground: _Ground
) -> dict[str, float]:
    """Measure -> value, of one query in one setting."""
    ask = partial(_search, store, **options)
    seen = ask()
    if asked.sort == "nothing":
        return {"refused": float(not seen)}
    every = ask(fold=options.get("fold", False), k=len(ground.shots), least=0.0)
    deep = [shot for hit in every for shot in (hit.shot, *hit.alike)]
    first = condensed([hit.shot for hit in seen], ground.places)
    values = judged(asked.query, first, condensed(deep, ground.places), ground.labels)
    return values | {"unanswered": float(not seen)}


def _beside(
    asked: _JudgedQuery, ground: _Ground, rng: np.random.Generator
) -> Iterator[QueryOutcome]:
    """Outcomes of random orders of the shots, and of the best order."""
    pool = [shot for shot in ground.places if shot != asked.like]
    common = (asked.query, pool, ground.places, ground.labels)
    yield _outcome(asked, CHANCE, by_chance(*common, rng))
    yield _outcome(asked, BEST, at_best(*common))


def _outcome(asked: _JudgedQuery, of: str, values: Mapping[str, float]) -> QueryOutcome:
    """With what is known of the query."""
    query = asked.query
    kind = query.kind if isinstance(query, TextQuery) else ""
    return QueryOutcome(query.id, asked.sort, kind, query.kept, of, values)


def _record_figures(store: Storage, report: JudgedReport, labels: str) -> None:
    """Add the figures to what was measured of the store."""
    similar = list(judged_metrics(report, "similar", labels))
    text = [*judged_metrics(report, "text", labels), *judged_metrics(report, "nothing", labels)]
    if similar:
        space = store.registry.shot_space()
        told = {"version": space.table, "fingerprint": space.fingerprint}
        record_if_writable(store, "search", similar, name="judged similar", **told)
    if text:
        space = store.live("described")
        told = {"version": space.table, "fingerprint": space.fingerprint}
        record_if_writable(store, "search", text, name="judged text", **told)
