"""A camera over a still photograph: where it stands, how it moves, in which light."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from mediafm_store.demo.films.photos import Point

_Size = tuple[int, int]  # width, height


class Move(NamedTuple):
    """Change of a framing during a shot: its width times `zoom`, its centre by `pan` widths."""

    zoom: float
    pan: float


_HOLD, _PUSH, _PULL = Move(0.98, 0.01), Move(0.80, 0.0), Move(1.22, 0.0)
_PAN_LEFT, _PAN_RIGHT = Move(1.0, -0.22), Move(1.0, 0.22)


class _Setup(NamedTuple):
    """A camera position in a place; the shots of one scene return to a few of them."""

    photo: int  # 0, or -1: the last photograph of the place
    point: int  # which of the photograph's points of focus
    size: float  # 1 is the widest framing
    light: float
    move: Move
    mirrored: bool = False


SETUPS: dict[str, _Setup] = {
    "W": _Setup(photo=0, point=0, size=0.95, light=1.0, move=_PUSH),
    "A": _Setup(photo=0, point=0, size=0.52, light=1.12, move=_HOLD),
    "B": _Setup(photo=-1, point=1, size=0.58, light=0.82, move=_HOLD, mirrored=True),
    "C": _Setup(photo=0, point=1, size=0.40, light=0.80, move=_PULL),
    "D": _Setup(photo=-1, point=0, size=0.36, light=1.15, move=_PAN_RIGHT, mirrored=True),
    "E": _Setup(photo=-1, point=0, size=0.90, light=0.95, move=_PAN_LEFT),
}


class Grade(NamedTuple):
    """A colour grade: gain of red, green and blue, contrast about mid-grey, saturation."""

    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    contrast: float = 1.0
    saturation: float = 1.0


GRADES: dict[str, Grade] = {
    "plain": Grade(),
    "warm": Grade((1.12, 1.0, 0.82), 1.05, 1.1),
    "cold": Grade((0.82, 0.97, 1.15), 1.05, 0.85),
    "night": Grade((0.60, 0.70, 0.95), 1.1, 0.7),
    "sepia": Grade((1.1, 0.95, 0.72), 0.9, 0.25),
    "faded": Grade((1.05, 1.05, 1.0), 0.7, 0.6),
    "bright": Grade((1.15, 1.15, 1.12), 1.1, 1.2),
}


def light(photo: Image.Image, grade: Grade, exposure: float) -> Image.Image:
    """The photograph under a grade and an exposure."""
    rgb = np.asarray(photo, np.float32)
    grey = rgb.mean(axis=2, keepdims=True)
    rgb = (grey + grade.saturation * (rgb - grey)) * np.array(grade.gain, np.float32)
    rgb = (127 + grade.contrast * (rgb - 127)) * exposure
    return Image.fromarray(rgb.clip(0, 255).astype(np.uint8))


class Framing(NamedTuple):
    """Start framing of a shot: the centre, as shares of width and height, and the crop size."""

    centre: Point
    size: float


def frame_shot(
    photo: Image.Image, framing: Framing, move: Move, *, frames: int, size: _Size
) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
    """The `frames` frames of one shot: the crop moves smoothly, in fractions of a pixel."""
    widest = min(photo.width, photo.height * size[0] / size[1])
    for t in np.linspace(0, 1, frames):
        width = min(widest * framing.size * move.zoom**t, widest)
        height = width * size[1] / size[0]
        x = framing.centre[0] * photo.width + (t - 0.5) * move.pan * width
        y = framing.centre[1] * photo.height
        left = float(np.clip(x - width / 2, 0, photo.width - width))
        top = float(np.clip(y - height / 2, 0, photo.height - height))
        box = (left, top, min(left + width, photo.width), min(top + height, photo.height))
        yield np.asarray(photo.resize(size, Image.Resampling.BILINEAR, box=box))
