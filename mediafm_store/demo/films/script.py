"""Elements of a film script: places, scenes and films."""

from fractions import Fraction
from typing import Literal, NamedTuple


class Setting(NamedTuple):
    """One or two photographs (keys of PHOTOS), a sound (of SOUNDS) and a grade (of GRADES)."""

    photos: tuple[str, ...]
    sound: str
    grade: str = "plain"


class Beat(NamedTuple):
    """A scene at a place, cut as `cutting` says: one letter (a key of SETUPS) a shot."""

    place: str
    cutting: str
    lines: tuple[str, ...] = ()
    then: Literal["cut", "black", "fade"] = "cut"  # how the scene ends


class Screenplay(NamedTuple):
    """A film: its metadata, its places and its scenes in play order."""

    id: str
    name: str
    synopsis: str
    genres: tuple[str, ...]
    tags: tuple[str, ...]
    places: dict[str, Setting]
    scenes: tuple[Beat, ...]
    fps: Fraction = Fraction(24)
    size: tuple[int, int] = (320, 180)
    subtitles: Literal["srt", "vtt"] = "srt"
