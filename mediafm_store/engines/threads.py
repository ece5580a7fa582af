"""The engine of one process: a thread a worker."""

from collections.abc import Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from threading import Event
from typing import Any

from mediafm_store.encoders.encoder import Encoders
from mediafm_store.engines.engine import WAKE_S, Item, Result, Stage, TaskOutcome, Tell


@dataclass(frozen=True)
class Threads:
    """Stages share this process; `tell` is called from their threads."""

    workers: int

    def held(self, encoders: Encoders) -> Encoders:
        """Return the encoders: they are in this process."""
        return encoders

    def run(
        self,
        stage: Stage[Item, Result],
        items: Iterable[Item],
        tell: Tell = lambda told: None,
        *,
        on_gpu: bool = False,  # noqa: ARG002 - all of a process share its GPU
    ) -> Generator[TaskOutcome[Item, Result]]:
        """See Engine. An item is tried once, and told to stop when the run is closed."""
        stopped, source = Event(), iter(items)

        def tell_or_stop(told: Any) -> None:
            if stopped.is_set():
                raise KeyboardInterrupt
            tell(told)

        with ThreadPoolExecutor(self.workers) as pool:
            running: dict[Future[Result], Item] = {}

            def start(count: int) -> None:
                for item in islice(source, count):
                    running[pool.submit(stage, item, tell_or_stop)] = item

            try:
                start(self.workers)
                while running:
                    for future in wait(running, WAKE_S, FIRST_COMPLETED).done:
                        yield _outcome_of(running.pop(future), future)
                        start(1)  # not before: a kill costs what has not been written
            finally:
                stopped.set()
                pool.shutdown(wait=False, cancel_futures=True)


def _outcome_of(item: Item, future: "Future[Result]") -> TaskOutcome[Item, Result]:
    """Result of a thread, or the error that it raised."""
    try:
        return TaskOutcome(item, future.result())
    except Exception as error:
        return TaskOutcome(item, error=error)
