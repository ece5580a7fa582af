"""Open media and decode its frames (PyAV).

Times are integers of a stream's time base, counted from the start of the file, so that picture,
sound and subtitles share one clock whatever time stamp a container starts with.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from mediafm_store.errors import InvalidMedia
from mediafm_store.media.paths import address, check_file

# FFmpeg's own messages would reach a user's terminal; what matters comes as an error or a warning.
av.logging.set_libav_level(av.logging.PANIC)
Warn = Callable[[str], None]
"""Takes one line about a file that is used all the same."""
log_warning: Warn = logging.getLogger("mediafm_store").warning

_LISTS = frozenset(
    ("concat", "dash", "hls", "imf", "rtp", "rtsp", "sap", "sdp", "vobsub", "webm_dash_manifest")
)
"""Formats whose files name others, which FFmpeg would open: films are in one file."""
_HEADS = (b"#EXTM3U", b"ffconcat")
"""First bytes of such files."""
_OPTIONS = {
    "format_whitelist": ",".join(sorted(av.format.formats_available - _LISTS)),
    "protocol_whitelist": "file",
}
"""Formats that may be opened: no lists, and nothing from the network."""

USUAL_FPS, MOST_FPS = 25.0, 1000.0


@contextmanager
def open_media(path: Path) -> Iterator[av.container.InputContainer]:
    """Open a file for reading.

    Raises:
        InvalidMedia: If it is not media; the error names the file.
    """
    check_file(path)
    try:
        container = av.open(address(path), metadata_errors="replace", options=_OPTIONS)
    except (av.FFmpegError, ValueError) as error:  # ValueError: a header that PyAV cannot take
        raise InvalidMedia(f"{path} {_what_else(path, error)}") from error
    with container:
        yield container


def _what_else(path: Path, error: Exception) -> str:
    """Description of a file that FFmpeg does not read as media."""
    head = b"?"
    with suppress(OSError), path.open("rb") as file:
        head = file.read(max(map(len, _HEADS)))
    if head.startswith(_HEADS):
        return "is not media: it is a list of other files; give those"
    why = getattr(error, "strerror", None) or error
    reason = "is not media" if head else "is empty"
    return f"{reason}: it cannot be read as video or sound ({why})"


def main_picture(container: av.container.InputContainer, path: Path) -> av.VideoStream:
    """The video stream to use.

    Raises:
        InvalidMedia: If there is none.
    """
    picture = best_picture(container)
    if picture is None:
        raise InvalidMedia(f"{path} has no picture; only files with video can be ingested")
    return picture


def best_picture(container: av.container.InputContainer) -> av.VideoStream | None:
    """The video stream to use, if there is one: what FFmpeg would play, never a cover."""
    pictures = [s for s in container.streams.video if not is_cover(s)]
    best = container.streams.best("video")
    return best if best in pictures else next(iter(pictures), None)


def is_cover(stream: av.VideoStream) -> bool:
    """True if a video stream is only the cover picture of a sound file."""
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def media_duration_s(path: Path) -> float:
    """Duration that a file declares, in seconds; 0 if it declares none."""
    with open_media(path) as container:
        return duration_s(container)


def duration_s(container: av.container.InputContainer) -> float:
    """Duration that the file declares, in seconds; 0 if it declares none."""
    return max(0, container.duration or 0) / av.time_base


def start_ticks(container: av.container.InputContainer, time_base: Fraction | None) -> int:
    """Time stamp at which the file starts, in ticks of `time_base`.

    MPEG files rarely start at 0.
    """
    start = Fraction(container.start_time or 0, av.time_base)
    return round(start / time_base) if time_base else 0


def decoded(container: Any, stream: Any, what: str, warn: Warn) -> Iterator[Any]:
    """Yield the frames of a stream.

    Packets that cannot be read or decoded are skipped, with one warning.
    """
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
    yield from _rest(stream)
    if damaged:
        warn(f"{what}: {len(damaged)} damaged packets were left out, the first after {damaged[0]}")


def _rest(stream: Any) -> Iterator[Any]:
    """The frames that a decoder still holds where a file ended in an error."""
    try:
        yield from stream.decode(None)
    except av.FFmpegError:
        return  # it has been emptied by the end of the file


def packets(container: Any, stream: Any, what: str, warn: Warn) -> Iterator[Any]:
    """Yield the packets of a stream as far as the file can be read."""
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
