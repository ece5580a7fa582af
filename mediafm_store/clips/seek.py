"""Where a segment lies among the packets of a film, and reading from there."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

import av

from mediafm_store.errors import InvalidInput
from mediafm_store.media.decode import log_warning, main_picture, open_media, packets, start_ticks
from mediafm_store.media.parts import ClockPart, parts_of
from mediafm_store.media.streams import only
from mediafm_store.media.timecode import nearest
from mediafm_store.media.video import usual_rate
from mediafm_store.records import Span

_BACK_S = (0.2, 5, 60, inf)
"""How far before a moment reading begins; some formats cannot seek exactly."""
_LONG_S, _LACKS_S = Fraction(1), 0.05
"""How long a picture may stay behind a segment, and what may lack at its end."""
_BEHIND_S = 2
"""How far behind a segment the file is looked through for pictures of it, or needed by them."""


class _Packet(NamedTuple):
    """A packet of pictures, in ticks as the film has them."""

    pts: int
    is_key: bool
    duration: int


class _TickRange(NamedTuple):
    """A segment that is looked for, in ticks as the packets of the film have them."""

    start: int
    end: int
    half: int
    """Half of how long a picture is shown: those that are nearest to both ends begin so early."""
    tick: Fraction
    zero: int
    back_s: float


class CutPlan(NamedTuple):
    """What a film has around a segment. Times are ticks of its pictures, as its packets say."""

    tick: Fraction
    """Seconds."""
    zero: int
    """The start of the film; where its clock jumps, that of its part moved as much."""
    back_s: float
    """How far before the segment reading has to begin."""
    key: int
    """The last key frame that is not behind the first picture."""
    first: int
    last: int
    """The first and the last picture of the segment that are shown."""
    end: int
    """When the last picture is no longer shown."""
    copy_last: int
    """The picture that comes last in the file, of those that a copy needs."""
    copy_end: int
    """When the last picture of a copy is no longer shown; `end` if it is clean."""
    early: int
    """Pictures from the key frame to the first."""
    clean: bool
    """Whether no picture behind the segment is needed for one in it."""


def look(media: Path, span: Span) -> CutPlan:
    """Find a segment among the packets of a film, without decoding them.

    Raises InvalidInput if it has no picture there, or if its clock jumps within the segment.
    """
    found = _search_part(media, span, 0.0)
    if found is None or found.end < found.zero + nearest(
        Fraction(span.end_s - _LACKS_S) / found.tick
    ):
        parts = parts_of(media)
        if len(parts) > 1:
            found = _search_part(media, span, _part_with(span, parts, media).moved_s)
    if found is None:
        raise InvalidInput(
            f"{media} has no picture from {span.start_s:.3f} s to {span.end_s:.3f} s"
        )
    return found


def _part_with(span: Span, parts: Sequence[ClockPart], media: Path) -> ClockPart:
    """The part of a film that a segment lies in; raise InvalidInput if that cannot be gone to."""
    number = sum(span.start_s > part.end_s + part.moved_s - _LACKS_S for part in parts[:-1])
    part, before = parts[number], parts[:number]
    if any(other.end_s > part.start_s for other in before):
        raise InvalidInput(
            f"the time stamps of {media} begin anew at {part.start_s + part.moved_s:.3f} s; write"
            " it to a new file to cut behind that"
        )
    end_s = part.end_s + part.moved_s
    if part != parts[-1] and span.end_s > end_s + _LACKS_S:
        raise InvalidInput(
            f"the time stamps of {media} jump at {end_s:.3f} s; cut what lies before and what lies"
            " behind that one by one"
        )
    return part


def _search_part(media: Path, span: Span, moved_s: float) -> CutPlan | None:
    """Where a segment lies, in a part of a film whose time stamps have to be moved so much."""
    for back_s in _BACK_S:
        with open_media(media) as container:
            picture = main_picture(container, media)
            tick = picture.time_base or Fraction(1)
            zero = start_ticks(container, tick) - nearest(Fraction(moved_s) / tick)
            start, end = (zero + nearest(t * span.time_base / tick) for t in (span.start, span.end))
            half = nearest(1 / (2 * Fraction(usual_rate(picture)) * tick))
            only(picture)
            found = list(_around(container, picture, start, end, back_s))
            asked = _TickRange(start, end, half, tick, zero, back_s)
            if (made := _plan_packets(found, asked)) is not None:
                return made
    return None


def _around(container: Any, stream: Any, start: int, end: int, back_s: float) -> Iterator[_Packet]:
    """The packets of a stream from a key frame before `start` on, to a while behind `end`."""
    behind = end + nearest(_BEHIND_S / stream.time_base)
    for packet in from_before(container, stream, start, back_s):
        yield _Packet(packet.pts, packet.is_keyframe, packet.duration or 0)
        if min(packet.pts, packet.pts if packet.dts is None else packet.dts) >= behind:
            return


def from_before(container: Any, stream: Any, ticks: int, back_s: float) -> Iterator[Any]:
    """The packets from the key frame on that lies `back_s` or more before a moment of a stream."""
    rewind(container, stream, ticks, back_s)
    which = [s for s in container.streams if s.discard != av.stream.Discard.all]
    found = packets(container, which, Path(container.name).name, log_warning)
    yield from (packet for packet in found if packet.pts is not None)


def rewind(container: Any, stream: Any, ticks: int, back_s: float) -> None:
    """Go to a key frame of a stream that lies so far before a moment; `inf` stays at the start.

    A transport stream that is asked to go to its start goes to its second key frame.
    """
    if back_s != inf:
        first = start_ticks(container, stream.time_base)
        back = nearest(Fraction(back_s) / stream.time_base)
        container.seek(max(first, ticks - back), stream=stream, backward=True)


def _plan_packets(found: Sequence[_Packet], asked: _TickRange) -> CutPlan | None:
    """What belongs to a segment among packets in the order of the file.

    None if no picture does, or if they begin too late.
    """
    start, end = asked.start - asked.half, asked.end - asked.half
    inside = [packet for packet in found if start <= packet.pts < end]
    if not inside:
        return None
    first, last = min(inside), max(inside)
    keys = [i for i, packet in enumerate(found) if packet.is_key and packet.pts <= first.pts]
    if not keys:
        return None
    from_key = found[keys[-1] :]
    needed = from_key[: 1 + from_key.index(inside[-1])]
    shown_last = max(needed)
    copied = [p for p in from_key if needed[0].pts <= p.pts <= shown_last.pts]
    return CutPlan(
        tick=asked.tick,
        zero=asked.zero,
        back_s=asked.back_s,
        key=needed[0].pts,
        first=first.pts,
        last=last.pts,
        end=last.pts + _display_ticks(last, asked),
        copy_last=copied[-1].pts,
        copy_end=shown_last.pts + _display_ticks(shown_last, asked),
        early=sum(packet.pts < first.pts for packet in copied),
        clean=shown_last == last,
    )


def _display_ticks(picture: _Packet, asked: _TickRange) -> int:
    """How long a picture is shown; one that stays for long no longer than the segment goes."""
    return min(picture.duration, max(nearest(_LONG_S / asked.tick), asked.end - picture.pts))


def tracks(container: Any, media: Path) -> list[Any]:
    """The main picture of a film, and its main sound if it has any that can be decoded."""
    sound = container.streams.best("audio")
    return [main_picture(container, media), *([sound] if sound and sound.codec_context else [])]
