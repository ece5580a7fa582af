"""Where a stretch lies among the packets of a film, and reading from there."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

import av

from mediafm_store.errors import BadInput
from mediafm_store.media.decode import log_warning, main_picture, open_media, packets, start_ticks
from mediafm_store.media.timecode import nearest
from mediafm_store.media.tracks import only
from mediafm_store.records import Span

BACK_S = (0.2, 5, 60, inf)
"""How far before a moment reading begins; some formats cannot seek exactly."""
BEHIND_S = 2
"""How far behind a stretch the file is looked through for pictures of it, or needed by them."""


class Packet(NamedTuple):
    """A packet of pictures, in ticks as the film has them."""

    pts: int
    is_key: bool
    duration: int


class Plan(NamedTuple):
    """What a film has around a stretch. Times are ticks of its pictures, as its packets say."""

    back_s: float
    """How far before the stretch reading has to begin."""
    key: int
    """The last key frame that is not behind the first picture."""
    first: int
    last: int
    """The first and the last picture of the stretch that are shown."""
    end: int
    """When the last picture is no longer shown."""
    copy_last: int
    """The picture that comes last in the file, of those that a copy needs."""
    copy_end: int
    """When the last picture of a copy is no longer shown; `end` if it is clean."""
    early: int
    """Pictures from the key frame to the first."""
    clean: bool
    """Whether no picture behind the stretch is needed for one in it."""


def look(media: Path, span: Span) -> Plan:
    """Find a stretch among the packets of a film, without decoding them."""
    with open_media(media) as container:
        picture = main_picture(container, media)
        tick = picture.time_base or Fraction(1)
        zero = start_ticks(container, tick)
        start, end = (zero + nearest(t * span.time_base / tick) for t in (span.start, span.end))
        # The pictures nearest to both ends: those up to half a picture before it.
        half = nearest(1 / (2 * (picture.average_rate or picture.guessed_rate or 25) * tick))
        only(picture)
        for back_s in BACK_S:
            found = list(around(container, picture, start, end, back_s))
            made = plan(found, start - half, end - half, back_s)
            if made is not None:
                return made
    raise BadInput(f"{media} has no picture from {span.start_s:.3f} s to {span.end_s:.3f} s")


def around(container: Any, stream: Any, start: int, end: int, back_s: float) -> Iterator[Packet]:
    """The packets of a stream from a key frame before `start` on, to a while behind `end`."""
    behind = end + nearest(BEHIND_S / stream.time_base)
    for packet in from_before(container, stream, start, back_s):
        yield Packet(packet.pts, packet.is_keyframe, packet.duration or 0)
        if min(packet.pts, packet.pts if packet.dts is None else packet.dts) >= behind:
            return


def from_before(container: Any, stream: Any, ticks: int, back_s: float) -> Iterator[Any]:
    """The packets from the key frame on that lies `back_s` or more before a moment of a stream."""
    rewind(container, stream, ticks, back_s)
    which = [s for s in container.streams if s.discard != av.stream.Discard.all]
    found = packets(container, which, Path(container.name).name, log_warning)
    yield from (packet for packet in found if packet.pts is not None)


def rewind(container: Any, stream: Any, ticks: int, back_s: float) -> None:
    """Go to a key frame of a stream that lies so far before a moment, or to its start."""
    first = start_ticks(container, stream.time_base)
    back = ticks - first if back_s == inf else nearest(Fraction(back_s) / stream.time_base)
    container.seek(max(first, ticks - back), stream=stream, backward=True)


def plan(found: Sequence[Packet], start: int, end: int, back_s: float) -> Plan | None:
    """What belongs to [start, end) among packets in the order of the file.

    None if no picture does, or if they begin too late.
    """
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
    return Plan(
        back_s=back_s,
        key=needed[0].pts,
        first=first.pts,
        last=last.pts,
        end=last.pts + last.duration,
        copy_last=copied[-1].pts,
        copy_end=shown_last.pts + shown_last.duration,
        early=sum(packet.pts < first.pts for packet in copied),
        clean=shown_last == last,
    )


def tracks(container: Any, media: Path) -> list[Any]:
    """The main picture of a film, and its main sound if it has any that can be decoded."""
    sound = container.streams.best("audio")
    return [main_picture(container, media), *([sound] if sound and sound.codec_context else [])]
