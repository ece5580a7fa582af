"""Choose the subtitles of a film: files beside it, and tracks inside it."""

import re
from pathlib import Path
from typing import NamedTuple

from mediafm_store.media.decode import Warn
from mediafm_store.sources.beside import FileBeside, beside
from mediafm_store.subtitles.language import NEAR, distance, spelled_out, standard
from mediafm_store.subtitles.parse import SUFFIXES
from mediafm_store.subtitles.tracks import text_tracks

_FOR_THE_DEAF, _FORCED, _PLAIN = {"sdh", "cc"}, {"forced"}, {"default", "und"}
"""Marks of these kinds in file names, such as `film.de.sdh.srt`."""
_ORIGINAL = "-orig"
"""Mark by which yt-dlp names the spoken language, as in `film.en-orig.vtt`."""
_PREFERRED = "en"
"""Language of the default text encoder."""


class Subtitles(NamedTuple):
    """Subtitles that a film comes with."""

    path: Path
    track: int | None
    """The stream, where they are inside the film."""
    language: str | None
    forced: bool
    for_the_deaf: bool
    default: bool = True
    number: int = 0
    """Number among files that are equal otherwise, as in `film.en.2.srt`."""

    @property
    def rank(self) -> tuple[object, ...]:
        """Sort key that prefers the usual subtitles where no language is requested."""
        unnamed = self.language is None
        preferred = (self.language or "").partition("-")[0] == _PREFERRED
        return (
            self.forced,
            self.track is not None,
            0 if unnamed else 1 if preferred else 2,
            self.for_the_deaf,
            not self.default,
            self.number,
            self.language or "",
            SUFFIXES.index(self.path.suffix.lower()) if self.track is None else self.track,
            self.path.name,
        )


def choose_subtitles(media: Path, language: str | None, warn: Warn) -> Subtitles | None:
    """The subtitles to use: of `language`, or else a file, English before others, or a track.

    Those for the deaf and forced ones come after all others. A file that does not name its
    language is not taken for one that is asked for.
    """
    files = _subtitle_files(media, warn)
    if language is None and any(not s.forced for s in files):
        return min(files, key=lambda s: s.rank)
    found = files + _subtitle_tracks(media)
    if language is None or not found:
        return min(found, key=lambda s: s.rank, default=None)
    near = [s for s in found if s.language and distance(language, s.language) <= NEAR]
    if not near:
        there = sorted({s.language or "no known language" for s in found})
        warn(f"{media.name}: no subtitles in {language}; there are some in {', '.join(there)}")
    return min(near, key=lambda s: (distance(language, s.language or ""), s.rank), default=None)


def _subtitle_files(media: Path, warn: Warn) -> list[Subtitles]:
    """Files called as the film, perhaps with a language and marks in between.

    If there are only such as say something else, `warn` is told.
    """
    named = list(beside(media, SUFFIXES))
    found = [_subtitle_file(one) for one in named]
    files = [subtitles for subtitles in found if subtitles is not None]
    if named and not files:
        left = ", ".join(sorted(one.path.name for one in named))
        warn(
            f"{media.name}: {left} is left alone: what its name says beside the film's is no"
            " language; call it as in film.srt or film.de.srt"
        )
    return files


def _subtitle_file(named: FileBeside) -> Subtitles | None:
    """Language and kind by a file's name; None for another file, such as film.commentary.srt."""
    words = {word.removesuffix(_ORIGINAL) for word in re.split(r"[.()\[\]]+", named.more) if word}
    numbers = {word for word in words if word.isdecimal() and len(word) <= 2}
    marks = words & (_FOR_THE_DEAF | _FORCED | _PLAIN)
    languages = {spelled_out(word) or standard(word) for word in words - marks - numbers}
    if len(languages) == 2 and "hi" in languages:
        languages.remove("hi")  # hearing impaired, as in film.en.hi.srt; alone it is Hindi
        marks.add("sdh")
    if len(languages) > 1 or len(numbers) > 1 or not all(map(_is_common, languages)):
        return None
    return Subtitles(
        named.path,
        None,
        next(iter(languages), None),
        forced=not _FORCED.isdisjoint(marks),
        for_the_deaf=not _FOR_THE_DEAF.isdisjoint(marks),
        number=max(map(int, numbers), default=0),
    )


def _is_common(language: str | None) -> bool:
    """True if a word in a file's name means a language: `old` and `cut` are languages, too."""
    return language is not None and len(language.partition("-")[0]) == 2


def _subtitle_tracks(media: Path) -> list[Subtitles]:
    """The text tracks inside the film."""
    return [
        Subtitles(media, t.number, t.language, t.forced, t.for_the_deaf, t.default)
        for t in text_tracks(media)
    ]
