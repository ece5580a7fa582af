"""A segment of a title, as timelines hold it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from mediafm_store.records import Span

Rate = Fraction | float | None
"""Frames a second of an edit; None for those of its first film."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Part of a title, such as a shot, a scene or an act, with a note about it."""

    title: str
    """The title's id."""
    name: str
    """Display name of the title."""
    media: Path
    """The video, or the file that the title was imported from."""
    span: Span
    label: str
    """Such as `sintel/00042` or `scene 4`."""
    note: str = ""
    """Score, reasons, words; for people."""
    marker: str = ""
    """Text of a marker at its start; empty for none."""


class TimelineWriter(Protocol):
    """Interface of a timeline format: segments in, the text of a file out.

    A plug-in is such a function, under the suffix that it writes, without its dot. It writes every
    segment, in their order where the format has one, and takes what it quotes through `one_line` or
    an escape of its own: titles and notes come from files. It raises InvalidInput for what the
    format cannot hold. `arrange` turns segments into whole frames, for formats that count in them.
    """

    def __call__(self, segments: Sequence[Segment], *, name: str, fps: Rate) -> str:
        """Text of a file.

        Args:
            segments: Segments in the order of the edit; at least one.
            name: Name of the edit.
            fps: Frame rate of the edit, and of films that cannot be read; None for that of the
                first film.
        """
        ...


def note_of(*, score: float | None = None, reasons: Iterable[str] = (), words: str = "") -> str:
    """Note in the usual form: `score 0.812; reason; reason; “words”`."""
    scored = "" if score is None else f"score {score:.3f}"
    return "; ".join(filter(None, (scored, *reasons, f"“{words}”" if words else "")))


def joined_span(spans: Sequence[Span]) -> Span:
    """Span from the start of the first to the end of the last; all of one time base."""
    return Span(spans[0].start, spans[-1].end, spans[0].time_base)
