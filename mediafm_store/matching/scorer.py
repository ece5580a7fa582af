"""Combine several queries into one score."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mediafm_store.indexing.known import ReadCache
from mediafm_store.likeness.scale import PARTS
from mediafm_store.matching.matcher import Matcher, NullDistribution, Shares
from mediafm_store.storage.storage import Storage

_SAID = 0.5
"""Weight of literally spoken words beside all other queries."""


@dataclass(frozen=True)
class Scorer:
    """Combined score of several queries and of spoken words.

    The score is the mean over queries. Each is first divided by the typical score of the best
    answer to a random query of its kind, so that none dominates.
    """

    store: Storage
    matchers: Sequence[Matcher]
    said: Mapping[str, float]
    """Shot -> BM25."""
    known: ReadCache
    """Read cache."""

    @cached_property
    def nulls(self) -> list[NullDistribution]:
        """The best answers to random queries of each kind."""
        return [matcher.null() for matcher in self.matchers]

    @cached_property
    def weights(self) -> list[float]:
        """Weight of each query's score."""
        if len(self.matchers) == 1 and not self.said:
            return [1.0]
        share = (1 - _SAID if self.said else 1.0) / max(1, len(self.matchers))
        typical = [matcher.typical() for matcher in self.matchers]
        return [share / best if best > 0 else share for best in typical]

    @property
    def named(self) -> Sequence[str]:
        """Shots that may be answers for the words that are said in them."""
        return [*self.said, *(row_id for matcher in self.matchers for row_id in matcher.named)]

    def shares(self, known: ReadCache, ids: Sequence[str]) -> Shares:
        """Contribution of each part to the score of each query row and each of some shots."""
        rows = max((matcher.length for matcher in self.matchers), default=1)
        total = np.zeros((len(PARTS), rows, len(ids)), np.float32)
        for matcher, weight in zip(self.matchers, self.weights, strict=True):
            total += np.float32(weight) * matcher.shares(known, ids)
        if self.said:
            best = max(self.said.values())
            share = np.array([self.said.get(row_id, 0.0) / best for row_id in ids], np.float32)
            total[PARTS.index("text")] += np.float32(_SAID if self.matchers else 1.0) * share
        return total

    def chances(self, known: ReadCache, runs: Sequence[Sequence[str]]) -> list[float | None]:
        """Probability that random queries score as high as runs of shots; None if unknown.

        Of several queries all would have to.
        """
        if not self.matchers:
            return [None] * len(runs)
        each = [
            [null.chance(strength) for strength in matcher.strengths(known, runs)]
            for matcher, null in zip(self.matchers, self.nulls, strict=True)
        ]
        return [_joint_chance(chances) for chances in zip(*each, strict=True)]


def _joint_chance(chances: Sequence[float | None]) -> float | None:
    """The chance that all happen; None if one of them is not known."""
    known = [chance for chance in chances if chance is not None]
    return float(np.prod(known)) if len(known) == len(chances) else None
