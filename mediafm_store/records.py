"""The nouns: a span of time, a subtitle cue, a title, a shot."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Span:
    """Half-open interval of a stream, [start, end), in ticks of `time_base` seconds."""

    start: int
    end: int
    time_base: Fraction

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"span must satisfy 0 <= start < end, got [{self.start}, {self.end})")

    @property
    def start_s(self) -> float:
        """Start in seconds, for display and for other tools."""
        return float(self.start * self.time_base)

    @property
    def end_s(self) -> float:
        """End in seconds, for display and for other tools."""
        return float(self.end * self.time_base)


@dataclass(frozen=True, slots=True)
class Cue:
    """One subtitle: its text, and its time in seconds."""

    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True, slots=True)
class Title:
    """One film, episode or clip, and the files it comes from."""

    id: str
    media: Path
    subtitles: Path | None = None
    """The video itself where they are a track in it."""
    subtitle_track: int | None = None
    language: str | None = None
    """Language of the subtitles, such as `de` or `pt-BR`; None if unknown."""
    name: str = ""
    synopsis: str = ""
    tags: tuple[str, ...] = ()
    genres: tuple[str, ...] = ()
    series: str = ""
    """Series that it is an episode or a part of."""

    @property
    def metadata_text(self) -> str:
        """Text of the title's metadata, the input of its [GLOBAL] token."""
        parts = (self.name, self.synopsis, ", ".join(self.genres), ", ".join(self.tags))
        return ". ".join(p for p in parts if p)


@dataclass(frozen=True, slots=True)
class Shot:
    """One shot of a title; `index` counts from 0 in play order."""

    title: str
    index: int
    span: Span

    @property
    def id(self) -> str:
        """The key of this shot in every table and index, such as `sintel/00042`."""
        return shot_id(self.title, self.index)


def shot_id(title: str, index: int) -> str:
    """Id of a shot.

    Example:
        >>> shot_id("sintel", 42)
        'sintel/00042'
    """
    return f"{title}/{index:05d}"


def title_of(shot: str) -> str:
    """Title of a shot's id; empty for a title's own id.

    Example:
        >>> title_of("sintel/00042")
        'sintel'
    """
    return shot.rpartition("/")[0]


def index_of(shot: str) -> int:
    """Index of a shot by its id, from 0 in play order.

    Example:
        >>> index_of("sintel/00042")
        42
    """
    return int(shot.rpartition("/")[2])
