"""Files that appear when they are complete, here or in an object store."""

import errno
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from mediafm_store.errors import InvalidInput, first_line


def write_text(path: str | Path, text: str) -> None:
    """Write a text to a file as `whole_file` does.

    Raises:
        InvalidInput: If its folder does not exist.
    """
    folder = Path(path).parent
    if not folder.is_dir():
        raise InvalidInput(f"cannot write {path}: there is no folder {folder}; make it first")
    with whole_file(path) as part:
        # A file name may hold bytes that are not text; they become question marks.
        part.write_text(text, encoding="utf-8", errors="replace")


def path_list(paths: str | Path | Iterable[str | Path]) -> list[Path]:
    """Paths as a list; a single path, which is iterable letter by letter, is a list of one."""
    return [Path(path) for path in ([paths] if isinstance(paths, str | Path) else paths)]


@contextmanager
def whole_file(address: str | Path) -> Iterator[Path]:
    """Yield a path to write to; afterwards the file is moved to `address`, complete or not at all.

    See `put`; missing folders are made.

    Args:
        address: A path, `-` for stdout, or an address such as s3://bucket/file.

    Raises:
        InvalidInput: If the address cannot be written to.
    """
    with scratch_folder(address) as scratch, named_in_errors(address):
        part = scratch / "part"
        yield part
        put(part, address)


@contextmanager
def scratch_folder(address: str | Path) -> Iterator[Path]:
    """Yield a temporary folder for files that are to be `put` at or beside an address."""
    beside = None
    with named_in_errors(address):
        if not (remote(str(address)) or _is_stream(Path(address))):
            beside = Path(os.path.realpath(address)).parent
            beside.mkdir(parents=True, exist_ok=True)
        scratch = tempfile.TemporaryDirectory(dir=beside, prefix=".writing-")
    with scratch as folder:
        yield Path(folder)


def put(part: Path, address: str | Path) -> None:
    """Move a complete file to an address, in place of one that is there.

    A symbolic link is kept: its target is replaced, and keeps its permissions. Targets that are no
    regular file (a pipe, a device, stdout) are written in place.
    """
    if remote(str(address)):
        with (
            file_system(str(address)) as (system, path),
            part.open("rb") as read,
            system.open_output_stream(path) as out,
        ):
            shutil.copyfileobj(read, out)
        return
    to = Path(address)
    if to.is_dir():
        raise InvalidInput(f"cannot write {to}: it is a folder; name a file in it")
    if _is_stream(to):
        with part.open("rb") as read, _open_stream(to) as out:
            shutil.copyfileobj(read, out)
        return
    real = Path(os.path.realpath(to))
    part.chmod(_rights(real if real.exists() else part.parent))
    part.replace(real)


def _rights(place: Path) -> int:
    """Permissions of a file; for a folder, those of new files in it."""
    if place.is_file():
        return stat.S_IMODE(place.stat().st_mode)
    new = place / ".rights"
    new.touch()
    try:
        return stat.S_IMODE(new.stat().st_mode)
    finally:
        new.unlink()


def is_stdout(path: str | Path) -> bool:
    """True if it is `-`, or the file that stdout goes to: to replace that would lose the rest."""
    if str(path) == "-":
        return True
    with suppress(OSError):
        return os.path.samestat(os.stat(path), os.fstat(_STDOUT))
    return False


_STDOUT = 1
"""Its number."""


def _is_stream(path: Path) -> bool:
    """True if it is written in place, and never replaced."""
    if is_stdout(path):
        return True
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _open_stream(path: Path) -> BinaryIO:
    """Open a target that is no regular file, or stdout, for writing."""
    if not is_stdout(path):
        return path.open("wb")
    sys.stdout.flush()
    return open(_STDOUT, "wb", closefd=False)


@contextmanager
def named_in_errors(address: str | Path) -> Iterator[None]:
    """Raise system errors, such as a full disk, as InvalidInput that names the file."""
    try:
        yield
    except OSError as error:
        if error.errno not in errno.errorcode:  # of LanceDB and FFmpeg, which say more
            raise
        raise InvalidInput(f"cannot write {address}: {error.strerror}") from error


def read_file(address: str) -> bytes | None:
    """Bytes at an address; None if there is nothing."""
    try:
        if not remote(address):
            return Path(address).read_bytes()
        with file_system(address) as (system, path), system.open_input_stream(path) as file:
            return bytes(file.read())
    except FileNotFoundError:
        return None


def remove_file(address: str) -> None:
    """Delete what is at an address, if there is something."""
    if not remote(address):
        Path(address).unlink(missing_ok=True)
    elif read_file(address) is not None:
        with file_system(address) as (system, path):
            system.delete_file(path)


def remote(address: str) -> bool:
    """True if it is not a path of this machine."""
    return "://" in address


@contextmanager
def file_system(address: str) -> Iterator[tuple[Any, str]]:
    """The file system of a remote address and the path in it; InvalidInput if out of reach."""
    import pyarrow as pa
    from pyarrow import fs

    try:
        yield fs.FileSystem.from_uri(address)
    except FileNotFoundError:
        raise
    except (OSError, pa.ArrowException) as error:
        raise InvalidInput(f"{address} cannot be reached: {first_line(error)}") from error
