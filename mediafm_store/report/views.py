"""View models of the templates: positions in percent and texts for hits, shots and breaks."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mediafm_store.ad_breaks.ad_break import AdBreak
from mediafm_store.charts.charts import figure
from mediafm_store.likeness.scale import PARTS
from mediafm_store.likeness.scale import Part as ScorePart
from mediafm_store.report.timecode import timecode, timespan
from mediafm_store.retrieval.hit import Hit

_TICK_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
_MOST_TICKS = 8
_LAST_TICK = 96.0
"""In percent; the text of a later one would not fit."""


class BarPiece(NamedTuple):
    """A part of a score as a piece of a bar, in percent of the bar's track."""

    part: ScorePart
    left: float
    width: float


class Bars(NamedTuple):
    """Score parts of several hits on one scale, on both sides of a common zero."""

    zero: float
    rows: list[list[BarPiece]]


class TimelinePart(NamedTuple):
    """Part of a title's timeline, in percent: one shot, or a few where there are many."""

    shot: Mapping[str, Any]
    left: float
    width: float


class Mark(NamedTuple):
    """Mark of an ad break on the timeline: position in percent, and rank by score."""

    rank: int
    left: float
    place: AdBreak


class TimelineTick(NamedTuple):
    """A time under the timeline."""

    left: float
    label: str


class Timeline(NamedTuple):
    """The shots of a title in proportion to their length."""

    parts: list[TimelinePart]
    marks: list[Mark]
    ticks: list[TimelineTick]


def bars(shares: Sequence[Mapping[ScorePart, float]]) -> Bars:
    """Stack the score parts of each hit: positive ones right of zero, negative ones left of it.

    The longest bar fills the track, so that bars can be compared within a list.
    """
    above = max((sum(max(v, 0.0) for v in s.values()) for s in shares), default=0.0)
    below = max((sum(max(-v, 0.0) for v in s.values()) for s in shares), default=0.0)
    track = above + below
    return Bars(percent(below, track), [_pieces(s, below, track) for s in shares])


def _pieces(shares: Mapping[ScorePart, float], zero: float, track: float) -> list[BarPiece]:
    """One stacked bar."""
    left = right = zero
    found = []
    for part in PARTS:
        value = shares.get(part, 0.0)
        if value < 0:
            left = max(0.0, left + value)  # rounding may carry it below
            found.append(BarPiece(part, percent(left, track), percent(-value, track)))
        elif value > 0:
            found.append(BarPiece(part, percent(right, track), percent(value, track)))
            right += value
    return found


def percent(part: float, whole: float) -> float:
    """Part of a whole in percent; 0 if the whole is 0.

    Example:
        >>> percent(1, 8)
        12.5
    """
    return 100 * part / whole if whole else 0.0


def timeline(shots: Sequence[Mapping[str, Any]], breaks: Sequence[AdBreak], step: int) -> Timeline:
    """Every `step`-th shot of a title, each up to the next one shown, with its breaks."""
    if not shots:
        return Timeline([], [], [])
    begin, end = shots[0]["start_s"], shots[-1]["end_s"]

    def place(seconds: float) -> float:
        return min(100.0, max(0.0, percent(seconds - begin, end - begin)))

    shown = shots[::step]
    edges = [place(s["start_s"]) for s in shown] + [100.0]
    parts = [TimelinePart(s, edges[i], edges[i + 1] - edges[i]) for i, s in enumerate(shown)]
    marks = [Mark(i, place(b.seconds), b) for i, b in enumerate(breaks, start=1)]
    ticks = [TimelineTick(place(s), clock(s)) for s in _tick_times(begin, end)]
    return Timeline(parts, marks, [t for t in ticks if t.left < _LAST_TICK])


def _tick_times(begin: float, end: float) -> list[float]:
    """Round times within a segment, at most about `_MOST_TICKS` of them."""
    length = end - begin
    step = next((s for s in _TICK_STEPS_S if length / s <= _MOST_TICKS), _TICK_STEPS_S[-1])
    first = -int(-begin // step)
    return [float(i * step) for i in range(first, int(end // step) + 1)]


def clock(seconds: float) -> str:
    """Whole seconds, with hours only where there are any.

    Example:
        >>> clock(192.4), clock(3792.4)
        ('3:12', '1:03:12')
    """
    return timecode(seconds)[:-2].removeprefix("0:").removeprefix("0")


def tooltip(shot: Mapping[str, Any]) -> str:
    """Tooltip of a shot: its position and spoken words."""
    where = f"{timespan(shot['start_s'], shot['end_s'])}  {shot['id']}"
    return f"{where}\n{shot['words']}" if shot["words"] else where


def two_decimals(value: float) -> str:
    """Two decimals and a true minus sign; never minus zero."""
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "\N{MINUS SIGN}")


def signed(change: float) -> str:
    """A change, with its sign."""
    return figure(change) if change < 0 else f"+{figure(change)}"


def chance(share: float) -> str:
    """Probability that a random query finds something as good, in words; never "never"."""
    return "fewer than 2 %" if share < 0.02 else f"{100 * share:.0f} %"


def heading(query: str, like: object, what: str = "shot") -> str:
    """Heading of a list of hits: others that are `like` something, or the query."""
    return f"{what.capitalize()}s {'like' if like else 'for'} {query}"


def title_names(titles: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Display names of titles: the name, or the id of a title without one."""
    return {t["id"]: t["name"] or t["id"] for t in titles}


def without_repeats(hits: Sequence[Hit], *more: str | None) -> list[str]:
    """The ids of the shots that a list of hits shows, its query's included."""
    return list(dict.fromkeys([*(m for m in more if m), *(h.shot for h in hits)]))
