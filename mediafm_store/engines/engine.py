"""The interface of an engine: it runs one stage over many items, on several workers in parallel."""

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, cast, runtime_checkable

from mediafm_store.encoders.encoder import Encoders

Item = TypeVar("Item")
Result = TypeVar("Result")
Tell = Callable[[Any], None]
"""Called with how far an item is; it raises where the run has been stopped."""
Stage = Callable[[Item, Tell], Result]
"""Function that processes one item. An engine of several processes pickles it, once a worker: what
is slow to load should be loaded when it is unpickled or first called."""

WAKE_S = 0.1
"""Seconds between checks for Ctrl-C, which wakes no waiting thread where polars is loaded."""


@dataclass(frozen=True)
class TaskOutcome(Generic[Item, Result]):
    """Outcome of an item: a result, or the error that it raised at every attempt."""

    item: Item
    result: Result | None = None
    error: Exception | None = None

    def get(self) -> Result:
        """The result; raises the error if there is none."""
        if self.error is not None:
            raise self.error
        return cast(Result, self.result)


@runtime_checkable
class Engine(Protocol):
    """Executor of stages."""

    @property
    def workers(self) -> int:
        """Number of items that are processed in parallel."""
        ...

    def held(self, encoders: Encoders) -> Encoders:
        """Encoders for a stage: these, or stand-ins for those that processes with GPUs hold."""
        ...

    def run(
        self,
        stage: Stage[Item, Result],
        items: Iterable[Item],
        tell: Tell = ...,
        *,
        on_gpu: bool = False,
    ) -> Generator[TaskOutcome[Item, Result]]:
        """Outcomes as they come, one of each item.

        Items are taken in the caller's thread, as workers become free. At most `workers` items
        are under way or wait to be asked for, beside the one that the caller has: who is slow to
        take outcomes slows the workers. Close the generator to end them all. `on_gpu`: the stage
        may use a GPU, so its workers have theirs where there are any. A stage that workers cannot
        load ends the run with its error.
        """
        ...
