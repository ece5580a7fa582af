"""Write a video file: H.264 pictures and, where there is sound, AAC, in an MP4."""

import heapq
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from itertools import chain, pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeVar

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream
from jaxtyping import Float32, UInt8

from mediafm_store.errors import InvalidInput
from mediafm_store.files import whole_file
from mediafm_store.media.paths import address

Frame = UInt8[np.ndarray, "h w 3"]
_Packets = list[Any]  # av.Packet: generic in its stub, not subscriptable when run
F = TypeVar("F", av.VideoFrame, av.AudioFrame)


def write_video(
    path: Path,
    frames: Iterable[Frame],
    *,
    fps: Fraction | int,
    audio: Float32[np.ndarray, " n"] | None,
    audio_rate: int,
) -> None:
    """Encode a video file; it appears under its name when it is complete.

    Args:
        path: MP4 file to write.
        frames: RGB frames of even width and height (4:2:0 video halves both).
        fps: Frames per second.
        audio: Mono samples in [-1, 1]; None for a file without a sound track.
        audio_rate: Samples per second.

    Raises:
        InvalidInput: If there is no frame, or width or height is odd.
    """
    remaining = iter(frames)
    first = next(remaining, None)
    if first is None:
        raise InvalidInput(f"{path.name}: no frames to write; give at least one")
    with (
        whole_file(path) as part,
        av.open(address(part), "w", format="mp4") as container,
    ):
        video = _video_stream(container, first, Fraction(fps), path.name)
        tracks = [coded(video.encode, _pictures(chain([first], remaining), Fraction(fps)))]
        if audio is not None:
            sound = _audio_stream(container, audio_rate)
            tracks.append(coded(sound.encode, _pieces(audio, audio_rate)))
        # In step, so that the muxer need not hold back either of them.
        for _, packets in heapq.merge(*tracks, key=itemgetter(0)):
            container.mux(packets)


def _video_stream(
    container: OutputContainer, first: Frame, fps: Fraction, name: str
) -> VideoStream:
    height, width, _ = first.shape
    if height % 2 or width % 2:
        raise InvalidInput(f"{name}: frames are {width}x{height}; width and height must be even")
    stream = container.add_stream("libx264", rate=fps)
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    stream.time_base = stream.codec_context.time_base = 1 / fps
    stream.codec_context.thread_count, stream.codec_context.thread_type = 2, "FRAME"
    # With its macroblock tree x264 wrote five different files in 14 runs over the same frames.
    stream.options = {"preset": "veryfast", "crf": "23", "mbtree": "0"}
    return stream


def _audio_stream(container: OutputContainer, rate: int) -> AudioStream:
    """Four bits a sample, and the fast coder: the defaults take longer than the pictures."""
    options = {"aac_coder": "fast"}
    return container.add_stream("aac", rate=rate, layout="mono", bit_rate=4 * rate, options=options)


def coded(
    encode: Callable[[F | None], _Packets], frames: Iterable[F]
) -> Iterator[tuple[float, _Packets]]:
    """Encode frames one by one; each time is that of the frame that has just gone in."""
    time = 0.0
    for frame in frames:
        time = frame.time or 0.0
        yield time, encode(frame)
    yield time, encode(None)


def _pictures(frames: Iterable[Frame], fps: Fraction) -> Iterator[av.VideoFrame]:
    shape: tuple[int, ...] | None = None
    for number, pixels in enumerate(frames):
        shape = shape or pixels.shape
        if pixels.shape != shape:
            raise InvalidInput(f"frame {number} is {pixels.shape}, the first was {shape}")
        picture = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        picture.pts, picture.time_base = number, 1 / fps
        yield picture


def _pieces(audio: Float32[np.ndarray, " n"], rate: int) -> Iterator[av.AudioFrame]:
    """`audio` in frames of 1024 samples, the size that AAC codes."""
    edges = [*range(0, len(audio), 1024), len(audio)]
    for start, end in pairwise(edges):
        samples = np.clip(audio[start:end], -1, 1)[None]
        piece = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        piece.sample_rate, piece.pts, piece.time_base = rate, start, Fraction(1, rate)
        yield piece
