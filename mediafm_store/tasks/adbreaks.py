"""Rank the cuts of a title as places for an ad break."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32

from mediafm_store.arrays import Fused, unit_rows
from mediafm_store.errors import BadInput
from mediafm_store.records import Cue
from mediafm_store.store.store import Store

WEIGHTS = {"change": 0.55, "pause": 0.15, "quiet": 0.15, "dark": 0.15}
"""How much each sign counts; each is between 0 and 1, so is their weighted sum. A change of
scene is what a break needs; the others are what editors put at such places."""
WINDOW = 3
"""Shots on each side of a cut that are compared."""
QUIET_BY_DB, DARK_BELOW, PAUSE_S = 30.0, 0.15, 3.0
"""So far below the title's median loudness is fully quiet; darker than this begins to count;
so long without a word is a full pause."""


@dataclass(frozen=True, slots=True)
class Break:
    """A cut between two shots; a higher score is a better place for a break."""

    before: str
    """The shot that ends here."""
    after: str
    """The shot that starts here."""
    seconds: float
    score: float
    """0 to 1."""
    signs: dict[str, float]
    """What speaks for it, each from 0 to 1: change, pause, quiet, dark."""
    reasons: tuple[str, ...]
    """The same in words, strongest first."""


def rank_breaks(
    store: Store, title: str, *, min_gap_s: float = 60.0, margin_s: float = 10.0, k: int = 5
) -> list[Break]:
    """The best `k` cuts of a title, best first.

    None lies inside a subtitle, within `margin_s` of either end, or within `min_gap_s` of a
    better one. Raises NotFound for an unknown title.
    """
    if min_gap_s < 0 or margin_s < 0:
        raise BadInput("gap and margin are seconds, 0 or more")
    duration = store.title(title)["duration_s"]
    shots = store.shots(title).to_dicts()
    cues = [Cue(c["start_s"], c["end_s"], c["text"]) for c in store.cues(title).to_dicts()]
    space = store.registry.shot_space()
    vectors = store.vectors(space, title).vectors
    if len(vectors) != len(shots):
        raise BadInput(f"title {title!r} has no {space.name} vectors yet; run `mediafm embed`")
    change = percentiles(scene_change(vectors))
    levels = [s["loudness_db"] for s in shots if s["loudness_db"] is not None]
    usual_db = float(np.median(levels)) if levels else None
    breaks = []
    for i in range(1, len(shots)):
        at = shots[i]["start_s"]
        pause = pause_around(cues, at)
        if not margin_s <= at <= duration - margin_s or pause is None:
            continue
        signs = {
            "change": float(change[i - 1]),
            "pause": min(1.0, pause / PAUSE_S),
            "quiet": quiet(shots[i], usual_db),
            "dark": dark(shots[i]),
        }
        score = sum(WEIGHTS[name] * value for name, value in signs.items())
        words = reasons(signs, shots[i], pause)
        breaks.append(Break(shots[i - 1]["id"], shots[i]["id"], at, score, signs, words))
    return spread(sorted(breaks, key=lambda b: (-b.score, b.seconds)), min_gap_s)[:k]


def scene_change(vectors: Fused) -> Float32[np.ndarray, " shots-1"]:
    """At each cut, 1 - cosine of the mean of the shots before it and of those after it."""
    sides = [
        unit_rows(
            np.stack([vectors[max(0, i - WINDOW) : i].mean(0), vectors[i : i + WINDOW].mean(0)])
        )
        for i in range(1, len(vectors))
    ]
    return np.array([1 - before @ after for before, after in sides], np.float32)


def percentiles(values: Float32[np.ndarray, " n"]) -> Float32[np.ndarray, " n"]:
    """The share of the values that are smaller: how far a cut stands out in its own title."""
    ranks = np.searchsorted(np.sort(values), values).astype(np.float32)
    return ranks / np.float32(max(1, len(values) - 1))


def pause_around(cues: list[Cue], at: float) -> float | None:
    """Seconds from a moment to the nearest subtitle, PAUSE_S if it is farther; None inside one.

    0 for a title without any: then nothing is known about who speaks.
    """
    nearest = min((max(c.start_s - at, at - c.end_s) for c in cues), default=0.0)
    return None if nearest < 0 else min(nearest, PAUSE_S)


def quiet(shot: dict[str, Any], usual_db: float | None) -> float:
    """How far the sound drops at the cut below the title's usual level; 0 without sound."""
    if usual_db is None or shot["cut_loudness_db"] is None:
        return 0.0
    return float(np.clip((usual_db - shot["cut_loudness_db"]) / QUIET_BY_DB, 0, 1))


def dark(shot: dict[str, Any]) -> float:
    """How dark the picture is at the cut; 0 where it is not known, as of imported shots."""
    if shot["cut_brightness"] is None:
        return 0.0
    return float(np.clip(1 - shot["cut_brightness"] / DARK_BELOW, 0, 1))


def reasons(signs: dict[str, float], shot: dict[str, Any], pause: float) -> tuple[str, ...]:
    """The signs that are at least half there, in words."""
    rank = "the greatest change" if signs["change"] == 1 else "a change greater than at"
    share = "" if signs["change"] == 1 else f" {signs['change']:.0%} of the cuts"
    texts = {
        "change": rank + share,
        "pause": f"no words within {pause:.1f} s",
        "quiet": f"the sound drops to {shot['cut_loudness_db'] or 0:.0f} dB",
        "dark": "the picture goes dark",
    }
    strong = sorted((n for n in signs if signs[n] >= 0.5), key=lambda n: -WEIGHTS[n] * signs[n])
    return tuple(texts[name] for name in strong) or ("no strong sign; the best that is left",)


def spread(ranked: list[Break], min_gap_s: float) -> list[Break]:
    """Keep each break that no better one is too near to."""
    kept: list[Break] = []
    for candidate in ranked:
        if all(abs(candidate.seconds - other.seconds) >= min_gap_s for other in kept):
            kept.append(candidate)
    return kept
