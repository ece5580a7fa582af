"""Threads joined by bounded queues, and how many there may be."""

import os
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain, islice
from queue import Queue
from threading import Event, Lock
from typing import Any, TypeVar

from threadpoolctl import threadpool_limits

T = TypeVar("T")
_END = object()
_GIVE_WAY = 15
"""Steps of niceness by which workers give way to the source that they wait for."""


def cores() -> int:
    """Number of cores that this process may keep busy: all, unless OMP_NUM_THREADS limits it.

    Ray sets that for each worker.
    """
    share = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    return int(share) if share.isdigit() and int(share) else os.cpu_count() or 1


def ahead(items: Iterable[T], *, size: int) -> Generator[T]:
    """Prefetch items in a thread: up to `size` of them before they are needed.

    They are handed over in batches of an eighth of `size`: a hand-over costs tens of microseconds.
    Close it before the source of the items is closed. Errors of `items` are raised here.

    Example:
        >>> list(ahead("abc", size=2))
        ['a', 'b', 'c']
    """
    batch_size = max(1, size // 8)
    queue: Queue[Any] = Queue(max(1, size // batch_size - 2))
    closed = Event()

    def make() -> None:
        try:
            for batch in batches(items, batch_size):
                queue.put(batch)
                if closed.is_set():
                    return
        finally:
            queue.put(_END)

    with ThreadPoolExecutor(1) as pool:
        made = pool.submit(make)
        waiting = iter(queue.get, _END)
        try:
            yield from chain.from_iterable(waiting)
        finally:
            closed.set()
            for _ in waiting:
                pass
        made.result()


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield lists of `size` items; the last may be shorter.

    Example:
        >>> list(batches("abcde", 2))
        [['a', 'b'], ['c', 'd'], ['e']]
    """
    source = iter(items)
    while batch := list(islice(source, size)):
        yield batch


def groups(items: Iterable[T], size: Callable[[T], int], *, most: int) -> Iterator[list[T]]:
    """Yield items in order, grouped while the sum of their sizes is at most `most`.

    Example:
        >>> list(groups(["aa", "b", "ccc"], len, most=3))
        [['aa', 'b'], ['ccc']]
    """
    group: list[T] = []
    total = 0
    for item in items:
        if group and total + size(item) > most:
            yield group
            group, total = [], 0
        group.append(item)
        total += size(item)
    if group:
        yield group


def fan_out(
    items: Iterable[T], workers: Sequence[Callable[[Iterator[T]], Any]], *, ahead: int
) -> list[Any]:
    """Give every item to every worker, each in a thread of its own.

    Args:
        items: Source of the items, read once.
        workers: Functions that consume an iterator of all items.
        ahead: Number of items that may wait for a worker: a slow worker slows the source down, so
            memory stays bounded.

    Returns:
        The results of the workers, in their order. If the source or a worker raises, all are ended
        and the error is raised here.
    """
    queues: list[Queue[Any]] = [Queue(ahead) for _ in workers]
    with ONE_BLAS_THREAD.held(), ThreadPoolExecutor(len(workers)) as pool:
        failed = Event()
        running = [
            pool.submit(_consume, worker, queue, failed)
            for worker, queue in zip(workers, queues, strict=True)
        ]
        try:
            for item in items:
                for queue in queues:
                    queue.put(item)
                if failed.is_set():
                    break
        except BaseException:
            failed.set()
            raise
        finally:
            for queue in queues:
                queue.put(_END)
    return [future.result() for future in running]


class _OneBlasThread:
    """NumPy's products in the thread that asks for them, as long as anybody holds it.

    Threads that multiply small matrices at the same time have nothing of OpenBLAS's own threads:
    these spin after each product.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._holders = 0
        self._limits: threadpool_limits | None = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """The limit is of the whole process: the first sets it, the last takes it away."""
        with self._lock:
            self._holders += 1
            if self._holders == 1:
                self._limits = threadpool_limits(1, user_api="blas")
        try:
            yield
        finally:
            with self._lock:
                self._holders -= 1
                if self._holders == 0 and self._limits is not None:
                    self._limits.restore_original_limits()


ONE_BLAS_THREAD = _OneBlasThread()


def _consume(worker: Callable[[Iterator[T]], Any], queue: "Queue[Any]", failed: Event) -> Any:
    """Run a worker over a queue, and empty it if the worker fails: its source must not wait.

    Where another has failed its items end, since nobody wants what it makes of the others. Linux
    alone gives each thread its own niceness.
    """
    if sys.platform == "linux":
        os.nice(_GIVE_WAY)
    waiting = iter(queue.get, _END)
    try:
        return worker(item for item in waiting if not failed.is_set())
    except BaseException:
        failed.set()
        raise
    finally:
        for _ in waiting:
            pass
