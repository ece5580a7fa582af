"""Paths of media as FFmpeg may be given them: of files alone, and never taken for addresses."""

import os
import stat
from pathlib import Path

from mediafm_store.errors import InvalidMedia

_OTHERS = (
    *((stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a named pipe"), (stat.S_ISSOCK, "a socket")),
    *((stat.S_ISCHR, "a device"), (stat.S_ISBLK, "a device")),
)
"""Kinds of paths that are no files. Reading them may never begin, or never end."""


def check_file(path: Path) -> None:
    """Raise InvalidMedia unless a path is a file, or a link to one."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError as error:
        raise InvalidMedia(f"{path} does not exist") from error
    except (OSError, ValueError) as error:  # ValueError: what no file can be called
        why = getattr(error, "strerror", None) or error
        raise InvalidMedia(f"{path} cannot be opened: {why}") from error
    for is_such, what in _OTHERS:
        if is_such(mode):
            raise InvalidMedia(f"{path} is {what}, not a file; give a file")


def address(path: Path) -> str:
    """Path as FFmpeg takes it.

    A relative `take:1.mp4` would be read as a protocol `take`; an absolute path is not.
    """
    return os.path.abspath(path)
