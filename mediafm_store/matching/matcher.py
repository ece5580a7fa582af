"""Interface of queries, as searches use them."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from mediafm_store.arrays import Vectors
from mediafm_store.indexing.known import ReadCache
from mediafm_store.tables.spaces import Space

Shares = Float32[np.ndarray, "4 rows shots"]


class CandidateQuery(NamedTuple):
    """Vectors whose nearest neighbours in a space may be answers."""

    space: Space
    rows: Vectors


_SAME = 1e-5


class NullDistribution(NamedTuple):
    """Scores of the best answers to random queries, ascending; perhaps empty."""

    best: Float32[np.ndarray, " queries"]

    def chance(self, score: float) -> float | None:
        """The share of random queries that find something as good, 0 to 1.

        None where there is nothing to compare with.
        """
        if not len(self.best):
            return None
        # Sums of the same numbers in another order differ in their last digits.
        return float(np.mean(self.best >= score - _SAME * abs(score)))

    @property
    def typical(self) -> float:
        """Typical score of the best answer to a random query."""
        return float(np.median(self.best)) if len(self.best) else 1.0


@runtime_checkable
class Matcher(Protocol):
    """A query that can score shots."""

    @property
    def length(self) -> int:
        """Shots that it has; those of a sequence are matched in play order."""
        ...

    def probes(self) -> Sequence[CandidateQuery]:
        """Queries that find candidates, one or several rows a space."""
        ...

    def shares(self, known: ReadCache, ids: Sequence[str]) -> Shares:
        """Contribution of each part (`PARTS`) to the score of each row and each of some shots."""
        ...

    @property
    def named(self) -> Sequence[str]:
        """Shots that may be answers, whatever is near to the probes."""
        ...

    def strengths(self, known: ReadCache, runs: Sequence[Sequence[str]]) -> list[float]:
        """Scores of runs of shots, on the scale of `null`."""
        ...

    def null(self) -> NullDistribution:
        """The best answers of random queries of this kind."""
        ...

    def typical(self) -> float:
        """Typical score of the best answer to a random query of this kind."""
        ...
