"""A title whose features were computed elsewhere: as a file holds it, and checked."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float64

from mediafm_store.arrays import Modality
from mediafm_store.errors import InvalidInput, MediaFMError
from mediafm_store.ingestion.title_rows import place_columns
from mediafm_store.records import Shot, Span, shot_id
from mediafm_store.shots.picture import COLUMNS as MEASURED

_SECONDS = Fraction(1, 1_000_000)
"""Time base of shots whose times are given in seconds."""
_LONGEST_S = 1e9
"""A later time is a mistake, and would not fit into ticks."""
_MOST_SCENES = 1_000_000
_NUMBERS = {*"fiu"}
"""Kinds of arrays that are taken."""
Native = Float64[np.ndarray, "shots width"]


class TitleInFile(NamedTuple):
    """Title and file that are being read, for messages."""

    file: Path
    title: str

    def bad(self, what: str, shot: int | None = None) -> InvalidInput:
        """Error about the title, or about one of its shots."""
        where = f"title {self.title}"
        if shot is not None:
            where = f"shot {shot_id(self.title, shot)}"
        return InvalidInput(f"{self.file}, {where}: {what}")


class Times(NamedTuple):
    """Start and end of each shot; the end is exclusive."""

    start: np.ndarray
    end: np.ndarray
    time_base: Fraction | None = None
    """Seconds a tick; None where the times are seconds."""


class RawTitle(NamedTuple):
    """Title as a file holds it; nothing is checked yet."""

    times: Times
    vectors: Mapping[Modality, np.ndarray]
    words: Sequence[Any] | None = None
    scenes: np.ndarray | None = None
    """A number a shot, -1 where nobody labelled; in tables perhaps null."""


@dataclass(frozen=True)
class ImportedTitle:
    """The shots of a title, with one vector a shot for each modality that its file has."""

    spans: list[Span]
    vectors: Mapping[Modality, Native]
    words: list[str]
    """Empty for a shot without words."""
    scenes: list[int | None]
    """The labelled scene of each shot."""

    @property
    def content(self) -> str:
        """The sha256 of everything that was given."""
        spans = [(s.start, s.end, s.time_base) for s in self.spans]
        digest = hashlib.sha256(repr((spans, self.words, self.scenes)).encode())
        for modality, native in sorted(self.vectors.items()):
            digest.update(f"{modality} {native.shape}".encode() + native.tobytes())
        return digest.hexdigest()


def checked_title(raw: RawTitle, place: TitleInFile) -> ImportedTitle:
    """A title as it can be stored; raise InvalidInput that names the shot and the cure."""
    spans = _spans_of(raw.times, place)
    vectors = {m: _native(v, m, len(spans), place) for m, v in raw.vectors.items()}
    words = _words_of(raw.words, len(spans), place)
    return ImportedTitle(spans, vectors, words, _scenes_of(raw.scenes, len(spans), place))


def _spans_of(times: Times, place: TitleInFile) -> list[Span]:
    """Spans of the shots; they must ascend and may not overlap."""
    time_base = times.time_base or _SECONDS
    edges = _edges_of(times, place) * (1.0 if times.time_base else float(1 / _SECONDS))
    possible = np.isfinite(edges) & (edges >= 0) & (edges * float(time_base) < _LONGEST_S)
    for shot in np.flatnonzero(~possible.all(axis=1)).tolist():
        raise place.bad(
            f"its times are {_given_times(times, shot)}; give seconds or frames from 0 on", shot
        )
    ticks = np.rint(edges).astype(np.int64)
    for shot in np.flatnonzero(ticks[:, 0] >= ticks[:, 1]).tolist():
        raise place.bad(
            f"it ends before it starts ({_given_times(times, shot)}); correct its times", shot
        )
    for shot in np.flatnonzero(ticks[1:, 0] < ticks[:-1, 1]).tolist():
        raise place.bad(
            f"it starts at {times.start[shot + 1]}, before the end of the shot before it"
            f" ({times.end[shot]}); sort the shots by time, and let none overlap",
            shot + 1,
        )
    return [Span(int(start), int(end), time_base) for start, end in ticks]


def _edges_of(times: Times, place: TitleInFile) -> Float64[np.ndarray, "shots 2"]:
    """Starts and ends side by side."""
    start, end = times.start, times.end
    kinds = {start.dtype.kind, end.dtype.kind}
    if start.ndim != 1 or start.shape != end.shape or not kinds <= _NUMBERS:
        raise place.bad(
            f"starts are {start.dtype} {start.shape}, ends {end.dtype} {end.shape};"
            " give one number a shot for each"
        )
    if not len(start):
        raise place.bad("it has no shots; give at least one, or leave the title out")
    return np.stack([start, end], axis=1).astype(np.float64)


def _given_times(times: Times, shot: int) -> str:
    """The times of a shot as they were given."""
    return f"{times.start[shot]} to {times.end[shot]}"


def _native(values: np.ndarray, modality: Modality, shots: int, place: TitleInFile) -> Native:
    """Vectors as they were computed, one row a shot."""
    if values.ndim != 2 or len(values) != shots or values.dtype.kind not in _NUMBERS:
        raise place.bad(
            f"{modality} is {values.dtype} {values.shape} for {shots} shots; give numbers, one row"
            " a shot"
        )
    found = values.astype(np.float64)
    for shot in np.flatnonzero(~np.isfinite(found).all(axis=1)).tolist():
        raise place.bad(f"{modality} has nan or inf; make the row zeros if there is none", shot)
    return found


def _words_of(words: Sequence[Any] | None, shots: int, place: TitleInFile) -> list[str]:
    """Spoken words of each shot."""
    if words is None:
        return [""] * shots
    if len(words) != shots:
        raise place.bad(f"words are {len(words)} for {shots} shots; give one text a shot, or ''")
    found = []
    for shot, text in enumerate(words):
        if not isinstance(text, str | None):
            raise place.bad(f"its words are {type(text).__name__}, not text; save strings", shot)
        try:
            (text or "").encode()
        except UnicodeEncodeError as error:
            raise place.bad(f"its words are not UTF-8: {text!a:.40}; decode them anew", shot) from (
                error
            )
        found.append((text or "").strip())
    return found


def _scenes_of(scenes: np.ndarray | None, shots: int, place: TitleInFile) -> list[int | None]:
    """The number of the scene of each shot."""
    if scenes is None:
        return [None] * shots
    if scenes.shape != (shots,) or scenes.dtype.kind not in _NUMBERS:
        raise place.bad(
            f"scenes are {scenes.dtype} {scenes.shape} for {shots} shots; give one number a shot,"
            " -1 where there is none"
        )
    there = np.nan_to_num(scenes.astype(np.float64), nan=-1)
    for shot in np.flatnonzero((there > _MOST_SCENES) | (there != np.rint(there))).tolist():
        raise place.bad(f"its scene is {there[shot]}; give whole numbers", shot)
    return [int(scene) if scene >= 0 else None for scene in there]


@contextmanager
def damaged_files(file: Path) -> Iterator[None]:
    """Damaged files: zipfile, NumPy and Arrow have a dozen errors for them between them."""
    try:
        yield
    except (MediaFMError, FileNotFoundError, PermissionError):
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise InvalidInput(f"{file} cannot be read, write it anew ({reason})") from error


def shot_row(shot: Shot, words: str, scene: int | None) -> dict[str, Any]:
    """The columns of one shot; what only its picture and sound could tell is null."""
    unknown = ("brightness", "loudness_db", "cut_brightness", "cut_loudness_db")
    flags = ("black", "silent", "repeats", "motion", "seen_p", "heard_p", *MEASURED)
    return (
        place_columns(shot)
        | {"scene": scene, "words": words, "seen": [], "heard": []}
        | dict.fromkeys((*unknown, *flags))
    )
