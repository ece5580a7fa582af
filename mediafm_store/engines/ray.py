"""The engine of many processes and machines: a Ray actor a worker.

Workers only return what they make; the driver, where the run was started, alone writes to tables.
So a worker that dies costs what it had in hand, and that is given to another.
"""

import socket
from collections.abc import Generator, Iterable, Sized

from mediafm_store.encoders.encoder import Encoders
from mediafm_store.engines.cluster import check_listens, gone_told, nodes, ray, sendable, start
from mediafm_store.engines.engine import Item, Result, Stage, TaskOutcome, Tell
from mediafm_store.engines.resources import allocate
from mediafm_store.engines.worker_pool import TaskQueue, WorkerPool

_CORES = 2
"""Cores that one film keeps busy: by default there is a worker for each two."""


class Ray:
    """Engine of up to `workers` Ray worker processes, fewer where resources are short.

    On this machine, or on a cluster at an address; connected when there is something to do, and
    until it is closed. Where this process is connected already, that is used, and left as it is.
    """

    def __init__(self, address: str | None, workers: int | None) -> None:
        """Raise InvalidInput if nothing answers at the address."""
        self._address, self._workers = address, workers
        self._started = False
        if address and not ray.is_initialized():
            check_listens(address)

    def connect(self) -> None:
        """Connect to the cluster, unless that is done; it takes seconds.

        Raises:
            InvalidInput: If it cannot connect.
        """
        if not ray.is_initialized():
            self._started = True  # also if it is interrupted
            start(self._address, self._workers or 1)

    def close(self) -> None:
        """End what was started."""
        if self._started:
            ray.shutdown()

    @property
    def workers(self) -> int:
        """See Engine. The cluster is asked if nobody has said how many."""
        if self._workers is None:
            self.connect()
            self._workers = max(1, sum(node.cpus for node in nodes()) // _CORES)
        return self._workers

    def held(self, encoders: Encoders) -> Encoders:
        """On GPUs if the cluster has any; else each worker has its own, which sends no pictures."""
        from mediafm_store.engines.encoder_actors import hold

        self.connect()
        with gone_told():
            gpus = sum(node.gpus for node in nodes())
            return hold(encoders, gpus) if gpus else encoders

    def run(
        self,
        stage: Stage[Item, Result],
        items: Iterable[Item],
        tell: Tell = lambda told: None,  # noqa: ARG002
        *,
        on_gpu: bool = False,
    ) -> Generator[TaskOutcome[Item, Result]]:
        """Run a stage; see `Engine`.

        There is no progress within an item. Items of dead workers are retried.

        Raises:
            InvalidInput: If the stage cannot be pickled, workers die before they begin, or the
                cluster is gone.
        """
        waiting: TaskQueue[Item] = TaskQueue(items)
        if not waiting.has(1):
            return
        self.connect()
        with gone_told():
            most = min(self.workers, len(items)) if isinstance(items, Sized) else self.workers
            each = allocate(nodes(), most, on_gpu=on_gpu)
            crew: WorkerPool[Item, Result] = WorkerPool(sendable(stage), most, each)
            try:
                while crew.assign(waiting):
                    if outcome := crew.outcome(waiting):
                        crew.assign(waiting)  # workers go on while the caller has the outcome
                        yield outcome
            finally:
                crew.dismiss()


def has_other_machines() -> bool:
    """True if this process is connected to a cluster that has other machines."""
    if not ray.is_initialized():
        return False
    with gone_told():
        return any(node.host != socket.gethostname() for node in nodes())
