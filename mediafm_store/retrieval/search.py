"""Find the shots, scenes or titles most like shots, clips, pictures, sounds or words."""

import logging
from collections.abc import Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Literal, NamedTuple

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
from mediafm_store.retrieval.checks import (
    check_characters,
    check_parts,
    check_query,
    check_something,
    modalities,
)
from mediafm_store.retrieval.hit import RankedHits
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
Unit = Literal["shot", "scene", "title"]
LEAST = 0.1
"""By default, no good match is what nine of ten random queries do better than."""


@at_one_moment
def search(
    store: Storage,
    *,
    shot: str | None = None,
    title: str | None = None,
    start_s: float | None = None,
    end_s: float | None = None,
    clip: str | Path | None = None,
    picture: str | Path | None = None,
    sound: str | Path | None = None,
    text: str | None = None,
    said: str | None = None,
    like: Sequence[str] = (),
    unlike: Sequence[str] = (),
    space: Literal["fused", "context"] | None = None,
    weights: Mapping[Part, float] | None = None,
    where: str | None = None,
    exclude_same_title: bool = False,
    same_scene: bool = False,
    unit: Unit = "shot",
    least: float = LEAST,
    fold: bool = True,
    diverse: bool = False,
    k: int = 10,
    encoders: Encoders | None = None,
    device: DeviceChoice = "auto",
    on_origin: OnOrigin = lambda path, origin: None,
) -> RankedHits:
    """The `k` best answers to one query or several together, best first.

    What is looked for: the id of a `shot`; a `title`, or the segment of it from `start_s` to
    `end_s`; a `clip`, a `picture` or a `sound`, which are files; `text`, words for what is seen,
    heard or said; words that are `said` literally (in quotes: in this order). `like` and `unlike`
    name shots, titles, segments (`sintel@0:03:10-0:03:40`) or files.

    Shots are compared by picture first, with sound, words and context beside it, each on the scale
    of the store. `weights` multiply what each of these counts; 0 leaves it out. A text says itself
    what it asks for; `weights` take the place of that. `space` compares plain vectors of one space
    instead.

    Answers come from elsewhere: 30 shots before and after the query are left out, and of each
    ten answers at most four lie close together, where there are others. The query's own scene is
    in `Hits.own_scene`; `same_scene` lets it and its surroundings be found. A clip that was cut
    from a title of the store is looked for as the shots of that title (`Hits.origin`, `on_origin`).

    A `unit` is a shot; a scene (a shot is then looked for with the rest of its scene) or a title,
    whose shots match those of the query in order. `where` is a condition in SQL on shots and their
    titles (see `Storage.matching`). There are no answers if a share of random queries greater than
    1 - `least` finds something better than the best of them. `fold` makes near duplicates one
    answer; `diverse` keeps answers apart from each other.

    Raises NotFound or InvalidInput for a query that cannot be made.
    """
    check_query(weights or {}, least, {"text": text, "words that are said": said})
    check_parts(weights or {}, space if text is None else None)
    check_characters({"text": text, "words that are said": said, "condition": where})
    loaded = cache(lambda: encoders or load_encoders(device=device, store=store))
    origins: list[ClipMatch] = []

    def found_at(path: Path, origin: ClipMatch) -> None:
        origins.append(origin)
        on_origin(path, origin)

    if title is None and not start_s is end_s is None:
        raise InvalidInput("a start or an end is of a title: name that too")
    known = ReadCache(store)
    chosen = store.registry.shot_space(space or "fused")
    examples = ExampleResolver(store, chosen, loaded, device, found_at)
    liked = [examples.of(name) for name in like]
    if shot is not None:
        shot = find_shot(store, shot)
        liked.append(examples.shots(_scene_of(store, shot, known) if unit == "scene" else [shot]))
    if title is not None:
        liked.append(examples.segment(title, start_s, end_s))
    given: dict[Kind, str | Path | None] = {"clip": clip, "visual": picture, "audio": sound}
    liked += [examples.file(Path(path), kind) for kind, path in given.items() if path is not None]
    check_something(like=liked, unlike=unlike, words=text or said)
    own = frozenset(e.title for e in liked if e.title is not None)
    if exclude_same_title and not own:
        raise InvalidInput(
            "only the own title of shots of the store can be left out; this has none"
        )

    described: list[tuple[Matcher, str]] = []
    if liked:
        disliked = [examples.of(name) for name in unlike]
        alone = unit == "title" and text is said is None
        how = Comparing(space, weights or {}, whole=unit != "shot")
        described.append(by_example(store, liked, disliked, how, known, alone=alone))
    if text is not None:
        described.append(_by_text(store, text, loaded(), weights or {}, known))
    among = None if where is None else store.matching(where)
    depth = max(LEAST_DEPTH, DEEPER * k)
    spoken = {} if said is None else store.said(said, depth, among)
    compared = [how for _, how in described] + ["by words that are said"] * (said is not None)
    ranking = Scorer(store, [matcher for matcher, _ in described], spoken, known)
    parts = [e.ids for e in liked if e.whole is None and e.ids]
    near = frozenset[str]() if same_scene else surroundings(id for ids in parts for id in ids)
    wanted = AnswerOptions(
        k=k,
        least=least,
        fold=fold,
        diverse=diverse,
        scattered=bool(liked) and not same_scene and space is None,
        among=among,
        without=own if exclude_same_title else frozenset(),
        itself=near.union(*(e.ids for e in liked)),
        device=device,
    )
    with ONE_BLAS_THREAD.held():  # so small are the products that more threads only get in the way
        found = _answers(ranking, wanted, unit)
    return RankedHits(
        found.hits,
        compared=", and ".join(compared),
        chance=found.chance,
        own_scene=partial(own_scene, store, parts[0]) if parts and not same_scene else None,
        origin=origins[0] if origins else None,
    )


class Comparing(NamedTuple):
    """How examples are compared."""

    space: Literal["fused", "context"] | None
    """One space alone; None: all on a common scale."""
    weights: Mapping[Part, float]
    whole: bool
    """Whether sequences are matched in play order."""


def by_example(
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
    """What is compared, in plain words; what counts most comes first."""
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
    """What is found, by what an answer is."""
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
