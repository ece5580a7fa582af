"""Pages that take a while to make, kept until what they show has changed."""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

MOST = 8
"""Pages, of up to 10 MB each."""


class Pages:
    """Pages by name. Whoever asks for one that is being made waits for it; for others, not."""

    def __init__(self) -> None:
        self._making: dict[str, Lock] = {}
        self._kept: OrderedDict[str, tuple[object, str]] = OrderedDict()
        self._keeping = Lock()

    def get(self, name: str, of: object, make: Callable[[], str]) -> str:
        """The page of a name as it is `of` this state of the store; `make` makes it."""
        with self._making.setdefault(name, Lock()):
            with self._keeping:
                known, page = self._kept.get(name, (None, ""))
            if known != of:
                page = make()
            with self._keeping:
                self._kept[name] = of, page
                self._kept.move_to_end(name)
                if len(self._kept) > MOST:
                    self._kept.popitem(last=False)
            return page
