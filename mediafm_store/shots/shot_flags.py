"""Flags of shots that are black, silent or repeat a recent one."""

from collections import deque

import numpy as np
from jaxtyping import Float32
from PIL import Image as Pictures

from mediafm_store.media.scale import Image
from mediafm_store.shots.levels import TimeSeries

_LEAST_LIT = 0.02
_SILENT_DB = -60.0
"""The usual settings of FFmpeg's blackdetect (98 % of a picture black) and silencedetect."""
_FADE, _LONGEST_FADE_S = 0.1, 0.5
"""Largest share of a black shot, and seconds, that the start or end of a fade may take."""
_NEAR, _TINY, _SAME = 8, (32, 18), 0.2
"""Shots to look back for a duplicate, the size at which pictures are compared, and the largest
difference relative to their contrast."""
_BOX = Pictures.Resampling.BOX
_Tiny = Float32[np.ndarray, "18 32 3"]


def is_black(lit: TimeSeries, start_s: float, end_s: float) -> bool:
    """True if nearly every frame of [start_s, end_s) is black, up to a fiftieth of it.

    Frames that are not black may be only at the ends, where the neighbouring picture fades: a tenth
    of the shot at each end, and at most half a second.
    """
    shares = lit.values(start_s, end_s)
    count = len(shares)
    ends = int(min(_FADE, _LONGEST_FADE_S / (end_s - start_s)) * count) if count else 0
    return count > 0 and max(shares[ends : count - ends]) <= _LEAST_LIT


def is_silent(loudness: TimeSeries, start_s: float, end_s: float) -> bool:
    """True if [start_s, end_s) is silent, or there is no sound at all."""
    highest = loudness.highest(start_s, end_s)
    return highest is None or highest <= _SILENT_DB


class Repeats:
    """Pictures of the last shots, to find shots that are shown again."""

    def __init__(self) -> None:
        self._count = 0
        self._before: deque[tuple[int, _Tiny]] = deque(maxlen=_NEAR)

    def add(self, picture: Image) -> int | None:
        """Add a picture; return the number of the latest equal one of the last `_NEAR`, or None.

        Two pictures are equal if their difference is small relative to their contrast: two dark
        pictures are not equal because both are dark.
        """
        tiny = np.asarray(Pictures.fromarray(picture).resize(_TINY, _BOX), np.float32)
        alike = (
            n for n, other in reversed(self._before) if _relative_difference(tiny, other) <= _SAME
        )
        found = next(alike, None)
        self._before.append((self._count, tiny))
        self._count += 1
        return found


def _relative_difference(a: _Tiny, b: _Tiny) -> float:
    """Root mean square of the difference, as a share of the contrast of `a`."""
    return float(np.sqrt(np.mean((a - b) ** 2)) / max(a.std(), 1.0))
