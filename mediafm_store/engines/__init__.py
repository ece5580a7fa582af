"""Where work on many titles runs: threads of this process, or a Ray cluster."""

from mediafm_store.engines.engine import Engine, Outcome, Stage, Tell
from mediafm_store.engines.threads import Threads
from mediafm_store.errors import BadInput

__all__ = ["Engine", "Outcome", "Stage", "Tell", "engine_of"]


def engine_of(name: str, *, workers: int) -> Engine:
    """`threads`, `ray` on this machine, or `ray://HOST:PORT`; `workers` items are taken at once.

    Raises BadInput for another name, for less than one worker, or where Ray is not installed.
    """
    if workers < 1:
        raise BadInput(f"workers must be 1 or more, are {workers}")
    if name == "threads":
        return Threads(workers)
    if name == "ray" or name.startswith("ray://"):
        from mediafm_store.engines.ray import Ray

        return Ray(workers, None if name == "ray" else name)
    raise BadInput(f"engine {name!r} is not one of: threads, ray, ray://HOST:PORT")
