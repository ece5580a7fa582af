"""Serve a store on this machine until Ctrl-C."""

import logging
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress

import uvicorn
from starlette.types import ASGIApp

from mediafm_store.encoding import DeviceChoice
from mediafm_store.errors import InvalidInput
from mediafm_store.parallel import ONE_BLAS_THREAD
from mediafm_store.serve.app import make_app
from mediafm_store.serve.connections import Connection
from mediafm_store.serve.library import SharedStore
from mediafm_store.storage.storage import Storage

_HOST = "127.0.0.1"
"""Nobody but this machine is served: films and their words are not for the network."""
_PORT = 8010
_PATIENCE_S = 2
"""Seconds for answers that are under way when the server stops."""


def serve(
    store: Storage,
    *,
    port: int = _PORT,
    encoders: Sequence[str] = (),
    device: DeviceChoice = "auto",
    on_ready: Callable[[str], None] = lambda address: None,
) -> None:
    """Serve pages until Ctrl-C.

    Args:
        store: The store to show.
        port: Port on the loopback address; 0 for a free one.
        encoders: Encoders in place of the defaults, as `load_encoders` takes them.
        device: Device of the encoders.
        on_ready: Called with the address when the server answers.

    Raises:
        InvalidInput: The port is taken.
    """
    # Several threads search concurrently. To limit BLAS for each search, and to release it after,
    # takes longer than the search.
    with _bound(port) as listening, ONE_BLAS_THREAD.held():
        server = _server_of(make_app(SharedStore(store, encoders=encoders, device=device)))
        on_ready(f"http://{_HOST}:{listening.getsockname()[1]}")
        with suppress(KeyboardInterrupt):  # the way to stop it
            server.run(sockets=[listening])


def _server_of(app: ASGIApp, connection: type[Connection] = Connection) -> uvicorn.Server:
    """A server of an application. Of what goes wrong only errors of the code are logged."""
    logging.getLogger("uvicorn.error").addFilter(_of_code)
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=connection,
            ws="none",
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=_PATIENCE_S,
        )
    )


def _of_code(record: logging.LogRecord) -> bool:
    """True if a message is of an error of the code, not of clients or of the shutdown.

    Tasks that are cancelled raise what is no Exception.
    """
    return record.exc_info is not None and isinstance(record.exc_info[1], Exception)


def _bound(port: int) -> socket.socket:
    """Open a listening socket, so that a client that learns the address can connect immediately."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((_HOST, port))
    except (OSError, OverflowError) as error:
        listening.close()
        raise InvalidInput(
            f"port {port} cannot be used ({error}); choose another one, or --port 0 for a free one"
        ) from error
    listening.listen()
    return listening
