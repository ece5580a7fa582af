"""What cannot be written, in a line that names it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mediafm_store.errors import InvalidInput, first_line


@contextmanager
def writing(path: Path | str, also: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Raise InvalidInput for an OSError, as of a full disk, that names the file or folder.

    `also` are the errors by which a library says the same, such as FAISS's RuntimeError.
    """
    kinds: tuple[type[Exception], ...] = (OSError, *also)
    try:
        yield
    except kinds as error:
        reason = getattr(error, "strerror", None) or first_line(error)
        raise InvalidInput(
            f"{path} cannot be written: {reason}; make room, and try again"
        ) from error
