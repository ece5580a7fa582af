"""How often a random query finds something as good: what an answer is worth in this store."""

from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Float32

from mediafm_store.arrays import Fused
from mediafm_store.store.spaces import Passage, Space
from mediafm_store.store.store import Store
from mediafm_store.tasks.alignment import mean_in_order
from mediafm_store.tasks.known import Known
from mediafm_store.tasks.nearest import nearest
from mediafm_store.tasks.own_scene import NEAR, surroundings
from mediafm_store.tasks.sampling import LENGTH, once, passages

if TYPE_CHECKING:
    from mediafm_store.tasks.matching import Matcher

QUERIES = 48
"""Random queries that are tried. The share of them that find something as good is known to some
.07 (one standard deviation)."""
DEPTH = 20
"""Candidates of each that are compared, beside its own surroundings."""


class Null(NamedTuple):
    """The scores of the best answers to random queries, ascending; perhaps none."""

    best: Float32[np.ndarray, " queries"]

    def chance(self, score: float) -> float:
        """The share of random queries that find something as good, 0 to 1.

        0 where nothing is known to compare with.
        """
        if not len(self.best):
            return 0.0
        return float(np.mean(self.best >= np.float32(score)))

    @property
    def typical(self) -> float:
        """What the best answer to a random query scores."""
        return float(np.median(self.best)) if len(self.best) else 1.0


class Asked(NamedTuple):
    """Shots that are asked with at random."""

    ids: tuple[str, ...]
    rows: Fused


MatchersOf = Callable[[Sequence[Asked]], Sequence["Matcher"]]
"""From shots to a query for the like of each."""


def null_of(
    store: Store,
    space: Space,
    *,
    key: Hashable,
    length: int,
    blocks: Sequence[slice],
    matchers: MatchersOf,
) -> Null:
    """The best answers to random shots of a space, or to random passages of `length` shots.

    They are searched for as any query is, in the whole store, without their own surroundings. Each
    has one of the `blocks` of its vectors: what has nothing of what is compared is no query.
    """
    sample = passages(store, space)
    question = (key, str(store.path), space.table)
    if length > 1:
        return once(
            sample,
            question,
            lambda: best_of_passages(store, space, sample, matchers, min(length, LENGTH), blocks),
        )
    return once(sample, question, lambda: best_of_shots(store, sample, matchers, blocks))


def best_of_shots(
    store: Store, sample: Sequence[Passage], matchers: MatchersOf, blocks: Sequence[slice]
) -> Null:
    """Single shots, against all of the store."""
    asked = random_shots(sample, blocks)
    queries = matchers(asked)
    known = Known(store)
    near = candidates(store, asked, queries, known)
    # Each question to a table takes some milliseconds, so all are asked together.
    every = sorted({id for ids in near for id in ids})
    for probe in queries[0].probes() if queries else ():
        known.vectors(probe.space, every)
    best = [
        float(query.shares(known, ids).sum(axis=0).max())
        for query, ids in zip(queries, near, strict=True)
        if ids
    ]
    return Null(np.sort(np.array(best, np.float32)))


def random_shots(sample: Sequence[Passage], blocks: Sequence[slice]) -> list[Asked]:
    """Some shots of a sample that have one of some blocks, evenly spread over it."""
    rows = [
        Asked((id,), row[None].astype(np.float32))
        for passage in sample
        for id, row in zip(passage.ids, passage.vectors, strict=True)
        if any(row[at].any() for at in blocks)
    ]
    places = np.linspace(0, len(rows) - 1, min(QUERIES, len(rows))).astype(int)
    return [rows[i] for i in places]


def candidates(
    store: Store, asked: Sequence[Asked], queries: Sequence["Matcher"], known: Known
) -> list[list[str]]:
    """The nearest shots of each query by its first space, without its surroundings."""
    if not queries:
        return []
    probes = [query.probes()[0] for query in queries]
    rows = np.concatenate([probe.rows for probe in probes])
    found = nearest(store, probes[0].space, rows, DEPTH + 2 * NEAR + 1)
    for one in found:
        known.add(probes[0].space, one.ids, one.vectors)
    of_titles = probes[0].space.of_titles
    near = [frozenset(own.ids) if of_titles else surroundings(own.ids) for own in asked]
    return [
        [id for id in one.ids if id not in own][:DEPTH]
        for own, one in zip(near, found, strict=True)
    ]


def best_of_passages(
    store: Store,
    space: Space,
    sample: Sequence[Passage],
    matchers: MatchersOf,
    length: int,
    blocks: Sequence[slice],
) -> Null:
    """Passages, against those of other titles in the sample (other passages, if there are none).

    Where none is as long as the query they are as long as there are.
    """
    known = Known(store)
    for passage in sample:
        known.add(space, passage.ids, passage.vectors.astype(np.float32))
    length = min(length, max((len(p.ids) for p in sample), default=0))
    long = [
        p
        for p in sample
        if len(p.ids) >= length and any(p.vectors[:length, at].any() for at in blocks)
    ]
    long = long[:: max(1, len(long) // QUERIES)]
    queries = matchers([Asked(p.ids[:length], p.vectors[:length].astype(np.float32)) for p in long])
    best = []
    for passage, query in zip(long, queries, strict=True):
        others = [p for p in sample if p.title != passage.title]
        others = others or [p for p in sample if p is not passage]
        if others:
            shares = query.shares(known, [id for p in others for id in p.ids]).sum(axis=0)
            runs = np.split(shares, np.cumsum([len(p.ids) for p in others])[:-1], axis=1)
            best.append(max(float(mean_in_order(run)) for run in runs))
    return Null(np.sort(np.array(best, np.float32)))
