"""JSON that other programs wrote, read within bounds: every error is an OSError or a ValueError."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mediafm_store.errors import InvalidInput

_LARGEST = 128 << 20
"""Bytes of a file."""
_DEEPEST = 50
"""Lists and objects inside each other."""
_HALF = re.compile(r"\\u[dD][89a-fA-F]")
"""Escape of a surrogate, which alone is no character."""


def parse_json(text: str) -> Any:
    """Parse a JSON text.

    Raises:
        ValueError: In one line, if it is not JSON, is nested deeper than `_DEEPEST`, or has numbers
            that no float holds or unpaired surrogates.

    Example:
        >>> parse_json('{"fps": 25}')
        {'fps': 25}
    """
    try:
        found = json.loads(text, parse_int=_whole, parse_float=_finite)
    except RecursionError as error:
        raise ValueError(f"nested more than {_DEEPEST} deep ({error})") from error
    if text.count("[") + text.count("{") > _DEEPEST and _depth(found) > _DEEPEST:
        raise ValueError(f"nested more than {_DEEPEST} deep")
    if _HALF.search(text):
        try:
            json.dumps(found, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise ValueError(f"half a character, {error.object[error.start]!a}") from error
    return found


def read_json(path: Path) -> Any:
    """Read a JSON file; see `parse_json`.

    Raises:
        OSError: If it cannot be opened.
    """
    return parse_json(_read_text(path))


def read_json_lines(path: Path, example: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the objects of a JSON Lines file with their line numbers; nulls are left out.

    Args:
        path: File to read.
        example: An object as it should be, for the error.

    Raises:
        InvalidInput: If a line is no object; the error has its number.
    """
    try:
        lines = _read_text(path).split("\n")
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{path} cannot be read: {error}; give a file of JSON lines") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = parse_json(line)
        except ValueError as error:
            raise InvalidInput(f"{path}, line {number}: no JSON: {error}") from error
        if not isinstance(row, dict):
            raise InvalidInput(f"{path}, line {number}: no object, such as {example}")
        yield number, {name: value for name, value in row.items() if value is not None}


def _read_text(path: Path) -> str:
    """A file in UTF-8; ValueError for one that is larger than `_LARGEST`, or has no end."""
    with path.open("rb") as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ValueError(f"more than {_LARGEST >> 20} MiB")
    return content.decode("utf-8-sig")


def _whole(text: str) -> int:
    """A number without either; a float can hold it."""
    if len(text) > 300:
        raise ValueError(f"{text:.40}... has more than 300 digits")
    return int(text)


def _finite(text: str) -> float:
    """A number with a point or an exponent."""
    number = float(text)
    if abs(number) == float("inf"):
        raise ValueError(f"{text:.40} is larger than any number here")
    return number


def _depth(value: object) -> int:
    """Depth to which lists and objects are nested, counted to just beyond `_DEEPEST`."""
    layer, layers = [value], 0
    while layer := [v for v in layer if isinstance(v, list | dict)]:
        layers += 1
        if layers > _DEEPEST:
            break
        layer = [c for v in layer for c in (v.values() if isinstance(v, dict) else v)]
    return layers
