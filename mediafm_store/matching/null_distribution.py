"""Null distribution: scores that random queries reach in this store."""

from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

import numpy as np

from mediafm_store.arrays import FUSED, Vectors
from mediafm_store.indexing.known import ReadCache
from mediafm_store.indexing.nearest import nearest
from mediafm_store.likeness.alignment import mean_in_order
from mediafm_store.likeness.sampling import LENGTH, cached, passages
from mediafm_store.matching.matcher import Matcher, NullDistribution
from mediafm_store.scenes.own_scene import NEAR, surroundings
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.spaces import Passage, Space

QUERIES = 40
"""Random queries that are tried. The share of them that find something as good is known to some
.07 (one standard deviation)."""
_DEPTH = 10
"""Candidates of each that are compared, beside its own surroundings."""


class RandomShots(NamedTuple):
    """Shots that are asked with at random."""

    ids: tuple[str, ...]
    rows: Vectors


_MatcherOf = Callable[[RandomShots], Matcher]
"""From shots to a query for the like of each of them, in play order."""


def null_of(
    store: Storage,
    space: Space,
    *,
    key: Hashable,
    length: int,
    blocks: Sequence[slice],
    matcher: _MatcherOf,
) -> NullDistribution:
    """The best answers to random shots of a space, or to random passages of `length` shots.

    They are searched for as any query is, in the whole store, without their own surroundings. Shots
    that have nothing in any of the `blocks` of their vectors are not asked with: the answers to a
    sound are compared with those to sounds.
    """
    sample = passages(store, space)
    question = (key, str(store.path), space.table)
    if length > 1:
        few = min(length, LENGTH)
        return cached(
            sample,
            question,
            lambda: _best_of_passages(store, space, sample, matcher, length=few, blocks=blocks),
        )
    return cached(sample, question, lambda: _best_of_shots(store, sample, matcher, blocks))


def _best_of_shots(
    store: Storage, sample: Sequence[Passage], matcher: _MatcherOf, blocks: Sequence[slice]
) -> NullDistribution:
    """Single shots, against all of the store."""
    asked = _random_shots(sample, blocks)
    if not asked.ids:
        return NullDistribution(np.zeros(0, np.float32))
    query, known = matcher(asked), ReadCache(store)
    near = _candidates(store, asked, query, known)
    # Each question to a table takes some milliseconds, so all shots are compared together.
    every = sorted({row_id for ids in near for row_id in ids})
    scores = query.shares(known, every).sum(axis=0)
    column = {row_id: i for i, row_id in enumerate(every)}
    best = [
        row[[column[row_id] for row_id in ids]].max()
        for row, ids in zip(scores, near, strict=True)
        if ids
    ]
    return NullDistribution(np.sort(np.array(best, np.float32)))


def _random_shots(sample: Sequence[Passage], blocks: Sequence[slice]) -> RandomShots:
    """Some shots of a sample, evenly spread over it; none that has nothing in the `blocks`."""
    ids = [row_id for passage in sample for row_id in passage.ids]
    rows = [row for passage in sample for row in passage.vectors]
    there = [i for i, row in enumerate(rows) if any(row[at].any() for at in blocks)]
    places = np.linspace(0, len(there) - 1, min(QUERIES, len(there))).astype(int)
    chosen = sorted((there[place] for place in places), key=lambda i: ids[i])
    made = np.stack([rows[i] for i in chosen]) if chosen else np.zeros((0, FUSED))
    return RandomShots(tuple(ids[i] for i in chosen), made.astype(np.float32))


def _candidates(
    store: Storage, asked: RandomShots, query: Matcher, known: ReadCache
) -> list[list[str]]:
    """Nearest shots of each query row in its first space, without those around the row itself."""
    probe = query.probes()[0]
    found = nearest(store, probe.space, probe.rows[-len(asked.ids) :], _DEPTH + 2 * NEAR + 1)
    for one in found:
        known.add(probe.space, one.ids, one.vectors)
    near = [{row_id} if probe.space.of_titles else surroundings([row_id]) for row_id in asked.ids]
    return [
        [row_id for row_id in one.ids if row_id not in own][:_DEPTH]
        for own, one in zip(near, found, strict=True)
    ]


def _best_of_passages(
    store: Storage,
    space: Space,
    sample: Sequence[Passage],
    matcher: _MatcherOf,
    *,
    length: int,
    blocks: Sequence[slice],
) -> NullDistribution:
    """Passages, against those of other titles in the sample (other passages, if there are none).

    Where none is as long as the query they are as long as there are.
    """
    known = ReadCache(store)
    for passage in sample:
        known.add(space, passage.ids, passage.vectors.astype(np.float32))
    length = min(length, max((len(p.ids) for p in sample), default=0))
    long = [
        p
        for p in sample
        if len(p.ids) >= length and any(p.vectors[:length, at].any() for at in blocks)
    ]
    long = long[:: max(1, len(long) // QUERIES)]
    best = []
    for passage in long:
        others = [p for p in sample if p.title != passage.title]
        others = others or [p for p in sample if p is not passage]
        if others:
            rows = passage.vectors[:length].astype(np.float32)
            query = matcher(RandomShots(passage.ids[:length], rows))
            shares = query.shares(known, [row_id for p in others for row_id in p.ids]).sum(axis=0)
            runs = np.split(shares, np.cumsum([len(p.ids) for p in others])[:-1], axis=1)
            best.append(max(float(mean_in_order(run)) for run in runs))
    return NullDistribution(np.sort(np.array(best, np.float32)))
