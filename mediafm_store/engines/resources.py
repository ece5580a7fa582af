"""Resources that each worker gets of the machines of a cluster."""

from collections.abc import Sequence
from itertools import count
from typing import NamedTuple


class Node(NamedTuple):
    """A machine."""

    host: str
    cpus: int
    gpus: int


class WorkerResources(NamedTuple):
    """Resources of one worker."""

    cpus: int
    gpus: float
    """A share of one."""


def allocate(nodes: Sequence[Node], workers: int, *, on_gpu: bool = False) -> WorkerResources:
    """Largest equal share of a cluster for each of a number of workers.

    Each has a core at least, so there are places for no more than that. `on_gpu`: each has an even
    share of a GPU too, if any machine has one. Ray tells the libraries in a worker to use no more
    threads than it has cores.
    """
    with_gpu = [node for node in nodes if node.gpus and node.cpus] if on_gpu else []
    machines = with_gpu or nodes
    wanted = min(workers, sum(node.cpus for node in machines))

    def fits(cpus: int, sharers: int | None) -> bool:
        """True if there are resources for all workers, with this many on a GPU."""
        places = (
            min(n.cpus // cpus, n.cpus if sharers is None else n.gpus * sharers) for n in machines
        )
        return sum(places) >= wanted

    sharers = next(n for n in count(1) if fits(1, n)) if with_gpu else None
    most = max((node.cpus for node in machines), default=1)
    cpus = next((n for n in range(most, 1, -1) if fits(n, sharers)), 1)
    return WorkerResources(cpus, 1 / sharers if sharers else 0)
