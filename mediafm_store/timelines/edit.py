"""Segments as an edit: which frames of which film, and where they come to lie, in whole frames."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from mediafm_store.errors import InvalidInput, InvalidMedia
from mediafm_store.media.footage import Footage, read_footage
from mediafm_store.media.timecode import (
    can_drop,
    exact_rate,
    frame_of,
    nearest,
    timecode_of,
    timecode_rate,
)
from mediafm_store.records import Span
from mediafm_store.timelines.segment import Segment

log = logging.getLogger(__name__)
_SLOWEST, _FASTEST = 5, 120
"""Frames a second of what may be a film, where only the time base of its shots is known."""
_BEGIN = "01:00:00:00"
"""Where edits begin, as programmes do."""


@dataclass(frozen=True, slots=True)
class FilmFrames:
    """A title's file as it is counted in frames."""

    title: str
    media: Path
    rate: Fraction
    """Frames a second of its time code: a standard rate."""
    start: int
    """The frame number that its time code gives the first picture."""
    drop: bool
    first_s: Fraction
    footage: Footage | None
    """None where the file cannot be read."""
    caution: str
    """What must be known about its frames, in words; empty if they are what they seem."""

    def frame(self, ticks: int, time_base: Fraction) -> Fraction:
        """How many frames after the first picture a moment of the title lies, exactly."""
        return max(Fraction(0), (ticks * time_base - self.first_s) * self.rate)

    def frames(self, span: Span) -> tuple[int, int]:
        """The frames that are nearest to the start and the end of a span; one frame at least."""
        start, end = (nearest(self.frame(t, span.time_base)) for t in (span.start, span.end))
        return start, max(end, start + 1)

    @property
    def length(self) -> int:
        """How many frames it has, as far as its file says; 0 where it does not."""
        return nearest(self.footage.length_s * self.rate) if self.footage else 0

    def timecode(self, frame: int) -> str:
        """The time code of a frame, counted from the first picture."""
        return timecode_of(self.start + frame, self.rate, drop=self.drop)


@dataclass(frozen=True, slots=True)
class Event:
    """A segment in an edit; all ends are those of half-open ranges of frames."""

    segment: Segment
    film: FilmFrames
    start: int
    end: int
    """In its film, counted from the first picture."""
    record_start: int
    record_end: int
    """In the edit, counted from its beginning, at its rate."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Segments one after the other."""

    name: str
    rate: Fraction
    drop: bool
    events: tuple[Event, ...]

    @property
    def begin(self) -> int:
        """The frame number of 01:00:00:00."""
        return frame_of(_BEGIN, self.rate, drop=self.drop)

    def timecode(self, frame: int) -> str:
        """The time code of a frame, counted from the beginning of the edit."""
        return timecode_of(self.begin + frame, self.rate, drop=self.drop)


def arrange(segments: Sequence[Segment], *, name: str, fps: Fraction | float | None = None) -> Edit:
    """Put segments one after the other, at the rate of the first or `fps`.

    A segment of another rate takes the time that it takes: its end lies at the frame of the edit
    that is nearest. `fps` is also the rate of films that cannot be read. Raises InvalidInput if
    there is no segment, or if nothing tells a film's rate.
    """
    if not segments:
        raise InvalidInput(f"nothing to write to {name}: there is no shot or segment")
    films = _films_of(segments, fps)
    first = films[segments[0].title]
    rate = first.rate if fps is None else timecode_rate(exact_rate(fps))
    drop = first.drop if rate == first.rate else can_drop(rate)
    return Edit(name, rate, drop, tuple(_events(segments, films, rate)))


def _events(
    segments: Iterable[Segment], films: dict[str, FilmFrames], rate: Fraction
) -> Iterator[Event]:
    """Segments and the frames where they lie; rounding does not add up."""
    passed, placed = Fraction(0), 0
    for segment in segments:
        film = films[segment.title]
        start, end = film.frames(segment.span)
        passed += (end - start) / film.rate
        ends = max(nearest(passed * rate), placed + 1)
        yield Event(segment, film, start, end, placed, ends)
        placed = ends


def _films_of(segments: Iterable[Segment], fps: Fraction | float | None) -> dict[str, FilmFrames]:
    """The film of each title, by id; what must be known of one is logged, once."""
    firsts: dict[str, Segment] = {}
    for segment in segments:
        firsts.setdefault(segment.title, segment)
    films = {title: film_of(segment, fps) for title, segment in firsts.items()}
    for film in films.values():
        if film.caution:
            log.warning("%s: %s", film.title, film.caution)
    return films


def film_of(segment: Segment, fps: Fraction | float | None) -> FilmFrames:
    """The film that a segment is of; raise InvalidInput if nothing tells its rate."""
    try:
        footage = read_footage(segment.media)
    except InvalidMedia as error:
        return _unread_film(segment, fps, error)
    rate = timecode_rate(footage.rate)
    drop = can_drop(rate) if footage.drop is None else footage.drop
    return FilmFrames(
        title=segment.title,
        media=segment.media.absolute(),
        rate=rate,
        start=footage.start,
        drop=drop,
        first_s=footage.first_s,
        footage=footage,
        caution=_caution(footage, rate),
    )


def _caution(footage: Footage, rate: Fraction) -> str:
    """What must be known where a film is counted at a rate that is not its own."""
    if footage.variable:
        return f"variable frame rate, counted at {_said(rate)}; the nearest frames are taken"
    if (rate / footage.rate).denominator != 1:
        return f"{_said(footage.rate)}, counted at {_said(rate)}; the nearest frames are taken"
    return ""


def _unread_film(segment: Segment, fps: Fraction | float | None, error: InvalidMedia) -> FilmFrames:
    """A film whose file is not there: its shots' clock, or `fps`, tells its rate."""
    told = exact_rate(1 / segment.span.time_base)
    if fps is None and not _SLOWEST <= told <= _FASTEST:
        raise InvalidInput(
            f"{error}; nothing else tells the frame rate of {segment.title}: put the video where it"
            " was, ingest it where it is, or give --fps"
        ) from error
    rate = timecode_rate(told if fps is None else exact_rate(fps))
    return FilmFrames(
        title=segment.title,
        media=segment.media.absolute(),
        rate=rate,
        start=0,
        drop=can_drop(rate),
        first_s=Fraction(0),
        footage=None,
        caution=f"its video cannot be read; counted at {_said(rate)}, time code from zero",
    )


def _said(rate: Fraction) -> str:
    """A rate as people write it, such as 23.976 or 25."""
    return f"{float(rate):.3f}".rstrip("0").rstrip(".") + " frames a second"
