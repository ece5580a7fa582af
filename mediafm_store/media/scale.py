"""Bring decoded pictures to the sizes and the form that detectors and encoders want."""

from fractions import Fraction

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from jaxtyping import UInt8

from mediafm_store.media.hdr import is_hdr, tone_mapped

Image = UInt8[np.ndarray, "h w 3"]
_DEEP = {"yuv420p": "yuv420p10le", "rgb24": "rgb48le", "bgr24": "rgb48le"}
"""Pixel formats of HDR pictures instead of those of 8 bits."""


class Shrinker:
    """Scale frames down. Use one for each stream: it keeps its scaling context between calls.

    A kept context on one thread costs 5 % of decoding; a fresh one a frame halves the speed.
    """

    def __init__(self, longest: int, pixels: str, pixel_aspect: Fraction = Fraction(1)) -> None:
        self._longest, self._pixels = longest, pixels
        self._squash = (max(1.0, float(1 / pixel_aspect)), max(1.0, float(pixel_aspect)))
        self._scaler = VideoReformatter()

    def frame(self, picture: av.VideoFrame) -> av.VideoFrame:
        """The frame with square pixels, its longest side `longest` at most; never enlarged.

        HDR keeps its depth, whatever form was asked for: eight bits are too few for it.
        """
        wide, high = picture.width / self._squash[0], picture.height / self._squash[1]
        scale = min(1.0, self._longest / max(wide, high))
        width, height = max(1, round(wide * scale)), max(1, round(high * scale))
        pixels = _DEEP[self._pixels] if is_hdr(picture) else self._pixels
        return self._scaler.reformat(
            picture, width, height, pixels, interpolation="AREA", threads=1
        )

    def __call__(self, picture: av.VideoFrame) -> Image:
        """Return a frame as an array, tone mapped for a standard display and rotated upright."""
        image = self.frame(picture).to_ndarray()
        if is_hdr(picture):
            image = tone_mapped(image, int(picture.color_trc))
            image = image[..., ::-1] if self._pixels == "bgr24" else image
        turns = round(picture.rotation / 90) % 4
        return np.ascontiguousarray(np.rot90(image, turns) if turns else image)


def one_field(picture: av.VideoFrame) -> av.VideoFrame:
    """Take every second line of an interlaced frame, whose two fields show two moments."""
    return _filtered(picture, "field", "top")


def even(picture: av.VideoFrame) -> av.VideoFrame:
    """Crop a picture to even width and height: 4:2:0 video halves both."""
    width, height = picture.width // 2 * 2, picture.height // 2 * 2
    if (width, height) == (picture.width, picture.height):
        return picture
    return _filtered(picture, "crop", f"{width}:{height}:0:0:exact=1")


def _filtered(picture: av.VideoFrame, name: str, arguments: str) -> av.VideoFrame:
    """One frame through one of FFmpeg's filters."""
    graph = av.filter.Graph()
    graph.link_nodes(
        graph.add_buffer(
            width=picture.width,
            height=picture.height,
            format=picture.format,
            time_base=picture.time_base or Fraction(1, 1000),
        ),
        graph.add(name, arguments),
        graph.add("buffersink"),
    ).configure()
    graph.push(picture)
    done = graph.pull()
    assert isinstance(done, av.VideoFrame)
    return done
