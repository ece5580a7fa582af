"""Measures of ranked lists, against values by hand and a slow way that is plainly right."""

import math
from itertools import islice, pairwise, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediafm_store.metrics.intervals import mean_interval
from mediafm_store.metrics.retrieval import average_precision, ndcg_at, precision_at

RANKED = st.lists(st.integers(0, 12), unique=True, max_size=13)
GRADES = st.dictionaries(st.integers(0, 12), st.integers(0, 3), max_size=8).filter(
    lambda grades: any(grades.values())
)
K = st.integers(1, 15)


def slow_precision(k, ranked, grades):
    right = 0
    for place in range(k):
        if place < len(ranked) and grades.get(ranked[place], 0) > 0:
            right += 1
    return right / k


def slow_dcg(k, grades_in_order):
    total = 0.0
    for place, grade in enumerate(grades_in_order, start=1):
        if place <= k:
            total += (2**grade - 1) / math.log2(place + 1)
    return total


def slow_ndcg(k, ranked, grades):
    best = slow_dcg(k, sorted(grades.values(), reverse=True))
    return slow_dcg(k, [grades.get(item, 0) for item in ranked]) / best


def slow_average_precision(ranked, grades):
    relevant = [item for item, grade in grades.items() if grade > 0]
    total = 0.0
    for item in relevant:
        if item in ranked:
            place = ranked.index(item) + 1
            total += slow_precision(place, ranked, grades)
    return total / len(relevant)


def test_values_by_hand():
    ranked, grades = ["a", "x", "b", "y"], {"a": 1, "b": 2, "c": 2}
    assert precision_at(5, ranked, grades) == 2 / 5
    assert precision_at(1, ranked, grades) == 1
    assert average_precision(ranked, grades) == pytest.approx((1 / 1 + 2 / 3 + 0) / 3)
    ideal = 3 / 1 + 3 / math.log2(3) + 1 / 2
    assert ndcg_at(10, ranked, grades) == pytest.approx((1 / 1 + 3 / 2) / ideal)
    assert ndcg_at(2, ranked, grades) == pytest.approx(1 / (3 + 3 / math.log2(3)))


def test_nothing_found_is_worth_nothing():
    assert precision_at(5, [], {"a": 1}) == 0
    assert ndcg_at(10, [], {"a": 1}) == 0
    assert average_precision([], {"a": 1}) == 0
    assert precision_at(5, ["a"], {}) == 0


@given(RANKED, GRADES, K)
def test_they_are_what_the_slow_way_says(ranked, grades, k):
    assert precision_at(k, ranked, grades) == pytest.approx(slow_precision(k, ranked, grades))
    assert ndcg_at(k, ranked, grades) == pytest.approx(slow_ndcg(k, ranked, grades))
    slow = slow_average_precision(ranked, grades)
    assert average_precision(ranked, grades) == pytest.approx(slow)


@given(GRADES, K)
def test_the_best_order_is_1_and_no_order_is_better(grades, k):
    best = sorted(grades, key=lambda item: -grades[item])
    assert ndcg_at(k, best, grades) == pytest.approx(1)
    assert average_precision(best, grades) == pytest.approx(1)
    for order in islice(permutations(best), 20):
        assert ndcg_at(k, order, grades) <= 1 + 1e-9
        assert average_precision(order, grades) <= 1 + 1e-9


@given(RANKED.filter(lambda ranked: len(ranked) > 1), GRADES, K, st.data())
def test_a_better_item_further_up_is_never_worse(ranked, grades, k, data):
    place = data.draw(st.integers(0, len(ranked) - 2))
    mended = [*ranked]
    mended[place : place + 2] = sorted(mended[place : place + 2], key=lambda i: -grades.get(i, 0))
    for measure in (precision_at, ndcg_at):
        assert measure(k, mended, grades) >= measure(k, ranked, grades) - 1e-9
    before, after = (average_precision(order, grades) for order in (ranked, mended))
    assert after >= before - 1e-9


def test_what_cannot_be_measured_is_refused():
    for grades in ({}, {"a": 0}):
        with pytest.raises(ValueError, match="no item is relevant"):
            ndcg_at(10, ["a"], grades)
        with pytest.raises(ValueError, match="no item is relevant"):
            average_precision(["a"], grades)
    for measure in (precision_at, ndcg_at):
        with pytest.raises(ValueError, match="k is 1 or more"):
            measure(0, ["a"], {"a": 1})
        with pytest.raises(ValueError, match="'b' is listed twice"):
            measure(5, ["a", "b", "b"], {"a": 1})
    with pytest.raises(ValueError, match="'b' is listed twice"):
        average_precision(["a", "b", "b"], {"a": 1})
    with pytest.raises(ValueError, match="no values"):
        mean_interval([])


def slow_mean_interval(values, rounds, seed):
    """Round by round, item by item."""
    rng, means = np.random.default_rng(seed), []
    for _ in range(rounds):
        picks = rng.integers(len(values), size=len(values))
        means.append(sum(values[i] for i in picks) / len(values))
    means.sort()

    def quantile(share):
        below = share * (rounds - 1)
        i, rest = int(below), below - int(below)
        return means[i] * (1 - rest) + means[min(i + 1, rounds - 1)] * rest

    return sum(values) / len(values), quantile(0.025), quantile(0.975)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.integers(0, 99))
def test_an_interval_is_what_the_slow_way_says(values, seed):
    found = mean_interval(values, rounds=40, seed=seed)
    assert found == pytest.approx(slow_mean_interval(values, 40, seed), abs=1e-12)
    assert min(values) - 1e-9 <= found.low <= found.high <= max(values) + 1e-9


def test_rounds_that_are_drawn_in_parts_are_the_same(monkeypatch):
    values = np.random.default_rng(0).random(11).tolist()
    whole = mean_interval(values)
    monkeypatch.setattr("mediafm_store.metrics.intervals._AT_ONCE", 7 * len(values))
    assert mean_interval(values) == pytest.approx(whole, abs=1e-12)


def test_intervals_are_the_same_again_and_shrink_with_more_values():
    rng = np.random.default_rng(0)
    widths = []
    for count in (10, 100, 1000):
        values = rng.random(count).tolist()
        found = mean_interval(values)
        assert found == mean_interval(values)
        assert found.low < found.value < found.high
        widths.append(found.high - found.low)
    assert all(wide > 2 * narrow for wide, narrow in pairwise(widths))
    # A normal distribution says the same of so many values: 2 x 1.96 standard errors.
    assert widths[-1] == pytest.approx(2 * 1.96 * np.sqrt(1 / 12 / 1000), rel=0.1)
    assert mean_interval([0.25] * 7) == (0.25, 0.25, 0.25)
