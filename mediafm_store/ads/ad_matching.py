"""Match ads with breaks by what was shown, heard and said before."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Float32

from mediafm_store.ad_breaks.ad_break import AdBreak
from mediafm_store.ad_breaks.constraints import AROUND_S
from mediafm_store.ad_breaks.context import Shot
from mediafm_store.ad_breaks.mentions import mentions
from mediafm_store.ads.ads import Ad
from mediafm_store.arrays import Vectors
from mediafm_store.encoders.encoder import Encoders
from mediafm_store.encoding import DeviceChoice, load_encoders
from mediafm_store.examples.resolver import ExampleResolver, VectorQuery, text_query, vector_query
from mediafm_store.likeness.sampling import LENGTH, passages
from mediafm_store.storage.storage import Storage

_BEFORE = LENGTH
"""Shots before a break that are its context: as many as the random passages have."""


@dataclass(frozen=True, slots=True)
class AdMatch:
    """Match of an ad with a break."""

    title: str
    after: str
    """The shot that starts at the break."""
    seconds: float
    ad: str
    """Its id."""
    name: str
    score: float
    """The share of the store's random passages that the ad fits less than the shots before the
    break, 0 to 1; the mean over what is known of the ad."""
    stands_out: float
    """By how many standard deviations more than a passage does on average; it decides ties."""
    parts: dict[str, float]
    """The score of each of `text`, `tags` and `video` that the ad has."""
    reasons: tuple[str, ...]


class _AdQuery(NamedTuple):
    """Something that is known of an ad, as a query, and how well random passages fit it."""

    part: str
    query: VectorQuery
    usual: Float32[np.ndarray, " passages"]
    """In ascending order."""


class _Context(NamedTuple):
    """The shots before a break."""

    place: AdBreak
    before: Sequence[Shot]
    around: Sequence[Shot]
    """Shots within AROUND_S of it."""
    vectors: Mapping[str, Vectors]
    """Vectors of the shots before it, by space."""


def match_ads(
    store: Storage,
    breaks: Mapping[str, Sequence[AdBreak]],
    ads: Sequence[Ad],
    *,
    break_s: float | None = None,
    encoders: Encoders | None = None,
    device: DeviceChoice = "auto",
) -> list[AdMatch]:
    """Score every ad at every break of some titles.

    The eight shots before a break are compared with the text and the tags of an ad as in a text
    search (space `described`), with its video as in a search by clip (`fused`). Ads longer than
    `break_s` are left out, and ads at breaks around which one of their `avoid` words occurs.

    Args:
        store: The store that has the titles.
        breaks: Breaks by title id.
        ads: Ads to place.
        break_s: Length of a break in seconds; None for any.
        encoders: Encoders of ads; None for those of the store.
        device: Device of the encoders.

    Returns:
        Matches, best first.

    Raises:
        InvalidInput: An ad cannot be compared.
        SpaceMismatch: Other encoders made the store's vectors.
    """
    loaded = cache(lambda: encoders or load_encoders(device=device, store=store))
    fitting = [ad for ad in ads if break_s is None or (ad.duration_s or 0) <= break_s]
    asked = {ad.id: list(_asked_of(store, ad, loaded, device)) for ad in fitting}
    spaces = sorted({a.query.space.name for parts in asked.values() for a in parts})
    found = [
        _match(title, context, ad, asked[ad.id])
        for title, places in breaks.items()
        for context in _contexts(store, title, places, spaces)
        for ad in fitting
        if not mentions(ad.avoid, context.around)
    ]
    return sorted(found, key=lambda m: (-m.score, -m.stands_out))


def ads_of_breaks(matches: Sequence[AdMatch], k: int = 5) -> dict[str, list[AdMatch]]:
    """Best `k` ads for each break, by the id of the shot after the break."""
    return _best_by(matches, attrgetter("after"), k)


def breaks_of_ads(matches: Sequence[AdMatch], k: int = 5) -> dict[str, list[AdMatch]]:
    """Best `k` breaks for each ad, by its id."""
    return _best_by(matches, attrgetter("ad"), k)


def _best_by(
    matches: Sequence[AdMatch], key: Callable[[AdMatch], str], k: int
) -> dict[str, list[AdMatch]]:
    """The first `k` matches of each kind."""
    found: dict[str, list[AdMatch]] = defaultdict(list)
    for one in matches:
        if len(found[key(one)]) < k:
            found[key(one)].append(one)
    return dict(found)


# What is compared


def _asked_of(
    store: Storage, ad: Ad, encoders: Callable[[], Encoders], device: DeviceChoice
) -> Iterator[_AdQuery]:
    """All that is known of an ad, as queries."""
    for part, text in (("text", ad.text), ("tags", ", ".join(ad.tags))):
        if text:
            yield _asked(store, part, text_query(store, text, encoders(), {}))
    if ad.video is not None:
        space = store.live("fused")
        examples = ExampleResolver(store, space, encoders, device, lambda path, origin: None)
        video = vector_query(space, [examples.file(Path(ad.video))], [], {}).as_one
        yield _asked(store, "video", video)


def _asked(store: Storage, part: str, query: VectorQuery) -> _AdQuery:
    """A query, with what it scores with random passages of the store."""
    sample = [
        _mean_cosine(query, p.vectors.astype(np.float32)) for p in passages(store, query.space)
    ]
    return _AdQuery(part, query, np.sort(np.array(sample or [0.0], np.float32)))


def _mean_cosine(query: VectorQuery, vectors: Vectors) -> float:
    """Mean cosine of some shots with the query."""
    return float(_shot_cosines(query, vectors).mean())


def _shot_cosines(query: VectorQuery, vectors: Vectors) -> Float32[np.ndarray, " shots"]:
    """Cosine of each shot with the query."""
    return query.shares(vectors).sum(axis=0)[0]


def _contexts(
    store: Storage, title: str, places: Sequence[AdBreak], spaces: Sequence[str]
) -> Iterator[_Context]:
    """The shots before each break of a title."""
    shots = store.shots(title)
    vectors = {name: store.vectors(store.live(name), title).vectors for name in spaces}
    numbers = {shot_id: number for number, shot_id in enumerate(shots["id"])}
    for place in places:
        end = numbers[place.after]
        begin = max(0, end - _BEFORE)
        near = (pl.col("start_s") < place.seconds + AROUND_S) & (
            pl.col("end_s") > place.seconds - AROUND_S
        )
        yield _Context(
            place,
            shots[begin:end].to_dicts(),
            shots.filter(near).to_dicts(),
            {name: rows[begin:end] for name, rows in vectors.items()},
        )


# How well it fits


def _match(title: str, context: _Context, ad: Ad, parts: Sequence[_AdQuery]) -> AdMatch:
    """An ad at a break."""
    scores, leads = {}, []
    for part in parts:
        value = np.float32(_mean_cosine(part.query, context.vectors[part.query.space.name]))
        scores[part.part] = float(np.searchsorted(part.usual, value) / len(part.usual))
        spread = float(part.usual.std()) or 1.0
        leads.append(float(value - part.usual.mean()) / spread)
    return AdMatch(
        title,
        context.place.after,
        context.place.seconds,
        ad.id,
        ad.name,
        float(np.mean(list(scores.values()))),
        float(np.mean(leads)),
        scores,
        tuple(_reasons(context, ad, parts, scores)),
    )


def _reasons(
    context: _Context, ad: Ad, parts: Sequence[_AdQuery], scores: Mapping[str, float]
) -> Iterator[str]:
    """Why an ad fits a break, or how little; tags that occur are listed."""
    yield from dict.fromkeys(map(str, mentions(ad.tags, context.before)))
    for part in parts:
        alike = _shot_cosines(part.query, context.vectors[part.query.space.name])
        shot = context.before[int(alike.argmax())]
        yield (
            f"{_FITS[part.part]} the shots before better than {scores[part.part]:.0%} of random"
            f" passages, {shot['id']} most{_about(shot)}"
        )


_FITS = {"text": "its text fits", "tags": "its tags fit", "video": "its video fits"}


def _about(shot: Shot) -> str:
    """Description of a shot, in brackets."""
    said = f"“{shot['words']}”" if shot["words"] else ""
    known = ", ".join(filter(None, (said, *shot["seen"], *shot["heard"])))
    return f" ({known})" if known else ""
