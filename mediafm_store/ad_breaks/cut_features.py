"""The signs of a good break: each a function from a title to a number from 0 to 1 for each cut.

A sign whose facts are missing (no sound, no subtitles, imported shots) is 0: nothing is claimed.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64

from mediafm_store.ad_breaks.context import BreakContext, Shot
from mediafm_store.arrays import Fused, unit_rows
from mediafm_store.records import Cue

WINDOW = 3
"""Shots on each side of a cut that are compared."""
_QUIET_BY_DB, _DARK_BELOW, _PAUSE_S = 30.0, 0.15, 3.0
"""So far below the title's median loudness is fully quiet; darker than this begins to count;
so long without a word is a full pause."""
_FADE_BELOW = 0.5
"""Darker at the cut than this share of both shots begins to be a fade."""
SPEECH, _MUSIC = ("speech", "conversation", "narration"), ("music",)
"""Parts of the names that sound encoders give."""

PerCut = Float32[np.ndarray, " cuts"]


class _Sign(NamedTuple):
    """One kind of sign."""

    of: Callable[[BreakContext], PerCut]
    said: Callable[[BreakContext, int, float], str]
    """In words, given the title, the number of the cut and the sign."""


# Picture and story


def _change(facts: BreakContext) -> PerCut:
    """The share of the title's cuts where less changes between the shots before and after."""
    return _percentiles(_scene_change(facts.vectors))


def _scene_change(vectors: Fused) -> PerCut:
    """At each cut, 1 - cosine of the mean of the shots before it and of those after it."""
    sides = [
        unit_rows(
            np.stack([vectors[max(0, i - WINDOW) : i].mean(0), vectors[i : i + WINDOW].mean(0)])
        )
        for i in range(1, len(vectors))
    ]
    return np.array([1 - before @ after for before, after in sides], np.float32)


def _percentiles(values: PerCut) -> PerCut:
    """The share of the values that are smaller: how far a cut stands out in its own title."""
    ranks = np.searchsorted(np.sort(values), values).astype(np.float32)
    return ranks / np.float32(max(1, len(values) - 1))


def _dark(before: Shot, after: Shot) -> float:
    """Darkness of the picture at the cut, in [0, 1]; 1 beside a black shot."""
    if before["black"] or after["black"]:
        return 1.0
    if after["cut_brightness"] is None:
        return 0.0
    return 1 - after["cut_brightness"] / _DARK_BELOW


def _fade(before: Shot, after: Shot) -> float:
    """Drop in brightness at the cut, against both shots."""
    lit = (before["brightness"], after["brightness"])
    if after["cut_brightness"] is None or None in lit or not min(lit):
        return 0.0
    return 1 - after["cut_brightness"] / (_FADE_BELOW * min(lit))


# Sound


def _quiet(facts: BreakContext) -> PerCut:
    """Drop of the sound level at the cut below the title's usual level."""
    levels = [s["loudness_db"] for s in facts.shots if s["loudness_db"] is not None]
    usual_db = float(np.median(levels)) if levels else 0.0

    def drop(_before: Shot, after: Shot) -> float:
        level = after["cut_loudness_db"]
        return 0.0 if level is None else (usual_db - level) / _QUIET_BY_DB

    return _each(drop)(facts)


def _music_ends(before: Shot, after: Shot) -> float:
    """1 if there is music before the cut and none after it."""
    return float(hears(before, _MUSIC) and not hears(after, _MUSIC))


def _voiceless(facts: BreakContext) -> PerCut:
    """1 if nobody is heard speaking in the shots before and after the cut."""
    heard = any(shot["heard"] for shot in facts.shots)

    def rate(before: Shot, after: Shot) -> float:
        return float(heard and not hears(before, SPEECH) and not hears(after, SPEECH))

    return _each(rate)(facts)


def hears(shot: Shot, names: Sequence[str]) -> bool:
    """True if one of these sounds was recognised in a shot."""
    return any(name in label.casefold() for label in shot["heard"] for name in names)


# Words


def _pause(facts: BreakContext) -> PerCut:
    """Time to the nearest subtitle, up to PAUSE_S; 0 within one, and without subtitles."""
    at = np.array([shot["start_s"] for shot in facts.shots[1:]])
    return (_pauses_s(facts.cues, at) / _PAUSE_S).astype(np.float32)


def _pauses_s(
    cues: Sequence[Cue], at: Float64[np.ndarray, " moments"]
) -> Float64[np.ndarray, " moments"]:
    """Seconds from each moment to the nearest subtitle, at most PAUSE_S; 0 without any."""
    if not cues:
        return np.zeros(len(at))
    ordered = sorted(cues, key=lambda cue: cue.start_s)
    starts = np.array([cue.start_s for cue in ordered] + [np.inf])
    ends = np.maximum.accumulate([-np.inf] + [cue.end_s for cue in ordered])
    begun = np.searchsorted(starts, at, side="right")  # how many have begun by then
    nearest = np.minimum(starts[begun] - at, at - ends[begun])
    return np.clip(nearest, 0, _PAUSE_S)


def _each(rate: Callable[[Shot, Shot], float]) -> Callable[[BreakContext], PerCut]:
    """Rate each cut by the shot before and the shot after it, brought to 0 to 1."""

    def of(facts: BreakContext) -> PerCut:
        pairs = zip(facts.shots[:-1], facts.shots[1:], strict=True)
        return np.array([np.clip(rate(*pair), 0, 1) for pair in pairs], np.float32)

    return of


def _said_change(_facts: BreakContext, _cut: int, value: float) -> str:
    """Rank of the change among all cuts, in words."""
    if value == 1:
        return "the greatest change"
    return f"a change greater than at {value:.0%} of the cuts"


SIGNS: dict[str, _Sign] = {
    "change": _Sign(_change, _said_change),
    "scene": _Sign(
        lambda facts: facts.scenes,
        lambda _facts, _cut, value: f"a new scene begins ({value:.0%} sure)",
    ),
    "pause": _Sign(
        _pause,
        lambda _facts, _cut, value: f"no words within {value * _PAUSE_S:.1f} s",
    ),
    "voiceless": _Sign(_voiceless, lambda *_: "nobody is heard speaking"),
    "quiet": _Sign(
        _quiet,
        lambda facts, cut, _: (
            f"the sound drops to {facts.shots[cut + 1]['cut_loudness_db'] or 0:.0f} dB"
        ),
    ),
    "music_ends": _Sign(_each(_music_ends), lambda *_: "music ends"),
    "dark": _Sign(_each(_dark), lambda *_: "the picture is black or dark"),
    "fade": _Sign(_each(_fade), lambda *_: "it fades through dark"),
}


def signs_of(facts: BreakContext) -> dict[str, PerCut]:
    """All signs of a title's cuts, by name."""
    return {name: sign.of(facts) for name, sign in SIGNS.items()}
