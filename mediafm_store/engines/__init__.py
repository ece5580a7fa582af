"""Where work on many titles runs: threads of this process, or a Ray cluster."""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager

from mediafm_store.engines.engine import Engine, Stage, TaskOutcome, Tell
from mediafm_store.engines.threads import Threads
from mediafm_store.errors import InvalidInput

__all__ = ["Engine", "Stage", "TaskOutcome", "Tell", "check_engine", "elsewhere", "engine_of"]


MOST_WORKERS = 1024
NAME = re.compile(r"threads|ray|ray://(\[[^]]+\]|[^/:]+)(:\d+)?")


def check_engine(name: str) -> None:
    """Raise InvalidInput if there is no engine of this name."""
    if not NAME.fullmatch(name):
        raise InvalidInput(f"engine {name!r} is not one of: threads, ray, ray://HOST:PORT")


@contextmanager
def engine_of(name: str, *, workers: int | None = None) -> Iterator[Engine]:
    """`threads`, `ray` on this machine, or `ray://HOST:PORT`, a cluster that runs already.

    `workers` items are taken at once: by default one by threads, and by Ray one for every two
    cores. Ray is started when there is something to do, and what was started ends with the engine.
    Raises InvalidInput for another name, for less than one worker or more than `MOST_WORKERS`,
    where Ray is not installed, or where nothing answers at an address.
    """
    check_engine(name)
    if workers is not None and not 1 <= workers <= MOST_WORKERS:
        raise InvalidInput(f"workers must be 1 to {MOST_WORKERS}, are {workers}")
    if name == "threads":
        yield Threads(workers or 1)
        return
    from mediafm_store.engines.ray import Ray

    with closing(Ray(None if name == "ray" else name, workers)) as engine:
        yield engine


def elsewhere(name: str) -> bool:
    """Whether workers of the engine of this name may be on other machines than this process.

    Also of `ray`, if this process is connected to a cluster already.
    """
    if name != "ray":
        return name.startswith("ray://")
    from mediafm_store.engines.ray import has_other_machines

    return has_other_machines()
