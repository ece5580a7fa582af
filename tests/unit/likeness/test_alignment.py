"""Shots laid along shots, against all ways to do so."""

from itertools import combinations_with_replacement

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mediafm_store.likeness.alignment import in_order, mean_in_order


def similarities(*more: int):
    """Sixteenths, whose sums are exact."""
    sides = st.tuples(*(st.just(n) for n in more), st.integers(1, 5), st.integers(1, 6))
    sixteenths = st.integers(-16, 16).map(lambda n: n / 16)
    return sides.flatmap(lambda shape: arrays(np.float32, shape, elements=sixteenths))


def best_of_all(similar: np.ndarray) -> float:
    rows, shots = similar.shape
    ways = combinations_with_replacement(range(shots), rows)  # none of which goes back
    return max(float(similar[np.arange(rows), list(way)].sum()) for way in ways)


@given(similarities())
def test_no_way_in_order_is_better(similar):
    way = in_order(similar)
    rows = np.arange(len(similar))
    assert (np.diff(way) >= 0).all()
    assert similar[rows, way].sum() == best_of_all(similar)
    assert np.isclose(mean_in_order(similar), best_of_all(similar) / len(similar), atol=1e-6)


@given(similarities(2, 3))
def test_many_at_once_are_as_one_by_one(similar):
    each = [[mean_in_order(one) for one in row] for row in similar]
    assert np.array_equal(mean_in_order(similar), np.array(each, np.float32))


def along(query: str, scene: str) -> tuple[float, list[int]]:
    similar = np.array([[float(a == b) for b in scene] for a in query], np.float32)
    return float(mean_in_order(similar)), in_order(similar).tolist()


def test_order_counts_and_gaps_do_not():
    assert along("ABC", "ABC") == (1, [0, 1, 2])
    assert along("ABC", "xAyyBzC") == (1, [1, 4, 6])
    assert along("ABC", "ABAC") == (1, [0, 1, 3])
    assert along("AAB", "AB") == (1, [0, 0, 1])
    assert along("ABC", "CBA")[0] == np.float32(1 / 3)
    assert along("ABC", "BAC")[0] == along("ABC", "AxC")[0] == np.float32(2 / 3)
    assert along("ABCD", "B")[0] == 1 / 4
