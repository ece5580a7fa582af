"""Signs to a score, and to the reasons for it."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from mediafm_store.ad_breaks.ad_break import AdBreak
from mediafm_store.ad_breaks.context import BreakContext
from mediafm_store.ad_breaks.cut_features import SIGNS, WINDOW, PerCut, signs_of

_STRONG = 0.5
"""A sign that is at least so much there is a reason."""


class BreakWeights(NamedTuple):
    """Weight of each cut feature."""

    of: Mapping[str, float]
    bias: float | None
    """None: the score is the weighted sum. Else it is a probability, the sigmoid of bias + sum."""
    said: str
    """In words, such as how they were fitted."""

    def scores(self, signs: Mapping[str, PerCut]) -> Float64[np.ndarray, " cuts"]:
        """A score from 0 to 1 for each cut."""
        total = np.sum([w * signs[name].astype(np.float64) for name, w in self.of.items()], axis=0)
        return total if self.bias is None else 1 / (1 + np.exp(-self.bias - total))


DEFAULT = BreakWeights(
    {
        "change": 0.30,
        "scene": 0.25,
        "pause": 0.10,
        "voiceless": 0.05,
        "quiet": 0.10,
        "music_ends": 0.05,
        "dark": 0.10,
        "fade": 0.05,
    },
    None,
    "default weights",
)
"""Where nobody labelled breaks. A change of what is told is what a break needs, so the two signs of
it have more than half; the others are what editors put at such places, and three of them say the
same in sound and in words. They were set before anything was measured (docs/decisions/0018)."""


def score_cuts(facts: BreakContext, weights: BreakWeights) -> list[AdBreak]:
    """Every cut of a title as a break, best first; no guard rail holds any back."""
    if not facts.cuts:
        return []
    signs = signs_of(facts)
    scores = weights.scores(signs)
    found = []
    for cut, score in enumerate(scores.tolist()):
        here = {name: float(values[cut]) for name, values in signs.items()}
        before, after = facts.shots[cut], facts.shots[cut + 1]
        found.append(
            AdBreak(
                before["id"],
                after["id"],
                after["start_s"],
                score,
                here,
                _reasons(facts, cut, here, weights),
                _around(facts, cut),
                weights.said,
            )
        )
    return sorted(found, key=lambda b: (-b.score, b.seconds))


def _reasons(
    facts: BreakContext, cut: int, signs: Mapping[str, float], weights: BreakWeights
) -> tuple[str, ...]:
    """The signs that are at least half there and speak for a break, in words."""
    counts = {name: weights.of[name] * value for name, value in signs.items() if value >= _STRONG}
    strong = sorted((n for n, count in counts.items() if count > 0), key=lambda n: -counts[n])
    texts = tuple(SIGNS[name].said(facts, cut, signs[name]) for name in strong)
    return texts or ("no strong sign; the best that is left",)


def _around(facts: BreakContext, cut: int) -> tuple[str, ...]:
    """Names of things seen and heard in the shots on both sides, each once."""
    shots = facts.shots[max(0, cut + 1 - WINDOW) : cut + 1 + WINDOW]
    return tuple(dict.fromkeys(name for s in shots for name in (*s["seen"], *s["heard"])))
