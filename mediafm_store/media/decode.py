"""Open media and decode its frames (PyAV).

Times are integers of a stream's time base, counted from the start of the file, so that picture,
sound and subtitles share one clock whatever time stamp a container starts with.
"""

import logging
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av

from mediafm_store.errors import BadMedia
from mediafm_store.media.paths import address, check_file
from mediafm_store.parallel import cores

# FFmpeg's own messages would reach a user's terminal; what matters comes as an error or a warning.
av.logging.set_libav_level(av.logging.PANIC)
Warn = Callable[[str], None]
"""Takes one line about a file that is used all the same."""
log_warning: Warn = logging.getLogger("mediafm_store").warning

USUAL_FPS, MOST_FPS = 25.0, 1000.0
BEYOND_S, JUMP_S = 2.0, 1.0
MOST_THREADS = 16
"""That FFmpeg takes by itself."""
FEW_CORES, SMALL = 2, 1024


class Frame(NamedTuple):
    """A decoded picture, `pts` ticks after the start of the file."""

    pts: int
    duration: int
    """Ticks that the picture stays on screen, as far as the container says; at least 1."""
    picture: av.VideoFrame


class Video:
    """The main picture of an open file: its clock, its shape, and its frames in play order, once.

    The main picture is what FFmpeg would play, never the cover of a sound file.
    """

    def __init__(self, container: av.container.InputContainer, path: Path) -> None:
        self._container, self._path = container, path
        self._stream = main_picture(container, path)
        if self._stream.codec_context is None:
            raise BadMedia(
                f"{path}: its video is in no codec that FFmpeg knows; re-encode the file"
            )
        self._stream.thread_type = "AUTO"
        self._stream.thread_count = decoding_threads(self._stream.width, self._stream.height)
        if not self._stream.time_base:
            raise BadMedia(f"{path}: its video stream has no clock; re-encode the file")
        self.time_base: Fraction = self._stream.time_base
        rate = float(self._stream.average_rate or self._stream.guessed_rate or 0)
        self.fps = rate if 0 < rate <= MOST_FPS else USUAL_FPS
        self.duration_s = duration_s(container)
        self.pixel_aspect = Fraction(self._stream.sample_aspect_ratio or 1)
        """Width of a pixel to its height; DVDs and old television are not square."""
        self._start = start_ticks(container, self.time_base)

    def frames(self, warn: Warn = log_warning) -> Iterator[Frame]:
        """Decode every frame; damaged packets are left out, with one warning."""
        nominal = max(1, round(1 / (self.fps * self.time_base)))
        clock = Clock(self.duration_s, self.time_base)
        pts = -1
        for picture in decoded(self._container, self._stream, f"{self._path.name}: video", warn):
            following = 0 if pts < 0 else pts + nominal
            given = None if picture.pts is None else picture.pts - self._start
            pts = max(clock.place(given, following), pts + 1, 0)
            yield Frame(pts, picture.duration or nominal, picture)
        if pts < 0:
            raise BadMedia(f"{self._path}: no frame of its video could be decoded")


def decoding_threads(width: int, height: int) -> int:
    """How many threads decode pictures of this size; 0 leaves it to FFmpeg.

    Handing a frame from thread to thread takes .15 ms of processor time: a third of decoding one of
    640x272, not to be seen in one of 1920x816. Where few cores share all the work that counts.
    """
    share = cores()
    if share <= FEW_CORES and max(width, height) <= SMALL:
        return 1
    return 0 if share == os.cpu_count() else min(share, MOST_THREADS)


class Clock:
    """Time stamps that can be believed.

    One that is missing, or lies beyond the end of the file, is damaged: the frame follows the one
    before it. Two in a row that lie before it are a new beginning, as where recordings were joined:
    all that comes is moved behind what was there.
    """

    def __init__(self, length_s: float, time_base: Fraction) -> None:
        self._end = (length_s + BEYOND_S) / time_base if length_s else math.inf
        self._jump = JUMP_S / time_base
        self._moved, self._before = 0, -math.inf

    def place(self, given: int | None, following: int) -> int:
        """Where a frame lies whose stamp is `given`; the one before it ends at `following`."""
        if given is None or given + self._moved > self._end:
            return following
        if given + self._moved >= following - self._jump:
            self._before = -math.inf
            return given + self._moved
        if 0 <= given - self._before <= self._jump:
            self._moved = following - given
        self._before = given
        return following


@contextmanager
def open_media(path: Path) -> Iterator[av.container.InputContainer]:
    """Open a file for reading; raise BadMedia, naming the file, if it is not media."""
    check_file(path)
    try:
        container = av.open(address(path), metadata_errors="replace")
    except (av.FFmpegError, ValueError) as error:  # ValueError: a header that PyAV cannot take
        reason = "is empty" if path.is_file() and path.stat().st_size == 0 else "is not media"
        why = getattr(error, "strerror", None) or error
        raise BadMedia(f"{path} {reason}: it cannot be read as video or sound ({why})") from error
    with container:
        yield container


def main_picture(container: av.container.InputContainer, path: Path) -> av.VideoStream:
    """The video stream to use; raise BadMedia if there is none."""
    pictures = [s for s in container.streams.video if not is_cover(s)]
    if not pictures:
        raise BadMedia(f"{path} has no picture; only files with video can be ingested")
    best = container.streams.best("video")
    return best if best in pictures else pictures[0]


def is_cover(stream: av.VideoStream) -> bool:
    """Whether a video stream is only the cover picture of a sound file."""
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def frame_rate(path: Path) -> float:
    """Frames a second of a file's main picture; raise BadMedia if it has none."""
    with open_media(path) as container:
        return Video(container, path).fps


def media_duration_s(path: Path) -> float:
    """How long a file says that it is, in seconds; 0 where it does not say."""
    with open_media(path) as container:
        return duration_s(container)


def duration_s(container: av.container.InputContainer) -> float:
    """How long a file says that it is, in seconds; 0 where it does not say."""
    return max(0, container.duration or 0) / av.time_base


def start_ticks(container: av.container.InputContainer, time_base: Fraction | None) -> int:
    """The time stamp at which the file starts; MPEG files rarely start at zero."""
    start = Fraction(container.start_time or 0, av.time_base)
    return round(start / time_base) if time_base else 0


def decoded(container: Any, stream: Any, what: str, warn: Warn) -> Iterator[Any]:
    """The frames of a stream; what cannot be read or decoded is left out, with one warning."""
    damaged: list[str] = []
    last = None
    for packet in packets(container, stream, what, warn):
        try:
            frames = packet.decode()
        except av.FFmpegError:
            if packet.size:  # an empty packet repeats the frame before it
                damaged.append(f"{last.time or 0:.2f} s" if last else "its start")
            continue
        for frame in frames:
            last = frame
            yield frame
    yield from rest(stream)
    if damaged:
        warn(f"{what}: {len(damaged)} damaged packets were left out, the first after {damaged[0]}")


def rest(stream: Any) -> Iterator[Any]:
    """The frames that a decoder still holds where a file ended in an error."""
    try:
        yield from stream.decode(None)
    except av.FFmpegError:
        return  # it has been emptied by the end of the file


def packets(container: Any, stream: Any, what: str, warn: Warn) -> Iterator[Any]:
    """The packets of a stream as far as the file can be read."""
    last = None
    while True:
        try:
            for packet in container.demux(stream):
                last = packet
                yield packet
            return
        except IndexError:
            # Of a stream that appears in the middle of a broadcast, which PyAV does not know: go on
            # behind its packet.
            continue
        except av.FFmpegError as error:
            reached = float(last.dts * last.time_base) if last and last.dts is not None else 0.0
            warn(f"{what} cannot be read beyond {reached:.2f} s ({error.strerror})")
            return
