"""Files that appear when they are complete, and files of JSON lines."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mediafm_store.errors import BadInput


def write_beside(path: Path, text: str) -> None:
    """Write a file so that it appears, or replaces an older one, when it is complete."""
    if not path.parent.is_dir():
        raise BadInput(f"cannot write {path}: there is no folder {path.parent}; make it first")
    if path.is_dir():
        raise BadInput(f"cannot write {path}: it is a folder; name a file in it")
    part = path.with_name(f".{path.name}.part")
    try:
        # A file name may hold bytes that are not text; they become question marks.
        part.write_text(text, encoding="utf-8", errors="replace")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def read_json_lines(path: Path, example: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a file, one a line, with the numbers of their lines; nulls are left out.

    Raises BadInput, with the number of the line, for anything else; `example` is told then.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read: {error}; give a file of JSON lines") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise BadInput(f"{path}, line {number}: no JSON: {error}") from error
        if not isinstance(row, dict):
            raise BadInput(f"{path}, line {number}: no object, such as {example}")
        yield number, {name: value for name, value in row.items() if value is not None}
