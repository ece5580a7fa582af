"""Connections as browsers make them: not too many, and none that keeps the server waiting."""

from asyncio import BaseTransport, TimerHandle
from http import HTTPStatus
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from mediafm_store.serve.security import headers

_NOTHING = "default-src 'none'"
"""What a line of plain text may load and run, as a Content-Security-Policy."""


class Connection(H11Protocol):
    """uvicorn's, with limits: that waits for ever for the rest of a request.

    What never becomes a request is answered here, in a line of text.
    """

    most = 200
    """At a time; a file that can be open is needed for each."""
    head_s = 10.0
    """From the first moment to the end of a request's head."""
    body_s = 120.0
    """For a file that is sent: one of 200 MB from this machine takes some seconds."""
    stalled_s = 300.0
    """For a client that reads nothing of its answer. A film that pauses is asked for again."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._owed: tuple[object, object] | None = None
        self._owing: TimerHandle | None = None
        self._stalled: TimerHandle | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        """Begin to wait for a request."""
        super().connection_made(transport)  # type: ignore[arg-type]
        if len(self.connections) > self.most:
            self.refuse(503, "too many connections; close some of them and try again")
        else:
            self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        super().connection_lost(exc)
        for timer in (self._owing, self._stalled):
            if timer is not None:
                timer.cancel()

    def data_received(self, data: bytes) -> None:
        """Take a part of a request."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Turn to the next request."""
        super().on_response_complete()
        self._watch()

    def pause_writing(self) -> None:
        """The client does not read as fast as it is answered."""
        super().pause_writing()
        self._stalled = self.loop.call_later(self.stalled_s, self.transport.abort)

    def resume_writing(self) -> None:
        """It reads on."""
        super().resume_writing()
        if self._stalled is not None:
            self._stalled.cancel()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP."""
        self.refuse(400, msg)

    def refuse(self, status: int, message: str) -> None:
        """Answer in a line if that can still be, and hang up."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = f"{message}\n".encode()
            told = headers(_NOTHING) | {
                "content-type": "text/plain; charset=utf-8",
                "content-length": str(len(body)),
                "connection": "close",
            }
            start = h11.Response(
                status_code=status, headers=[*told.items()], reason=HTTPStatus(status).phrase
            )
            for event in (start, h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event))
        if self.cycle is not None:
            self.cycle.disconnected = True  # what was to answer has nobody to tell
        self.transport.close()

    def _watch(self) -> None:
        """Limit the time for what the client has still to send, from when that began."""
        limits = {h11.IDLE: self.head_s, h11.SEND_BODY: self.body_s}
        state = self.conn.their_state
        owed = (self.cycle, state) if state in limits else None
        if owed == self._owed:
            return
        if self._owing is not None:
            self._owing.cancel()
        self._owed = owed
        self._owing = self.loop.call_later(limits[state], self._give_up) if owed else None

    def _give_up(self) -> None:
        """Hang up; a client that has sent part of a request gets the reason."""
        begun = self.conn.their_state is h11.SEND_BODY or self.conn.trailing_data[0]
        if begun:
            self.refuse(408, "the request took too long to arrive; send it again")
        else:
            self.transport.close()
