"""Looks that can be asked for: words, how people ask for them, and how far a shot has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32

from mediafm_store.shots.looks import RULES, Degree, Row


@dataclass(frozen=True)
class Look:
    """Visual property that a shot can have."""

    word: str
    """As it stands in the column `looks`."""
    phrases: tuple[str, ...]
    """Plain ways to ask for it."""
    columns: tuple[str, ...]
    """Columns of the table `shots` from which the degree is derived."""
    of_row: Degree

    def degree(self, row: Row) -> float:
        """Degree to which a stored shot has the look, 0 to 1: clearly from 0.5 on, 0 for nulls.

        The row is a mapping that has at least `columns`.
        """
        return self.of_row(row)

    def degrees(self, columns: Mapping[str, Sequence[Any]]) -> Float32[np.ndarray, " shots"]:
        """Degrees of many shots, each of `columns` being a sequence."""
        rows = zip(*(columns[name] for name in self.columns), strict=True)
        named = (dict(zip(self.columns, row, strict=True)) for row in rows)
        return np.fromiter(map(self.of_row, named), np.float32)


_PHRASES: dict[str, tuple[str, ...]] = {
    "black": ("a black screen", "a black frame", "nothing to see", "a blank screen"),
    "dark": ("a dark picture", "in the dark", "at night", "a dark scene", "low light", "darkness"),
    "bright": ("a bright picture", "bright light", "a bright scene", "in broad daylight"),
    "black and white": (
        "black and white footage",
        "a black and white picture",
        "monochrome",
        "without colour",
        "greyscale",
    ),
    "colourful": ("a colourful picture", "bright colours", "vivid colours", "saturated colours"),
    "red": ("a red picture", "red light", "red colours"),
    "orange": ("an orange picture", "orange light", "orange colours"),
    "yellow": ("a yellow picture", "yellow light", "yellow colours"),
    "green": ("a green picture", "green light", "green colours"),
    "blue": ("a blue picture", "blue light", "blue colours"),
    "purple": ("a purple picture", "purple light", "purple colours"),
    "pink": ("a pink picture", "pink light", "pink colours"),
    "brown": ("a brown picture", "brown colours", "earthy colours"),
    "white": ("a white picture", "a white screen", "white all over"),
    "still": ("a still picture", "nothing moves", "a static shot", "a freeze frame"),
    "moving": ("a lot of movement", "fast movement", "a moving camera", "quick motion"),
    "fast cutting": ("fast cutting", "quick cuts", "rapid editing", "many short shots"),
    "long take": ("a long take", "a shot without a cut", "an uncut shot"),
    "close-up": (
        "a close-up of a face",
        "a close-up",
        "a face close up",
        "a face that fills the picture",
    ),
    "face": ("a face", "somebody's face", "a face looking at the camera"),
    "small faces": ("small faces", "people far away", "faces in the distance"),
    "several faces": ("several faces", "two faces", "a group of faces", "a crowd of faces"),
}
LOOKS = tuple(Look(word, _PHRASES[word], *RULES[word]) for word in RULES)
"""All of them."""
