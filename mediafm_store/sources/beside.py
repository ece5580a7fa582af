"""Files beside a film that share its name."""

import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mediafm_store.sources.ids import caseless

VIDEO_SUFFIXES = (
    *(".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg"),
    *(".mts", ".mxf", ".ogv", ".ts", ".vob", ".webm", ".wmv"),
)
"""Suffixes of files that are taken from a folder; a file that is named itself may have any."""


class FileBeside(NamedTuple):
    """A file that is called as a film."""

    path: Path
    more: str
    """Rest of its name after that of the film, in lower case: `.en` of `film.en.srt`."""


def beside(media: Path, suffixes: tuple[str, ...]) -> Iterator[FileBeside]:
    """The files called as a film, `film.en.srt` or `film.mp4.srt`, that have one of the suffixes.

    Case, and how accents are encoded, do not count. What is called as another film there, and
    more exactly so, belongs to that one: `film.2.srt` to `film.2.mp4`.
    """
    # Names alone, without looking at the files: there may be thousands of films.
    names = os.listdir(media.parent)
    ours = [n for n in names if n.lower().endswith(suffixes) and _match(media.name, n)[0]]
    if not ours:
        return
    films = [n for n in names if n.lower().endswith(VIDEO_SUFFIXES) and n != media.name]
    for name in ours:
        own = _match(media.name, name)
        if all(_match(film, name) <= own for film in films):
            called = caseless(os.path.splitext(name)[0])
            yield FileBeside(media.parent / name, called[own[0] :])


def _match(film: str, name: str) -> tuple[int, bool]:
    """Number of characters that a file's name shares with a film's, and if they are equal exactly.

    Without its suffix, or with it; (0, False) for a file of another name.
    """
    called = caseless(name)
    for part in (film, os.path.splitext(film)[0]):
        if called.startswith(f"{caseless(part)}."):
            return len(caseless(part)), name.startswith(part)
    return 0, False


def with_suffix(media: Path, suffix: str) -> Path:
    """The file `film.json` beside `film.mp4`, however its accents are encoded."""
    own = media.with_suffix(suffix)
    forms = (own.with_name(unicodedata.normalize(form, own.name)) for form in ("NFC", "NFD"))
    return next((path for path in (own, *forms) if path.is_file()), own)
