"""A segment of a title, as timelines hold it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mediafm_store.records import Span


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a title, such as a shot, a scene or an act, and what is to be said of it."""

    title: str
    """The title's id."""
    name: str
    """As people call the title."""
    media: Path
    """The video, or the file that the title was imported from."""
    span: Span
    label: str
    """Such as `sintel/00042` or `scene 4`."""
    note: str = ""
    """Score, reasons, words; for people."""
    marker: str = ""
    """What a marker at its start says; empty for none."""


def note_of(*, score: float | None = None, reasons: Iterable[str] = (), words: str = "") -> str:
    """A note in the usual form: `score 0.812; reason; reason; “words”`."""
    scored = "" if score is None else f"score {score:.3f}"
    return "; ".join(filter(None, (scored, *reasons, f"“{words}”" if words else "")))


def joined_span(spans: Sequence[Span]) -> Span:
    """From the start of the first to the end of the last; all of one time base."""
    return Span(spans[0].start, spans[-1].end, spans[0].time_base)
