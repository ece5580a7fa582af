"""The main picture of a file, frame by frame."""

import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av

from mediafm_store.errors import InvalidMedia
from mediafm_store.media.clock import Clock
from mediafm_store.media.decode import (
    MOST_FPS,
    USUAL_FPS,
    Warn,
    decoded,
    duration_s,
    log_warning,
    main_picture,
    open_media,
    start_ticks,
)
from mediafm_store.media.hdr import is_hdr, take_for_usual
from mediafm_store.parallel import cores

_MOST_THREADS = 16
"""Largest number of threads that FFmpeg takes by itself."""
_FEW_CORES, _SMALL = 2, 1024


class Frame(NamedTuple):
    """Decoded frame, `pts` ticks after the start of the file."""

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
            raise InvalidMedia(
                f"{path}: its video is in no codec that FFmpeg knows; re-encode the file"
            )
        self._stream.thread_type = "AUTO"
        self._stream.thread_count = _decoding_threads(self._stream.width, self._stream.height)
        if not self._stream.time_base:
            raise InvalidMedia(f"{path}: its video stream has no clock; re-encode the file")
        self.time_base: Fraction = self._stream.time_base
        self.fps = usual_rate(self._stream)
        self.duration_s = duration_s(container)
        self.pixel_aspect = Fraction(self._stream.sample_aspect_ratio or 1)
        """Width of a pixel to its height; DVDs and old television are not square."""
        self._start = start_ticks(container, self.time_base)

    def frames(self, warn: Warn = log_warning) -> Iterator[Frame]:
        """Yield every frame; damaged packets are skipped, with one warning."""
        nominal = max(1, round(1 / (self.fps * self.time_base)))
        clock = Clock.of(self._container, self._stream, self._path, warn)
        pts, warned = -1, False
        for picture in decoded(self._container, self._stream, f"{self._path.name}: video", warn):
            following = 0 if pts < 0 else pts + nominal
            given = None if picture.pts is None else picture.pts - self._start
            matrix = picture.colorspace
            if take_for_usual(picture) and not warned:
                kind = "HDR, in colours" if is_hdr(picture) else "in colours"
                warn(
                    f"{self._path.name} is {kind} that cannot be converted (matrix {matrix} of"
                    " H.273); its pictures are compared with wrong ones"
                )
                warned = True
            pts = max(clock.place(given, following), pts + 1, 0)
            yield Frame(pts, picture.duration or nominal, picture)
        if pts < 0:
            raise InvalidMedia(f"{self._path}: no frame of its video could be decoded")


def usual_rate(stream: av.VideoStream) -> float:
    """Frames per second: the mean, unless a gap in a film would make that far too low."""
    told = [float(rate) for rate in (stream.average_rate, stream.guessed_rate) if rate]
    known = [rate for rate in told if rate <= MOST_FPS]
    return next((rate for rate in known if rate >= 1), max(known, default=USUAL_FPS))


def _decoding_threads(width: int, height: int) -> int:
    """Number of threads that decode pictures of this size; 0 leaves it to FFmpeg.

    Handing a frame from thread to thread takes 0.15 ms of processor time: a third of the time to
    decode a frame of 640x272, negligible for one of 1920x816. It matters where few cores share all
    the work.
    """
    share = cores()
    if share <= _FEW_CORES and max(width, height) <= _SMALL:
        return 1
    return 0 if share == os.cpu_count() else min(share, _MOST_THREADS)


def frame_rate(path: Path) -> float:
    """Frames per second of a file's main picture.

    Raises:
        InvalidMedia: If it has none.
    """
    with open_media(path) as container:
        return Video(container, path).fps
