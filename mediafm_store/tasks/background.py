"""How alike shots are by chance: what a score is worth in this store."""

from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Int

from mediafm_store.arrays import MODALITIES, Fused, block, pooled, unit_rows, weigh
from mediafm_store.features.fuse import describe
from mediafm_store.store.spaces import Passage
from mediafm_store.store.store import Store
from mediafm_store.tasks.alignment import mean_in_order
from mediafm_store.tasks.queries import Query
from mediafm_store.tasks.sampling import LENGTH, once, passages

FEW_TITLES = 10
"""Among so few the pairs of the query's own title are left out: else its best answers, which are a
good part of all pairs, are measured by themselves."""


class Background(NamedTuple):
    """What random pairs score above the average of each query; ascending, at least one."""

    scores: Float32[np.ndarray, " pairs"]
    usual: float
    """What the query itself scores with random shots on average.

    Some texts are a little like everything, others like nothing: against nonsense, the best answers
    to real texts stand out by an AUC of .84 with this taken off, and of .72 without."""

    @property
    def spread(self) -> float:
        """The standard deviation of the scores, never 0."""
        return float(self.scores.std()) or 1.0

    def percentile(self, score: float) -> float:
        """The share of random pairs that score lower."""
        return float(
            np.searchsorted(self.scores, np.float32(score - self.usual)) / len(self.scores)
        )


def background(store: Store, query: Query, *, whole: bool) -> Background:
    """What such a query scores with random shots; with random scenes, if it is compared `whole`.

    The queries that are tried have as many shots as this one, up to LENGTH, and weigh the
    modalities the same, but come from the store at random; so do the words, from what could be said
    of its shots.
    """
    sample = passages(store, query.space)
    longest = max((len(p.vectors) for p in sample), default=0)
    length = min(len(query.rows), LENGTH, longest)
    weights = tuple(query.weights.get(m, 1.0) for m in MODALITIES)
    few = len({p.title for p in sample}) <= FEW_TITLES
    own = query.titles if few else frozenset[str]()
    kind = (str(store.path), query.space.table, weights, length, whole, own)
    scores = once(sample, kind, lambda: by_chance(query, length, sample, whole, own))
    if scores is None:
        return Background(np.zeros(1, np.float32), 0.0)
    found = chance(query if whole else query.as_one, 1, sample, whole)[0]
    others = [sample[i].title not in query.titles for i in columns(sample, whole)]
    usual = float(found[others].mean()) if any(others) else float(found.mean())
    return Background(scores, usual)


def by_chance(
    query: Query, length: int, sample: Sequence[Passage], whole: bool, own: Collection[str]
) -> Float32[np.ndarray, " pairs"] | None:
    """What queries of so many shots, weighed as this one is, score with others, ascending.

    None where there is none to try.
    """
    asked = [
        (number, rows)
        for number, passage in enumerate(sample)
        for rows in tried(query, passage.vectors, length, whole)
    ]
    if not asked:
        return None
    of = columns(sample, whole)
    pairs = apart(sample, own, np.array([number for number, _ in asked]), of)
    rows = np.concatenate([rows for _, rows in asked])
    scores = chance(query._replace(rows=rows), len(asked), sample, whole)
    mean = np.sum(scores, axis=1, where=pairs) / np.maximum(1, pairs.sum(axis=1))
    return np.sort((scores - mean[:, None].astype(np.float32))[pairs])


def columns(sample: Sequence[Passage], whole: bool) -> Int[np.ndarray, " columns"]:
    """The number of each passage, or of that of each of their shots."""
    return np.repeat(np.arange(len(sample)), [1 if whole else len(p.vectors) for p in sample])


def apart(
    sample: Sequence[Passage],
    own: Collection[str],
    asked: Int[np.ndarray, " asked"],
    of: Int[np.ndarray, " columns"],
) -> Bool[np.ndarray, "asked columns"]:
    """Which pairs count: those of two titles of which neither is in `own`.

    Where there are none, those of any two titles; of two passages, if there is only one title.
    """
    titles = np.array([p.title for p in sample])
    strange = ~np.isin(titles, list(own))
    two = titles[asked][:, None] != titles[of]
    choices = (
        two & strange[asked][:, None] & strange[of],
        two,
        asked[:, None] != of,
    )
    return next((pairs for pairs in choices if pairs.any()), np.ones_like(two))


def chance(
    queries: Query, count: int, sample: Sequence[Passage], whole: bool
) -> Float32[np.ndarray, "{count} columns"]:
    """What several queries, their rows one after the other, score with each passage, or shot."""
    found = np.concatenate([p.vectors for p in sample]).astype(np.float32)
    similar = queries.shares(found).sum(axis=0).reshape(count, -1, len(found))
    if not whole:
        return similar[:, 0]
    edges = np.cumsum([0, *(len(p.vectors) for p in sample)])
    return np.stack([mean_in_order(similar[..., a:b]) for a, b in pairwise(edges)], axis=1)


def tried(query: Query, vectors: np.ndarray, length: int, whole: bool) -> Iterator[Fused]:
    """Queries such as this one, made of a passage."""
    rows = vectors.astype(np.float32)
    if query.space.name == "described":
        rows = words_of(rows)
    rows = weigh(rows, query.weights)
    if length == 1:
        yield from (row[None] for row in rows if row.any())
    elif len(rows) >= length:
        yield rows[:length] if whole else pooled(rows[:length])


def words_of(described: Fused) -> Fused:
    """What could be said of shots, each as if it were the text of a query.

    Their subtitles, or what is seen where nobody speaks: with either, every modality is asked.
    """
    said, seen = described[:, block("text")], described[:, block("visual")]
    words = unit_rows(np.where(said.any(axis=1, keepdims=True), said, seen))
    return describe(dict.fromkeys(MODALITIES, words))
