"""Measures of the stored picture of a shot: bars, colours, faces."""

import io
import warnings
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image as Pictures

from mediafm_store.shots.faces import Picture, faces

_FORMATS, _MOST_PIXELS = ("JPEG", "PNG", "WEBP"), 4096 * 4096
"""Formats of stored pictures, and their largest number of pixels. Those made here are JPEG, 320
wide or high."""
_LIT, _SPECKS, _EDGE, _INSIDE = 20, 0.02, 0.5, 3
"""Pixels up to LIT, of 255, are those of a bar, in all but SPECKS of each row; one of the INSIDE
rows next to it has EDGE of others: a picture begins there, not the letters of a title."""
_WIDEST, _UNEVEN = 0.36, 2
"""Largest share of the picture that one bar takes (9:16 within 16:9), and pixels by which both may
differ."""
_SOME_CHROMA, _SOME_SATURATION = 24, 0.2
"""Pixels with less of either are black, grey or white."""
_BLACK, _WHITE = 32, 217
"""The lightest channel up to which it is black, and from which on it is white, of 255."""
_PART, _MOST = 0.25, 0.5
"""Share of the picture that a named colour fills; half for black, grey and white, which are
everywhere."""
_HUES = {"red": 15, "orange": 45, "yellow": 70, "green": 165, "blue": 255, "purple": 290}
"""Up to which degree of the colour wheel each goes; then pink, and red again from RED_AGAIN on.

The middles are those of the wheel's names (red 0, orange 30, yellow 60, green 120, blue 240, purple
270, pink 330), cyan counts as blue: the names are the basic ones of Berlin and Kay, "Basic Color
Terms", 1969, which has none for it."""
_RED_AGAIN = 345
_BROWN, _PALE = 0.5, 0.5
"""Orange and yellow darker than BROWN are brown (as in ISCC-NBS); red paler than PALE is pink."""
NAMES = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown")
_GREYS = ("black", "grey", "white")
_EVERY = 2
"""Colours are counted in every second pixel of every second row."""


class PictureMeasures(NamedTuple):
    """Measures of a picture within its bars."""

    bars: float
    """The share of the picture that black bars above and below, or left and right, take."""
    saturation: float
    """The mean chroma (largest less smallest channel), 0 to 1."""
    colours: list[str]
    """Colours that fill a good part of the picture, largest first."""
    colour_shares: list[float]
    """Share of the picture that each fills."""
    face: float | None
    """The height of the largest face as a share of the picture's; None where nobody can look."""
    faces: int | None


COLUMNS = PictureMeasures._fields


def columns(jpeg: bytes) -> dict[str, Any]:
    """Columns of a stored picture; all None if it cannot be read."""
    picture = decode_stored(jpeg)
    return (
        dict.fromkeys(COLUMNS)
        if picture is None
        else _measure_picture(np.asarray(picture))._asdict()
    )


def decode_stored(jpeg: bytes, size: tuple[int, int] | None = None) -> Pictures.Image | None:
    """Decode a stored JPEG as RGB.

    Args:
        jpeg: Bytes from a store; they may come from elsewhere and hold anything.
        size: Width and height in pixels to fit the picture into; default: its own.

    Returns:
        The picture; None if the bytes are no picture, or one of more than MOST_PIXELS.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Pictures.DecompressionBombWarning)
            with Pictures.open(io.BytesIO(jpeg), formats=_FORMATS) as picture:
                if picture.width * picture.height > _MOST_PIXELS:
                    return None
                if size is not None:
                    picture.draft("RGB", size)  # decodes at half the size where that is enough
                    picture.thumbnail(size, Pictures.Resampling.BILINEAR)
                return picture.convert("RGB")
    except (OSError, ValueError, SyntaxError, Pictures.DecompressionBombError):
        return None


def _measure_picture(image: Picture) -> PictureMeasures:
    """Measure a picture."""
    inside = _without_bars(image)
    chroma, named = _colours(np.ascontiguousarray(inside[::_EVERY, ::_EVERY]))
    found = faces(inside)
    height = inside.shape[0]
    return PictureMeasures(
        bars=1 - inside.size / image.size,
        saturation=chroma,
        colours=list(named),
        colour_shares=list(named.values()),
        face=None
        if found is None
        else min(1.0, max((f.height for f in found), default=0) / height),
        faces=None if found is None else len(found),
    )


def _without_bars(image: Picture) -> UInt8[np.ndarray, "inside_h inside_w 3"]:
    """The picture without black bars: two of one size, black throughout, with a sharp edge."""
    lit = image.max(axis=2) > _LIT
    top, left = _bar(lit.mean(axis=1, dtype=np.float32)), _bar(lit.mean(axis=0, dtype=np.float32))
    height, width, _ = image.shape
    return image[top : height - top, left : width - left]


def _bar(lit: Float32[np.ndarray, " n"]) -> int:
    """Number of pixels of the bars at both ends, from how much of each row or column is lit."""
    picture = np.flatnonzero(lit > _SPECKS)
    if not len(picture):
        return 0
    first, last = int(picture[0]), len(lit) - 1 - int(picture[-1])
    size = max(first, last)
    if not first or not last or abs(first - last) > _UNEVEN or size > _WIDEST * len(lit):
        return 0
    inside = lit[size : len(lit) - size]
    return size if min(inside[:_INSIDE].max(), inside[-_INSIDE:].max()) >= _EDGE else 0


def _colours(image: Picture) -> tuple[float, dict[str, float]]:
    """The mean chroma, and the colours that fill a good part of a picture, largest first."""
    chroma = image.max(axis=2) - image.min(axis=2)
    codes = _coded(np.asarray(Pictures.fromarray(image).convert("HSV")), chroma)
    shares = np.bincount(codes.reshape(-1), minlength=len(NAMES) + len(_GREYS)) / codes.size
    parts = {name: float(s) for name, s in zip((*NAMES, *_GREYS), shares, strict=True)}
    named = {n: s for n, s in parts.items() if s >= (_PART if n in NAMES else _MOST)}
    return float(chroma.mean()) / 255, dict(sorted(named.items(), key=lambda kv: -kv[1]))


def _coded(
    hsv: UInt8[np.ndarray, "h w 3"], chroma: UInt8[np.ndarray, "h w"]
) -> UInt8[np.ndarray, "h w"]:
    """Each pixel's colour by its place in NAMES, then GREYS."""
    hue, saturation, value = hsv[..., 0], hsv[..., 1], hsv[..., 2]
    codes = _HUE_CODES[hue]
    codes[(codes == _RED) & (saturation < 255 * _PALE) & (value >= 255 * _BROWN)] = _PINK
    codes[((codes == _ORANGE) | (codes == _YELLOW)) & (value < 255 * _BROWN)] = _BROWN_CODE
    grey = (chroma < _SOME_CHROMA) | (saturation < 255 * _SOME_SATURATION)
    codes[grey] = _GREY
    codes[grey & (value >= _WHITE)] = _GREY + 1
    codes[value <= _BLACK] = _GREY - 1
    return codes


_RED, _ORANGE, _YELLOW, _PINK, _BROWN_CODE = (
    NAMES.index(n) for n in ("red", "orange", "yellow", "pink", "brown")
)
_GREY = len(NAMES) + 1


def _hue_codes() -> UInt8[np.ndarray, " 256"]:
    """The colour of each hue as 8 bits hold it."""
    degrees = np.arange(256) * 360 / 256
    place = np.searchsorted([*_HUES.values()], degrees, side="right")
    codes = np.array([*range(len(_HUES)), _PINK], np.uint8)[place]
    codes[degrees >= _RED_AGAIN] = _RED
    return codes


_HUE_CODES = _hue_codes()
