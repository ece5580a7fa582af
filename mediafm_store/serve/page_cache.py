"""Pages and pictures that take a while to make, kept until what they show has changed."""

import sys
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar

T = TypeVar("T")
_MOST_BYTES = 100_000_000
"""Of all together: those that were not asked for longest are let go."""


class PageCache:
    """Cache of pages and parts by name. Thread-safe; two threads may make one value twice."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most, self._bytes = most_bytes, 0
        self._by_name: OrderedDict[Hashable, tuple[object, Any]] = OrderedDict()
        self._lock = Lock()

    def get(self, name: Hashable, of: object, make: Callable[[], T]) -> T:
        """Cached value of a name in the state `of`; `make` makes it."""
        with self._lock:
            if name in self._by_name and self._by_name[name][0] == of:
                self._by_name.move_to_end(name)
                return self._by_name[name][1]
        made = make()
        with self._lock:
            self._drop(name)
            self._by_name[name] = of, made
            self._bytes += sys.getsizeof(made)
            while self._bytes > self._most:
                self._drop(next(iter(self._by_name)))
        return made

    def _drop(self, name: Hashable) -> None:
        if name in self._by_name:
            self._bytes -= sys.getsizeof(self._by_name.pop(name)[1])
