"""WebVTT chapters, for players on web pages."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from mediafm_store.timelines.escaping import one_line
from mediafm_store.timelines.segment import Rate, Segment

_Chapter = tuple[Fraction, Fraction, Segment]
"""From, to (seconds) and what it is."""


def write_vtt(segments: Sequence[Segment], *, name: str, fps: Rate = None) -> str:
    """Segments as the text of a WebVTT file of chapters."""
    del name, fps  # chapters count in seconds
    return chapters(segments)


def chapters(segments: Sequence[Segment]) -> str:
    """Segments as chapters: of their film where all are of one, else of the edit they make."""
    titles = dict.fromkeys(segment.title for segment in segments)
    placed = _in_film(segments) if len(titles) == 1 else _in_edit(segments)
    clock = f"of {one_line(segments[0].name)}" if len(titles) == 1 else "of the edit"
    blocks = ["WEBVTT", f"NOTE chapters {_escaped(clock)}"]
    for number, (start, end, segment) in enumerate(placed, 1):
        text = _escaped(" · ".join(filter(None, map(one_line, (segment.label, segment.marker)))))
        blocks.append(f"{number}\n{clock_of(start)} --> {clock_of(end)}\n{text}")
    return "\n\n".join(blocks) + "\n"


def _in_film(segments: Sequence[Segment]) -> Iterator[_Chapter]:
    """Segments by their place in the film, in its order."""
    for segment in sorted(segments, key=lambda s: (s.span.start * s.span.time_base, s.span.end)):
        span = segment.span
        yield span.start * span.time_base, span.end * span.time_base, segment


def _in_edit(segments: Sequence[Segment]) -> Iterator[_Chapter]:
    """Segments one after the other, as they come."""
    passed = Fraction(0)
    for segment in segments:
        length = (segment.span.end - segment.span.start) * segment.span.time_base
        yield passed, passed + length, segment
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
