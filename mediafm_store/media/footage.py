"""Properties of a film that an edit list needs: rate, time code, sound."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import av

from mediafm_store.media.decode import (
    MOST_FPS,
    USUAL_FPS,
    Warn,
    decoded,
    log_warning,
    main_picture,
    open_media,
    packets,
)
from mediafm_store.media.streams import only
from mediafm_store.media.timecode import STANDARD, exact_rate, frame_of, timecode_rate

_LOOKED_AT, _REORDERED = 1000, 32
"""Frames at the start of a film that tell whether its rate is variable; of the last of them some
that are shown before others may be missing."""
_LEAST_OFF = Fraction(1, 4)
"""So far from where an even rate would have it, in frames, a picture is not where it should be."""

_MISSING = 2
"""Frames by which a film's mean rate may miss its length: the last one may have an odd duration."""


class Footage(NamedTuple):
    """Properties of a video file as editing programs count them."""

    rate: Fraction
    """Frames a second, exact; where it is variable, the standard rate nearest to its mean."""
    variable: bool
    first_s: Fraction
    """When the first picture is shown, from the start of the file."""
    start: int
    """Number of the first frame by the file's time code, at a rate of time code; 0 without any."""
    drop: bool | None
    """True for drop-frame time code; None if it has none."""
    reel: str
    """The name of the tape or card that it says it comes from, often empty."""
    length_s: Fraction
    """Duration of the picture; 0 if unknown."""
    width: int
    height: int
    """Height of the picture as it is shown: phones record it rotated."""
    pixel_aspect: Fraction
    """Width of a pixel, as it is shown, to its height."""
    channels: int
    """Channels of its sound; 0 if it has none."""
    sample_rate: int


def read_footage(path: Path, warn: Warn = log_warning) -> Footage:
    """Read the rate, time code and sound of a file; decodes one frame at most.

    Raises:
        InvalidMedia: If the file has no picture.
    """
    turned = _is_on_its_side(path)
    with open_media(path) as container:
        stream = main_picture(container, path)
        sound: Any = container.streams.best("audio")
        heard = sound.codec_context if sound else None  # None, too, of codecs that are unknown
        tick = stream.time_base or Fraction(1, 1000)
        began = Fraction(container.start_time or 0, av.time_base)
        first_s = max(Fraction(0), (stream.start_time or 0) * tick - began)
        length_s = (stream.duration or 0) * tick or Fraction(container.duration or 0, av.time_base)
        notes = _file_notes(container, stream)
        only(stream)
        times = sorted(
            p.pts * tick for p in islice(_timed_packets(container, stream, path), _LOOKED_AT)
        )
        whole = times[:-_REORDERED] if len(times) == _LOOKED_AT else times
        rate, variable = _rate_of(stream, whole, length_s)
        start, drop = _start_frame(path, notes.get("timecode"), rate, warn)
        size, aspect = (stream.width, stream.height), Fraction(stream.sample_aspect_ratio or 1)
        width, height = reversed(size) if turned else size
        return Footage(
            rate=rate,
            variable=variable,
            first_s=first_s,
            start=start,
            drop=drop,
            reel=notes.get("reel_name", ""),
            length_s=length_s,
            width=width,
            height=height,
            pixel_aspect=1 / aspect if turned else aspect,
            channels=heard.channels if heard else 0,
            sample_rate=heard.sample_rate if heard else 0,
        )


def _is_on_its_side(path: Path) -> bool:
    """True if a film is shown rotated by a quarter turn, which only its frames say."""
    with open_media(path) as container:
        stream = main_picture(container, path)
        only(stream)
        if stream.codec_context is None:
            return False
        first = next(decoded(container, stream, path.name, lambda text: None), None)
        return first is not None and round(first.rotation / 90) % 2 == 1


def _file_notes(container: av.container.InputContainer, stream: Any) -> dict[str, str]:
    """Metadata of a file; that of the video stream takes precedence."""
    notes: dict[str, str] = {}
    for source in (*container.streams, container, stream):
        notes |= source.metadata
    return notes


def _timed_packets(container: Any, stream: Any, path: Path) -> Iterator[Any]:
    """The packets of a stream that say when their picture is shown."""
    for packet in packets(container, stream, path.name, lambda text: None):
        if packet.pts is not None:
            yield packet


def _rate_of(stream: Any, times: Sequence[Fraction], length_s: Fraction) -> tuple[Fraction, bool]:
    """The rate of a film whose first pictures are shown at `times`, and whether it is variable.

    A film whose mean over its whole length is another one is variable further on.
    """
    told = [r for r in (stream.average_rate, stream.guessed_rate) if r and 0 < r <= MOST_FPS]
    mean = Fraction(told[0]) if told else Fraction(USUAL_FPS)
    for rate in dict.fromkeys(exact_rate(r) for r in told):
        if _is_even(times, rate):
            return rate, abs(mean - rate) * length_s > _MISSING
    if len(times) < 2:
        return exact_rate(mean), False
    return min(STANDARD, key=lambda s: max(s / mean, mean / s)), True


def _is_even(times: Sequence[Fraction], rate: Fraction) -> bool:
    """True if frames come at a constant rate, with none left out."""
    return all(
        abs((time - times[0]) * rate - number) < _LEAST_OFF for number, time in enumerate(times)
    )


def _start_frame(
    path: Path, code: str | None, rate: Fraction, warn: Warn
) -> tuple[int, bool | None]:
    """The number of the first frame by a file's time code, and whether that is drop frame."""
    if not code:
        return 0, None
    try:
        return frame_of(code, timecode_rate(rate)), ";" in code
    except ValueError as error:
        warn(f"{path.name}: its time code is left out; {error}")
        return 0, None
