"""Probes on arrays: what is planted is found, nothing leaks, and figures agree with slow ones."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.linear_model import Ridge
from sklearn.metrics import average_precision_score

from mediafm_store.linear.measures import _micro_ap as micro_ap
from mediafm_store.linear.measures import (
    aps,
    calibration,
    confusion,
    interval,
    macro_ap,
    macro_ap_interval,
    micro_ap_interval,
    spearman,
    tau_interval,
    tau_within,
)
from mediafm_store.linear.ridge import _best_thresholds as best_thresholds
from mediafm_store.linear.ridge import _mixed as mixed
from mediafm_store.linear.ridge import _ridge as ridge
from mediafm_store.linear.ridge import cross_validate, fit, fittable, split
from mediafm_store.linear.tfidf import TextInput, words_of


def planted(items=240, labels=3, dim=12, noise=0.7, seed=0):
    """Vectors with a direction for each label, and which items have which."""
    rng = np.random.default_rng(seed)
    truth = (rng.random((items, labels)) < 0.3).astype(float)
    vectors = truth @ rng.normal(size=(labels, dim)) + noise * rng.normal(size=(items, dim))
    return vectors.astype(np.float32), truth, np.arange(items) // 2


def test_planted_labels_are_found_on_groups_that_were_held_out():
    vectors, truth, groups = planted()
    chances, thresholds = cross_validate("tags", {"vector": vectors}, truth, groups, folds=5)
    assert macro_ap(truth, chances, groups) > 0.85
    assert calibration(truth, chances)[0] < 0.08
    assert ((chances >= thresholds) == (truth == 1)).mean() > 0.85


def test_labels_that_have_nothing_to_do_with_the_vectors_are_at_chance():
    vectors, truth, groups = planted()
    shuffled = np.random.default_rng(1).permutation(truth)
    chances, _ = cross_validate("tags", {"vector": vectors}, shuffled, groups, folds=5)
    rate = truth.mean()
    assert abs(micro_ap(shuffled, chances, groups) - rate) < 0.12


def test_a_group_is_never_on_both_sides():
    """Labels by group, vectors that tell the group: only what leaks could be right."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(30), 8)
    truth = rng.integers(2, size=30)[groups][:, None].astype(float)
    vectors = (np.eye(30)[groups] + 0.01 * rng.normal(size=(240, 30))).astype(np.float32)
    chances, _ = cross_validate("tags", {"vector": vectors}, truth, groups, folds=5)
    assert micro_ap(truth, chances, groups) < 0.75
    for train, test in split(groups, 5, 0):
        assert not set(groups[train]) & set(groups[test])


def test_what_is_not_known_teaches_nothing():
    vectors, truth, _ = planted()
    partly = truth.copy()
    partly[::2, 1] = np.nan
    goal = 2 * partly - 1
    layer = ridge(vectors, goal, 1.0)
    rows = vectors / np.sqrt(vectors.var(axis=0).sum())
    for label, known in enumerate([slice(None), slice(1, None, 2)]):
        slow = Ridge(alpha=1.0).fit(rows[known], goal[known, label])
        np.testing.assert_allclose(layer(vectors)[:, label], slow.predict(rows), atol=1e-3)
    of_words = ridge(sparse.csr_matrix(rows), goal, 1.0)
    np.testing.assert_allclose(of_words(rows), layer(vectors), atol=1e-3)


def test_several_inputs_are_better_than_each():
    vectors, truth, groups = planted(noise=1.2)
    other, _, _ = planted(noise=1.2)
    other = (truth @ np.random.default_rng(9).normal(size=(3, 20))).astype(np.float32)
    other += 1.5 * np.random.default_rng(3).normal(size=other.shape).astype(np.float32)
    each = [
        macro_ap(truth, cross_validate("tags", i, truth, groups, folds=4)[0], groups)
        for i in ({"a": vectors}, {"b": sparse.csr_matrix(other)})
    ]
    both, _ = cross_validate(
        "tags", {"a": vectors, "b": sparse.csr_matrix(other)}, truth, groups, folds=4
    )
    assert macro_ap(truth, both, groups) > max(each) + 0.02


def test_what_speaks_for_a_label_adds_up_to_its_log_odds():
    vectors, truth, groups = planted()
    linear = fit("tags", {"vector": vectors}, truth, groups)
    odds = linear.push("vector", vectors) + linear.mix[:, 0] * linear.layers["vector"].bias
    np.testing.assert_allclose(
        linear.decide({"vector": vectors}), 1 / (1 + np.exp(-(odds + linear.offset))), atol=1e-5
    )


@pytest.mark.parametrize(("kind", "measure"), [("grades", spearman), ("ranking", tau_within)])
def test_grades_and_rankings(kind, measure):
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(200, 10)).astype(np.float32)
    groups = np.arange(200) // 10
    grades = vectors @ rng.normal(size=10) + 0.5 * rng.normal(size=200)
    if kind == "ranking":  # what a title is worth as a whole says nothing of its parts
        grades += 20 * rng.normal(size=20)[groups]
    found, _ = cross_validate(kind, {"vector": vectors}, grades[:, None], groups, folds=5)
    assert measure(grades[:, None], found, groups) > 0.7


def test_labels_of_too_few_groups_cannot_be_fitted():
    groups = np.array([0, 0, 0, 1, 2, 3, 4, 5])
    one_group = [1, 1, 1, 0, 0, 0, 0, 0]
    enough = [1, 0, 0, 1, 1, 0, 0, 0]
    unknown = [1, 0, 0, 1, 1, np.nan, np.nan, np.nan]
    assert fittable(np.array([one_group, enough, unknown]).T, groups).tolist() == [
        False,
        True,
        False,
    ]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 20)), min_size=2, max_size=30))
def test_thresholds_are_those_of_the_best_f1(items):
    truth = np.array([float(t) for t, _ in items])
    chance = np.array([c / 20 for _, c in items])
    if not truth.any():
        truth[0] = 1.0

    def f1(least):
        said = chance >= least
        return 2 * (said * truth).sum() / max(1, said.sum() + truth.sum())

    (found,) = best_thresholds(truth[:, None], chance[:, None])
    assert f1(found - 1e-6) >= max(map(f1, chance)) - 1e-9


def test_average_precision_by_hand():
    truth = np.array([[1, 1], [0, 1], [1, 1], [np.nan, 1]])
    predicted = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [1.0, 0.4]])
    first, second = aps(truth, predicted)
    assert first == pytest.approx((1 + 2 / 3) / 2)
    assert np.isnan(second)  # all have it: nothing to rank


def test_tau_within_is_the_share_of_pairs_in_order():
    rng = np.random.default_rng(0)
    truth, guess = rng.random((12, 1)), rng.random((12, 1))
    groups = np.arange(12) // 4
    slow = []
    for group in range(3):
        own = np.flatnonzero(groups == group)
        signs = [
            np.sign((truth[i] - truth[j]) * (guess[i] - guess[j]))[0]
            for i, j in itertools.combinations(own, 2)
        ]
        slow.append(np.mean(signs))
    assert tau_within(truth, guess, groups) == pytest.approx(np.mean(slow))


def test_the_interval_of_tau_is_that_of_any_measure():
    rng = np.random.default_rng(0)
    groups = np.arange(120) // 6
    truth = rng.random((120, 1))
    guess = truth + rng.random((120, 1))
    quick, slow = tau_interval(truth, guess, groups), interval(tau_within, truth, guess, groups)
    np.testing.assert_allclose(quick, slow)


@pytest.mark.parametrize("seed", range(3))
def test_average_precision_is_that_of_scikit_learn(seed):
    """With ties, what is not known, and a label that all have, one at a time and in rounds."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(2, size=(40, 4)).astype(float)
    guess = rng.integers(8, size=(40, 4)) / 8
    truth[rng.random(truth.shape) < 0.3] = np.nan
    truth[:, 3] = 1
    groups = np.arange(40) // 3

    def slow_macro(truth, guess, groups):
        pairs = [(t[~np.isnan(t)], g[~np.isnan(t)]) for t, g in zip(truth.T, guess.T, strict=True)]
        return np.mean([average_precision_score(t, g) for t, g in pairs if len(np.unique(t)) == 2])

    def slow_micro(truth, guess, groups):
        known = ~np.isnan(truth)
        return average_precision_score(truth[known], guess[known])

    for quick, slow in ((macro_ap_interval, slow_macro), (micro_ap_interval, slow_micro)):
        found = quick(truth, guess, groups, seed=seed)
        np.testing.assert_allclose(found, interval(slow, truth, guess, groups, seed=seed))
    assert macro_ap(truth, guess, groups) == pytest.approx(slow_macro(truth, guess, groups))
    assert micro_ap(truth, guess, groups) == pytest.approx(slow_micro(truth, guess, groups))
    assert np.isnan(aps(truth, guess)[3])


def test_average_precision_of_rounds_taken_in_parts(monkeypatch):
    rng = np.random.default_rng(0)
    truth, guess, groups = (
        rng.integers(2, size=(30, 2)).astype(float),
        rng.random((30, 2)),
        np.arange(30),
    )
    whole = macro_ap_interval(truth, guess, groups)
    monkeypatch.setattr("mediafm_store.linear.measures._AT_ONCE", 7 * truth.size)
    assert macro_ap_interval(truth, guess, groups) == whole


def test_intervals_hold_the_figure_and_shrink_with_more_groups():
    widths = []
    for items in (60, 600):
        vectors, truth, groups = planted(items)
        chances, _ = cross_validate("tags", {"vector": vectors}, truth, groups, folds=3)
        found = macro_ap_interval(truth, chances, groups)
        assert found.low <= found.value <= found.high
        widths.append(found.high - found.low)
    assert widths[1] < widths[0] / 2


def test_calibration_and_confusion_by_hand():
    error, bins = calibration(np.array([[1.0, 0.0, np.nan, 0.0]]), np.array([[0.9, 0.9, 0.2, 0.0]]))
    assert error == pytest.approx((2 * 0.4 + 0) / 3)
    assert bins == {"predicted": [0.0, 0.9], "observed": [0.0, 0.5], "count": [1, 2]}
    share, counts = confusion(np.array([[1.0, 0], [0, 1], [1, 1]]), np.array([[0.9, 0.1]] * 3))
    assert (share, counts) == (0.5, [[1, 0], [1, 0]])


def test_words_of_held_out_texts_are_not_learnt():
    texts = TextInput(["a western", "a western town", "the sea", "the sea", "sea of love", "love"])
    seen, held = texts.parted(np.arange(3), np.arange(3, 6))
    known = words_of([texts.texts[i] for i in (0, 1, 2)])
    assert seen.shape == held.shape == (3, len(known.vocabulary))
    assert held.nnz == 0  # nothing that they say is in two texts that were seen
    assert texts.parted(np.array([0, 2]), np.array([1])) is None


def test_what_is_told_of_held_out_groups_does_not_depend_on_their_texts():
    rng = np.random.default_rng(0)
    groups = np.arange(24)
    targets = (groups % 2 == 0).astype(float)[:, None]
    texts = [f"{'war' if n % 2 else 'love'} story {rng.integers(3)}" for n in groups]
    _, (held, *_) = next(split(groups, 3, 0))
    first, _ = cross_validate("tags", {"words": TextInput(texts)}, targets, groups, folds=3)
    changed = [f"{text} love war" if n == held else text for n, text in enumerate(texts)]
    again, _ = cross_validate("tags", {"words": TextInput(changed)}, targets, groups, folds=3)
    fold = next(test for _, test in split(groups, 3, 0) if held in test)
    others = [n for n in fold if n != held]
    np.testing.assert_allclose(first[others], again[others], atol=1e-6)


def test_words_count_in_two_texts_and_are_read_back():
    texts = ["a western film", "the western", "a film of the sea"]
    words = words_of(texts)
    assert "western" in words.vocabulary
    assert "sea" not in words.vocabulary
    lengths = np.sqrt(words.matrix(texts).multiply(words.matrix(texts)).sum(axis=1))
    np.testing.assert_allclose(lengths, 1, atol=1e-5)
    assert words.matrix(["nothing known"]).nnz == 0


def test_no_input_counts_against_what_it_says():
    """Held out, the mean of few items lies on the far side of each, so noise looks reversed."""
    rng = np.random.default_rng(0)
    truth = np.tile([1.0, 0.0], 8)[:, None]
    good = (truth + 0.3 * rng.normal(size=(16, 4))).astype(np.float32)
    useless = rng.normal(size=(16, 300)).astype(np.float32)
    for kind in ("tags", "grades"):
        found = fit(kind, {"good": good, "useless": useless}, truth, np.arange(16))
        assert (found.mix >= 0).all()
        alone = fit(kind, {"useless": np.eye(16, dtype=np.float32)}, truth, np.arange(16))
        said = alone.decide({"useless": np.eye(16, dtype=np.float32)})[:, 0]
        assert said[truth[:, 0] == 1].mean() >= said[truth[:, 0] == 0].mean()


@pytest.mark.parametrize("shift", [0.0, 1000.0])
def test_scores_that_hardly_differ_are_weighed_without_a_warning(shift):
    """Warnings of the solver, which are errors here, would reach the terminal."""
    rng = np.random.default_rng(1)
    goal = np.repeat([0.0, 1.0], 15)
    scores = (shift + rng.normal(size=(2, 30, 1)) + goal[None, :, None]).astype(np.float32)
    mix, offset = mixed("tags", scores, goal[:, None])
    assert np.isfinite(mix).all()
    assert np.isfinite(offset).all()
    assert (mix >= 0).all()
