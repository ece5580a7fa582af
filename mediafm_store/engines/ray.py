"""The engine of many processes and machines: a Ray actor a worker.

Workers only return what they make; the driver, where the run was started, alone writes to tables.
So a worker that dies costs what it had in hand, and that is given to another.
"""

import logging
import os
import pickle
import socket
import warnings
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping, Sized
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from math import ceil
from typing import Any, Generic
from urllib.parse import urlsplit

from mediafm_store.engines.engine import WAKE_S, Item, Outcome, Result, Stage, Tell
from mediafm_store.errors import BadInput
from mediafm_store.features.encoders import Encoders

log = logging.getLogger("mediafm_store")
__all__ = ["Ray", "RayError", "RayTaskError", "cause", "connected", "ray", "sendable"]

SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is told to anybody
    "RAY_ENABLE_AUTO_CONNECT": "0",  # where a cluster is gone, no other is begun
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

# Ray tells of dead workers on standard output, where --json is; nothing public turns that off.
if private := getattr(getattr(ray, "_private", None), "worker", None):
    private.print_to_stdstream = lambda data, **_: log.debug("%s", data["lines"])

OBJECTS_BYTES = 256 * 2**20
"""Shared memory for what passes between processes: a title is some tens of MB."""
PORT = 10001
"""Of clusters, where an address has none."""
CORES = 2
"""That one film keeps busy: there is a worker for each two, unless a number is asked for."""
TRIES = 4
"""Times that an item is given to a worker, if each dies with it."""
STARTS = 10
"""Workers in a row that may die before one of them can begin."""


@contextmanager
def connected(address: str | None, workers: int | None) -> Iterator["Ray"]:
    """Ray on this machine for as long as it is needed, or the cluster at an address.

    Where this process is connected to a cluster already, that is used, and left as it is.
    """
    ours = not ray.is_initialized()
    if ours:
        start(address, workers)
    try:
        yield Ray(workers or max(1, int(resource("CPU")) // CORES))
    finally:
        if ours:
            ray.shutdown()


def start(address: str | None, workers: int | None) -> None:
    """Connect to a cluster, or begin one on this machine that nobody else can reach."""
    local = {
        "num_cpus": max(os.cpu_count() or 1, workers or 1),
        "include_dashboard": False,
        "object_store_memory": OBJECTS_BYTES,
    }
    try:
        if address:
            check_listens(address)
        with warnings.catch_warnings():
            # Ray forks to start its programs, which take the place of the copy at once.
            warnings.filterwarnings("ignore", "lancedb fork support", RuntimeWarning)
            warnings.filterwarnings("ignore", "Ray Client connection timed out", UserWarning)
            ray.init(
                address or "local",  # not a cluster that happens to run here
                log_to_driver=False,
                logging_level="ERROR",
                **({} if address else local),
            )
    except (RayError, OSError, RuntimeError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        if address is None:
            raise BadInput(f"Ray cannot be started here: {reason}") from error
        raise BadInput(
            f"Ray cannot be reached at {address} ({reason}); check the address, and the token where"
            " the cluster wants one: RAY_AUTH_MODE=token, RAY_AUTH_TOKEN_PATH=FILE"
        ) from error


def check_listens(address: str) -> None:
    """Raise OSError if nothing answers at ray://HOST:PORT; Ray itself tries for half a minute."""
    place = urlsplit(address)
    socket.create_connection((place.hostname, place.port or PORT), timeout=5).close()


def resource(name: str) -> float:
    """How much of it all machines have together."""
    return float(ray.cluster_resources().get(name, 0.0))


@dataclass(frozen=True)
class Ray:
    """So many worker processes at once; where fewer find a place, those."""

    workers: int

    def held(self, encoders: Encoders) -> Encoders:
        """On GPUs if the cluster has any; else each worker has its own, which sends no pictures."""
        from mediafm_store.engines.holders import hold

        gpus = int(resource("GPU"))
        return hold(encoders, gpus) if gpus else encoders

    def run(
        self,
        stage: Stage[Item, Result],
        items: Iterable[Item],
        tell: Tell = lambda told: None,  # noqa: ARG002
        *,
        on_gpu: bool = False,
    ) -> Generator[Outcome[Item, Result]]:
        """See Engine. Nothing is told on the way. An item whose worker dies is tried again.

        Raises BadInput if the stage cannot be sent to workers, or these die before they begin.
        """
        most = min(self.workers, max(1, len(items))) if isinstance(items, Sized) else self.workers
        gpus = resource("GPU") if on_gpu else 0
        # Workers share GPUs evenly: with a larger share the last would find no place.
        share = 1 / ceil(most / gpus) if gpus else 0
        each = {"num_cpus": cores_each(most), "num_gpus": share}
        waiting: Waiting[Item] = Waiting(items)
        crew: Crew[Item, Result] = Crew(sendable(stage), most, each)
        try:
            while crew.assign(waiting):
                if outcome := crew.outcome(waiting):
                    crew.assign(waiting)  # workers go on while the caller has the outcome
                    yield outcome
        finally:
            crew.dismiss()


@dataclass(frozen=True)
class Task(Generic[Item]):
    """An item, and how many workers have died of it."""

    item: Item
    deaths: int = 0


class Waiting(Generic[Item]):
    """Items that no worker has: those to be tried again, then those of the source, one by one."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._source = iter(items)
        self._tasks: deque[Task[Item]] = deque()

    def has(self, count: int) -> bool:
        """Whether there are so many."""
        self._tasks.extend(map(Task, islice(self._source, max(0, count - len(self._tasks)))))
        return len(self._tasks) >= count

    def take(self) -> Task[Item]:
        """The next; there must be one."""
        return self._tasks.popleft()

    def put_back(self, task: Task[Item]) -> None:
        """To be tried again before others."""
        self._tasks.appendleft(task)


class Worker:
    """What runs in a process of its own."""

    def load(self, stage: bytes) -> None:
        """Unpickle the stage, and so read its weights."""
        self._stage: Stage[Any, Any] = pickle.loads(stage)

    def work(self, item: Any) -> Any:
        """The result of one item."""
        return self._stage(item, lambda told: None)


class Crew(Generic[Item, Result]):
    """The workers of one run, and what each is at."""

    def __init__(self, stage: bytes, most: int, each: Mapping[str, float]) -> None:
        self._stage, self._most = ray.put(stage), most
        self._hire = ray.remote(Worker).options(**each).remote
        self._failed = 0
        """Workers that died before they could begin, since one could."""
        self._idle: list[Any] = []
        self._loading: dict[Any, Any] = {}
        """By what Ray promises: the worker."""
        self._working: dict[Any, tuple[Any, Task[Item]]] = {}

    def assign(self, waiting: Waiting[Item]) -> bool:
        """Give idle workers an item each, and start workers for others; False if all is done."""
        while self._idle and waiting.has(1):
            worker, task = self._idle.pop(), waiting.take()
            self._working[worker.work.remote(task.item)] = worker, task
        hired = len(self._idle) + len(self._loading) + len(self._working)
        while hired < self._most and waiting.has(len(self._loading) + 1):
            worker = self._hire()
            self._loading[worker.load.remote(self._stage)] = worker
            hired += 1
        return bool(self._working) or waiting.has(1)

    def outcome(self, waiting: Waiting[Item]) -> Outcome[Item, Result] | None:
        """What became of an item that is done within a moment; tasks of the dead are put back."""
        try:
            done, _ = ray.wait([*self._working, *self._loading], num_returns=1, timeout=WAKE_S)
        except ConnectionError as error:
            raise BadInput(f"the cluster is gone ({error}); start it, and this again") from error
        for promise in done:
            if promise in self._working:
                return self._finished(promise, waiting)
            self._loaded(promise)
        return None

    def _loaded(self, promise: Any) -> None:
        """A worker can begin; raise what keeps it from that."""
        worker = self._loading.pop(promise)
        try:
            ray.get(promise)
        except RayTaskError as error:
            raise cause(error) from error
        except RayError as error:
            ray.kill(worker)
            self._failed += 1
            if self._failed == STARTS:
                reason = str(error).strip().partition("\n")[0]
                raise BadInput(f"Ray's workers die before they begin: {reason}") from error
        else:
            self._failed = 0
            self._idle.append(worker)

    def _finished(self, promise: Any, waiting: Waiting[Item]) -> Outcome[Item, Result] | None:
        """What became of an item; None if it is to be tried again."""
        worker, task = self._working.pop(promise)
        try:
            outcome = Outcome(task.item, ray.get(promise))
        except RayTaskError as error:
            outcome = Outcome(task.item, error=cause(error))
        except RayError as error:  # the worker, its machine or the way to it is gone
            ray.kill(worker)
            if task.deaths + 1 < TRIES:
                log.warning("a worker died (%s); its work is tried again", type(error).__name__)
                waiting.put_back(Task(task.item, task.deaths + 1))
                return None
            told = BadInput(f"{TRIES} workers died of it ({type(error).__name__})")
            return Outcome(task.item, error=told)
        self._idle.append(worker)
        return outcome

    def dismiss(self) -> None:
        """End all workers, at once."""
        working = (worker for worker, _ in self._working.values())
        for worker in (*self._idle, *self._loading.values(), *working):
            if ray.is_initialized():  # else they have ended with the cluster
                with suppress(ConnectionError):
                    ray.kill(worker)


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


def cores_each(workers: int) -> int:
    """The most cores that each of so many workers can have, if all are to find a place.

    Ray tells the libraries in a worker to use no more threads than that.
    """
    nodes = [int(n["Resources"].get("CPU", 0)) for n in ray.nodes() if n["Alive"]]
    fits = (c for c in range(max(nodes, default=1), 1, -1) if sum(n // c for n in nodes) >= workers)
    return next(fits, 1)
