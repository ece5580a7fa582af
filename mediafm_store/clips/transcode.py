"""Encode a segment of a film anew: H.264 (HDR: H.265) and AAC, from its first picture on."""

import heapq
from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import cache
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any

import av
from av.video.frame import PictureType

from mediafm_store.clips.seek import CutPlan, rewind, tracks
from mediafm_store.clips.write import coded
from mediafm_store.errors import InvalidInput
from mediafm_store.media.decode import decoded, main_picture, open_media
from mediafm_store.media.footage import Footage, read_footage
from mediafm_store.media.hdr import is_hdr, take_for_usual
from mediafm_store.media.scale import even
from mediafm_store.media.streams import only
from mediafm_store.media.timecode import nearest

_LAYOUTS = ("mono", "stereo", "3.0", "4.0", "5.0", "5.1", "6.1", "7.1")
"""What so many channels are taken for where a film does not say, or AAC has none such."""
_QUALITY = {"preset": "medium", "crf": "18"}
"""Of x264 and x265: what the eye does not tell from the source."""
_DEEP_QUALITY = {**_QUALITY, "x265-params": "log-level=none"}
_SOUND_BITS = 96_000
"""A second and channel, of AAC."""
_SOUND_RATES = (
    8000,
    11_025,
    12_000,
    16_000,
    22_050,
    24_000,
    32_000,
    44_100,
    48_000,
    88_200,
    96_000,
)
"""Those that AAC has; sound at others is resampled."""

_Placed = tuple[int, av.VideoFrame]
"""A picture and when it is shown, counted from the start of a segment."""


def encode(media: Path, plan: CutPlan, out: av.container.OutputContainer) -> int:
    """Encode the pictures of a segment and its sound; how many pictures that are."""
    with open_media(media) as container, open_media(media) as heard:
        stream = main_picture(container, media)
        footage = read_footage(media)
        shown = _reencoded_pictures(container, stream, plan, footage)
        first = next(shown, None)
        if first is None:
            raise InvalidInput(f"{media}: no picture of this segment can be decoded")
        counted = _Counted()
        video = _video_stream(out, first, stream, footage)
        work = [coded(video.encode, counted.all(chain([first], shown)))]
        tick = stream.time_base or Fraction(1)
        begin_s, end_s = plan.first * tick, plan.end * tick
        for sound in tracks(heard, media)[1:]:
            pieces = _sound_pieces(heard, sound, begin_s, end_s, plan.back_s)
            lead = next(pieces, None)
            if lead is not None:
                audio = _sound_stream(out, lead)
                work.append(coded(audio.encode, chain([lead], pieces)))
        for _, done in heapq.merge(*work, key=itemgetter(0)):
            out.mux(done)
    return counted.count


class _Counted:
    """Counts the pictures that go through."""

    count = 0

    def all(self, pictures: Iterator[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        """The pictures, counted."""
        for picture in pictures:
            self.count += 1
            yield picture


def _reencoded_pictures(
    container: Any, stream: Any, plan: CutPlan, footage: Footage
) -> Iterator[av.VideoFrame]:
    """The pictures of a segment as x264 takes them, the first at time zero."""
    shown, tick = _passing(container, stream, plan), Fraction(stream.time_base)
    if not footage.variable:  # a clock of milliseconds would say .042 s
        per_tick = tick * footage.rate
        count = max(1, nearest((plan.end - plan.first) * per_tick))
        shown = _at_even_rate(((nearest(t * per_tick), picture) for t, picture in shown), count)
        tick = 1 / footage.rate
    size: tuple[int, int] | None = None
    for ticks, picture in shown:
        if ticks >= 0:
            take_for_usual(picture)
            fitted = even(picture)
            size = size or (fitted.width, fitted.height)
            fitted = fitted.reformat(*size, format=_pixels_of(picture))
            fitted.pts, fitted.time_base, fitted.pict_type = ticks, tick, PictureType.NONE
            yield fitted


def _pixels_of(picture: av.VideoFrame) -> str:
    """The form to encode a picture in: HDR wants ten bits."""
    return "yuv420p10le" if is_hdr(picture) else "yuv420p"


def _passing(container: Any, stream: Any, plan: CutPlan) -> Iterator[_Placed]:
    """Pictures up to the last of a segment; the first ones perhaps from before it."""
    stream.thread_type = "AUTO"
    only(stream)
    rewind(container, stream, plan.first, plan.back_s)
    for picture in decoded(container, stream, container.name, lambda text: None):
        if picture.pts is not None:
            if picture.pts > plan.last:
                return
            yield picture.pts - plan.first, picture


def _at_even_rate(shown: Iterable[_Placed], count: int) -> Iterator[_Placed]:
    """`count` pictures at an even rate: where one is missing, the one before it stays."""
    number, waiting = 0, None
    for place, picture in shown:
        while waiting is not None and number < min(place, count):
            yield number, waiting
            number += 1
        waiting = picture
    while waiting is not None and number < count:
        yield number, waiting
        number += 1


def _video_stream(
    out: av.container.OutputContainer, first: av.VideoFrame, source: Any, footage: Footage
) -> av.VideoStream:
    """A track for pictures like `first`: as bright, as wide, and turned as those of the source."""
    if is_hdr(first):
        made = out.add_stream("libx265", rate=footage.rate, options=_DEEP_QUALITY)
        made.codec_context.codec_tag = "hvc1"  # Apple's programs play no other
    else:
        made = out.add_stream("libx264", rate=footage.rate, options=_QUALITY)
    made.width, made.height, made.pix_fmt = first.width, first.height, _pixels_of(first)
    made.time_base = made.codec_context.time_base = first.time_base or Fraction(1, 1000)
    made.codec_context.sample_aspect_ratio = source.sample_aspect_ratio or Fraction(1)
    for name in ("color_primaries", "color_trc", "colorspace"):
        setattr(made.codec_context, name, getattr(source.codec_context, name))
    if first.rotation:
        made.set_display_rotation(first.rotation)
    return made


def _sound_pieces(
    container: Any, stream: Any, begin_s: Fraction, end_s: Fraction, back_s: float
) -> Iterator[av.AudioFrame]:
    """The sound of [begin_s, end_s), to the sample, as AAC takes it; its first at time zero."""
    only(stream)
    rewind(container, stream, nearest(begin_s / stream.time_base), back_s)
    resampler = None
    for frame in decoded(container, stream, container.name, lambda text: None):
        if frame.pts is None:
            continue
        if frame.pts * frame.time_base >= end_s:
            return
        if resampler is None:  # a file has one form of sound; AAC cannot change it midway
            rate = frame.sample_rate if frame.sample_rate in _SOUND_RATES else 48_000
            layout = _layout_for(frame.layout)
            resampler = av.AudioResampler(format="fltp", layout=layout, rate=rate)
        for piece in resampler.resample(frame):
            yield from _trimmed(piece, begin_s, end_s)


def _layout_for(layout: av.AudioLayout) -> str:
    """How AAC is to place channels."""
    count = layout.nb_channels
    if _aac_takes(layout.name):
        return layout.name
    return _LAYOUTS[count - 1] if count <= len(_LAYOUTS) else "stereo"


@cache
def _aac_takes(layout: str) -> bool:
    """Whether AAC has such channels."""
    encoder = av.AudioCodecContext.create("aac", "w")
    encoder.sample_rate, encoder.format, encoder.layout = 48_000, "fltp", layout
    try:
        encoder.open()
    except av.FFmpegError:
        return False
    return True


def _trimmed(piece: av.AudioFrame, begin_s: Fraction, end_s: Fraction) -> Iterator[av.AudioFrame]:
    """What of a piece of sound lies in [begin_s, end_s), timed from `begin_s`; perhaps nothing."""
    rate = piece.sample_rate
    assert piece.pts is not None
    assert piece.time_base is not None
    place = nearest((piece.pts * piece.time_base - begin_s) * rate)
    start, end = max(0, -place), min(piece.samples, nearest((end_s - begin_s) * rate) - place)
    if start >= end:
        return
    samples = piece.to_ndarray()[:, start:end]
    part = av.AudioFrame.from_ndarray(samples.copy(), format="fltp", layout=piece.layout.name)
    part.sample_rate, part.pts, part.time_base = rate, place + start, Fraction(1, rate)
    yield part


def _sound_stream(out: av.container.OutputContainer, lead: av.AudioFrame) -> av.AudioStream:
    """A track for sound like `lead`."""
    bits = _SOUND_BITS * lead.layout.nb_channels
    return out.add_stream("aac", rate=lead.sample_rate, layout=lead.layout.name, bit_rate=bits)
