"""Engines run work on many titles: in threads of this process, or on a Ray cluster."""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager

from mediafm_store.engines.engine import Engine, Stage, TaskOutcome, Tell
from mediafm_store.engines.threads import Threads
from mediafm_store.errors import InvalidInput

__all__ = ["Engine", "Stage", "TaskOutcome", "Tell", "check_engine", "elsewhere", "engine_of"]


_MOST_WORKERS = 1024
_NAME = re.compile(r"threads|ray|ray://(\[[^]]+\]|[^/:]+)(:\d+)?")


def check_engine(name: str) -> None:
    """Raise InvalidInput if there is no engine of this name."""
    if not _NAME.fullmatch(name):
        raise InvalidInput(f"engine {name!r} is not one of: threads, ray, ray://HOST:PORT")


@contextmanager
def engine_of(name: str, *, workers: int | None = None) -> Iterator[Engine]:
    """Yield an engine; what it started ends with the context.

    Args:
        name: `threads`, `ray` on this machine, or `ray://HOST:PORT`, a running cluster. Ray is
            started when there is something to do.
        workers: Items that are processed in parallel; default: one with threads, and with Ray one
            for every two cores.

    Raises:
        InvalidInput: If the name is unknown, `workers` is not within 1 to `_MOST_WORKERS`, Ray is
            not installed, or nothing answers at the address.
    """
    check_engine(name)
    if workers is not None and not 1 <= workers <= _MOST_WORKERS:
        raise InvalidInput(f"workers must be 1 to {_MOST_WORKERS}, are {workers}")
    if name == "threads":
        yield Threads(workers or 1)
        return
    from mediafm_store.engines.ray import Ray

    with closing(Ray(None if name == "ray" else name, workers)) as engine:
        yield engine


def elsewhere(name: str) -> bool:
    """True if workers of the engine of this name may be on other machines than this process.

    That includes `ray`, if this process is connected to a cluster already.
    """
    if name != "ray":
        return name.startswith("ray://")
    from mediafm_store.engines.ray import has_other_machines

    return has_other_machines()
