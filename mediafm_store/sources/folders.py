"""The files of a folder, with what is linked into it."""

import os
from collections import deque
from pathlib import Path

from mediafm_store.media.decode import Warn


def files_below(folder: Path, warn: Warn) -> list[Path]:
    """The files in a folder and below it, in order.

    Linked folders are followed, but each folder is looked into once, by its own name if it lies
    here: links may lead round in a circle. `warn` is told of links that lead nowhere, and of
    folders that cannot be read.
    """
    found: list[Path] = []
    known: set[tuple[int, int]] = set()
    own, linked = deque([folder]), deque[Path]()
    while own or linked:
        here = own.popleft() if own else linked.popleft()
        try:
            stat = here.stat()
            inside = [] if (stat.st_dev, stat.st_ino) in known else sorted(here.iterdir())
        except OSError as error:
            warn(f"{here} is left out: {error.strerror}")
            continue
        known.add((stat.st_dev, stat.st_ino))
        for path in inside:
            if os.path.isdir(path):
                (linked if path.is_symlink() else own).append(path)
            elif os.path.exists(path):
                found.append(path)
            elif path.is_symlink():
                warn(f"{path} is left out: it is a link to {os.readlink(path)}, which is not there")
    return sorted(found)
