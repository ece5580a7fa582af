"""The workers of one run of Ray, each an actor, and the items that they are given."""

import logging
import os
import pickle
import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, NamedTuple

from mediafm_store.engines.cluster import RayError, RayTaskError, cause, ray
from mediafm_store.engines.engine import WAKE_S, Item, Result, Stage, TaskOutcome
from mediafm_store.engines.resources import WorkerResources
from mediafm_store.errors import InvalidInput, first_line

log = logging.getLogger("mediafm_store")
_TRIES = 4
"""Times that an item is given to a worker, if each dies with it."""
_STARTS = 10
"""Workers in a row that may die before one of them can begin."""
_PLACE_S = 30.0
"""Without a place for any worker, until that is said."""


@dataclass(frozen=True)
class Task(Generic[Item]):
    """An item, and how many workers have died of it."""

    item: Item
    deaths: int = 0


class TaskQueue(Generic[Item]):
    """Items that no worker has: those to be tried again, then those of the source, one by one."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._source = iter(items)
        self._tasks: deque[Task[Item]] = deque()

    def has(self, count: int) -> bool:
        """True if at least `count` items are left; it draws them from the source."""
        self._tasks.extend(map(Task, islice(self._source, max(0, count - len(self._tasks)))))
        return len(self._tasks) >= count

    def take(self) -> Task[Item]:
        """The next; there must be one."""
        return self._tasks.popleft()

    def put_back(self, task: Task[Item]) -> None:
        """Put a task back at the front of the queue."""
        self._tasks.appendleft(task)


class Worker:
    """Worker in a process of its own."""

    def begin(self) -> None:
        """Start once resources are allocated. Without a share of a GPU the process sees none."""
        if not ray.get_gpu_ids():
            os.environ["CUDA_VISIBLE_DEVICES"] = ""  # Ray leaves it as it is on the machine

    def load(self, stage: bytes) -> None:
        """Unpickle the stage, and so read its weights."""
        self._stage: Stage[Any, Any] = pickle.loads(stage)

    def work(self, item: Any) -> Any:
        """The result of one item."""
        return self._stage(item, lambda told: None)


class _PendingWorker(NamedTuple):
    """A worker that is asked for."""

    worker: Any
    begun: Any
    """Promised by Ray for when it has a place."""


class WorkerPool(Generic[Item, Result]):
    """The workers of one run, and what each is at."""

    def __init__(self, stage: bytes, most: int, each: WorkerResources) -> None:
        self._stage, self._most, self._each = ray.put(stage), most, each
        self._hire = ray.remote(Worker).options(num_cpus=each.cpus, num_gpus=each.gpus).remote
        self._failed = 0
        """Workers that died before they could begin, since one could."""
        self._idle: list[Any] = []
        self._loading: dict[Any, _PendingWorker] = {}
        """Workers by the Ray reference that they will fulfil."""
        self._working: dict[Any, tuple[Any, Task[Item]]] = {}
        self._quiet_since, self._told = time.monotonic(), False

    def assign(self, waiting: TaskQueue[Item]) -> bool:
        """Give idle workers an item each, and start workers for others; False if all is done."""
        while self._idle and waiting.has(1):
            worker, task = self._idle.pop(), waiting.take()
            self._working[worker.work.remote(task.item)] = worker, task
        hired = len(self._idle) + len(self._loading) + len(self._working)
        while hired < self._most and waiting.has(len(self._loading) + 1):
            worker = self._hire()
            begun = worker.begin.remote()
            self._loading[worker.load.remote(self._stage)] = _PendingWorker(worker, begun)
            hired += 1
        return bool(self._working) or waiting.has(1)

    def outcome(self, waiting: TaskQueue[Item]) -> TaskOutcome[Item, Result] | None:
        """Outcome of an item that is done within a moment; tasks of dead workers are put back."""
        done, _ = ray.wait([*self._working, *self._loading], num_returns=1, timeout=WAKE_S)
        if done:
            self._quiet_since = time.monotonic()
        else:
            self._tell_if_without_place()
        for promise in done:
            if promise in self._working:
                return self._finished(promise, waiting)
            self._loaded(promise)
        return None

    def _tell_if_without_place(self) -> None:
        """Say once that there is no worker, since none has found a place, and what they need."""
        if self._told or self._working or time.monotonic() < self._quiet_since + _PLACE_S:
            return
        begun, _ = ray.wait([hired.begun for hired in self._loading.values()], timeout=0)
        if begun:
            return
        self._told = True
        asked = {"CPU": self._each.cpus, "GPU": self._each.gpus}
        asked = {name: amount for name, amount in asked.items() if amount}
        free = {name: ray.available_resources().get(name, 0) for name in asked}
        log.warning(
            "no worker has found a place in the cluster for %g s: each asks for %s; free are %s",
            _PLACE_S,
            *(" and ".join(f"{n:.3g} {name}" for name, n in has.items()) for has in (asked, free)),
        )

    def _loaded(self, promise: Any) -> None:
        """A worker can begin; raise what keeps it from that."""
        worker = self._loading.pop(promise).worker
        try:
            ray.get(promise)
        except RayTaskError as error:
            raise cause(error) from error
        except RayError as error:
            ray.kill(worker)
            self._failed += 1
            if self._failed == _STARTS:
                told = f"Ray's workers die before they begin: {first_line(error)}"
                raise InvalidInput(told) from error
        else:
            self._failed = 0
            self._idle.append(worker)

    def _finished(self, promise: Any, waiting: TaskQueue[Item]) -> TaskOutcome[Item, Result] | None:
        """Outcome of an item; None if it is to be tried again."""
        worker, task = self._working.pop(promise)
        try:
            outcome = TaskOutcome(task.item, ray.get(promise))
        except RayTaskError as error:
            outcome = TaskOutcome(task.item, error=cause(error))
        except RayError as error:  # the worker, its machine or the way to it is gone
            ray.kill(worker)
            if task.deaths + 1 < _TRIES:
                log.warning("a worker died (%s); its work is tried again", type(error).__name__)
                waiting.put_back(Task(task.item, task.deaths + 1))
                return None
            told = InvalidInput(f"{_TRIES} workers died of it ({type(error).__name__})")
            return TaskOutcome(task.item, error=told)
        self._idle.append(worker)
        return outcome

    def dismiss(self) -> None:
        """End all workers immediately."""
        loading = (hired.worker for hired in self._loading.values())
        working = (worker for worker, _ in self._working.values())
        for worker in (*self._idle, *loading, *working):
            if ray.is_initialized():  # else they have ended with the cluster
                with suppress(ConnectionError):
                    ray.kill(worker)
