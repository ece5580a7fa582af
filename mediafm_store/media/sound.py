"""Decode sound: one mono stream of samples for the whole file, split into shots."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from jaxtyping import Float32

from mediafm_store.media.clock import Clock
from mediafm_store.media.decode import (
    Warn,
    decoded,
    log_warning,
    open_media,
    start_ticks,
)
from mediafm_store.records import Span

SAMPLE_RATE = 16_000
"""Samples per second of all sound: what speech and sound encoders are trained on."""
_LONGEST_PIECE, _CHUNK = 60 * SAMPLE_RATE, SAMPLE_RATE // 2
_LONGEST_FILLED = SAMPLE_RATE
"""Samples of silence that FFmpeg may make in one go: it makes a whole gap before it returns any."""
Samples = Float32[np.ndarray, " _"]


def sound(path: Path, warn: Warn = log_warning) -> Iterator[Float32[np.ndarray, " n"]]:
    """Yield a file's main sound as mono samples at SAMPLE_RATE in [-1, 1], from time 0 on.

    Gaps and a late start are filled with silence, so sample `i` is heard at `i / SAMPLE_RATE`.
    Without sound nothing is yielded, with a warning.
    """
    with open_media(path) as container:
        if not container.streams.audio:
            warn(f"{path.name} has no sound")
            return
        done, ended, form, graph = 0, 0, None, None
        for frame in _sound_frames(container, path, warn):
            begins = int((frame.pts or 0) * (frame.time_base or 1) * SAMPLE_RATE)
            # Television changes between stereo and surround sound in the middle of a file.
            now = (frame.sample_rate, frame.layout.name, frame.format.name)
            if graph is None or form != now or begins - ended > _LONGEST_FILLED:
                for chunk in _finish(graph):
                    done += len(chunk)
                    yield chunk
                for chunk in _silence(begins - _LONGEST_FILLED - done):
                    done += len(chunk)
                    yield chunk
                form, graph = now, _resampler(frame, done)
            graph.push(frame)
            ended = begins + frame.samples * SAMPLE_RATE // frame.sample_rate
            for chunk in _drain(graph):
                done += len(chunk)
                yield chunk
        yield from _finish(graph)


def _silence(samples: int) -> Iterator[Float32[np.ndarray, " n"]]:
    """Silence of a number of samples, in pieces."""
    for start in range(0, samples, _CHUNK):
        yield np.zeros(min(_CHUNK, samples - start), np.float32)


def _sound_frames(
    container: av.container.InputContainer, path: Path, warn: Warn
) -> Iterator[av.AudioFrame]:
    """Decode the main sound track, its time stamps counted from the start of the file."""
    stream = container.streams.best("audio") or container.streams.audio[0]
    start, last = start_ticks(container, stream.time_base), None
    clock = Clock.of(container, stream, path, warn)
    for frame in decoded(container, stream, f"{path.name}: sound", warn):
        given = None if frame.pts is None else frame.pts - start
        frame.pts = clock.place(given, _end_of(last))
        last = frame
        yield frame


def _end_of(frame: av.AudioFrame | None) -> int:
    """The tick at which the sound after this one starts."""
    if frame is None:
        return 0
    length = Fraction(frame.samples, frame.sample_rate) / (frame.time_base or 1)
    return int(frame.pts or 0) + round(length)


def _resampler(frame: av.AudioFrame, done: int) -> av.filter.Graph:
    """Resampler from the format of this frame to mono at SAMPLE_RATE, after `done` samples.

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
        graph.add("asetnsamples", f"{_CHUNK}:p=0"),  # fewer, larger: each costs a call
        graph.add("abuffersink"),
    ).configure()
    return graph


def resample(samples: Samples, rate: int) -> Samples:
    """Resample sound from SAMPLE_RATE to `rate` Hz."""
    if rate == SAMPLE_RATE or not len(samples):
        return samples
    frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, 0, Fraction(1, SAMPLE_RATE)
    resampler = av.AudioResampler(format="fltp", layout="mono", rate=rate)
    parts = [*resampler.resample(frame), *resampler.resample(None)]
    return np.concatenate([part.to_ndarray().reshape(-1) for part in parts])


def _finish(graph: av.filter.Graph | None) -> Iterator[Float32[np.ndarray, " n"]]:
    """The last samples of a filter graph."""
    if graph is not None:
        graph.push(None)
        yield from _drain(graph)


def _drain(graph: av.filter.Graph) -> Iterator[Float32[np.ndarray, " n"]]:
    """Frames that a filter graph has ready."""
    while True:
        try:
            yield graph.pull().to_ndarray().reshape(-1)
        except (av.BlockingIOError, av.EOFError):
            return


class SoundPiece(NamedTuple):
    """A segment of the sound of one shot."""

    shot: int
    start_s: float
    samples: Samples


def split_sound(chunks: Iterator[Samples], spans: Iterable[Span]) -> Iterator[SoundPiece]:
    """Yield the sound of each span, in equal pieces of at most a minute.

    Only one piece is in memory at a time. A span after the end of the sound has no piece.

    Args:
        chunks: Samples at SAMPLE_RATE; those after the last span are not read.
        spans: Spans in ascending order.
    """
    held, first = np.zeros(0, np.float32), 0
    for shot, span in enumerate(spans):
        for start, end in pairwise(_edges(span)):
            parts, reached = [held], first + len(held)
            while reached < end and (chunk := next(chunks, None)) is not None:
                parts.append(chunk)
                reached += len(chunk)
            held = np.concatenate(parts)
            samples = held[max(0, start - first) : max(0, end - first)]
            if len(samples):
                yield SoundPiece(shot, start / SAMPLE_RATE, samples)
            keep = min(len(held), max(0, end - first))
            held, first = held[keep:], first + keep


def _edges(span: Span) -> list[int]:
    """The samples at which the pieces of a span start, and the end of the last."""
    start, end = round(span.start_s * SAMPLE_RATE), round(span.end_s * SAMPLE_RATE)
    pieces = max(1, -(-(end - start) // _LONGEST_PIECE))
    return [start + (end - start) * i // pieces for i in range(pieces + 1)]
