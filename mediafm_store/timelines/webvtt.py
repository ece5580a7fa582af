"""WebVTT chapters, for players on web pages."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from mediafm_store.timelines.escaping import one_line
from mediafm_store.timelines.segment import Segment

_Chapter = tuple[Fraction, Fraction, Segment]
"""From, to (seconds) and what it is."""


def chapters(stretches: Sequence[Segment]) -> str:
    """Segments as chapters: of their film where all are of one, else of the edit they make."""
    titles = dict.fromkeys(stretch.title for stretch in stretches)
    placed = _in_film(stretches) if len(titles) == 1 else _in_edit(stretches)
    clock = f"of {one_line(stretches[0].name)}" if len(titles) == 1 else "of the edit"
    blocks = ["WEBVTT", f"NOTE chapters {_escaped(clock)}"]
    for number, (start, end, stretch) in enumerate(placed, 1):
        text = _escaped(" · ".join(filter(None, map(one_line, (stretch.label, stretch.marker)))))
        blocks.append(f"{number}\n{clock_of(start)} --> {clock_of(end)}\n{text}")
    return "\n\n".join(blocks) + "\n"


def _in_film(stretches: Sequence[Segment]) -> Iterator[_Chapter]:
    """Segments by their place in the film, in its order."""
    for stretch in sorted(stretches, key=lambda s: (s.span.start * s.span.time_base, s.span.end)):
        span = stretch.span
        yield span.start * span.time_base, span.end * span.time_base, stretch


def _in_edit(stretches: Sequence[Segment]) -> Iterator[_Chapter]:
    """Segments one after the other, as they come."""
    passed = Fraction(0)
    for stretch in stretches:
        length = (stretch.span.end - stretch.span.start) * stretch.span.time_base
        yield passed, passed + length, stretch
        passed += length


def _escaped(text: str) -> str:
    """Text as a cue may hold it: no tags, no arrow."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def clock_of(seconds: Fraction) -> str:
    """Format a time as HH:MM:SS.mmm.

    It is rounded up: a player that seeks to it shows the frame, not the one before.

    Example:
        >>> clock_of(Fraction(1, 3))
        '00:00:00.334'
    """
    milliseconds = -(-seconds * 1000 // 1)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}.{rest % 1000:03}"
