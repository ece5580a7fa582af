"""Linear models as data: a linear layer per input. Needs nothing of what fits them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Float32
from scipy.special import expit

Kind = Literal["tags", "grades", "ranking"]
"""Kind of target."""
Inputs = Mapping[str, Any]
"""By the name of the input: float [items, dim] or a sparse matrix, the same items in each."""


class LinearLayer(NamedTuple):
    """Weights and bias of one input."""

    weights: Float32[np.ndarray, "labels dim"]
    bias: Float32[np.ndarray, " labels"]

    def __call__(self, rows: Any) -> Float32[np.ndarray, "items labels"]:
        """A score an item and label."""
        return np.asarray(rows @ self.weights.T, np.float32) + self.bias


@dataclass(frozen=True)
class LinearModel:
    """A layer per input, and how their scores are combined."""

    kind: Kind
    layers: Mapping[str, LinearLayer]
    mix: Float32[np.ndarray, "labels inputs"]
    offset: Float32[np.ndarray, " labels"]
    thresholds: Float32[np.ndarray, " labels"]
    """Probabilities from which on an item has a label; of grades 0."""
    alphas: Mapping[str, float]

    def decide(self, inputs: Inputs) -> Float32[np.ndarray, "items labels"]:
        """Predictions: probabilities for tags, else grades."""
        scores = [layer(inputs[name]) for name, layer in self.layers.items()]
        mixed = np.einsum("inl,li->nl", np.stack(scores), self.mix) + self.offset
        return np.asarray(expit(mixed) if self.kind == "tags" else mixed, np.float32)

    def push(self, name: str, rows: Any) -> Float32[np.ndarray, "items labels"]:
        """Contribution of each row of one input to each label."""
        place = list(self.layers).index(name)
        return np.asarray(rows @ self.layers[name].weights.T * self.mix[:, place], np.float32)
