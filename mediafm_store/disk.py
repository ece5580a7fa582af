"""Errors of writing, in a line that names the target."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mediafm_store.errors import InvalidInput, first_line


@contextmanager
def writing(path: Path | str, also: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Raise InvalidInput, naming the file or folder, for an OSError such as a full disk.

    Args:
        path: File or folder that is written.
        also: Further errors by which a library reports the same, such as FAISS's RuntimeError.
    """
    kinds: tuple[type[Exception], ...] = (OSError, *also)
    try:
        yield
    except kinds as error:
        reason = getattr(error, "strerror", None) or first_line(error)
        raise InvalidInput(
            f"{path} cannot be written: {reason}; make room, and try again"
        ) from error
