"""The parts of a file whose clock jumps: joined recordings, and recorders that lost their clock.

Where both picture and sound are away for more than a minute, or their time stamps start again, that
is no hole in the film but a damaged clock: each part follows the one before it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from mediafm_store.media.decode import (
    best_picture,
    duration_s,
    open_media,
    packets,
    start_ticks,
)

JUMP_S, HOLE_S = 1.0, 60.0
"""A stamp this far before the packet before it, or beyond all packets so far, is wrong; it is no
single error if the next one lies within JUMP_S of it."""
LOOKED_AT = 8
"""Parts that the next packet of a track may belong to: some have no sound, or no picture."""


class ClockPart(NamedTuple):
    """Part of a file in which the time stamps are continuous, in seconds from its start."""

    start_s: float
    end_s: float
    moved_s: float = 0.0
    """Offset that makes the part follow the one before it."""


class Stamp(NamedTuple):
    """Time at which a packet of a track is presented."""

    track: int
    time_s: float
    length_s: float


def parts_of(path: Path) -> list[ClockPart]:
    """Parts of a file, one if its clock never jumps; reads all packets."""
    return _join_parts(_segments(_stamps(path)))


def lasting_s(path: Path) -> float:
    """Duration of a file in seconds without the jumps of its clock; reads all its packets."""
    with open_media(path) as container:
        return duration_s(container) + parts_of(path)[-1].moved_s


def jumps_in_words(parts: list[ClockPart]) -> str:
    """Jumps of a file's clock, in words."""
    last, first = parts[0].end_s, parts[1].start_s
    more = f", and {len(parts) - 2} more times" if len(parts) > 2 else ""
    return (
        f"its time stamps jump from {last:.1f} s to {first:.1f} s{more}; that is taken for a"
        " damaged clock, and what comes then follows at once"
    )


def _stamps(path: Path) -> Iterator[Stamp]:
    """The packets of the main picture and the main sound of a file, in its order."""
    with open_media(path) as container:
        tracks = [best_picture(container), container.streams.best("audio")]
        used = [track for track in tracks if track is not None and track.time_base]
        if not used:
            return
        starts = {s.index: start_ticks(container, s.time_base) for s in used}
        for packet in packets(container, used, path.name, lambda text: None):
            if packet.pts is not None:
                tick = float(packet.time_base)
                at_s = (packet.pts - starts[packet.stream_index]) * tick
                length_s = (packet.duration or 0) * tick
                # Of the last picture before a hole some files say that it stays until the next one.
                yield Stamp(packet.stream_index, at_s, length_s if length_s <= JUMP_S else 0.0)


@dataclass
class GrowingPart:
    """A part as it is being found."""

    start_s: float
    end_s: float
    ahead: bool = True
    """True if the clock jumped forwards."""

    def holds(self, seconds: float) -> bool:
        """True if a moment lies in it, or soon after."""
        return self.start_s - JUMP_S <= seconds <= self.end_s + HOLE_S

    def take(self, stamp: Stamp) -> None:
        """Make it as long as a packet wants."""
        self.start_s = min(self.start_s, stamp.time_s)
        self.end_s = max(self.end_s, stamp.time_s + stamp.length_s)


@dataclass
class _TrackClock:
    """State of the clock of one track."""

    part: int
    last_s: float
    doubted: list[Stamp] = field(default_factory=list)
    """A packet that is not where it is expected, if it was the last."""


def _segments(found: Iterable[Stamp]) -> list[GrowingPart]:
    """The parts that packets lie in. One packet alone that lies elsewhere is damaged."""
    parts: list[GrowingPart] = []
    tracks: dict[int, _TrackClock] = {}
    for stamp in found:
        if not parts:
            parts.append(GrowingPart(stamp.time_s, stamp.time_s))
        if stamp.track not in tracks:
            tracks[stamp.track] = _first_in(stamp, parts)
        track = tracks[stamp.track]
        part = parts[track.part]
        if track.last_s - JUMP_S <= stamp.time_s <= part.end_s + HOLE_S:
            part.take(stamp)
            track.last_s, track.doubted = stamp.time_s, []
        elif not track.doubted or abs(stamp.time_s - track.doubted[0].time_s) > JUMP_S:
            track.doubted = [stamp]
        else:
            track.part = _part_of(stamp, track, parts)
            for both in (*track.doubted, stamp):
                parts[track.part].take(both)
            track.last_s, track.doubted = stamp.time_s, []
    return parts


def _first_in(stamp: Stamp, parts: list[GrowingPart]) -> _TrackClock:
    """A track that begins with a packet: in the last part that holds it, else in the last."""
    recent = range(len(parts) - 1, max(-1, len(parts) - 1 - LOOKED_AT), -1)
    number = next((n for n in recent if parts[n].holds(stamp.time_s)), len(parts) - 1)
    return _TrackClock(number, parts[number].start_s)


def _part_of(stamp: Stamp, track: _TrackClock, parts: list[GrowingPart]) -> int:
    """The part that a track jumps to: one that the other has jumped to before, or a new one."""
    after = track.part + 1
    for number, part in enumerate(parts[after : after + LOOKED_AT], after):
        if part.holds(stamp.time_s):
            return number
    parts.append(GrowingPart(stamp.time_s, stamp.time_s, ahead=stamp.time_s > track.last_s))
    return len(parts) - 1


def _join_parts(found: list[GrowingPart]) -> list[ClockPart]:
    """Parts one behind the other; a jump forwards that another track bridges is none."""
    parts: list[ClockPart] = []
    for segment in found:
        before = parts[-1] if parts else None
        if before is None:
            parts.append(ClockPart(segment.start_s, segment.end_s))
        elif segment.ahead and before.start_s <= segment.start_s <= before.end_s + HOLE_S:
            parts[-1] = before._replace(end_s=max(before.end_s, segment.end_s))
        else:
            moved_s = before.end_s + before.moved_s - segment.start_s
            parts.append(ClockPart(segment.start_s, segment.end_s, moved_s))
    return parts or [ClockPart(0.0, 0.0)]
