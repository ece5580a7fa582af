"""Relevance judgements: which shots of some films answer which queries, and how well."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple


class ShotPosition(NamedTuple):
    """Position of a shot among the labelled shots of its film."""

    film: str
    at: int
    """Number of the labelled shot that holds its middle, else of the last before it; or -1."""
    shot: str = ""
    """The id of a shot that lies in none; empty: the place is that of a labelled shot."""


@dataclass(frozen=True, slots=True)
class LabelledShot:
    """Segment of a film that was labelled."""

    start_s: float
    end_s: float
    tiny: bool = False
    """Too short to be judged."""
    scene: str | int | None = None
    """Label of its scene within the film."""


@dataclass(frozen=True, slots=True)
class SimilarQuery:
    """A labelled shot that others are to be found for."""

    id: str
    place: ShotPosition
    middle_s: float
    relevant: Mapping[ShotPosition, int]
    """Labelled shot -> its grade."""
    kept: bool
    """True if it is kept out of tuning."""


@dataclass(frozen=True, slots=True)
class TextQuery:
    """Words that shots are to be found for."""

    id: str
    text: str
    kind: str
    relevant: Mapping[ShotPosition, int]
    """Labelled shot -> its grade; empty for what no shot answers."""
    kept: bool
    """True if it is kept out of tuning."""


Query = SimilarQuery | TextQuery


@dataclass(frozen=True)
class Judgements:
    """Contents of a label file."""

    path: Path
    films: Mapping[str, Sequence[LabelledShot]]
    """By title; shots in play order."""
    similar: Sequence[SimilarQuery]
    text: Sequence[TextQuery]

    @property
    def queries(self) -> list[Query]:
        """Queries of both sorts."""
        return [*self.similar, *self.text]

    def labelled(self, place: ShotPosition) -> LabelledShot | None:
        """The labelled shot at a place; None in a gap between them."""
        return None if place.shot else self.films[place.film][place.at]

    def place(self, film: str, middle_s: float, *, shot: str) -> ShotPosition:
        """The labelled shot of a film that holds a time, else the gap in which `shot` lies."""
        shots = self.films[film]
        at = bisect_right(shots, middle_s, key=lambda labelled: labelled.start_s) - 1
        held = at >= 0 and middle_s < shots[at].end_s
        return ShotPosition(film, at, "" if held else shot)
