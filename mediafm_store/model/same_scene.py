"""Searching as labelled scenes judge it: are the shots most like a shot those of its own scene?"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, Shaped

from mediafm_store.arrays import Vectors
from mediafm_store.model.scene_metrics import Scenes

_BEST = 5
"""Answers that people look at."""
_DEEP = 10
"""Answers among which the whole scene should be."""
_PerShot = Float64[np.ndarray, " shots"]


class Ranked(NamedTuple):
    """Rankings of every labelled shot whose scene has other shots, and does not fill its title."""

    auc: _PerShot
    """How often a shot of its scene ranks above one of another; chance is 0.5."""
    top_5: _PerShot
    """Share of the five best that are of its scene."""
    recall_10: _PerShot
    """Share of its scene that is among the ten best, of as many as could be."""
    chance: _PerShot
    """Share of the title's other shots that are of its scene: `top_5` of a random order."""
    recall_chance: _PerShot
    """`recall_10` of a random order."""


def same_scene(vectors: Vectors, scenes: Scenes) -> Ranked:
    """Rank the labelled shots of a title by their cosine to each of them.

    Args:
        vectors: Vectors of the shots, in play order.
        scenes: Numbers of their scenes; -1 for shots without a label.
    """
    place = np.flatnonzero(scenes >= 0)
    label = scenes[place]
    similar = vectors[place] @ vectors[place].T
    same = label[:, None] == label[None, :]
    found = [
        _of_shot(truth, similar[i, others])
        for i in range(len(place))
        if (others := np.arange(len(place)) != i).any()
        and (truth := same[i, others]).any()
        and not truth.all()
    ]
    return Ranked(*np.array(found, np.float64).reshape(-1, len(Ranked._fields)).T)


def _of_shot(
    truth: Shaped[np.ndarray, " others"], scores: Float32[np.ndarray, " others"]
) -> tuple[float, float, float, float, float]:
    """The figures of one shot."""
    order = truth[np.argsort(-scores, kind="stable")]
    possible = min(_DEEP, int(truth.sum()))
    chance = float(truth.mean())
    return (
        _area(scores[truth], scores[~truth]),
        float(order[:_BEST].mean()),
        float(order[:_DEEP].sum() / possible),
        chance,
        min(1.0, chance * min(_DEEP, len(truth)) / possible),
    )


def _area(own: Float32[np.ndarray, " own"], rest: Float32[np.ndarray, " rest"]) -> float:
    """Probability that a shot of the same scene ranks above one of the rest; ties count half.

    Equals `roc_auc_score`, which takes a hundred times as long for so few.
    """
    rest = np.sort(rest)
    below = np.searchsorted(rest, own, "left") + np.searchsorted(rest, own, "right")
    return float(below.mean() / (2 * len(rest)))
