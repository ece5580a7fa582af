"""What to search for, and how."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mediafm_store.likeness.scale import Part

Unit = Literal["shot", "scene", "title"]
LEAST = 0.1
"""By default, no good match is what nine of ten random queries do better than."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchQuery:
    """What to search for: one thing, or several that are combined.

    `SearchQuery(like=["sintel/00042"], unlike=["trailer"], said="dragon")` asks for shots like one
    shot, unlike a title, in which a word is said.
    """

    shot: str | None = None
    """A shot by its id, as "sintel/00042"."""
    title: str | None = None
    """A title by its id, its name or its file's name."""
    start_s: float | None = None
    """Where in `title` to begin, in seconds; default: at its start."""
    end_s: float | None = None
    """Where in `title` to end, in seconds; default: at its end."""
    clip: str | Path | None = None
    """A video file, compared by picture, sound and words. If it was cut from a title of the store,
    the shots of that title are searched for (`Hits.origin`)."""
    picture: str | Path | None = None
    """A picture file."""
    sound: str | Path | None = None
    """A sound file, or a film for its sound."""
    text: str | None = None
    """Words for what is seen, heard or said."""
    said: str | None = None
    """Words that are spoken, literally; in quotes: in this order."""
    like: Sequence[str] = ()
    """Shots, titles, segments (`sintel@0:03:10-0:03:40`) or files."""
    unlike: Sequence[str] = ()
    """Examples of what is not wanted, named as in `like`."""

    @property
    def is_positive(self) -> bool:
        """True if something is asked for, not only excluded."""
        files = (self.clip, self.picture, self.sound)
        named = (self.shot, self.title, self.text, self.said, *files)
        return bool(self.like) or any(one is not None for one in named)

    @property
    def summary(self) -> str:
        """The query in a line, for people."""
        examples = [self.shot, self.title, self.clip, self.picture, self.sound, *self.like]
        words = [f"“{words}”" for words in (self.text, self.said) if words]
        return " + ".join([*(str(one) for one in examples if one is not None), *words])


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchOptions:
    """How many results, of which kind, and how they are compared."""

    k: int = 10
    """Number of results."""
    unit: Unit = "shot"
    """A result is a shot; a scene (a shot is then searched for with the rest of its scene); or a
    title, whose shots match those of the query in order."""
    where: str | None = None
    """A condition in SQL on shots and their titles: see `Storage.matching`."""
    space: Literal["fused", "context"] | None = None
    """Compare plain vectors of one space. None: picture first, with sound, words and context beside
    it, each on the scale of the store."""
    weights: Mapping[Part, float] = field(default_factory=dict)
    """Factors from 0 of "visual", "audio", "text" and "context"; 0 leaves a part out. A text says
    itself what it asks for; weights take the place of that."""
    exclude_same_title: bool = False
    """Leave out the title of the query."""
    same_scene: bool = False
    """Let the query's own scene and its surroundings be found. Else 30 shots before and after the
    query are left out, and of ten results at most four lie close together where there are others;
    `Hits.own_scene` has the scene."""
    least: float = LEAST
    """From 0 to 1. No results if a share of random queries greater than 1 - `least` finds something
    better than the best of them."""
    fold: bool = True
    """Near duplicates are one result."""
    diverse: bool = False
    """Results differ from each other."""
