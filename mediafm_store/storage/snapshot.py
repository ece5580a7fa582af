"""Tasks that read a store as it was when they began."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from mediafm_store.storage.storage import Storage

P = ParamSpec("P")
R = TypeVar("R")


def at_one_moment(
    task: Callable[Concatenate[Storage, P], R],
) -> Callable[Concatenate[Storage, P], R]:
    """Decorator: a function sees each table at one version throughout; see `Tables.held`."""

    @wraps(task)
    def held(store: Storage, *arguments: P.args, **options: P.kwargs) -> R:
        with store.tables.pinned():
            return task(store, *arguments, **options)

    return held  # type: ignore[return-value]  # it may be called with store=, too
