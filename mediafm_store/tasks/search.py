"""Find the shots, scenes or titles most like shots, clips, pictures, sounds or words."""

import logging
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np

from mediafm_store.arrays import Modality
from mediafm_store.errors import BadInput
from mediafm_store.features.encoders import Encoders
from mediafm_store.store.moment import at_one_moment
from mediafm_store.store.spaces import Space
from mediafm_store.store.store import Store
from mediafm_store.tasks.answers import (
    DEEPER,
    LEAST_DEPTH,
    Wanted,
    runs_like,
    shots_like,
    titles_like,
)
from mediafm_store.tasks.encoding import DeviceChoice, load_encoders
from mediafm_store.tasks.file_kinds import Kind, have_context
from mediafm_store.tasks.hit import Hit
from mediafm_store.tasks.naming import find_shot
from mediafm_store.tasks.queries import (
    Example,
    Examples,
    OnOrigin,
    Query,
    query_of,
    text_query,
    title_query,
)
from mediafm_store.tasks.ranking import Ranking
from mediafm_store.tasks.scenes import find_scenes

log = logging.getLogger("mediafm_store")
Unit = Literal["shot", "scene", "title"]
LEAST = 0.95
"""Percentile of random pairs below which a match is not good: see docs/decisions/0017."""


@at_one_moment
def search(
    store: Store,
    *,
    shot: str | None = None,
    title: str | None = None,
    start_s: float | None = None,
    end_s: float | None = None,
    clip: Path | None = None,
    picture: Path | None = None,
    sound: Path | None = None,
    text: str | None = None,
    said: str | None = None,
    like: Sequence[str] = (),
    unlike: Sequence[str] = (),
    space: Literal["fused", "context"] | None = None,
    weights: Mapping[Modality, float] | None = None,
    where: str | None = None,
    exclude_same_title: bool = False,
    unit: Unit = "shot",
    least: float = LEAST,
    fold: bool = True,
    diverse: bool = False,
    k: int = 10,
    encoders: Encoders | None = None,
    device: DeviceChoice = "auto",
    on_origin: OnOrigin = lambda path, origin: None,
) -> list[Hit]:
    """The `k` best answers to one query or several together, best first.

    What is looked for: the id of a `shot`; a `title`, or the stretch of it from `start_s` to
    `end_s`; a `clip`, a `picture` or a `sound`, which are files; `text`, words for what is seen,
    heard or said; words that are `said` literally (in quotes: in this order). `like` and `unlike`
    name shots, titles, stretches (`sintel@0:03:10-0:03:40`) or files. A clip that was cut from a
    title of the store is looked for as the shots of that title, and `on_origin` told where it lies.

    Examples are compared in `space` (default: context once titles are embedded; pictures and sounds
    have no context), words with what could be said of shots. `weights` scales the modalities of the
    query, by 1 where none is given; those of 0 are not compared. `where` is a condition in SQL on
    shots and their titles (see `Store.matching`).

    A `unit` is a shot; a scene (a shot is then looked for with the rest of its scene) or a title,
    whose shots match those of the query in order; to a whole title alone, in context, others are
    compared by their own vectors. Answers of a percentile below `least`, 0 to 1, are left out; so
    fewer than `k` may be found, or none. `fold` makes near duplicates one answer; `diverse` keeps
    answers apart from each other. Raises NotFound or BadInput for a query that cannot be made.
    """
    check(weights or {}, least, {"text": text, "words that are said": said})
    loaded = cache(lambda: encoders or load_encoders(device=device))
    given: dict[Kind, Path | None] = {"clip": clip, "visual": picture, "audio": sound}
    files = [(path, kind) for kind, path in given.items() if path is not None]
    chosen = chosen_space(store, space, [kind for _, kind in files], [*like, *unlike])
    examples = Examples(store, chosen, loaded, device, on_origin)
    liked = [examples.of(name) for name in like]
    if shot is not None:
        shot = find_shot(store, shot)
        liked.append(examples.shots(scene_of(store, shot) if unit == "scene" else [shot]))
    if title is not None:
        liked.append(examples.stretch(title, start_s, end_s))
    elif start_s is not None or end_s is not None:
        raise BadInput("a start or an end is of a title: name that too")
    liked += [examples.file(path, kind) for path, kind in files]
    own = frozenset(e.title for e in liked if e.title is not None)
    if exclude_same_title and not own:
        raise BadInput("only the own title of shots of the store can be left out; this has none")

    queries = []
    if liked:
        disliked = [examples.of(name) for name in unlike]
        alone = unit == "title" and text is said is None
        queries.append(by_example(store, chosen, liked, disliked, weights or {}, titles=alone))
    if text is not None:
        queries.append(text_query(store, text, loaded(), weights or {}))
    if not queries and said is None:
        also = " beside what is not wanted" if unlike else ""
        raise BadInput(
            f"give something to search for{also}: a shot, a title, a clip, a picture, a sound, a"
            " text or words that are said"
        )
    among = None if where is None else store.matching(where)
    spoken = {} if said is None else store.said(said, max(LEAST_DEPTH, DEEPER * k), among)
    ranking = Ranking(store, queries, spoken, whole=unit != "shot")
    wanted = Wanted(
        k=k,
        least=least,
        fold=fold,
        diverse=diverse,
        among=among,
        without=own if exclude_same_title else frozenset(),
        itself=frozenset[str]().union(*(e.ids for e in liked)),
        device=device,
    )
    if unit == "shot":
        return shots_like(ranking, wanted)
    if any(query.space.of_titles for query in queries):
        return titles_like(ranking, wanted)
    return runs_like(ranking, wanted, titles=unit == "title")


def by_example(
    store: Store,
    space: Space,
    like: Sequence[Example],
    unlike: Sequence[Example],
    weights: Mapping[Modality, float],
    *,
    titles: bool,
) -> Query:
    """Examples as one query; if `titles` are to be found, a whole one alone as its own vector."""
    tell_lacking(store, space)
    whole = [example.whole for example in like]
    if titles and space.name == "context" and not unlike and len(whole) == 1 and whole[0]:
        return title_query(store, whole[0], weights)
    return query_of(space, like, unlike, weights)


def check(weights: Mapping[Modality, float], least: float, words: Mapping[str, str | None]) -> None:
    """Raise BadInput for values that mean nothing."""
    if not all(0 <= weight < np.inf for weight in weights.values()):
        raise BadInput(f"weights must be finite numbers from 0 on, are {weights}")
    if not 0 <= least <= 1:
        raise BadInput(f"a percentile lies between 0 and 1, is {least}")
    for name, given in words.items():
        if given is not None and not given.strip():
            raise BadInput(f"nothing to search for: the {name} to find must not be empty")


def chosen_space(
    store: Store,
    name: Literal["fused", "context"] | None,
    kinds: Sequence[Kind],
    names: Sequence[str],
) -> Space:
    """Where examples are compared: by themselves if one of them is a picture or a sound.

    These are files of some `kinds`, and what `names` stand for.
    """
    if name is None and (any(k != "clip" for k in kinds) or not have_context(store, names)):
        name = "fused"
    return store.registry.shot_space(name)


def scene_of(store: Store, shot: str) -> Sequence[str]:
    """The shots of the scene that a shot belongs to."""
    scenes = find_scenes(store, store.shot(shot)["title"])
    return next(scene.shots for scene in scenes if shot in scene.shots)


def tell_lacking(store: Store, space: Space) -> None:
    """Warn of titles that cannot be found because they have no contextual vectors yet.

    Told by the title vectors, which are written and made live with them: a row a title is quick to
    look through at every search, a row a shot is not.
    """
    if space.name == "context" and (lacking := store.lacking(store.live("title"))):
        log.warning(
            "%d of %d titles have no context vectors and are not searched; run `mediafm embed`",
            len(lacking),
            len(store.titles()),
        )
