"""FCPXML 1.9 for Final Cut Pro (10.5 and newer) and DaVinci Resolve."""

from collections.abc import Sequence
from fractions import Fraction
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from mediafm_store.timelines.edit import Edit, Event, FilmFrames, arrange
from mediafm_store.timelines.escaping import one_line
from mediafm_store.timelines.segment import Rate, Segment

_VERSION = "1.9"
_USUAL_SIZE = (1920, 1080)


def write_fcpxml(segments: Sequence[Segment], *, name: str, fps: Rate = None) -> str:
    """Segments as the text of an FCPXML project."""
    return fcpxml(arrange(segments, name=name, fps=fps))


def fcpxml(edit: Edit) -> str:
    """An edit as a project. Times are fractions of seconds, whole multiples of a frame."""
    root = Element("fcpxml", version=_VERSION)
    resources = SubElement(root, "resources")
    name = one_line(edit.name)
    project = SubElement(SubElement(root, "event", name=name), "project", name=name)
    format_id = _add_format(resources, "r0", edit.rate, edit.events[0].film)
    sequence = SubElement(
        project,
        "sequence",
        format=format_id,
        duration=_rational_seconds(edit.events[-1].record_end, edit.rate),
        tcStart=_rational_seconds(edit.begin, edit.rate),
        tcFormat=_tc_format(edit.drop),
    )
    spine = SubElement(sequence, "spine")
    assets: dict[str, str] = {}
    for event in edit.events:
        film = event.film
        if film.title not in assets:
            assets[film.title] = _add_asset(resources, len(assets) + 1, edit, film)
        _add_clip(spine, edit, event, assets[film.title])
    indent(root)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n{tostring(root, "unicode")}\n'
    )


def _add_format(resources: Element, resource_id: str, rate: Fraction, film: FilmFrames) -> str:
    """The shape and rate of a film or of the edit; its id."""
    size = (film.footage.width, film.footage.height) if film.footage else _USUAL_SIZE
    width, height = map(str, size)
    made = SubElement(
        resources,
        "format",
        id=resource_id,
        frameDuration=_rational_seconds(1, rate),
        width=width,
        height=height,
    )
    if film.footage and film.footage.pixel_aspect != 1:
        made.set("paspH", str(film.footage.pixel_aspect.numerator))
        made.set("paspV", str(film.footage.pixel_aspect.denominator))
    return resource_id


def _add_asset(resources: Element, number: int, edit: Edit, film: FilmFrames) -> str:
    """A film's file; its id."""
    resource_id = f"r{2 * number}"
    used = [event.end for event in edit.events if event.film.title == film.title]
    asset = SubElement(
        resources,
        "asset",
        id=resource_id,
        name=one_line(film.media.name),
        start=_rational_seconds(film.start, film.rate),
        duration=_rational_seconds(max(film.length, *used), film.rate),
        hasVideo="1",
        format=_add_format(resources, f"r{2 * number + 1}", film.rate, film),
        videoSources="1",
    )
    if film.footage and film.footage.channels:
        asset.set("hasAudio", "1")
        asset.set("audioSources", "1")
        asset.set("audioChannels", str(film.footage.channels))
        asset.set("audioRate", str(film.footage.sample_rate))
    SubElement(asset, "media-rep", kind="original-media", src=film.media.as_uri())
    return resource_id


def _add_clip(spine: Element, edit: Edit, event: Event, asset: str) -> None:
    """A segment of a film, with its note and its marker."""
    segment, film = event.segment, event.film
    start = _rational_seconds(film.start + event.start, film.rate)
    clip = SubElement(
        spine,
        "asset-clip",
        ref=asset,
        name=one_line(segment.label),
        offset=_rational_seconds(edit.begin + event.record_start, edit.rate),
        start=start,
        duration=_rational_seconds(event.record_end - event.record_start, edit.rate),
        format=f"r{int(asset[1:]) + 1}",
        tcFormat=_tc_format(film.drop),
    )
    note = "; ".join(filter(None, (one_line(segment.note), film.caution)))
    if note:
        SubElement(clip, "note").text = note
    if film.rate != edit.rate:  # in its own time, not faster or slower
        SubElement(clip, "conform-rate", scaleEnabled="0", srcFrameRate=_rate_name(film.rate))
    if segment.marker:
        frame = _rational_seconds(1, film.rate)
        SubElement(clip, "marker", start=start, duration=frame, value=one_line(segment.marker))


def _rate_name(rate: Fraction) -> str:
    """A rate as FCPXML calls it: to two places, unless it is whole."""
    return f"{float(rate):.2f}".removesuffix(".00")


def _rational_seconds(frames: int, rate: Fraction) -> str:
    """Frames as seconds: `1001/24000s`, or `5s`."""
    return f"{frames / rate}s"


def _tc_format(drop: bool) -> str:
    """Drop frame or not."""
    return "DF" if drop else "NDF"
