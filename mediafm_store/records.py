"""The nouns: a span of time, a subtitle cue, a title, a shot."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open segment of a stream, [start, end), in ticks of `time_base` seconds."""

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
    """One subtitle: what is said, and when (seconds)."""

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
    """Of the subtitles, such as `de` or `pt-BR`; None where nothing says."""
    name: str = ""
    synopsis: str = ""
    tags: tuple[str, ...] = ()
    genres: tuple[str, ...] = ()
    series: str = ""
    """What it is an episode or a part of."""

    @property
    def metadata_text(self) -> str:
        """What the [GLOBAL] token of the title is made from."""
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
    """The id of a shot, such as `sintel/00042`."""
    return f"{title}/{index:05d}"


def title_of(shot: str) -> str:
    """The title that a shot's id names; empty for a title's own id."""
    return shot.rpartition("/")[0]


def index_of(shot: str) -> int:
    """The index that a shot's id names, from 0 in play order."""
    return int(shot.rpartition("/")[2])
