"""Files that appear when they are complete, here or in an object store, and JSON lines."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def whole_file(address: str) -> Iterator[Path]:
    """A path to write to; what is there at the end stands at `address`, whole or not at all.

    An address is a path, or one such as s3://bucket/file.
    """
    if remote(address):
        with tempfile.TemporaryDirectory() as scratch:
            part = Path(scratch) / "part"
            yield part
            with (
                file_system(address) as (system, path),
                part.open("rb") as read,
                system.open_output_stream(path) as out,
            ):
                shutil.copyfileobj(read, out)
    else:
        local = Path(address)
        local.parent.mkdir(parents=True, exist_ok=True)
        part = local.with_name(f".{local.name}")
        yield part
        part.replace(local)


def read_file(address: str) -> bytes | None:
    """What stands at an address, None if nothing does."""
    try:
        if not remote(address):
            return Path(address).read_bytes()
        with file_system(address) as (system, path), system.open_input_stream(path) as file:
            return bytes(file.read())
    except FileNotFoundError:
        return None


def remove_file(address: str) -> None:
    """Delete what stands at an address, if something does."""
    if not remote(address):
        Path(address).unlink(missing_ok=True)
    elif read_file(address) is not None:
        with file_system(address) as (system, path):
            system.delete_file(path)


def remote(address: str) -> bool:
    """Whether it is not a path of this machine."""
    return "://" in address


@contextmanager
def file_system(address: str) -> Iterator[tuple[Any, str]]:
    """The file system of a remote address, and the path in it; BadInput if it cannot be reached."""
    import pyarrow as pa
    from pyarrow import fs

    try:
        yield fs.FileSystem.from_uri(address)
    except FileNotFoundError:
        raise
    except (OSError, pa.ArrowException) as error:
        reason = str(error).partition("\n")[0]
        raise BadInput(f"{address} cannot be reached: {reason}") from error
