"""Files that appear when they are complete, here or in an object store."""

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
