"""Near duplicates: which shots are one answer, and which answers are shown beside each other."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mediafm_store.arrays import FUSED, unit_rows
from mediafm_store.retrieval.near_duplicates import _EXCHANGE as EXCHANGE
from mediafm_store.retrieval.near_duplicates import _SPREAD as SPREAD
from mediafm_store.retrieval.near_duplicates import diversify, fold
from tests.conftest import shot_row
from tests.helpers.planted import between, direction, fused

SAME = 0.8


def shots(*places: str) -> list[dict]:
    """Rows of such shots as alpha/3."""
    titles, indexes = zip(*(p.split("/") for p in places), strict=True)
    return [shot_row(p, int(i), title=t) for p, t, i in zip(places, titles, indexes, strict=True)]


def test_one_view_is_one_answer_in_whatever_title():
    found = shots("alpha/1", "beta/9", "alpha/30", "gamma/2")
    assert fold(found, fused(["lake", "wood", "lake", "lake"]), SAME) == [[0, 2, 3], [1]]


def test_pictures_alone_say_what_a_view_is():
    """However different the sound, however alike what is said."""
    found = shots("alpha/1", "beta/1", "gamma/1")
    vectors = fused(["lake", "lake", "wood"], ["wind", "rain", "wind"], ["yes", None, "yes"])
    assert fold(found, vectors, SAME) == [[0, 1], [2]]


def test_the_bound_of_one_view():
    found = shots("alpha/1", "beta/1", "gamma/1")
    views = ["lake", between(0.81, "lake", "wood"), between(0.79, "lake", "rain")]
    assert fold(found, fused(views), SAME) == [[0, 1], [2]]


def test_shots_that_differ_from_the_first_of_a_view_are_not_chained_to_it():
    """A is like B and B like C; C is not like A, which is what is shown."""
    found = shots("alpha/1", "beta/1", "gamma/1")
    views = ["lake", between(0.85, "lake", "wood"), between(0.5, "lake", "wood")]
    assert views[1] @ views[2] > SAME > direction("lake") @ views[2]
    assert fold(found, fused(views), SAME) == [[0, 1], [2]]


def test_reverse_shots_are_folded_into_what_encloses_them_in_any_order():
    he, she = "alpha/10", "alpha/11"
    views = {"alpha/10": "he", "alpha/11": "she", "alpha/12": "he", "alpha/13": "she"}
    for order in ([he, she, "alpha/12", "alpha/13"], [she, he, "alpha/13", "alpha/12"]):
        assert fold(shots(*order), fused([views[p] for p in order]), SAME) == [[0, 1, 2, 3]]
    for order in ([he, "alpha/12", she], [she, he, "alpha/12"], [he, she, "alpha/12"]):
        assert fold(shots(*order), fused([views[p] for p in order]), SAME) == [[0, 1, 2]]


def test_only_what_lies_between_near_shots_is_enclosed():
    def groups(*places):
        return len(fold(shots(*places), fused(["he", "he", "she"]), SAME))

    assert groups("a/10", f"a/{10 + EXCHANGE}", "a/11") == 1
    assert groups("a/10", f"a/{11 + EXCHANGE}", "a/11") == 2  # too far apart
    assert groups("a/10", "a/12", "a/13") == 2  # beside them
    assert groups("a/10", "a/12", "b/11") == 2  # in another title
    assert groups("a/10", "b/12", "a/11") == 2


def test_black_shots_are_one_whatever_their_vectors():
    found = shots("alpha/0", "beta/7", "gamma/3")
    for row, black in zip(found, (True, False, True), strict=True):
        row["black"] = black
    assert fold(found, fused(["noise", "lake", "other noise"]), SAME) == [[0, 2], [1]]
    for row in found:
        row["black"] = None  # of imported shots it is not known
    assert len(fold(found, fused(["noise", "lake", "other noise"]), SAME)) == 3


def test_shots_without_a_picture_are_not_alike():
    found = shots("alpha/0", "beta/0")
    assert fold(found, fused([None, None], ["wind", "wind"]), SAME) == [[0], [1]]
    assert fold([], np.zeros((0, FUSED), np.float32), SAME) == []


@st.composite
def answers(draw):
    """Some shots of two titles, best first, each with its view."""
    places = draw(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 12)), unique=True))
    views = draw(st.lists(st.sampled_from("vwxyz"), min_size=len(places), max_size=len(places)))
    black = draw(st.lists(st.booleans(), min_size=len(places), max_size=len(places)))
    rows = [shot_row(f"{t}/{i}", i, title=t) for t, i in places]
    return [row | {"black": b} for row, b in zip(rows, black, strict=True)], views


@given(answers())
def test_each_shot_is_in_one_answer_which_its_best_stands_for(given_shots):
    found, views = given_shots
    vectors = fused(views) if views else np.zeros((0, FUSED), np.float32)
    groups = fold(found, vectors, SAME)
    assert sorted(i for group in groups for i in group) == list(range(len(found)))
    assert all(group == sorted(group) for group in groups)
    leaders = [group[0] for group in groups]
    assert leaders == sorted(leaders)
    assert leaders[:1] == [0][: len(found)]
    # No two of the answers show the same.
    assert len({views[i] for i in leaders}) == len(leaders)
    assert sum(found[i]["black"] for i in leaders) <= 1


def relevance(scores, vectors, chosen, i) -> float:
    """Carbonell and Goldstein (1998), equation 1."""
    alike = max((float(vectors[i] @ vectors[j]) for j in chosen), default=0.0)
    return (1 - SPREAD) * scores[i] - SPREAD * max(alike, 0.0)


@given(st.integers(0, 9), st.integers(0, 12), st.integers(0, 1000))
def test_answers_are_spread_by_maximal_marginal_relevance(n, k, seed):
    rng = np.random.default_rng(seed)
    scores = np.sort(rng.normal(size=n))[::-1].tolist()
    vectors = np.zeros((n, FUSED), np.float32)
    vectors[:, :4] = rng.normal(size=(n, 4))
    vectors = unit_rows(vectors)
    order = diversify(scores, vectors, k)
    assert len(order) == len(set(order)) == min(n, k)
    assert order[:1] == [0][: min(n, k)]
    for place, chosen in enumerate(order):
        best = max(
            relevance(scores, vectors, order[:place], i) for i in range(n) if i not in order[:place]
        )
        assert np.isclose(relevance(scores, vectors, order[:place], chosen), best, atol=1e-5)


def test_what_is_unlike_the_answers_before_comes_first():
    vectors = fused(["lake", "lake", "lake", "wood"])
    assert diversify([0.9, 0.89, 0.88, 0.7], vectors, 4) == [0, 3, 1, 2]
    assert diversify([0.9, 0.89, 0.88, -0.7], vectors, 2) == [0, 1]  # but not at any price
