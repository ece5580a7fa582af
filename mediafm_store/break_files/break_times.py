"""Breaks as the exact times of one title, in its order."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from mediafm_store.ad_breaks.ad_break import AdBreak
from mediafm_store.errors import NotFound
from mediafm_store.records import Span
from mediafm_store.storage.rows import span_of
from mediafm_store.storage.storage import Storage


class BreakTime(NamedTuple):
    """When a break is."""

    title: str
    at: Fraction
    """Seconds from the first picture."""
    number: int
    """1 is the first of the title."""
    of: int
    """Number of breaks of the title."""
    place: AdBreak


def moments(store: Storage, breaks: Mapping[str, Sequence[AdBreak]]) -> list[BreakTime]:
    """Times of the breaks of each title, in play order; raise NotFound for a shot that is gone."""
    found = []
    for title, places in breaks.items():
        spans = spans_after(store, title, places)
        for number, (place, span) in enumerate(spans, 1):
            at = span.start * span.time_base
            found.append(BreakTime(title, at, number, len(places), place))
    return found


def spans_after(
    store: Storage, title: str, breaks: Sequence[AdBreak]
) -> list[tuple[AdBreak, Span]]:
    """Breaks in play order, each with the shot after it."""
    spans = {shot["id"]: span_of(shot) for shot in store.shots(title).to_dicts()}
    ordered = sorted(breaks, key=lambda found: found.seconds)
    missing = [found.after for found in ordered if found.after not in spans]
    if missing:
        raise NotFound(f"{title} has no shot {missing[0]}; rank its breaks again")
    return [(place, spans[place.after]) for place in ordered]
