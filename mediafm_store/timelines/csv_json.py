"""Segments as tables for people (CSV) and for programs (JSON), in seconds and in frames."""

import csv
import io
import json
import logging
from collections.abc import Iterator, Sequence
from typing import Any

from mediafm_store.errors import InvalidInput
from mediafm_store.timelines.edit import FilmFrames, film_of
from mediafm_store.timelines.escaping import one_line
from mediafm_store.timelines.segment import Rate, Segment

log = logging.getLogger(__name__)
_FORMULA = ("=", "+", "-", "@")
"""First characters of cells that spreadsheets run; an apostrophe before them makes them text."""


def write_csv(segments: Sequence[Segment], *, name: str, fps: Rate = None) -> str:
    """A line a segment; ends are those of half-open ranges, as in an EDL."""
    del name  # a table has none
    text = io.StringIO()
    lines = [row | {"time_base": str(row["time_base"])} for row in _sheet_rows(segments, fps)]
    columns = list(lines[0]) if lines else ["title", "start_s", "end_s"]
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    for row in lines:
        writer.writerow({column: _sheet_cell(value) for column, value in row.items()})
    return text.getvalue()


def write_json(segments: Sequence[Segment], *, name: str, fps: Rate = None) -> str:
    """An array of objects. `start` and `end` are ticks of `time_base` seconds, and exact."""
    del name  # a table has none
    return json.dumps(list(_sheet_rows(segments, fps)), ensure_ascii=False, indent=1) + "\n"


def _sheet_rows(segments: Sequence[Segment], fps: Rate) -> Iterator[dict[str, Any]]:
    """Rows for each segment; without frames where the film's rate is unknown."""
    films: dict[str, FilmFrames | None] = {}
    for segment in segments:
        if segment.title not in films:
            films[segment.title] = _counted(segment, fps)
        film, span = films[segment.title], segment.span
        start, end = film.frames(span) if film else (None, None)
        yield {
            "title": segment.title,
            "name": segment.name,
            "label": segment.label,
            "start_s": round(span.start_s, 6),
            "end_s": round(span.end_s, 6),
            "duration_s": round(float((span.end - span.start) * span.time_base), 6),
            "start_frame": start,
            "end_frame": end,
            "start_timecode": film and film.timecode(start or 0),
            "end_timecode": film and film.timecode(end or 0),
            "fps": film and str(film.rate),
            "start": span.start,
            "end": span.end,
            "time_base": str(span.time_base),
            "marker": segment.marker,
            "note": segment.note,
            "media": str(segment.media),
        }


def _counted(segment: Segment, fps: Rate) -> FilmFrames | None:
    """The film that a segment is of, if anything tells its rate."""
    try:
        film = film_of(segment, fps)
    except InvalidInput as error:
        log.warning("no frames are told of %s: %s", segment.title, error)
        return None
    if film.caution:
        log.warning("%s: %s", film.title, film.caution)
    return film


def _sheet_cell(value: object) -> object:
    """A value as a cell of a table: one line, and no formula."""
    if not isinstance(value, str):
        return value
    text = one_line(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
