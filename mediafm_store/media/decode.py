"""Decode pictures and sound (PyAV). With `write`, the only code that opens media files.

Times are integers of a stream's time base, counted from the start of the file, so that picture,
sound and subtitles share one clock whatever time stamp a container starts with.
"""

import errno
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from jaxtyping import Float32, UInt8

from mediafm_store.errors import BadMedia
from mediafm_store.records import Span

SAMPLE_RATE = 16_000
"""Samples per second of all sound: what speech and sound encoders are trained on."""

# FFmpeg's own messages would reach a user's terminal; what matters comes as an error or a warning.
av.logging.set_libav_level(av.logging.PANIC)
Warn = Callable[[str], None]
"""Takes one line about a file that is used all the same."""
log_warning: Warn = logging.getLogger("mediafm_store").warning


class Frame(NamedTuple):
    """A decoded picture, `pts` ticks after the start of the file."""

    pts: int
    duration: int
    """Ticks that the picture stays on screen, as far as the container says; at least 1."""
    picture: av.VideoFrame


class Video:
    """The main picture of an open file: its clock, and its frames in play order, once."""

    def __init__(self, container: av.container.InputContainer, path: Path) -> None:
        pictures = [s for s in container.streams.video if not is_cover(s)]
        if not pictures:
            raise BadMedia(f"{path} has no picture; only files with video can be ingested")
        self._container, self._path, self._stream = container, path, pictures[0]
        self._stream.thread_type = "AUTO"
        if self._stream.time_base is None:
            raise BadMedia(f"{path}: its video stream has no clock; re-encode the file")
        self.time_base: Fraction = self._stream.time_base
        self.fps = float(self._stream.average_rate or self._stream.guessed_rate or 25)
        self.duration_s = (container.duration or 0) / av.time_base
        self._start = start_ticks(container, self.time_base)

    def frames(self, warn: Warn = log_warning) -> Iterator[Frame]:
        """Decode every frame; damaged packets are left out, with one warning."""
        nominal = max(1, round(1 / (self.fps * self.time_base)))
        pts = -1
        for picture in decoded(self._container, self._stream, f"{self._path.name}: video", warn):
            # A picture without a time stamp follows the one before it.
            given = pts + nominal if picture.pts is None else picture.pts - self._start
            pts = max(given, pts + 1, 0)
            yield Frame(pts, picture.duration or nominal, picture)
        if pts < 0:
            raise BadMedia(f"{self._path}: no frame of its video could be decoded")


@contextmanager
def open_media(path: Path) -> Iterator[av.container.InputContainer]:
    """Open a file for reading; raise BadMedia, naming the file, if it is not media."""
    try:
        with av.open(str(path), metadata_errors="replace") as container:
            yield container
    except av.FFmpegError as error:
        if error.errno == errno.ENOENT:
            raise BadMedia(f"{path} does not exist") from error
        reason = "is empty" if path.is_file() and path.stat().st_size == 0 else "is not media"
        raise BadMedia(f"{path} {reason}: it cannot be read as video ({error.strerror})") from error


def is_cover(stream: av.VideoStream) -> bool:
    """Whether a video stream is only the cover picture of a sound file."""
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def start_ticks(container: av.container.InputContainer, time_base: Fraction | None) -> int:
    """The time stamp at which the file starts; MPEG files rarely start at zero."""
    start = Fraction(container.start_time or 0, av.time_base)
    return round(start / time_base) if time_base else 0


def decoded(
    container: av.container.InputContainer, stream: Any, what: str, warn: Warn
) -> Iterator[Any]:
    """The frames of a stream; packets that cannot be decoded are left out, with one warning."""
    damaged = 0
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.FFmpegError:
            damaged += packet.size > 0  # an empty packet repeats the frame before it
            continue
        yield from frames
    if damaged:
        warn(f"{what}: {damaged} damaged packets were left out")


class Shrinker:
    """Scales frames down to arrays. One a use: it keeps its scaling context from call to call.

    A kept context on one thread costs 5 % of decoding; a fresh one a frame halves the speed.
    """

    def __init__(self, longest: int, pixels: str) -> None:
        self._longest, self._pixels = longest, pixels
        self._scaler = VideoReformatter()

    def __call__(self, picture: av.VideoFrame) -> UInt8[np.ndarray, "h w 3"]:
        """The frame, smaller; one that is small enough keeps its size."""
        scale = min(1.0, self._longest / max(picture.width, picture.height))
        width, height = (max(1, round(n * scale)) for n in (picture.width, picture.height))
        small = self._scaler.reformat(
            picture, width, height, self._pixels, interpolation="AREA", threads=1
        )
        return small.to_ndarray()


def sound(path: Path, warn: Warn = log_warning) -> Iterator[Float32[np.ndarray, " n"]]:
    """The file's main sound as mono samples at SAMPLE_RATE in [-1, 1], from time zero on.

    Gaps and a late start are filled with silence, so sample `i` is heard at `i / SAMPLE_RATE`.
    Nothing is yielded, with a warning, if there is no sound.
    """
    with open_media(path) as container:
        if not container.streams.audio:
            warn(f"{path.name} has no sound")
            return
        done, form, graph = 0, None, None
        for frame in sound_frames(container, path, warn):
            # Television changes between stereo and surround sound in the middle of a file.
            if graph is None or form != (frame.sample_rate, frame.layout.name, frame.format.name):
                for chunk in finish(graph):
                    done += len(chunk)
                    yield chunk
                form = (frame.sample_rate, frame.layout.name, frame.format.name)
                graph = resampler(frame, done)
            graph.push(frame)
            for chunk in drain(graph):
                done += len(chunk)
                yield chunk
        yield from finish(graph)


def sound_frames(
    container: av.container.InputContainer, path: Path, warn: Warn
) -> Iterator[av.AudioFrame]:
    """Decode the first sound track, its time stamps counted from the start of the file."""
    stream = container.streams.audio[0]
    start, following = start_ticks(container, stream.time_base), 0
    for frame in decoded(container, stream, f"{path.name}: sound", warn):
        # Sound without a time stamp follows the sound before it.
        frame.pts = following if frame.pts is None else frame.pts - start
        length = Fraction(frame.samples, frame.sample_rate) / (stream.time_base or 1)
        following = frame.pts + round(length)
        yield frame


def resampler(frame: av.AudioFrame, done: int) -> av.filter.Graph:
    """From the form of this frame to mono at SAMPLE_RATE, going on after `done` samples.

    `async` and `first_pts` keep it on the file's clock: they fill gaps and drop overlaps.
    """
    first = round(Fraction(done * frame.sample_rate, SAMPLE_RATE))  # counted at the rate going in
    graph = av.filter.Graph()
    graph.link_nodes(
        graph.add_abuffer(
            sample_rate=frame.sample_rate,
            format=frame.format.name,
            layout=frame.layout.name,
            time_base=frame.time_base,
        ),
        graph.add("aresample", f"{SAMPLE_RATE}:async=1:first_pts={first}"),
        graph.add("aformat", f"sample_fmts=flt:channel_layouts=mono:sample_rates={SAMPLE_RATE}"),
        graph.add("abuffersink"),
    ).configure()
    return graph


def finish(graph: av.filter.Graph | None) -> Iterator[Float32[np.ndarray, " n"]]:
    """The last samples of a filter graph."""
    if graph is not None:
        graph.push(None)
        yield from drain(graph)


def drain(graph: av.filter.Graph) -> Iterator[Float32[np.ndarray, " n"]]:
    """What a filter graph has ready."""
    while True:
        try:
            yield graph.pull().to_ndarray().reshape(-1)
        except (av.BlockingIOError, av.EOFError):
            return


def split_sound(
    chunks: Iterable[Float32[np.ndarray, " n"]], spans: Iterable[Span]
) -> Iterator[Float32[np.ndarray, " n"]]:
    """The samples of each of the ascending `spans`; empty where the sound has ended.

    Only the samples of one span are held at a time.
    """
    chunks = iter(chunks)
    held, first = np.zeros(0, np.float32), 0
    for span in spans:
        start, end = round(span.start_s * SAMPLE_RATE), round(span.end_s * SAMPLE_RATE)
        parts = [held]
        reached = first + len(held)
        while reached < end and (chunk := next(chunks, None)) is not None:
            parts.append(chunk)
            reached += len(chunk)
        held = np.concatenate(parts)
        yield held[max(0, start - first) : max(0, end - first)]
        keep = min(len(held), max(0, end - first))
        held, first = held[keep:], first + keep
