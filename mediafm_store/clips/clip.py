"""Cut a segment out of a film into a file of its own: copied where that is exact, else encoded."""

import io
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av

from mediafm_store.clips.seek import CutPlan, from_before, look, tracks
from mediafm_store.clips.transcode import encode
from mediafm_store.errors import InvalidInput
from mediafm_store.files import whole_file
from mediafm_store.media.decode import open_media
from mediafm_store.media.paths import address
from mediafm_store.media.streams import only
from mediafm_store.media.timecode import nearest
from mediafm_store.records import Span

_CONTAINERS = {".mp4": "mp4", ".mov": "mov", ".webm": "webm", ".mkv": "matroska"}
"""What copies go into: the film's own if it is one of them, else the first that takes it."""
_LEAD_S, _HIDES = Fraction(1, 20), {"mp4", "mov"}
"""Sound that is copied before the first that is heard, in containers that can hide it."""
_APART_S = 10
"""How far behind its pictures in the file sound is waited for."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A file that was cut out of a film."""

    file: Path
    start_s: float
    """In the film; of the first picture of the clip."""
    end_s: float
    copied: bool
    """As it was in the film; else it was encoded anew."""
    frames: int
    early: int
    """Pictures of the clip before the segment that was asked for; only of quick copies."""


def cut_clip(media: Path, span: Span, target: Path, *, fast: bool = False) -> Clip:
    """Cut `span` of a film into a file called as `target`, with the suffix that fits.

    The pictures are those nearest to both ends, exactly: copied if the first is a key frame and
    the last needs none behind it, else encoded anew (H.264, HDR as H.265; AAC). With `fast` they
    are copied in any case, from the key frame before. The file appears when it is complete. Raises
    InvalidMedia if the film cannot be read, InvalidInput if it has no picture there.
    """
    plan = look(media, span)
    whole = fast or (not plan.early and plan.clean)
    suffix = _container_for(media) if whole else ".mp4"
    file = target.with_name(target.name + suffix)
    if file.exists() and file.samefile(media):
        raise InvalidInput(f"{file} is the film itself; give another folder to cut into")
    with whole_file(file) as part, av.open(address(part), "w", format=_CONTAINERS[suffix]) as out:
        frames = (_copy if whole else encode)(media, plan, out)
    shown = (plan.key, plan.copy_end) if whole else (plan.first, plan.end)
    start_s, end_s = (float((ticks - plan.zero) * plan.tick) for ticks in shown)
    return Clip(file, start_s, end_s, whole, frames, plan.early if whole else 0)


def _container_for(media: Path) -> str:
    """The suffix of a container that takes a film's picture and sound as they are."""
    with open_media(media) as container:
        used = {s.codec_context.name for s in tracks(container, media) if s.codec_context}
    own = {".m4v": ".mp4", ".qt": ".mov"}.get(media.suffix.lower(), media.suffix.lower())
    for suffix in sorted(_CONTAINERS, key=lambda suffix: suffix != own):
        if used <= _supported(_CONTAINERS[suffix]):
            return suffix
    return ".mkv"


def _supported(name: str) -> set[str]:
    """The codecs that a container takes."""
    with av.open(io.BytesIO(), "w", format=name) as container:
        return set(container.supported_codecs)


def _copy(media: Path, plan: CutPlan, out: av.container.OutputContainer) -> int:
    """Copy the packets of a segment, its sound in step; how many pictures that are."""
    with open_media(media) as container:
        picture, *sounds = tracks(container, media)
        only(picture, *sounds)
        made = {s.index: out.add_stream_from_template(s, opaque=True) for s in (picture, *sounds)}
        begin_s, end_s = (ticks * picture.time_base for ticks in (plan.key, plan.copy_end))
        # MP4 can hide the sound that a decoder wants before the first that is heard.
        lead_s = _LEAD_S if out.format.name in _HIDES else 0
        started = done = False
        frames = 0
        for packet in from_before(container, picture, plan.first, plan.back_s):
            time_s = packet.pts * packet.time_base
            is_picture = packet.stream is picture
            # Sound may lie behind its pictures in the file.
            if done and (not sounds or time_s >= end_s + (_APART_S if is_picture else 0)):
                break
            if is_picture:
                started = started or (packet.is_keyframe and packet.pts == plan.key)
                wanted = started and not done and packet.pts >= plan.key
                done = done or (started and packet.pts == plan.copy_last)
                frames += wanted
            else:
                wanted = begin_s - lead_s <= time_s < end_s
            if wanted:
                moved = nearest(begin_s / packet.time_base)
                packet.pts -= moved
                packet.dts = None if packet.dts is None else packet.dts - moved
                packet.stream = made[packet.stream.index]
                out.mux(packet)
    return frames
