"""Ray itself: how it is set up, what its cluster has, and how its errors are reported."""

import logging
import os
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from mediafm_store.engines.resources import Node
from mediafm_store.errors import InvalidInput, first_line

log = logging.getLogger("mediafm_store")
__all__ = [
    "RayError",
    "RayTaskError",
    "cause",
    "check_listens",
    "gone_told",
    "nodes",
    "ray",
    "sendable",
    "start",
]

_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",  # no telemetry
    "RAY_ENABLE_AUTO_CONNECT": "0",  # where a cluster is gone, no other is begun
    # A local Ray listens on 127.0.0.1 alone. Only its name is of Windows and macOS, where it is so
    # by default; `_node_ip_address` does not do it. Of no effect on clusters at an address.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
}
os.environ.update({name: os.environ.get(name, value) for name, value in _SETTINGS.items()})
try:
    import ray
    from ray.exceptions import RayError, RayTaskError
except ImportError as error:
    raise InvalidInput("this engine needs: pip install 'mediafm-store[ray]'") from error

# Ray tells of dead workers on standard output, where --json is; nothing public turns that off.
if private := getattr(getattr(ray, "_private", None), "worker", None):
    private.print_to_stdstream = lambda data, **_: log.debug("%s", data["lines"])

_OBJECTS_BYTES = 256 * 2**20
"""Shared memory for what passes between processes: a title is some tens of MB."""
_PORT = 10001
"""Port of clusters, if an address has none."""
_NOT_IN_TIME = "Starting Ray client server failed"
"""Error of a cluster that was not ready for a client within the 30 s that Ray waits."""


def check_listens(address: str) -> None:
    """Raise InvalidInput if nothing answers at ray://HOST:PORT; Ray itself tries for 30 s."""
    try:
        place = urlsplit(address)
        socket.create_connection((place.hostname, place.port or _PORT), timeout=5).close()
    except (OSError, ValueError) as error:
        raise InvalidInput(
            f"nothing answers at {address} ({first_line(error)}); start a cluster there (`ray start"
            f" --head`), or give the port of its clients, {_PORT} if it was given none"
        ) from error


def start(address: str | None, cores: int) -> None:
    """Connect to a cluster, or start one on this machine that nobody else can reach.

    A cluster on this machine has at least `cores` cores, however many there are.

    Raises:
        InvalidInput: If it cannot.
    """
    local = {
        "num_cpus": max(os.cpu_count() or 1, cores),
        "include_dashboard": False,
        "object_store_memory": _OBJECTS_BYTES,
    }
    try:
        with warnings.catch_warnings():
            # Ray forks to start its programs, which replace the copy immediately.
            warnings.filterwarnings("ignore", "lancedb fork support", RuntimeWarning)
            warnings.filterwarnings("ignore", "Ray Client connection timed out", UserWarning)
            # Of actors without GPUs; ours hide them by themselves. Of 2.49 and some later versions.
            warnings.filterwarnings("ignore", "Tip: In future versions of Ray", FutureWarning)
            connect = partial(
                ray.init,
                address or "local",  # not a cluster that happens to run here
                log_to_driver=False,
                logging_level="ERROR",
                **({} if address else local),
            )
            try:
                connect()
            except ConnectionError as error:
                if _NOT_IN_TIME not in str(error):
                    raise
                log.warning("the cluster at %s is busy; once more", address)
                connect()
    except (RayError, OSError, RuntimeError, ValueError) as error:
        if address:
            raise InvalidInput(
                f"the cluster at {address} takes no client ({' '.join(str(error).split())}); it has"
                " to be of the same Ray and Python, and RAY_AUTH_MODE as where it was started:"
                " disabled, or token with the same ~/.ray/auth_token"
            ) from error
        raise InvalidInput(f"Ray cannot be started here: {first_line(error)}") from error


def nodes() -> list[Node]:
    """The machines of the cluster that are there."""
    return [
        Node(one["NodeManagerHostname"], *(int(one["Resources"].get(r, 0)) for r in ("CPU", "GPU")))
        for one in ray.nodes()
        if one["Alive"]
    ]


@contextmanager
def gone_told() -> Iterator[None]:
    """Tell in a line that the cluster is gone, whichever call of Ray met it first."""
    try:
        yield
    except Exception as error:
        # Just this class: what a stage or a store raises for its own network is of subclasses.
        if type(error) is ConnectionError or not ray.is_initialized():
            told = f"the cluster is gone ({first_line(error)}); start it, and this again"
            raise InvalidInput(told) from error
        raise


def sendable(stage: Any) -> bytes:
    """A stage as bytes; raise InvalidInput if it cannot leave this process."""
    try:
        return bytes(ray.cloudpickle.dumps(stage))
    except Exception as error:
        told = f"this cannot be sent to workers ({first_line(error)}); use engine threads"
        raise InvalidInput(told) from error


def cause(error: RayTaskError) -> Exception:
    """Error that a stage raised."""
    return error.cause if isinstance(error.cause, Exception) else error
