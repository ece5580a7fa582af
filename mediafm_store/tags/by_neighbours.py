"""Tags of the most similar titles that have some: what there is before any labels."""

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from mediafm_store.arrays import Vectors, unit_rows
from mediafm_store.errors import InvalidInput
from mediafm_store.storage.storage import Storage
from mediafm_store.tags.tag import NEIGHBOURS, PROPOSALS, Tag

log = logging.getLogger("mediafm_store")
_VOTERS = 5
_FEW = 20
"""Titles with tags, below which neighbours are mostly not near."""
_DOUBT = 1.0
"""Weight of one vote for nothing: few or distant neighbours give low scores."""
_LEAST = 0.3
"""Share of the votes from which on a title is taken to have a tag."""


def known_tags(store: Storage) -> dict[str, list[str]]:
    """The tags and genres that the user gave each title."""
    return {r["id"]: [*r["tags"], *r["genres"]] for r in store.titles().to_dicts()}


def from_neighbours(store: Storage, titles: Sequence[str], *, top: int) -> Iterator[list[Tag]]:
    """Up to `top` tags of each title, by the votes of the five most similar titles that have some.

    Votes are weighted by cosine. Raises InvalidInput if no title has tags.
    """
    known = known_tags(store)
    if not any(known.values()):
        raise InvalidInput(
            "no title of the store has tags or genres to learn from; add them to the titles'"
            " metadata (film.json beside film.mp4) and ingest again, bring in labels with `mediafm"
            " labels import`, or name tags to look for: `mediafm tags apply --name 'car chase'`"
        )
    ids, vectors = title_vectors(store)
    place = {title: i for i, title in enumerate(ids)}
    names = [title_id for title_id in ids if known[title_id]]
    tagged = vectors[[place[name] for name in names]]
    if len(names) < _FEW:
        log.warning("only %d titles have tags to learn from: what is said is a guess", len(names))
    for title in titles:
        similar = tagged @ vectors[place[title]]
        order = np.argsort(-similar, kind="stable")[: _VOTERS + 1]
        near = [(names[i], float(similar[i])) for i in order if similar[i] > 0]
        voters = [(name, weight) for name, weight in near if name != title][:_VOTERS]
        yield _vote(title, voters, known)[:top]


def _vote(
    title: str, voters: Sequence[tuple[str, float]], known: Mapping[str, list[str]]
) -> list[Tag]:
    """All tags of the voters that the title does not have, best first."""
    votes: dict[str, float] = defaultdict(float)
    evidence: dict[str, list[str]] = defaultdict(list)
    for voter, weight in voters:
        for tag in dict.fromkeys(known[voter]):
            votes[tag] += weight
            evidence[tag].append(voter)
    total = _DOUBT + sum(weight for _, weight in voters)
    tags = [
        Tag(PROPOSALS, title, tag, weight / total, _LEAST, NEIGHBOURS, tuple(evidence[tag]))
        for tag, weight in votes.items()
        if tag not in known[title]
    ]
    return sorted(tags, key=lambda tag: (-tag.score, tag.tag))


def title_vectors(store: Storage) -> tuple[list[str], Vectors]:
    """One vector a title: [GLOBAL] once titles are embedded, else the mean of its shots."""
    if store.has("title"):
        ids, vectors = store.vectors(store.live("title"))
        return ids, vectors
    streamed = store.vectors_by_title(store.live("fused"))
    means = {title: shots.vectors.mean(axis=0) for title, shots in streamed}
    return list(means), unit_rows(np.stack([*means.values()]))
