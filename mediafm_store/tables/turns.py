"""Writers take turns: a lock file, and beside it who holds it."""

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from mediafm_store.errors import InvalidInput

log = logging.getLogger("mediafm_store")
_TOLD_S = 10.0
"""Seconds after which a waiting process logs the holder."""
_PATIENCE_S = 900.0
"""and gives up after so long more."""


@contextmanager
def turn(lock: Path, what: str) -> Iterator[None]:
    """Hold a lock that one process of this machine has at a time; it ends with the process.

    A thread that holds it may take it again.

    Args:
        lock: Lock file.
        what: Name of what is locked, such as `store films`, for the error.

    Raises:
        InvalidInput: If another process holds it for too long; the error names the holder.
        OSError: If the file system cannot lock.
    """
    holder = lock.with_name(f"{lock.name}.by")
    # One object a path: what a thread holds it may take again, by whichever store it opened.
    held = FileLock(lock, is_singleton=True)
    try:
        try:
            held.acquire(timeout=_TOLD_S)
        except Timeout:
            log.warning("waiting for %s, to which %s writes", what, _who(holder))
            held.acquire(timeout=_PATIENCE_S)
    except Timeout as error:
        raise InvalidInput(
            f"{what} has been written to by {_who(holder)} all the time; try again later, or delete"
            f" {lock} if there is no such program"
        ) from error
    try:
        if held.lock_counter == 1:
            now = datetime.now(UTC).isoformat(" ", "seconds")
            with suppress(OSError):  # of a disk that is full: it is only for who waits
                holder.write_text(f"process {os.getpid()} on {socket.gethostname()}, since {now}")
        yield
    finally:
        held.release()


def _who(holder: Path) -> str:
    """Holder of a lock, as far as it is known."""
    with suppress(OSError, UnicodeDecodeError):
        if said := holder.read_text(encoding="utf-8")[:200].strip():
            return said
    return "another program"
