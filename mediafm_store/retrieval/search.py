"""Find the shots, scenes or titles most like shots, clips, pictures, sounds or words."""

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Literal, NamedTuple

import polars as pl

from mediafm_store.encoders.encoder import Encoders
from mediafm_store.encoding import DeviceChoice, load_encoders
from mediafm_store.errors import InvalidInput
from mediafm_store.examples.clip_locator import ClipMatch
from mediafm_store.examples.example import Example
from mediafm_store.examples.file_kinds import Kind
from mediafm_store.examples.resolver import ExampleResolver, OnOrigin, title_query, vector_query
from mediafm_store.indexing.known import ReadCache
from mediafm_store.likeness.scale import NAMES, PARTS, Part
from mediafm_store.matching.matcher import Matcher
from mediafm_store.matching.scorer import Scorer
from mediafm_store.matching.vector_matchers import ExampleMatcher, SpaceMatcher
from mediafm_store.parallel import ONE_BLAS_THREAD
from mediafm_store.records import title_of
from mediafm_store.retrieval.checks import check, check_something, modalities
from mediafm_store.retrieval.hit import RankedHits
from mediafm_store.retrieval.query import SearchOptions, SearchQuery, Unit
from mediafm_store.retrieval.selection import (
    DEEPER,
    LEAST_DEPTH,
    AnswerOptions,
    SearchResult,
    runs_like,
    shots_like,
    titles_like,
)
from mediafm_store.scenes.own_scene import own_scene, surroundings
from mediafm_store.scenes.scenes import scene_shots
from mediafm_store.storage.snapshot import at_one_moment
from mediafm_store.storage.storage import Storage
from mediafm_store.text_search.captions import caption_map_of
from mediafm_store.text_search.text_matching import text_matcher
from mediafm_store.titles.naming import find_shot

log = logging.getLogger("mediafm_store")


@at_one_moment
def search(
    store: Storage,
    query: SearchQuery,
    options: SearchOptions = SearchOptions(),  # noqa: B008 - frozen
    *,
    encoders: Encoders | None = None,
    device: DeviceChoice = "auto",
    on_origin: OnOrigin = lambda path, origin: None,
) -> RankedHits:
    """Find the shots, scenes or titles that match a query best.

    Args:
        store: Where to search.
        query: What to search for.
        options: How many results, of which kind, and how they are compared.
        encoders: For texts and files; default: those that made the store's vectors.
        device: Where encoders run, and large products are computed.
        on_origin: Called with a clip and where in the store it was found.

    Returns:
        The results, best first; none if the best of them is no good match (`options.least`).

    Raises:
        NotFound: A shot, title or file of the query does not exist.
        InvalidInput: The query or an option cannot be used.

    Example:
        search(store, SearchQuery(text="a snowy mountain"), SearchOptions(k=5))
    """
    check(query, options)
    origins: list[ClipMatch] = []

    def found_at(path: Path, origin: ClipMatch) -> None:
        origins.append(origin)
        on_origin(path, origin)

    loaded = cache(lambda: encoders or load_encoders(device=device, store=store))
    known = ReadCache(store)
    chosen = store.registry.shot_space(options.space or "fused")
    examples = ExampleResolver(store, chosen, loaded, device, found_at)
    liked = _resolve(examples, query, options.unit, known)
    disliked = [examples.of(name) for name in query.unlike] if liked else []
    among = None if options.where is None else store.matching(options.where)
    wanted = _wanted(options, liked, among, device)
    matchers, compared = _matchers(query, options, liked, disliked, known=known, encoders=loaded)
    depth = max(LEAST_DEPTH, DEEPER * options.k)
    spoken = {} if query.said is None else store.said(query.said, depth, among)
    ranking = Scorer(store, matchers, spoken, known)
    parts = [e.ids for e in liked if e.whole is None and e.ids]
    with ONE_BLAS_THREAD.held():  # so small are the products that more threads only get in the way
        found = _answers(ranking, wanted, options.unit)
    has_scene = parts and not options.same_scene
    return RankedHits(
        found.hits,
        compared=", and ".join(compared),
        chance=found.chance,
        own_scene=partial(own_scene, store, parts[0]) if has_scene else None,
        origin=origins[0] if origins else None,
    )


def _resolve(
    examples: ExampleResolver, query: SearchQuery, unit: Unit, known: ReadCache
) -> list[Example]:
    """The examples of a query as shots and vectors."""
    liked = [examples.of(name) for name in query.like]
    if query.shot is not None:
        shot = find_shot(known.store, query.shot)
        shots = _scene_of(known.store, shot, known) if unit == "scene" else [shot]
        liked.append(examples.shots(shots))
    if query.title is not None:
        liked.append(examples.segment(query.title, query.start_s, query.end_s))
    files: dict[Kind, str | Path | None] = {
        "clip": query.clip,
        "visual": query.picture,
        "audio": query.sound,
    }
    liked += [examples.file(Path(path), kind) for kind, path in files.items() if path is not None]
    check_something(like=liked, unlike=query.unlike, words=query.text or query.said)
    return liked


def _matchers(
    query: SearchQuery,
    options: SearchOptions,
    liked: Sequence[Example],
    disliked: Sequence[Example],
    *,
    known: ReadCache,
    encoders: Callable[[], Encoders],
) -> tuple[list[Matcher], list[str]]:
    """Matchers of each part of the query, and in plain words how each compares."""
    described: list[tuple[Matcher, str]] = []
    if liked:
        alone = options.unit == "title" and query.text is query.said is None
        how = Comparing(options.space, options.weights, whole=options.unit != "shot")
        described.append(_by_example(known.store, liked, disliked, how, known, alone=alone))
    if query.text is not None:
        described.append(_by_text(known.store, query.text, encoders(), options.weights, known))
    said = ["by words that are said"] if query.said is not None else []
    return [matcher for matcher, _ in described], [words for _, words in described] + said


def _wanted(
    options: SearchOptions, liked: Sequence[Example], among: pl.Series | None, device: DeviceChoice
) -> AnswerOptions:
    """Which shots may be results."""
    own = frozenset(e.title for e in liked if e.title is not None)
    if options.exclude_same_title and not own:
        raise InvalidInput(
            "only the own title of shots of the store can be left out; this has none"
        )
    asked = [shot for e in liked if e.whole is None for shot in e.ids]
    near = frozenset[str]() if options.same_scene else surroundings(asked)
    return AnswerOptions(
        k=options.k,
        least=options.least,
        fold=options.fold,
        diverse=options.diverse,
        scattered=bool(liked) and not options.same_scene and options.space is None,
        among=among,
        without=own if options.exclude_same_title else frozenset(),
        itself=near.union(*(e.ids for e in liked)),
        device=device,
    )


class Comparing(NamedTuple):
    """How examples are compared."""

    space: Literal["fused", "context"] | None
    """One space alone; None: all on a common scale."""
    weights: Mapping[Part, float]
    whole: bool
    """True if sequences are matched in play order."""


def _by_example(
    store: Storage,
    like: Sequence[Example],
    unlike: Sequence[Example],
    how: Comparing,
    known: ReadCache,
    *,
    alone: bool,
) -> tuple[Matcher, str]:
    """Examples as one query, and in plain words how they are compared.

    `alone` says that titles are wanted and nothing else is looked for: a whole title is then
    compared with others by their own vectors, which exist to say what a title is.
    """
    _tell_lacking(store)
    title = like[0].whole if len(like) == 1 else None
    if alone and title and not unlike and how.space != "fused" and store.has("title"):
        query = title_query(store, title, modalities(how.weights))
        return SpaceMatcher(store, query, whole=False), "as whole titles"
    if how.space is None:
        matcher = ExampleMatcher.of(
            store, like, unlike, weights=how.weights, whole=how.whole, known=known
        )
        return matcher, _comparison_in_words(matcher.counts)
    query = vector_query(store.live(how.space), like, unlike, modalities(how.weights))
    words = "shot by shot" if how.space == "fused" else "as the trained model sees them in context"
    one = query if how.whole else query.as_one
    return SpaceMatcher(store, one, how.whole), f"{words}, by cosine"


def _comparison_in_words(counts: Mapping[Part, float]) -> str:
    """Describe in plain words which parts are compared, the one with the greatest weight first."""
    names = [NAMES[part] for part in PARTS if part in counts]
    first = NAMES[max(counts, key=lambda part: counts[part])]
    rest = [name for name in names if name != first]
    if not rest:
        return f"by {first} alone"
    return f"by {first} first, then {' and '.join(filter(None, [', '.join(rest[:-1]), rest[-1]]))}"


def _by_text(
    store: Storage, text: str, encoders: Encoders, weights: Mapping[Part, float], known: ReadCache
) -> tuple[Matcher, str]:
    """A text as a query, and in plain words how it is compared."""
    captions = caption_map_of(store, encoders)
    matcher = text_matcher(store, text, encoders, captions, weights=weights, known=known)
    return matcher, matcher.asked.reason


def _answers(ranking: Scorer, wanted: AnswerOptions, unit: Unit) -> SearchResult:
    """Best answers of the unit that is asked for."""
    if unit == "shot":
        return shots_like(ranking, wanted)
    if any(probe.space.of_titles for matcher in ranking.matchers for probe in matcher.probes()):
        return titles_like(ranking, wanted)
    return runs_like(ranking, wanted, titles=unit == "title")


def _scene_of(store: Storage, shot: str, known: ReadCache) -> Sequence[str]:
    """The shots of the scene that a shot belongs to."""
    return next(shots for shots in scene_shots(store, title_of(shot), known) if shot in shots)


def _tell_lacking(store: Storage) -> None:
    """Warn of titles that have no contextual vectors yet where others have.

    Told by the title vectors, which are written and made live with them: a row a title is quick to
    look through at every search, a row a shot is not.
    """
    if store.has("title") and (lacking := store.lacking(store.live("title"))):
        log.warning(
            "%d of %d titles have no context vectors and are compared without; run `mediafm embed`",
            len(lacking),
            len(store.titles()),
        )
