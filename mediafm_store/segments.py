"""Segments of titles from shots, runs of shots, scenes and search hits."""

from collections.abc import Mapping, Sequence
from functools import cache
from math import inf
from pathlib import Path
from typing import Any

from mediafm_store.errors import InvalidInput
from mediafm_store.records import Span
from mediafm_store.retrieval.hit import Hit
from mediafm_store.scenes.scenes import Scene
from mediafm_store.storage.rows import span_of
from mediafm_store.storage.storage import Storage
from mediafm_store.timelines.segment import Segment, joined_span, note_of
from mediafm_store.titles.naming import find_shots, find_title


def segments_of_shots(
    store: Storage, shots: Sequence[str], notes: Mapping[str, str] | None = None
) -> list[Segment]:
    """Segments of shots, in the order of their ids; `notes` by id.

    Raises:
        NotFound: The store does not have a shot.
    """
    shots = find_shots(store, shots)
    rows = store.shots_by_id(list(dict.fromkeys(shots)))
    for shot in shots:
        if shot not in rows:
            store.shot(shot)  # says that it is gone by now
    title = cache(store.title)
    return [
        segment_of_span(
            title(rows[shot_id]["title"]),
            span_of(rows[shot_id]),
            shot_id,
            (notes or {}).get(shot_id, ""),
        )
        for shot_id in shots
    ]


def _segment_of_run(
    store: Storage, first: str, last: str, *, label: str | None = None, note: str = ""
) -> Segment:
    """Segment of consecutive shots of one title, from `first` to `last`, both included.

    Args:
        store: The store that has the shots.
        first: Id of the first shot.
        last: Id of the last shot.
        label: Label of the segment; None for one such as `sintel/00003-00007`.
        note: Note of the segment.

    Raises:
        NotFound: The store does not have a shot.
        InvalidInput: `last` is of another title or comes before `first`.
    """
    began, ended = store.shot(first), store.shot(last)
    if began["title"] != ended["title"] or began["index"] > ended["index"]:
        raise InvalidInput(
            f"no run of shots goes from {first} to {last}; name two of one title in order"
        )
    called = first if first == last else f"{first}-{last.rpartition('/')[2]}"
    title = store.title(began["title"])
    span = joined_span([span_of(began), span_of(ended)])
    return segment_of_span(title, span, label or called, note)


def segments_of_hits(store: Storage, hits: Sequence[Hit]) -> list[Segment]:
    """Segments of search hits, best first: shots, or all shots of scenes and titles."""
    return [
        _segment_of_run(
            store, hit.shots[0], hit.shots[-1], note=note_of(score=hit.score, words=hit.words)
        )
        for hit in hits
    ]


def segments_of_scenes(store: Storage, scenes: Sequence[Scene]) -> list[Segment]:
    """Segments of scenes, each labelled with its title and number."""
    return [
        _segment_of_run(store, s.shots[0], s.shots[-1], label=f"{s.title} scene {s.number}")
        for s in scenes
    ]


def segment_of_times(
    store: Storage, title: str, start_s: float, end_s: float, *, label: str | None = None
) -> Segment:
    """Segment of a title between two times; it ends with the title at the latest.

    Args:
        store: The store that has the title.
        title: Id of the title.
        start_s: Start in seconds.
        end_s: End in seconds.
        label: Label of the segment; None for one such as `sintel/60-90s`.

    Raises:
        NotFound: The title is unknown.
        InvalidInput: The times are not in the title.
    """
    row = store.title(title := find_title(store, title))
    last = span_of(store.shots(title).row(-1, named=True))
    ticks = [round(s / last.time_base) for s in (start_s, min(end_s, last.end_s))]
    if not 0 <= ticks[0] < ticks[1]:
        raise InvalidInput(
            f"{title} has nothing from {start_s:g} s to {end_s:g} s; it is {last.end_s:.3f} s long"
        )
    called = label or f"{title}/{start_s:g}-{last.end_s if end_s == inf else end_s:g}s"
    return segment_of_span(row, Span(ticks[0], ticks[1], last.time_base), called)


def segment_of_row(store: Storage, row: Mapping[str, Any]) -> Segment:
    """Segment from a row as `mediafm search --json` and other commands print it.

    A row has `title`, `start_s` and `end_s`, or the id of a shot as `shot` or `id`.

    Raises:
        InvalidInput: The row has neither.
        NotFound: The store does not have the title or shot.
    """
    shot = row.get("shot", row.get("id"))
    label = row.get("label", shot)
    try:
        if {"title", "start_s", "end_s"} <= row.keys():
            times = (float(row["start_s"]), float(row["end_s"]))
            return segment_of_times(store, str(row["title"]), *times, label=label and str(label))
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"start_s and end_s are seconds, not {row['start_s']!r:.40}") from error
    if shot is None:
        raise InvalidInput(
            f"a line names no shot, and no title with start_s and end_s; it has {', '.join(row)}"
        )
    return segments_of_shots(store, [str(shot)])[0]


def segment_of_span(
    title: Mapping[str, Any], span: Span, label: str, note: str = "", marker: str = ""
) -> Segment:
    """Segment of the title with this row."""
    return Segment(
        title["id"], title["name"] or title["id"], Path(title["media"]), span, label, note, marker
    )
