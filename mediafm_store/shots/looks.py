"""Words for what shots look like, with degrees, derived from the columns of their rows alone.

Where a textbook rule says from which value on a word applies, its degree is one half there; where
there is none, the meaning is noted beside the number. No rule was fitted to labelled films.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from mediafm_store.shots.picture import NAMES

Row = Mapping[str, Any]
"""Columns of a shot; what is not known is None."""
Degree = Callable[[Row], float]
"""Degree to which a shot has a property, 0 to 1; from 0.5 on the word applies."""
_SAID = 0.5
_AROUND_S = 30.0
"""Seconds around the middle of a shot in which its cuts are counted."""


class _Rule(NamedTuple):
    """Rule that says when a word fits a shot."""

    columns: tuple[str, ...]
    """Columns that the degree is derived from."""
    degree: Degree


def look_words(row: Row) -> list[str]:
    """Words that fit a shot."""
    return [word for word, rule in RULES.items() if rule.degree(row) >= _SAID]


def cuts_per_min(starts_s: Sequence[float], ends_s: Sequence[float]) -> list[float]:
    """Cuts per minute around the middle of each shot, without the start and end of the title."""
    found = []
    cuts, begin, end = starts_s[1:], starts_s[0], ends_s[-1]
    for start_s, end_s in zip(starts_s, ends_s, strict=True):
        middle = (start_s + end_s) / 2
        low, high = max(begin, middle - _AROUND_S), min(end, middle + _AROUND_S)
        count = bisect_left(cuts, high) - bisect_left(cuts, low)
        found.append(60 * count / (high - low) if high > low else 0.0)
    return found


def _ramp(value: float | None, none: float, half: float, full: float) -> float:
    """0 at `none`, 0.5 at `half`, 1 at `full` and beyond, straight in between; 0 of None."""
    if value is None:
        return 0.0
    if none > full:
        value, none, half, full = -value, -none, -half, -full
    if value <= half:
        return max(0.0, _SAID * (value - none) / (half - none))
    return min(1.0, _SAID + _SAID * (value - half) / (full - half))


def _light(row: Row) -> float | None:
    """Mean brightness within the bars."""
    if row["brightness"] is None:
        return None
    return float(min(1.0, row["brightness"] / (1 - (row["bars"] or 0.0))))


def _black(row: Row) -> float:
    """Degree of black: 1 where nothing is visible, less the brighter the shot is."""
    dark = _ramp(_light(row), 0.1, 0.05, 0.0)
    return 0.5 + dark / 2 if row["black"] else 0.49 * dark


def _black_and_white(row: Row) -> float:
    """Hardly any chroma though something is to be seen: a twentieth shows, a hundredth is noise."""
    return min(_ramp(row["saturation"], 0.05, 0.02, 0.01), _ramp(_light(row), 0.02, 0.06, 0.15))


def _colour(name: str) -> Degree:
    """A colour fills a good part of the picture: a quarter, and better all of it."""

    def degree(row: Row) -> float:
        if not row["colours"] or name not in row["colours"]:
            return 0.0
        return _ramp(row["colour_shares"][row["colours"].index(name)], 0.0, 0.25, 1.0)

    return degree


def _of(column: str, none: float, half: float, full: float) -> _Rule:
    """A word for more, or less, of one column."""
    return _Rule((column,), lambda row: _ramp(row[column], none, half, full))


def _lit(none: float, half: float, full: float) -> _Rule:
    """A word for how light it is."""
    return _Rule(("brightness", "bars"), lambda row: _ramp(_light(row), none, half, full))


def _small_faces(row: Row) -> float:
    """Faces, but small ones: the people are far away."""
    return _ramp(row["face"], 0.2, 0.12, 0.05) if row["faces"] else 0.0


_COLOURED = ("colours", "colour_shares")
RULES: dict[str, _Rule] = {
    "black": _Rule(("black", "brightness", "bars"), _black),
    # Middle grey, which meters expose for, reflects 18 %: 0.46 as video is coded. Two and a half
    # stops less is 0.2; one more is 0.63, near the most that a sunny picture has as a mean.
    "dark": _lit(0.46, 0.2, 0.05),
    "bright": _lit(0.46, 0.6, 0.85),
    "black and white": _Rule(("saturation", "brightness", "bars"), _black_and_white),
    "colourful": _of("saturation", 0.15, 0.3, 0.6),
    **{name: _Rule(_COLOURED, _colour(name)) for name in (*NAMES, "white")},
    # One step of 255 is what grain and coding leave; eight are a moving camera, or much of the
    # picture that moves.
    "still": _of("motion", 3 / 255, 1 / 255, 0.0),
    "moving": _of("motion", 3 / 255, 8 / 255, 25 / 255),
    # Shots of three seconds are the lower end of what films of the 1990s have on average (Bordwell,
    # "Intensified Continuity", Film Quarterly 55/3, 2002).
    "fast cutting": _of("cuts_per_min", 10.0, 20.0, 60.0),
    "long take": _of("duration_s", 10.0, 30.0, 120.0),
    # In a close-up head and shoulders fill the frame: the face is a third of its height or more
    # (Bowen and Thompson, "Grammar of the Shot"; a face is half of a head with hair and neck).
    "close-up": _of("face", 0.1, 1 / 3, 1.0),
    "face": _of("face", 0.0, 0.12, 1.0),
    "small faces": _Rule(("face", "faces"), _small_faces),
    "several faces": _of("faces", 1.0, 2.0, 5.0),
}
"""Rules by word, in the order in which words are listed."""
_COLUMNS = tuple(dict.fromkeys(c for rule in RULES.values() for c in rule.columns))
"""All columns that the words are derived from."""
