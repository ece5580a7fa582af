"""Threads joined by bounded queues."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import Queue
from threading import Event
from typing import Any, TypeVar

T = TypeVar("T")
END = object()


def fan_out(
    items: Iterable[T], workers: Sequence[Callable[[Iterator[T]], Any]], *, ahead: int
) -> list[Any]:
    """Give every item to every worker, each in a thread of its own; return what they return.

    At most `ahead` items wait for a worker: a slow one slows the source down, so memory stays
    bounded. Where the source or a worker raises, all are ended and it is raised here.
    """
    queues: list[Queue[Any]] = [Queue(ahead) for _ in workers]
    with ThreadPoolExecutor(len(workers)) as pool:
        failed = Event()
        running = [
            pool.submit(consume, worker, queue, failed)
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
                queue.put(END)
    return [future.result() for future in running]


def consume(worker: Callable[[Iterator[T]], Any], queue: "Queue[Any]", failed: Event) -> Any:
    """Run a worker over a queue, and empty it if the worker fails: its source must not wait.

    Where another has failed its items end, since nobody wants what it makes of the others.
    """
    waiting = iter(queue.get, END)
    try:
        return worker(item for item in waiting if not failed.is_set())
    except BaseException:
        failed.set()
        raise
    finally:
        for _ in waiting:
            pass
