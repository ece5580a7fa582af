"""What each worker of Ray can have of the machines of a cluster."""

import pytest

from mediafm_store.engines.resources import Node, WorkerResources, allocate


def nodes(*each):
    """Machines of so many cores and GPUs."""
    return [Node(f"machine{n}", *has) for n, has in enumerate(each)]


@pytest.mark.parametrize(
    ("machines", "workers", "each"),
    [
        ([(2, 0)], 1, WorkerResources(2, 0)),
        ([(2, 0)], 3, WorkerResources(1, 0)),  # only two find a place
        ([(32, 0)], 10, WorkerResources(3, 0)),
        (
            [(8, 0), (3, 0)],
            3,
            WorkerResources(3, 0),
        ),  # not (8 + 3) // 3 by chance: 2 fit here, 1 there
        ([(0, 0)], 2, WorkerResources(1, 0)),  # of a cluster that grows
        ([(8, 1)], 2, WorkerResources(4, 0)),  # nobody wants a GPU
    ],
)
def test_cores(machines, workers, each):
    assert allocate(nodes(*machines), workers) == each


@pytest.mark.parametrize(
    ("machines", "workers", "each"),
    [
        ([(8, 0)], 2, WorkerResources(4, 0)),
        ([(8, 2)], 2, WorkerResources(4, 1)),
        ([(8, 2)], 3, WorkerResources(2, 1 / 2)),
        ([(64, 0), (4, 1)], 4, WorkerResources(1, 1 / 4)),  # who shares a GPU is on its machine
        ([(2, 4), (16, 1)], 5, WorkerResources(1, 1 / 3)),  # a GPU each, but not a core
        ([(2, 1)], 8, WorkerResources(1, 1 / 2)),  # only two find a place
        ([(0, 1), (16, 0)], 4, WorkerResources(4, 0)),  # a GPU without a core is for nobody
    ],
)
def test_shares_of_gpus(machines, workers, each):
    assert allocate(nodes(*machines), workers, on_gpu=True) == each
