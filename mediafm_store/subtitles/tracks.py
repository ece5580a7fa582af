"""Subtitles inside a container, and the words of a title wherever they are."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import av

from mediafm_store.errors import InvalidMedia, InvalidSubtitles
from mediafm_store.media.clock import Clock
from mediafm_store.media.decode import Warn, log_warning, open_media, packets, start_ticks
from mediafm_store.media.streams import only
from mediafm_store.records import Cue, Title
from mediafm_store.subtitles.language import standard
from mediafm_store.subtitles.parse import EFFECT, in_order, read_cues, said

_TEXT_CODECS = {"mov_text", "subrip", "srt", "ass", "ssa", "webvtt", "text"}
"""Codecs that hold text; DVDs and Blu-rays have pictures of it."""
_EFFECT_FIELD = 7
"""Index of the effect in an ASS event as FFmpeg returns it, without times; the text is last."""
_LAST_S = 5.0
"""Seconds that a cue stays if its end is unknown."""


class SubtitleTrack(NamedTuple):
    """A subtitle track with text."""

    number: int
    """The number of the stream in its file."""
    language: str | None
    default: bool
    forced: bool
    """Only what is said in a foreign language, or is written in the picture."""
    for_the_deaf: bool


def text_tracks(media: Path) -> list[SubtitleTrack]:
    """Subtitle tracks of a file that hold text; empty if it cannot be read."""
    try:
        with open_media(media) as container:
            return [
                _track(stream)
                for stream in container.streams.subtitles
                if stream.codec_context and stream.codec_context.name in _TEXT_CODECS
            ]
    except InvalidMedia:
        return []  # whoever reads its picture says so


def _track(stream: Any) -> SubtitleTrack:
    """Description of a subtitle stream by its container."""
    marks, flags = stream.disposition, av.stream.Disposition
    return SubtitleTrack(
        stream.index,
        standard(stream.language),
        default=bool(marks & flags.default),
        forced=bool(marks & flags.forced),
        for_the_deaf=bool(marks & flags.hearing_impaired),
    )


def _read_track(media: Path, index: int, warn: Warn = log_warning) -> list[Cue]:
    """The cues of one text track, in play order; damaged ones are left out, with a warning."""
    with open_media(media) as container:
        if index >= len(container.streams) or container.streams[index].type != "subtitle":
            raise InvalidSubtitles(f"{media} has no subtitle track {index}")
        stream = container.streams[index]
        only(stream)
        start = start_ticks(container, stream.time_base)
        what = f"{media.name}: subtitle track {index}"
        # Whoever reads its picture tells where the clock jumps.
        clock = Clock.of(container, stream, media, lambda text: None)
        found = _timed(packets(container, stream, what, warn), start, clock)
        return in_order(_cues(found, what, warn))


def _timed(found: Iterable[Any], start: int, clock: Clock) -> Iterator[tuple[int, Any]]:
    """Packets, and when the text of each is to be seen, in ticks from the start of the file."""
    begin = 0
    for packet in found:
        if packet.pts is not None:
            begin = clock.place_rare(packet.pts - start, begin)
            yield begin, packet


def _cues(found: Iterable[tuple[int, Any]], what: str, warn: Warn) -> Iterator[Cue]:
    """Decode packets that come with their times.

    What has no duration stays until the next packet, which may be an empty one.
    """
    damaged = 0
    waiting: list[Cue] = []
    for begin, packet in found:
        length = packet.duration or 0
        start_s, end_s = (float(t * packet.time_base) for t in (begin, begin + length))
        yield from (replace(cue, end_s=max(0.0, start_s)) for cue in waiting)
        waiting = []
        try:
            texts = _dialogues(packet) if packet.size else []
        except (av.FFmpegError, UnicodeDecodeError):
            damaged += 1
            continue
        decoded = [Cue(max(0.0, start_s), end_s, said(text)) for text in texts]
        waiting = [] if length else decoded
        yield from decoded if length else ()
    yield from (replace(cue, end_s=cue.start_s + _LAST_S) for cue in waiting)
    if damaged:
        warn(f"{what}: {damaged} damaged cues were left out")


def _dialogues(packet: Any) -> list[str]:
    """The text of each event of a packet, in ASS, but for syllables that are drawn one by one."""
    return [
        bytes(event.dialogue).decode("utf-8", errors="replace")
        for event in packet.decode()
        if bytes(event.ass).split(b",", _EFFECT_FIELD + 1)[_EFFECT_FIELD].strip() != EFFECT.encode()
    ]


def read_words(title: Title, warn: Warn = log_warning) -> list[Cue]:
    """Cues of a title's subtitles, from a file or a track; empty if there are none."""
    if title.subtitles is None:
        return []
    if title.subtitle_track is not None:
        return _read_track(title.subtitles, title.subtitle_track, warn)
    return read_cues(title.subtitles, warn, language=title.language)
