"""From the shots that a search found to what people say of them. Nothing here needs a store."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from mediafm_store.judgements.judgements import Judgements, Query, ShotPosition, SimilarQuery
from mediafm_store.metrics.retrieval import average_precision, ndcg_at, precision_at

_P_AT, _NDCG_AT, _NEAR_AT = 5, 10, 10
_WITHIN = 10
"""Labelled shots on either side that are near."""
_SHUFFLES = 50


class StoredShot(NamedTuple):
    """A shot as the store has it, which need not be cut as the labelled ones are."""

    id: str
    title: str
    start_s: float
    end_s: float

    @property
    def middle_s(self) -> float:
        """The time that says which labelled shot it stands for."""
        return (self.start_s + self.end_s) / 2


def places_of(shots: Iterable[StoredShot], labels: Judgements) -> dict[str, ShotPosition]:
    """Shot -> where it lies; without those of films that nobody labelled, and of tiny shots."""
    found = {
        shot.id: labels.place(shot.title, shot.middle_s, shot=shot.id)
        for shot in shots
        if shot.title in labels.films
    }
    return {shot_id: place for shot_id, place in found.items() if not _is_tiny(labels, place)}


def _is_tiny(labels: Judgements, place: ShotPosition) -> bool:
    """True for a labelled shot that is too short to be judged."""
    shot = labels.labelled(place)
    return shot is not None and shot.tiny


def holder(shots: Iterable[StoredShot], film: str, time_s: float) -> str | None:
    """Id of the shot that is on screen at a time in seconds; None in a gap."""
    on_screen = (s.id for s in shots if s.title == film and s.start_s <= time_s < s.end_s)
    return next(on_screen, None)


def condensed(found: Iterable[str], places: Mapping[str, ShotPosition]) -> list[ShotPosition]:
    """A ranked list as it is judged: without what nobody judged, each labelled shot once.

    Sakai, "Alternatives to Bpref" (2007). Several shots in one labelled shot count at the first.
    """
    return list(dict.fromkeys(places[shot] for shot in found if shot in places))


def _is_near(place: ShotPosition, other: ShotPosition, labels: Judgements) -> bool:
    """True if two shots are of one film, and few shots apart or in one labelled scene."""
    if place.film != other.film:
        return False
    scenes = [None if s is None else s.scene for s in map(labels.labelled, (place, other))]
    return abs(place.at - other.at) <= _WITHIN or (scenes[0] is not None and scenes[0] == scenes[1])


def judged(
    query: Query,
    seen: Sequence[ShotPosition],
    deep: Sequence[ShotPosition],
    labels: Judgements,
) -> dict[str, float]:
    """Measures of the answers to one query.

    Args:
        query: The query.
        seen: The ten answers that a user sees, best first.
        deep: All answers, best first.
        labels: Relevance judgements.

    Returns:
        Value by measure. `near` is only for similar queries, and missing without answers.
    """
    values = {
        "p5": precision_at(_P_AT, seen, query.relevant),
        "ndcg10": ndcg_at(_NDCG_AT, seen, query.relevant),
        "ap": average_precision(deep, query.relevant),
    }
    first = seen[:_NEAR_AT]
    if isinstance(query, SimilarQuery) and first:
        nearby = sum(_is_near(query.place, place, labels) for place in first)
        values["near"] = nearby / len(first)
    return values


def by_chance(
    query: Query,
    pool: Sequence[str],
    places: Mapping[str, ShotPosition],
    labels: Judgements,
    rng: np.random.Generator,
) -> dict[str, float]:
    """Mean measures of SHUFFLES random orders of the shots in `pool`."""
    orders = (
        condensed([pool[i] for i in rng.permutation(len(pool))], places) for _ in range(_SHUFFLES)
    )
    each = [judged(query, order, order, labels) for order in orders]
    return {measure: float(np.mean([one[measure] for one in each])) for measure in each[0]}


def at_best(
    query: Query,
    pool: Sequence[str],
    places: Mapping[str, ShotPosition],
    labels: Judgements,
) -> dict[str, float]:
    """Measures of the best order of the shots in `pool`, which may lack relevant ones."""
    best = sorted(condensed(pool, places), key=lambda place: -query.relevant.get(place, 0))
    values = judged(query, best, best, labels)
    return {measure: value for measure, value in values.items() if measure != "near"}
