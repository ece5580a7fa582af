"""Guard constraints: where no break may be, however well it scores."""

from bisect import bisect, insort
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from math import inf
from typing import NamedTuple

from mediafm_store.ad_breaks.ad_break import AdBreak
from mediafm_store.ad_breaks.context import BreakContext
from mediafm_store.ad_breaks.credits import credit_shots
from mediafm_store.ad_breaks.mentions import mentions
from mediafm_store.ad_breaks.speech import sentences
from mediafm_store.errors import InvalidInput

_HOUR_S = 3600.0
_MARGIN_SHARE, _MARGIN_MOST_S = 0.05, 180.0
"""The margin unless one is given: this share of a title, up to three minutes (from one hour on)."""
AROUND_S = 30.0
"""Nobody wants to be so near to what is to be avoided."""


@dataclass(frozen=True, slots=True)
class BreakConstraints:
    """Limits that every list of breaks respects."""

    min_gap_s: float = 60.0
    """From one break to the next."""
    margin_s: float | None = None
    """Free of breaks at both ends; None: a twentieth of the title, three minutes at most."""
    per_hour: int = 12
    """The most breaks within any hour of the title."""
    credits: bool = True
    """True if opening and closing credits are free of breaks: see `credit_shots`."""
    avoid: tuple[str, ...] = ()
    """Words that may not be said, seen or heard within half a minute of a break."""

    def __post_init__(self) -> None:
        seconds = [self.min_gap_s, self.margin_s or 0.0]
        if not all(0 <= value < inf for value in seconds):
            raise InvalidInput("gap and margin are seconds, 0 or more")
        if self.per_hour < 1:
            raise InvalidInput(f"breaks in an hour are 1 or more, not {self.per_hour}")
        if any(not word.strip() for word in self.avoid):
            raise InvalidInput("a word to avoid is empty; give one, as 'gunshot'")


USUAL = BreakConstraints()


class ForbiddenInterval(NamedTuple):
    """Interval of a title, both ends excluded, in which there may be no break."""

    start_s: float
    end_s: float
    why: str


def closed(facts: BreakContext, constraints: BreakConstraints) -> list[ForbiddenInterval]:
    """Intervals of a title that no break may lie in."""
    ends_s, shots = facts.duration_s, facts.shots
    margin_s = constraints.margin_s
    if margin_s is None:
        margin_s = min(_MARGIN_SHARE * ends_s, _MARGIN_MOST_S)
    edge = f"within {margin_s:g} s of an end"
    found = [
        ForbiddenInterval(-inf, margin_s, edge),
        ForbiddenInterval(ends_s - margin_s, inf, edge),
    ]
    found += [
        ForbiddenInterval(start, end, "inside a sentence") for start, end in sentences(facts.cues)
    ]
    if constraints.credits:
        opening, closing = credit_shots(facts)
        if opening:
            found.append(
                ForbiddenInterval(-inf, shots[opening - 1]["end_s"], "in the opening credits")
            )
        if closing:  # nor where they begin: the shot before them is free of breaks, up to its end
            last = shots[max(0, len(shots) - closing - 1)]
            found.append(ForbiddenInterval(last["start_s"], inf, "in the closing credits"))
    times = {shot["id"]: shot for shot in shots}
    for mention in mentions(constraints.avoid, shots):
        shot = times[mention.shot]
        found.append(
            ForbiddenInterval(shot["start_s"] - AROUND_S, shot["end_s"] + AROUND_S, str(mention))
        )
    return found


def within_constraints(
    ranked: Sequence[AdBreak], constraints: BreakConstraints, off: Sequence[ForbiddenInterval]
) -> list[AdBreak]:
    """Select the breaks that are in no forbidden interval and fit with all better ones.

    Two lie at least `min_gap_s` apart, and in no hour are more than `per_hour`.
    """
    kept: list[AdBreak] = []
    times: list[float] = []
    reasons = _why_not([candidate.seconds for candidate in ranked], off)
    for candidate, reason in zip(ranked, reasons, strict=True):
        at = candidate.seconds
        if reason is None and _fits(at, times, constraints):
            kept.append(candidate)
            insort(times, at)
    return kept


def _why_not(times: Sequence[float], off: Sequence[ForbiddenInterval]) -> list[str | None]:
    """Why there may be no break at each time, if there may not: the first reason of several."""
    waiting = sorted(range(len(off)), key=lambda number: off[number].start_s, reverse=True)
    begun: list[int] = []
    found: list[str | None] = [None] * len(times)
    for place in sorted(range(len(times)), key=times.__getitem__):
        at = times[place]
        while waiting and off[waiting[-1]].start_s < at:
            heappush(begun, waiting.pop())
        while begun and off[begun[0]].end_s <= at:
            heappop(begun)
        found[place] = off[begun[0]].why if begun else None
    return found


def _fits(at: float, times: Sequence[float], constraints: BreakConstraints) -> bool:
    """True if a break fits with those at `times`, which are sorted and respect the limits."""
    place, most = bisect(times, at), constraints.per_hour
    if any(
        abs(at - other) < constraints.min_gap_s for other in times[max(0, place - 1) : place + 1]
    ):
        return False
    near = [*times[max(0, place - most) : place], at, *times[place : place + most]]
    return all(near[i + most] - near[i] >= _HOUR_S for i in range(len(near) - most))


def held_back(ranked: Sequence[AdBreak], off: Sequence[ForbiddenInterval]) -> dict[str, int]:
    """Number of breaks that each reason rules out, the most common reason first."""
    found = _why_not([place.seconds for place in ranked], off)
    return dict(Counter(why for why in found if why is not None).most_common())
