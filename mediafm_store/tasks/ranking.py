"""Several queries at once, as one score."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float32

from mediafm_store.arrays import MODALITIES, Fused
from mediafm_store.store.spaces import Space
from mediafm_store.store.store import Store
from mediafm_store.tasks.background import Background, background
from mediafm_store.tasks.queries import Query

SAID = 0.5
"""What words that are said literally weigh beside all else that is looked for."""
DRAWS = 100_000


class Known:
    """Vectors and shots that were read, so that none is read twice."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._rows: dict[tuple[str, str], Float32[np.ndarray, " dim"]] = {}
        self._shots: dict[str, dict[str, Any]] = {}

    def add(self, space: Space, ids: Sequence[str], vectors: Fused) -> None:
        """Take vectors that came with a search."""
        self._rows |= {(space.table, id): row for id, row in zip(ids, vectors, strict=True)}

    def vectors(self, space: Space, ids: Sequence[str]) -> Fused:
        """One row an id; zero where the space has none."""
        missing = [id for id in ids if (space.table, id) not in self._rows]
        if missing:
            self.add(space, *self._store.vectors_by_id(space, missing))
        nothing = np.zeros(space.dim, np.float32)
        rows = [self._rows.get((space.table, id), nothing) for id in ids]
        return np.stack(rows) if rows else np.zeros((0, space.dim), np.float32)

    def shots(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """The rows of those of the shots that exist."""
        if missing := [id for id in dict.fromkeys(ids) if id not in self._shots]:
            self._shots |= self._store.shots_by_id(missing)
        return {id: self._shots[id] for id in ids if id in self._shots}


@dataclass(frozen=True)
class Ranking:
    """Queries, and words that are said, as one score.

    That of several is a weighted mean of theirs, each weighing the less the more its scores vary by
    chance, so that none drowns the others.
    """

    store: Store
    queries: Sequence[Query]
    said: Mapping[str, float]
    """Shot -> BM25."""
    whole: bool
    """Whether sequences of shots are compared, or one shot at a time."""

    @cached_property
    def compared(self) -> list[Query]:
        """The queries as shots are compared with them."""
        return [q if self.whole else q.as_one for q in self.queries]

    @cached_property
    def backgrounds(self) -> list[Background]:
        """How alike shots are to each query by chance."""
        return [background(self.store, q, whole=self.whole) for q in self.queries]

    @cached_property
    def weights(self) -> list[float]:
        """Of the queries; what is left to 1 is that of the words that are said."""
        if len(self.queries) == 1:
            return [1 - SAID if self.said else 1.0]
        narrow = [1 / b.spread for b in self.backgrounds]
        return [(1 - SAID if self.said else 1.0) * n / sum(narrow) for n in narrow]

    @cached_property
    def chance(self) -> Background:
        """What the score of all together is by chance: each drawn by itself."""
        if len(self.backgrounds) == 1:
            (one,), (weight,) = self.backgrounds, self.weights
            return Background(np.float32(weight) * one.scores, weight * one.usual)
        rng = np.random.default_rng(0)
        scores, usual = np.zeros(DRAWS, np.float32), 0.0
        for one, weight in zip(self.backgrounds, self.weights, strict=True):
            evenly = np.arange(DRAWS) * len(one.scores) // DRAWS
            scores += np.float32(weight) * rng.permuted(one.scores[evenly])
            usual += weight * one.usual
        return Background(np.sort(scores), usual)

    def percentile(self, score: float) -> float:
        """The share of random pairs in the store that score lower, 0 to 1."""
        return self.chance.percentile(score)

    def shares(self, known: Known, ids: Sequence[str]) -> Float32[np.ndarray, "3 rows shots"]:
        """What each modality adds to the likeness of each shot to each row of the query."""
        rows = max((len(q.rows) for q in self.compared), default=1)
        total = np.zeros((len(MODALITIES), rows, len(ids)), np.float32)
        for query, weight in zip(self.compared, self.weights, strict=True):
            total += np.float32(weight) * query.shares(known.vectors(query.space, ids))
        if self.said:
            best = max(self.said.values())
            share = np.array([self.said.get(id, 0.0) / best for id in ids], np.float32)
            total[MODALITIES.index("text")] += np.float32(1 - sum(self.weights)) * share
        return total

    def alone(self, known: Known, ids: Sequence[str]) -> Float32[np.ndarray, "rows shots"] | None:
        """The likeness of the same shots by themselves; None unless a query is in context."""
        for query in self.compared:
            if query.alone is not None:
                fused = self.store.live("fused")
                by_themselves = query._replace(space=fused, rows=query.alone, alone=None)
                return by_themselves.shares(known.vectors(fused, ids)).sum(axis=0)
        return None
