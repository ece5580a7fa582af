"""Names of recognised classes, and their vectors by the text encoder."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int

from mediafm_store import weights
from mediafm_store.arrays import BLOCK, Blocks, unit_rows
from mediafm_store.encoders.minilm import MiniLM

_TOP = 10
"""Classes that describe an item, as in the ConSE paper."""
_MOST_LABELS = 3


class Classes(NamedTuple):
    """Classes of a classifier, and the probability from which on each is recognised."""

    names: tuple[str, ...]
    vectors: Float32[np.ndarray, "classes 384"]
    """The names through the text encoder, centred; its blocks without the zero padding."""
    describe_from: float
    """Below this probability of the best class nothing was recognised."""
    label_from: float
    """A class of at least this probability is named."""

    text: MiniLM
    """Encoder of the names."""

    @classmethod
    def of(
        cls, encoder: str, *, names: str, describe_from: float, label_from: float, text: MiniLM
    ) -> "Classes":
        """The classes that ship for an encoder of this package, `names` being a file."""
        vectors = weights.tensors(encoder)["names"].astype(np.float32)
        return cls(weights.lines(names), vectors, describe_from, label_from, text)

    def described(self, probabilities: Float32[np.ndarray, "n classes"]) -> Blocks:
        """Embedded names of the best classes, weighted by probability: unit rows, or zero.

        Norouzi et al., "Zero-Shot Learning by Convex Combination of Semantic Embeddings", 2014.
        """
        best = _most_likely(probabilities, _TOP)
        weighed = np.einsum(
            "nt,ntd->nd", np.take_along_axis(probabilities, best, 1), self.vectors[best]
        )
        weighed[probabilities.max(axis=1) < self.describe_from] = 0
        return unit_rows(np.pad(weighed, ((0, 0), (0, BLOCK - weighed.shape[1]))))

    def labels(self, probabilities: Float32[np.ndarray, "n classes"]) -> list[tuple[str, ...]]:
        """Up to three names each, most likely first."""
        best = _most_likely(probabilities, _MOST_LABELS)
        return [
            tuple(self.names[i] for i in row if probability[i] >= self.label_from)
            for row, probability in zip(best, probabilities, strict=True)
        ]

    def label_probabilities(
        self, probabilities: Float32[np.ndarray, "n classes"]
    ) -> list[tuple[float, ...]]:
        """Probability of each of these names."""
        best = np.take_along_axis(probabilities, _most_likely(probabilities, _MOST_LABELS), 1)
        return [tuple(float(p) for p in row if p >= self.label_from) for row in best]


def _most_likely(
    probabilities: Float32[np.ndarray, "n classes"], count: int
) -> Int[np.ndarray, "n best"]:
    """The best classes of each row, most likely first."""
    return np.argsort(-probabilities, axis=1, kind="stable")[:, :count]
