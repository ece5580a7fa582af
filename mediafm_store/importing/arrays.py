"""Read `.npz` files: one title each."""

import math
import zipfile
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mediafm_store.arrays import Modality
from mediafm_store.errors import InvalidInput
from mediafm_store.importing.bounds import MOST_NUMBERS, too_many
from mediafm_store.importing.validation import RawTitle, Times, damaged_files
from mediafm_store.sources.videos import id_of_file

_MOST_FPS, _MOST_BYTES = 100_000, 8 * MOST_NUMBERS
_READ = ("start_s", "end_s", "shots", "fps", "words")
"""Arrays that are read beside vectors and scenes."""


class _Header(NamedTuple):
    """Header of a `.npy` file: what it declares before its values."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


class ArrayFile:
    """A `.npz` as it is found by its headers; raises InvalidInput if it cannot be one.

    `arrays` says which array is which modality, `fps` the frames a second of files that count in
    frames and do not say it, `scenes` the array of scene numbers, `title` the id if it is not to
    come from the file's name.
    """

    def __init__(
        self,
        path: Path,
        arrays: Mapping[Modality, str],
        *,
        fps: Fraction | None = None,
        title: str | None = None,
        scenes: str = "scene",
    ) -> None:
        self.path, self._arrays, self._fps, self._scenes = path, arrays, fps, scenes
        headers = _read_headers(path)
        self.holds = list(headers)
        self.widths: dict[Modality, int] = {
            m: _width_of(path, name, headers[name]) for m, name in arrays.items() if name in headers
        }
        for name in {*_READ, scenes} & headers.keys():
            _check_size(path, name, headers[name])
        self.ids = {path.stem: title or id_of_file(path)}

    def metadata_beside(self, title: str) -> Path:
        """The file whose neighbours describe a title."""
        del title
        return self.path

    def read(self, name: str) -> RawTitle:
        """The arrays of the title."""
        del name
        with damaged_files(self.path), np.load(self.path, allow_pickle=False) as arrays:
            vectors = {m: arrays[self._arrays[m]] for m in self.widths}
            words = np.atleast_1d(arrays["words"]).tolist() if "words" in self.holds else None
            scenes = arrays[self._scenes] if self._scenes in self.holds else None
            return RawTitle(self._times(arrays), vectors, words, scenes)

    def close(self) -> None:
        """Nothing is left open."""

    def _times(self, arrays: Mapping[str, np.ndarray]) -> Times:
        """From frames, which are exact, if their rate is known; else from seconds."""
        fps = frame_rate(arrays["fps"].tolist(), self.path) if "fps" in self.holds else self._fps
        if "shots" in self.holds and fps is not None:
            return _in_frames(self.path, arrays["shots"], fps)
        if {"start_s", "end_s"} <= {*self.holds}:
            return Times(arrays["start_s"], arrays["end_s"])
        if "shots" in self.holds:
            raise InvalidInput(
                f"{self.path} counts its shots in frames; say how many a second, as"
                " --fps 24000/1001"
            )
        raise InvalidInput(
            f"{self.path} does not say where its shots lie (it has {', '.join(self.holds)}); give"
            " start_s and end_s in seconds, or shots as first and last frame"
        )


def _in_frames(path: Path, shots: np.ndarray, fps: Fraction) -> Times:
    """Times from the first and the last frame of each shot."""
    if shots.ndim != 2 or shots.shape[1] != 2 or shots.dtype.kind not in "iu":
        raise InvalidInput(
            f"{path}: shots is {shots.dtype} {shots.shape}; give whole numbers [shots, 2], the"
            " first and the last frame of each shot"
        )
    frames = shots.astype(np.int64)
    return Times(frames[:, 0], frames[:, 1] + 1, 1 / fps)


def frame_rate(given: Any, where: object = "--fps") -> Fraction:
    """Parse a frame rate in frames per second.

    Args:
        given: A number, or a fraction such as `24000/1001`.
        where: Option or file that gave it, for the message.

    Raises:
        InvalidInput: The value is not a frame rate.

    Example:
        >>> frame_rate("24000/1001")
        Fraction(24000, 1001)
        >>> frame_rate(23.976)
        Fraction(2997, 125)
    """
    try:
        fps = Fraction(given[0] if isinstance(given, list) and len(given) == 1 else given)
    except (TypeError, ValueError, ArithmeticError):
        fps = Fraction(0)
    if fps.denominator > _MOST_FPS:  # 23.976023976 is meant as 24000/1001
        fps = fps.limit_denominator(1001)
    if not 0 < fps <= _MOST_FPS:
        raise InvalidInput(
            f"{where}: {given!r} is no frame rate; give a number or a fraction: 24000/1001"
        )
    return fps


def _read_headers(path: Path) -> dict[str, _Header]:
    """The arrays of a file by name; their values are not read."""
    headers = {}
    with damaged_files(path), zipfile.ZipFile(path) as members:
        for member in members.namelist():
            with members.open(member) as array:
                headers[member.removesuffix(".npy")] = _read_header(array)
    if holding := [name for name, header in headers.items() if header.dtype.hasobject]:
        raise InvalidInput(
            f"{path}: {', '.join(holding)} holds Python objects, which are not loaded from files;"
            " save numbers, and texts as np.array(texts, dtype=str)"
        )
    return headers


def _read_header(array: Any) -> _Header:
    """Read the header of one array."""
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    shape, _, dtype = readers[np.lib.format.read_magic(array)](array)
    return _Header(shape, dtype)


def _width_of(path: Path, name: str, header: _Header) -> int:
    """Length of a shot's vector in an array."""
    if len(header.shape) != 2 or header.shape[1] == 0:
        raise InvalidInput(
            f"{path}: {name} is {header.shape}; give it one row a shot: [shots, width]"
        )
    if reason := too_many(*header.shape):
        raise InvalidInput(f"{path}: {name} has {reason}")
    return header.shape[1]


def _check_size(path: Path, name: str, header: _Header) -> None:
    """Raise InvalidInput for an array beside the vectors that declares too much."""
    if reason := too_many(max(header.shape[:1], default=1)):
        raise InvalidInput(f"{path}: {name} has {reason}")
    if math.prod(header.shape) * header.dtype.itemsize > _MOST_BYTES:
        raise InvalidInput(
            f"{path}: {name} is {header.dtype} {header.shape}, larger than"
            f" {_MOST_BYTES // 10**6} MB; make several titles of it"
        )
