import os
import subprocess
import sys
import threading
import time

import pytest

from mediafm_store.parallel import ahead, fan_out


def test_every_worker_gets_every_item_in_order():
    results = fan_out(range(100), [list, sum, lambda items: [i * i for i in items]], ahead=3)
    assert results == [list(range(100)), 4950, [i * i for i in range(100)]]


def test_no_items():
    assert fan_out([], [list, list], ahead=1) == [[], []]


def test_a_slow_worker_holds_the_source_back():
    given = []

    def source():
        for i in range(50):
            given.append(i)
            yield i

    most = 0

    def slow(items):
        nonlocal most
        for i in items:
            time.sleep(0.001)
            most = max(most, len(given) - i)

    fan_out(source(), [slow, list], ahead=4)
    assert len(given) == 50
    assert most <= 4 + 3


@pytest.mark.parametrize("after", [0, 7, 49])
def test_an_error_of_a_worker_ends_all_and_is_raised(after):
    given = []
    before = threading.active_count()

    def source():
        for i in range(10_000):
            given.append(i)
            yield i

    def fails(items):
        for i in items:
            if i == after:
                raise ZeroDivisionError("on purpose")

    with pytest.raises(ZeroDivisionError, match="on purpose"):
        fan_out(source(), [list, fails], ahead=2)
    assert len(given) < 10_000
    assert threading.active_count() <= before


ONE_THREAD = """
from functools import partial
import numpy
from threadpoolctl import threadpool_info
from mediafm_store.parallel import fan_out

def threads():
    # Those of OpenMP are counted for each thread that asks.
    own = (lib for lib in threadpool_info() if lib.get("threading_layer") == "pthreads")
    return {lib["num_threads"] for lib in own}

before, seen = threads(), []
inner = partial(fan_out, "ab", [lambda items: seen.append((list(items), threads()))], ahead=1)
fan_out([1], [lambda items: (list(items), inner())], ahead=1)
assert seen == [(["a", "b"], {1} if before else set())], seen
assert threads() == before
"""


def test_products_stay_in_their_thread_while_anybody_is_at_work():
    """In a process of its own: the number of threads belongs to all of one."""
    done = subprocess.run(
        [sys.executable, "-c", ONE_THREAD],
        env=os.environ | {"OPENBLAS_NUM_THREADS": "2"},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_of_the_source_ends_the_workers(error):
    def source():
        yield 1
        raise error("stop")

    seen = []
    with pytest.raises(error, match="stop"):
        fan_out(source(), [seen.extend], ahead=2)
    assert seen in ([], [1])  # it may have been ended before it came to the first


def test_items_are_made_ahead_but_not_without_end():
    made = []

    def source():
        for i in range(1000):
            made.append(i)
            yield i

    items = ahead(source(), size=16)
    assert [next(items) for _ in range(5)] == [0, 1, 2, 3, 4]
    time.sleep(0.05)
    assert 5 < len(made) <= 5 + 16
    assert list(items) == list(range(5, 1000))


def test_what_makes_items_ahead_has_ended_when_it_is_closed():
    ended = threading.Event()

    def source():
        try:
            while True:
                yield 1
        finally:
            ended.set()

    items = ahead(source(), size=8)
    next(items)
    items.close()
    assert ended.is_set()


def test_an_error_ahead_comes_after_the_items_before_it():
    def source():
        yield from range(3)
        raise ValueError("on purpose")

    items, seen = ahead(source(), size=8), []
    with pytest.raises(ValueError, match="on purpose"):
        seen.extend(items)
    assert seen == [0, 1, 2]


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no niceness of their own")
def test_workers_give_way_to_their_source():
    def niceness(items):
        list(items)
        return os.nice(0)

    before = os.nice(0)
    assert fan_out([1], [niceness], ahead=1)[0] > before
    assert os.nice(0) == before
