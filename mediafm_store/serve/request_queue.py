"""Limit on concurrent work: more threads than cores only get in each other's way."""

from asyncio import Semaphore
from collections.abc import Callable
from typing import TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

T = TypeVar("T")


class RequestQueue:
    """Requests of a kind: some are worked on, the others wait in order."""

    def __init__(self, at_once: int) -> None:
        self._free = Semaphore(at_once)

    async def take(self, request: Request, make: Callable[[], T]) -> T:
        """Run `make` in a thread when it is this request's turn, and return its result.

        Raises ClientDisconnect if nobody waits for it any more.
        """
        async with self._free:
            if await request.is_disconnected():
                raise ClientDisconnect
            return await run_in_threadpool(make)
