"""The engine of many processes and machines: a Ray actor a worker.

Workers only return what they make; the driver, where the run was started, alone writes. So a
worker that dies costs what it had in hand, and that is given to another.
"""

import os
import pickle
import warnings
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from typing import Any, NamedTuple

from mediafm_store.engines.engine import WAKE_S, Item, Outcome, Result, Stage, Tell
from mediafm_store.errors import BadInput

SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is told to anybody
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # an actor without GPU may look for one
    # A local Ray listens on 127.0.0.1 alone. Only its name is of Windows and macOS, where it is so
    # by default; `_node_ip_address` does not do it. Of no effect on clusters at an address.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
}
os.environ.update({name: os.environ.get(name, value) for name, value in SETTINGS.items()})
try:
    import ray
    from ray.exceptions import RayError, RayTaskError
except ImportError as error:
    raise BadInput("this engine needs: pip install 'mediafm-store[ray]'") from error

OBJECTS_BYTES = 256 * 2**20
"""Shared memory for what passes between processes: a title is some tens of MB."""
TRIES = 4
"""Times that an item is given to a worker, if each dies with it."""


class Task(NamedTuple):
    """An item in the hands of a worker."""

    item: Any
    actor: Any
    tries: int


@dataclass(frozen=True)
class Ray:
    """Stages run in processes of this machine, or of the cluster at `address`."""

    workers: int
    address: str | None = None

    def run(
        self,
        stage: Stage[Item, Result],
        items: Iterable[Item],
        tell: Tell = lambda told: None,  # noqa: ARG002
    ) -> Generator[Outcome[Item, Result]]:
        """See Engine. Nothing is told on the way. An item whose worker dies is tried again.

        Raises BadInput if the cluster cannot be reached or the stage cannot be sent to it.
        """
        pickled = sendable(stage)
        with connected(self.address, self.workers):
            gpus = ray.cluster_resources().get("GPU", 0)
            # Workers share a GPU evenly: with a larger share the last would wait for ever.
            share = 1 / ceil(self.workers / gpus) if gpus else 0
            actors = ray.remote(Worker).options(num_cpus=1, num_gpus=share)
            pool = Pool(actors, ray.put(pickled), items)
            try:
                pool.start(self.workers)
                while pool.running:
                    for reference in pool.done():
                        outcome = pool.take(reference)
                        if outcome is not None:
                            yield outcome
            finally:
                pool.end()


class Pool:
    """Actors, each with one item in hand, and the items that are to be tried again."""

    def __init__(self, actors: Any, stage: Any, items: Iterable[Any]) -> None:
        self._actors, self._stage, self._source = actors, stage, iter(items)
        self._again: deque[tuple[Any, int]] = deque()
        self.running: dict[Any, Task] = {}

    def start(self, workers: int) -> None:
        """Give so many new workers an item each, as far as there are any."""
        for _ in range(workers):
            self._give(None)

    def done(self) -> list[Any]:
        """References to what is done, or has failed; empty if there is none for a while."""
        found: list[Any] = ray.wait(list(self.running), timeout=WAKE_S)[0]
        return found

    def take(self, reference: Any) -> Outcome[Any, Any] | None:
        """What became of an item, if it is not to be tried again; its worker has the next one."""
        task = self.running.pop(reference)
        try:
            outcome = Outcome(task.item, ray.get(reference))
        except RayTaskError as error:
            outcome = Outcome(task.item, error=cause(error))
        except RayError as error:  # the worker, its machine or the way to it is gone
            ray.kill(task.actor)
            if task.tries < TRIES:
                self._again.append((task.item, task.tries + 1))
                self._give(None)
                return None
            told = BadInput(f"{task.tries} workers died of it ({type(error).__name__})")
            self._give(None)
            return Outcome(task.item, error=told)
        self._give(task.actor)
        return outcome

    def end(self) -> None:
        """End the workers that are not done."""
        for task in self.running.values():
            ray.kill(task.actor)

    def _give(self, actor: Any) -> None:
        """Give a worker, or a new one in its place, the next item; end it if there is none."""
        try:
            item, tries = self._again.popleft() if self._again else (next(self._source), 1)
        except StopIteration:
            if actor is not None:
                ray.kill(actor)
            return
        if actor is None:
            actor = self._actors.remote(self._stage)
        self.running[actor.work.remote(item)] = Task(item, actor, tries)


class Worker:
    """An actor: holds a stage, and so its weights."""

    def __init__(self, pickled: bytes) -> None:
        self._pickled = pickled

    @cached_property
    def _stage(self) -> Any:
        return pickle.loads(self._pickled)

    def work(self, item: Any) -> Any:
        """Run the stage on one item."""
        return self._stage(item, lambda told: None)


def sendable(stage: Any) -> bytes:
    """A stage as bytes; raise BadInput if it cannot leave this process."""
    try:
        return bytes(ray.cloudpickle.dumps(stage))
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise BadInput(f"this cannot be sent to workers ({reason}); use engine threads") from error


def cause(error: RayTaskError) -> Exception:
    """What a stage raised."""
    return error.cause if isinstance(error.cause, Exception) else error


@contextmanager
def connected(address: str | None, workers: int) -> Iterator[None]:
    """Start Ray for a while, or use the one that this process has."""
    if ray.is_initialized():
        yield
        return
    local = {
        "num_cpus": workers,
        "include_dashboard": False,
        "object_store_memory": OBJECTS_BYTES,
    }
    try:
        with warnings.catch_warnings():
            # Ray forks to start its programs, which take the place of the copy at once.
            warnings.filterwarnings("ignore", "lancedb fork support", RuntimeWarning)
            warnings.filterwarnings("ignore", "Ray Client connection timed out", UserWarning)
            ray.init(
                address,
                log_to_driver=False,
                logging_level="ERROR",
                **({} if address else local),
            )
    except (RayError, ConnectionError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        if address is None:
            raise BadInput(f"Ray cannot be started here: {reason}") from error
        raise BadInput(
            f"Ray cannot be reached at {address} ({reason}); check the address, and the token where"
            " the cluster wants one: RAY_AUTH_MODE=token, RAY_AUTH_TOKEN_PATH=FILE"
        ) from error
    try:
        yield
    finally:
        ray.shutdown()
