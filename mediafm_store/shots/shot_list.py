"""Take the shots of a film from a list instead of detecting them: CSV or EDL (CMX 3600)."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import dropwhile
from math import isfinite
from pathlib import Path

from mediafm_store.errors import InvalidInput
from mediafm_store.media.timecode import TIMECODE, clock_s, exact_rate, frame_of
from mediafm_store.shots.detectors import Detector, DetectorFrame
from mediafm_store.text_files.csv_text import SUFFIXES, read_table
from mediafm_store.text_files.plain_text import read_text

_TIMES = ("start_time_seconds", "start_s", "start_seconds", "start_timecode", "start_time", "start")
_FRAMES = "start_frame"
"""Columns that say where a shot starts, the most exact first. Case and punctuation are ignored."""
_COUNTED_FROM_ONE = "Start Frame"
"""PySceneDetect's column (its `list-scenes`); other lists count frames from zero."""

_EVENT = re.compile(
    r"\d+\s+.+?\s+(?P<channel>\S+)\s+(?:C|D|W\d+|K\s?[BO]?)\s+(?:\d+\s+)?"
    r"\S+\s+\S+\s+(?P<start>\S+)\s+(?P<end>\S+)"
)
"""Number, reel, channel, kind of edit with its frames; then in and out of source and of record."""


def read_shot_list(path: Path, fps: float) -> list[float]:
    """Read a list of cuts: the start of each shot after the first.

    Args:
        path: CSV, EDL or plain text of one start a line.
        fps: Frame rate of the film, which turns frames and time codes into seconds.

    Returns:
        Seconds from the start of the film, ascending.

    Raises:
        InvalidInput: If the list cannot be read; the error names the line.
    """
    readers: dict[str, Callable[[Path, float], list[float]]] = {
        **dict.fromkeys(SUFFIXES, _csv_starts),
        ".edl": _edl_starts,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise InvalidInput(f"{path} is not a shot list: its name must end in {', '.join(readers)}")
    starts = sorted(set(reader(path, fps)))
    return list(dropwhile(lambda start: start < 0.5 / fps, starts))


def listed(starts_s: Sequence[float]) -> Detector:
    """Detector that cuts at listed times, at the frame nearest to each.

    Starts beyond the film, and further ones at the same frame, are left out.
    """

    def detector(frames: Iterable[DetectorFrame], fps: float) -> Iterator[int]:
        waiting = sorted(starts_s, reverse=True)
        for number, frame in enumerate(frames):
            due = len(waiting)
            while waiting and frame.seconds >= waiting[-1] - 0.5 / fps:
                waiting.pop()
            if len(waiting) < due and number > 0:
                yield number

    return detector


def _csv_starts(path: Path, fps: float) -> list[float]:
    """The starts in a table, which has a header somewhere before its first shot."""
    header, rows = read_table(path, lambda cells: _start_column(cells) is not None)
    column = _start_column(header)
    if column is None:
        raise InvalidInput(
            f"{path} has no column called start, start_s or start_frame; add a header"
        )
    in_frames, first = (
        _column_name(header[column]) == _FRAMES,
        header[column].strip() == _COUNTED_FROM_ONE,
    )
    starts: list[float] = []
    origin = 0.0
    for number, row in rows:
        text = row[column].strip() if column < len(row) else ""
        try:
            if len(row) > len(header):
                raise ValueError("more cells than the header; quote cells that hold a comma")
            start = _frames_s(text, fps, int(first)) if in_frames else _parse_seconds(text, fps)
            origin = origin if starts else _full_hours(text, fps)
        except ValueError as error:
            raise InvalidInput(f"{path} line {number}: {error}") from error
        starts.append(start - origin)
    if not starts:
        raise InvalidInput(f"{path} names no shot; add one line a shot below its header")
    return starts


def _start_column(cells: list[str]) -> int | None:
    """Index of the header cell that names the column of starts; None if there is none."""
    names = [_column_name(cell) for cell in cells]
    return next((names.index(name) for name in (*_TIMES, _FRAMES) if name in names), None)


def _column_name(name: str) -> str:
    """A column's name in lower case, its words joined by one underscore."""
    return "_".join(re.findall(r"[a-z0-9]+", name.lower()))


def _edl_starts(path: Path, fps: float) -> list[float]:
    """Record times of the video events of an EDL, relative to the first.

    A dissolve or wipe counts from where the incoming picture starts to show.
    """
    starts, drop = [], False
    for number, line in enumerate(map(str.strip, read_text(path).splitlines()), 1):
        if line.startswith("FCM"):
            drop = "NON" not in line and "DROP" in line
        if not line[:1].isdecimal():
            continue
        event = _EVENT.match(line[:300])  # far longer than any event: bounds the search
        if event is None:
            raise InvalidInput(
                f"{path} line {number}: not an event of a CMX 3600 list; export as that"
            )
        try:
            start, end = (_timecode(event[part], fps, drop=drop) for part in ("start", "end"))
        except ValueError as error:
            raise InvalidInput(f"{path} line {number}: {error}") from error
        # The outgoing side of a dissolve is an event of no length; B is sound and picture.
        if end != start and ("V" in event["channel"] or event["channel"] == "B"):
            starts.append(start)
    if not starts:
        raise InvalidInput(f"{path} has no video event; export the picture track too")
    first_start = min(starts)
    return [start - first_start for start in starts]


def _parse_seconds(text: str, fps: float) -> float:
    """Seconds, H:MM:SS.mmm or HH:MM:SS:FF as seconds; ValueError for anything else."""
    if TIMECODE.fullmatch(text) and not re.search(r"[.,]", text):
        return _timecode(text, fps)
    clock = clock_s(text)
    return (
        clock
        if clock is not None
        else _positive(text, "a time such as 12.5, 0:00:12.500 or 00:00:12:12")
    )


def _frames_s(text: str, fps: float, first: int) -> float:
    """The number of a frame as seconds; `first` is the number of a film's first frame."""
    return max(0.0, _positive(text, "the number of a frame") - first) / float(exact_rate(fps))


def _positive(text: str, wanted: str) -> float:
    """A finite number, 0 or more; ValueError, which says what was wanted, for anything else."""
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        number = -1.0
    if not (isfinite(number) and number >= 0):
        raise ValueError(f"{text[:40]!r} is not {wanted}")
    return number


def _full_hours(text: str, fps: float) -> float:
    """The full hours in a timecode, in seconds: programmes start at 01:00:00:00 or 10:00:00:00."""
    match = TIMECODE.fullmatch(text)
    if match is None or match[4] in ".,":
        return 0.0
    return _timecode(f"{match[1]}:00:00{match[4]}00", fps)


def _timecode(text: str, fps: float, *, drop: bool = False) -> float:
    """HH:MM:SS:FF as seconds at a film's rate; HH:MM:SS;FF is drop frame (SMPTE ST 12-1)."""
    rate = exact_rate(fps)
    return float(frame_of(text, rate, drop=drop) / rate)
