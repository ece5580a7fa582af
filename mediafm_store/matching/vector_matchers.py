"""Scores of shots for an example: picture first, with sound, words and context beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from mediafm_store.arrays import MODALITIES, Vectors, block, weigh
from mediafm_store.errors import InvalidInput
from mediafm_store.examples.example import Example
from mediafm_store.examples.resolver import NOTHING_LEFT, NOTHING_THERE, UNLIKE, VectorQuery
from mediafm_store.indexing.known import ReadCache
from mediafm_store.likeness.alignment import mean_in_order
from mediafm_store.likeness.sampling import LENGTH
from mediafm_store.likeness.scale import PARTS, Part, Scale, scale_of
from mediafm_store.matching.matcher import CandidateQuery, Matcher, NullDistribution, Shares
from mediafm_store.matching.null_distribution import null_of
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.spaces import Space

_WEIGHTS: Mapping[Part, float] = {"visual": 1.0, "audio": 0.3, "text": 0.1, "context": 0.3}
"""What each part of a score weighs unless it is said otherwise. On judged answers a third of sound
and of context beside the picture was better than any alone: see decision 26 in docs."""


class SpaceRows(NamedTuple):
    """Rows to compare with the vectors of one space."""

    space: Space
    scale: Scale
    rows: Vectors
    """Standardised and weighted."""

    def probe(self) -> CandidateQuery:
        """Each row for the index; of several, all as one first."""
        rows = self.rows
        if len(rows) > 1:
            rows = np.concatenate([rows.mean(axis=0, keepdims=True), rows])
        return CandidateQuery(self.space, np.stack([self.scale.proposing(row) for row in rows]))


@dataclass(frozen=True)
class ExampleMatcher:
    """Query by example shots, compared by themselves and in context on a common scale."""

    store: Storage
    compared: tuple[SpaceRows, ...]
    weights: Mapping[Part, float]
    whole: bool
    """True if sequences are matched in play order, else single shots with all rows as one."""

    @classmethod
    def of(
        cls,
        store: Storage,
        like: Sequence[Example],
        unlike: Sequence[Example] = (),
        *,
        weights: Mapping[Part, float],
        whole: bool = False,
        known: ReadCache | None = None,
    ) -> "ExampleMatcher":
        """Examples as one query.

        `weights` multiply the usual `_WEIGHTS`; 0 leaves a part out. Raises InvalidInput if nothing
        is left to compare.
        """
        known = known or ReadCache(store)
        spaces = [store.live("fused")]
        if store.has("context"):
            spaces.append(store.live("context"))
        compared, there = [], False
        for space in spaces:
            scale = scale_of(store, space)
            rows = _directed(
                scale,
                [_rows_in(space, e, known) for e in like],
                [_rows_in(space, e, known) for e in unlike],
            )
            if not whole:
                rows = scale.as_one(rows)
            there |= bool(rows.any())
            rows = _weighed(scale, rows, weights)
            if rows.any():
                compared.append(SpaceRows(space, scale, rows))
        if not there:
            raise InvalidInput(NOTHING_THERE)
        if not compared:
            raise InvalidInput(NOTHING_LEFT)
        return cls(store, tuple(compared), weights, whole)

    @property
    def counts(self) -> dict[Part, float]:
        """Weight of each part that the examples have."""
        return {
            part: _WEIGHTS[part] * self.weights.get(part, 1.0)
            for _, scale, rows in self.compared
            for part, at in scale.blocks
            if rows[:, at].any()
        }

    @property
    def length(self) -> int:
        """Shots of the examples; 1 where they are matched as one."""
        return len(self.compared[0].rows)

    @property
    def named(self) -> Sequence[str]:
        """None: all are found by their vectors."""
        return ()

    def typical(self) -> float:
        """The median of `null`, which is of scores."""
        return self.null().typical

    def probes(self) -> Sequence[CandidateQuery]:
        """The shots by themselves, where they are compared so: context is the lesser part."""
        return [self.compared[0].probe()]

    def shares(self, known: ReadCache, ids: Sequence[str]) -> Shares:
        """In standard deviations above what two random shots have."""
        total = np.zeros((len(PARTS), self.length, len(ids)), np.float32)
        for space, scale, rows in self.compared:
            for part, products in scale.products(rows, known.vectors(space, ids)).items():
                total[PARTS.index(part)] += products
        return total

    def strengths(self, known: ReadCache, runs: Sequence[Sequence[str]]) -> list[float]:
        """Their scores."""
        return _scores_of(self, known, runs)

    def null(self) -> NullDistribution:
        """The best answers to random shots, or passages, of the store, by what this query has."""
        blocks = {
            (one.space, part): at
            for one in self.compared
            for part, at in one.scale.blocks
            if one.rows[:, at].any()
        }
        has = {part for _, part in blocks}
        weights = {part: self.weights.get(part, 1.0) if part in has else 0.0 for part in PARTS}
        first = self.compared[0].space
        tables = [one.space.table for one in self.compared]
        versions = tuple((table, self.store.tables.version(table)) for table in tables)
        return null_of(
            self.store,
            first,
            key=(
                "example",
                tuple(weights.values()),
                versions,
                self.whole and min(self.length, LENGTH),
            ),
            length=self.length,
            blocks=[at for (space, _), at in blocks.items() if space == first],
            matcher=lambda asked: ExampleMatcher.of(
                self.store,
                [Example(asked.rows, asked.rows, ids=frozenset(asked.ids))],
                weights=weights,
                whole=True,
            ),
        )


@dataclass(frozen=True)
class SpaceMatcher:
    """Query compared by plain cosines in one space, for `--space`."""

    store: Storage
    query: VectorQuery
    whole: bool

    @property
    def length(self) -> int:
        """Its rows."""
        return len(self.query.rows)

    @property
    def named(self) -> Sequence[str]:
        """None: all are found by their vectors."""
        return ()

    def typical(self) -> float:
        """The median of `null`, which is of scores."""
        return self.null().typical

    def probes(self) -> Sequence[CandidateQuery]:
        """The space alone."""
        rows = self.query.rows
        if len(rows) > 1:
            rows = np.concatenate([self.query.as_one.rows, rows])
        return [CandidateQuery(self.query.space, rows)]

    def shares(self, known: ReadCache, ids: Sequence[str]) -> Shares:
        """Contribution of each part to the cosine; context is no part of it."""
        by_modality = self.query.shares(known.vectors(self.query.space, ids))
        return np.concatenate([by_modality, np.zeros_like(by_modality[:1])])

    def strengths(self, known: ReadCache, runs: Sequence[Sequence[str]]) -> list[float]:
        """Their scores."""
        return _scores_of(self, known, runs)

    def null(self) -> NullDistribution:
        """The best answers to random vectors of the space."""
        weights = tuple(sorted(self.query.weights.items()))

        return null_of(
            self.store,
            self.query.space,
            key=("space", weights, self.whole and min(self.length, LENGTH)),
            length=self.length,
            blocks=[block(m) for m in MODALITIES if self.query.weights.get(m, 1.0) > 0],
            matcher=lambda asked: SpaceMatcher(
                self.store,
                self.query._replace(rows=weigh(asked.rows, self.query.weights)),
                whole=True,
            ),
        )


def _scores_of(matcher: Matcher, known: ReadCache, runs: Sequence[Sequence[str]]) -> list[float]:
    """Scores of runs of shots, each matched in play order."""
    similar = matcher.shares(known, [shot for run in runs for shot in run]).sum(axis=0)
    parts = np.split(similar, np.cumsum([len(run) for run in runs])[:-1], axis=1)
    return [float(mean_in_order(part)) for part in parts] if runs else []


def _rows_in(space: Space, example: Example, known: ReadCache) -> Vectors:
    """The shots of an example in a space, as they are stored; zeros for what it has not."""
    if space.name == "fused":
        return example.alone
    ids = sorted(example.ids)
    if not ids:  # a file, which has no context
        return np.zeros((len(example.alone), space.dim), np.float32)
    return known.vectors(space, ids)


def _directed(
    scale: Scale,
    like: Sequence[Float32[np.ndarray, "_ dim"]],
    unlike: Sequence[Float32[np.ndarray, "_ dim"]],
) -> Float32[np.ndarray, "rows dim"]:
    """Standardised rows of what is wanted, with a part of what is not taken away."""
    rows = np.concatenate([scale.standardised(one) for one in like])
    for one in unlike:
        rows = rows - np.float32(UNLIKE) * scale.as_one(scale.standardised(one))
    return scale.to_length(rows)


def _weighed(scale: Scale, rows: Vectors, weights: Mapping[Part, float]) -> Vectors:
    """Rows with each part scaled by its weight."""
    made = np.zeros_like(rows)
    for part, at in scale.blocks:
        made[:, at] = rows[:, at] * np.float32(_WEIGHTS[part] * weights.get(part, 1.0))
    return made
