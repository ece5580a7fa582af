"""OpenTimelineIO, by its own library."""

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from mediafm_store.timelines.edit import Edit, Event, FilmFrames, arrange
from mediafm_store.timelines.escaping import one_line
from mediafm_store.timelines.segment import Rate, Segment

if TYPE_CHECKING:
    from opentimelineio.opentime import TimeRange
    from opentimelineio.schema import Clip, Timeline


def write_otio(segments: Sequence[Segment], *, name: str, fps: Rate = None) -> str:
    """Segments as the text of an .otio file."""
    return otio(arrange(segments, name=name, fps=fps))


def otio(edit: Edit) -> str:
    """An edit as the text of an .otio file."""
    from opentimelineio.adapters import write_to_string

    text: str = write_to_string(_timeline(edit), "otio_json")
    return text + "\n"


def _timeline(edit: Edit) -> "Timeline":
    """An edit as a timeline: a picture track and, where a film has sound, one of that."""
    from opentimelineio.opentime import RationalTime
    from opentimelineio.schema import Gap, Timeline, Track, TrackKind

    made = Timeline(
        name=one_line(edit.name),
        global_start_time=RationalTime(edit.begin, float(edit.rate)),
        metadata={"mediafm": {"rate": str(edit.rate), "drop_frame": edit.drop}},
    )
    made.tracks.append(
        Track(name="V1", kind=TrackKind.Video, children=[_clip(event) for event in edit.events])
    )
    if any(_has_sound(event.film) for event in edit.events):
        heard: list[Any] = [
            _clip(event) if _has_sound(event.film) else Gap(source_range=_source_range(event))
            for event in edit.events
        ]
        made.tracks.append(Track(name="A1", kind=TrackKind.Audio, children=heard))
    return made


def _clip(event: Event) -> "Clip":
    """A segment of a film as a clip."""
    from opentimelineio.schema import Clip, ExternalReference, Marker, MissingReference

    segment, film = event.segment, event.film
    names = {"name": one_line(segment.name)}
    if film.footage is None:
        reference = MissingReference(metadata={"mediafm": {"media": str(film.media)}}, **names)
    else:
        there = _frames(film.start, max(film.length, event.end), film.rate)
        reference = ExternalReference(film.media.as_uri(), there)
        reference.name = names["name"]
    facts = {
        "title": segment.title,
        "note": one_line(segment.note),
        "rate": str(film.rate),
        "caution": film.caution,
    }
    made = Clip(
        name=one_line(segment.label),
        media_reference=reference,
        source_range=_source_range(event),
        metadata={"mediafm": {key: value for key, value in facts.items() if value}},
    )
    if segment.marker:
        place = _frames(film.start + event.start, 1, film.rate)
        made.markers.append(Marker(name=one_line(segment.marker), marked_range=place, color="RED"))
    return made


def _source_range(event: Event) -> "TimeRange":
    """The frames of a segment by its film's time code."""
    return _frames(event.film.start + event.start, event.end - event.start, event.film.rate)


def _frames(start: int, length: int, rate: Fraction) -> "TimeRange":
    """A range of frames."""
    from opentimelineio.opentime import RationalTime, TimeRange

    return TimeRange(RationalTime(start, float(rate)), RationalTime(length, float(rate)))


def _has_sound(film: FilmFrames) -> bool:
    """True if a film has a sound track."""
    return bool(film.footage and film.footage.channels)
