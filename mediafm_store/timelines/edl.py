"""Edit decision lists as CMX 3600, which every editing program reads."""

from collections.abc import Iterator, Sequence
from pathlib import PurePath

from mediafm_store.timelines.edit import Edit, Event, arrange
from mediafm_store.timelines.escaping import one_line, reel_names
from mediafm_store.timelines.segment import Rate, Segment

_LONGEST_TITLE, _LONGEST = 70, 200
"""Characters; longer lines are cut by some programs, or refused."""
_CHANNELS = {0: "V", 1: "B"}
"""Picture alone, or with one channel of sound; with more it is AA/V."""


def write_edl(segments: Sequence[Segment], *, name: str, fps: Rate = None) -> str:
    """Segments as the text of an EDL."""
    return edl(arrange(segments, name=name, fps=fps))


def edl(edit: Edit) -> str:
    """An edit as an EDL; source and record each in their own time code, drop frame or not."""
    films = {event.film.title: event.film for event in edit.events}
    reels = reel_names(
        {title: (f.footage.reel if f.footage else "") or title for title, f in films.items()}
    )
    head = [f"TITLE: {one_line(edit.name)[:_LONGEST_TITLE]}"]
    head.append(f"FCM: {'DROP FRAME' if edit.drop else 'NON-DROP FRAME'}")
    lines = [*head, ""]
    for number, event in enumerate(edit.events, 1):
        lines.append(_event_line(edit, event, number, reels[event.film.title]))
        lines += [f"* {text[:_LONGEST]}" for text in _comments(edit, event)]
        lines.append("")
    return "\n".join(lines)


def _event_line(edit: Edit, event: Event, number: int, reel: str) -> str:
    """Number, reel, channels, a cut; then in and out of source and of record."""
    channels = event.film.footage.channels if event.film.footage else 0
    source = (event.film.timecode(frame) for frame in (event.start, event.end))
    record = (edit.timecode(frame) for frame in (event.record_start, event.record_end))
    codes = " ".join([*source, *record])
    return f"{number:03}  {reel:8} {_CHANNELS.get(channels, 'AA/V'):5} C        {codes}"


def _comments(edit: Edit, event: Event) -> Iterator[str]:
    """Comments of an event: the clip's name and file for programs, the note for people."""
    segment, film = event.segment, event.film
    yield f"FROM CLIP NAME: {one_line(PurePath(film.media).name)}"
    yield f"SOURCE FILE: {one_line(str(film.media))}"
    if event.record_end - event.record_start != event.end - event.start:
        yield f"SOURCE RATE: {float(film.rate):.3f}"
    if event.segment.marker:
        code = edit.timecode(event.record_start)
        yield f"LOC: {code} RED     {one_line(segment.marker)}"
    said = (one_line(text) for text in (segment.label, segment.note, film.caution))
    yield from (f"COMMENT: {text}" for text in said if text)
