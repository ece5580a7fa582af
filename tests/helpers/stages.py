"""Stages that workers of other processes can import, quickly."""

import os
import time
from pathlib import Path


def double(item, tell):
    tell(item)
    return 2 * item


def process(_item, _tell):
    return os.getpid()


def visible_gpus(_item, _tell):
    """Those that libraries may use, as CUDA is told; None: all."""
    return os.environ.get("CUDA_VISIBLE_DEVICES")


def refuse_odd(item, _tell):
    if item % 2:
        raise ValueError(f"{item} is odd")
    return item


def slow_then_double(item, tell):
    for _ in range(100):
        tell(item)
        time.sleep(0.02)
    return 2 * item


class DiesOnce:
    """Ends its process at item 3, the first time."""

    def __init__(self, folder: Path) -> None:
        self.mark = folder / "died"

    def __call__(self, item, _tell):
        if item == 3 and not self.mark.exists():
            self.mark.touch()
            os._exit(1)
        return item


def dies_of_three(item, _tell):
    if item == 3:
        os._exit(1)
    return item


class Counts:
    """Notes each item that it begins with, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, item, _tell):
        (self.folder / str(item)).touch()
        return item


class SlowAndCounts:
    """Notes each item and process that begins with it, in a folder, and takes a second."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, item, _tell):
        (self.folder / f"{item}-{os.getpid()}").touch()
        time.sleep(1)
        return item


class NeedsWeights:
    """Cannot be loaded on a worker."""

    def __call__(self, item, _tell):
        return item

    def __reduce__(self):
        return lost_weights, ()


def lost_weights():
    raise FileNotFoundError("no weights here")


class SlowToLoad:
    """Takes a second to load."""

    def __init__(self, load_s=0.0) -> None:
        time.sleep(load_s)

    def __call__(self, item, _tell):
        return item

    def __reduce__(self):
        return SlowToLoad, (1.0,)


class DiesLoading:
    """Ends each worker that loads it."""

    def __call__(self, item, _tell):
        return item

    def __reduce__(self):
        return os._exit, (1,)


class Encode:
    """The blocks of items of one modality."""

    def __init__(self, encoders, modality) -> None:
        self.encoders, self.modality = encoders, modality

    def __call__(self, items, _tell):
        return self.encoders[self.modality].encode(items).blocks
