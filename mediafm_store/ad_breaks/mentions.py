"""Times at which words are spoken, or name something seen or heard."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from mediafm_store.ad_breaks.context import Shot
from mediafm_store.sources.ids import caseless
from mediafm_store.text_files.plain_text import straight


class Mention(NamedTuple):
    """A word and where it is."""

    word: str
    how: str
    """said, seen or heard."""
    shot: str

    def __str__(self) -> str:
        return f"“{self.word}” is {self.how} in {self.shot}"


def mentions(words: Sequence[str], shots: Sequence[Shot]) -> list[Mention]:
    """Occurrences of words (whole words, in any case) in shots, in the order of the shots."""
    return [
        Mention(word, how, shot["id"])
        for shot in shots
        for word in words
        for how, texts in (
            ("said", (shot["words"],)),
            ("seen", shot["seen"]),
            ("heard", shot["heard"]),
        )
        if any(_whole(word).search(_normalized(text)) for text in texts)
    ]


@lru_cache(maxsize=4096)
def _whole(word: str) -> re.Pattern[str]:
    """A word, or several in a row, but no part of one."""
    parts = r"\s+".join(map(re.escape, _normalized(word).split()))
    return re.compile(rf"(?<!\w){parts}(?!\w)")


def _normalized(text: str) -> str:
    """A text without differences of case, apostrophes, and how accents are encoded."""
    return straight(caseless(text))
