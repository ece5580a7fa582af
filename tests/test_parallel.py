import threading
import time

import pytest

from mediafm_store.features.parallel import fan_out


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
    assert threading.active_count() < 4


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_of_the_source_ends_the_workers(error):
    def source():
        yield 1
        raise error("stop")

    seen = []
    with pytest.raises(error, match="stop"):
        fan_out(source(), [seen.extend], ahead=2)
    assert seen in ([], [1])  # it may have been ended before it came to the first
