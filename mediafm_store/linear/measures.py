"""Measures of predictions where the truth is known in part, with confidence intervals."""

import warnings
from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import kendalltau, spearmanr
from sklearn.metrics import precision_recall_curve

from mediafm_store.metrics.intervals import Interval, between, draws

_ROUNDS = 200
_MOST_VALUES = 200_000_000
"""Values a bootstrap looks at in all: of large tables fewer rounds are made, FEWEST at least."""
_FEWEST = 20
_AT_ONCE = 4_000_000
"""Values of which as many rounds are looked at together."""
_BINS = 10
_POINTS = 50

Values = Float[np.ndarray, "items labels"]
_Groups = Int[np.ndarray, " items"]
Measure = Callable[[Values, Values, _Groups], float]


def _average_precision(
    truth: Float[np.ndarray, " items"],
    predicted: Float[np.ndarray, " items"],
    times: Int[np.ndarray, "rounds items"],
) -> Float[np.ndarray, " rounds"]:
    """Average precision in each round, where items are there several times or not at all.

    What is predicted alike counts together, as scikit-learn has it: the sum of what recall gains
    from threshold to threshold, times the precision there. nan where nothing is true. The items
    are sorted once for all rounds, which is what makes intervals cheap.
    """
    order = np.argsort(-predicted)
    real, guess, times = truth[order], predicted[order], times[:, order]
    ends = np.append(guess[1:] != guess[:-1], True)[: len(guess)]
    seen = np.cumsum(times, axis=1)[:, ends]
    hits = np.cumsum(times * real, axis=1)[:, ends]
    gained = np.diff(hits, axis=1, prepend=0.0) * hits / np.maximum(1, seen)
    total = hits[:, -1:].sum(axis=1)
    none = np.full(len(times), np.nan)
    return np.divide(gained.sum(axis=1), total, out=none, where=total > 0)


def _aps_in(
    truth: Values, predicted: Values, times: Int[np.ndarray, "rounds items"]
) -> Float[np.ndarray, "rounds labels"]:
    """Average precision of each label in each round; nan where no item has it, or all have."""
    found = np.full((len(times), truth.shape[1]), np.nan)
    for label, (real, guess) in enumerate(zip(truth.T, predicted.T, strict=True)):
        known = ~np.isnan(real)
        own = times[:, known]
        lacked = (own * (1 - real[known])).sum(axis=1) > 0
        found[lacked, label] = _average_precision(real[known], guess[known], own)[lacked]
    return found


def _macro_ap_in(
    truth: Values, predicted: Values, times: Int[np.ndarray, "rounds items"]
) -> Float[np.ndarray, " rounds"]:
    """Mean average precision of the labels in each round; 0 if none can be measured."""
    found = _aps_in(truth, predicted, times)
    measured = np.isfinite(found)
    return np.where(measured, found, 0).sum(axis=1) / np.maximum(1, measured.sum(axis=1))


def _micro_ap_in(
    truth: Values, predicted: Values, times: Int[np.ndarray, "rounds items"]
) -> Float[np.ndarray, " rounds"]:
    """Average precision of all items and labels in one list; 0 without any that apply."""
    known = ~np.isnan(truth)
    items = np.nonzero(known)[0]
    return np.nan_to_num(_average_precision(truth[known], predicted[known], times[:, items]))


def _single_round(truth: Values) -> Int[np.ndarray, "1 items"]:
    """A single round that has every item."""
    return np.ones((1, len(truth)), int)


def aps(truth: Values, predicted: Values) -> Float[np.ndarray, " labels"]:
    """Average precision of each label; NaN if no item has it, or all have."""
    return _aps_in(truth, predicted, _single_round(truth))[0]


def macro_ap(truth: Values, predicted: Values, groups: _Groups) -> float:
    """Mean average precision of the labels; 0 if none can be measured."""
    del groups
    return float(_macro_ap_in(truth, predicted, _single_round(truth))[0])


def _micro_ap(truth: Values, predicted: Values, groups: _Groups) -> float:
    """Average precision of all items and labels in one list; 0 without any that apply."""
    del groups
    return float(_micro_ap_in(truth, predicted, _single_round(truth))[0])


def spearman(truth: Values, predicted: Values, groups: _Groups) -> float:
    """Spearman rank correlation, as the mean over labels."""
    del groups
    found = []
    for real, guess in zip(truth.T, predicted.T, strict=True):
        known = ~np.isnan(real)
        found.append(_correlation(spearmanr, real[known], guess[known]))
    return float(np.mean(found))


def tau_within(truth: Values, predicted: Values, groups: _Groups) -> float:
    """Kendall's tau within each group, the mean over groups and labels that have an order."""
    found = _taus(truth, predicted, groups)
    return float(np.nanmean(found)) if np.isfinite(found).any() else 0.0


def _taus(truth: Values, predicted: Values, groups: _Groups) -> Float[np.ndarray, " groups"]:
    """Kendall's tau of each group, the mean over labels; nan where there is no order."""
    found = []
    for group in np.unique(groups):
        own, ordered = groups == group, []
        for real, guess in zip(truth[own].T, predicted[own].T, strict=True):
            known = ~np.isnan(real)
            if len(np.unique(real[known])) > 1:
                ordered.append(_correlation(kendalltau, real[known], guess[known]))
        found.append(np.mean(ordered) if ordered else np.nan)
    return np.array(found)


def _correlation(
    measure: Callable[..., tuple[float, float]], a: np.ndarray, b: np.ndarray
) -> float:
    """A correlation; 0 where one side is all the same."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SciPy's, about constant input
        found = float(measure(a, b)[0]) if len(a) > 1 else 0.0
    return found if np.isfinite(found) else 0.0


def interval(
    measure: Measure, truth: Values, predicted: Values, groups: _Groups, *, seed: int = 0
) -> Interval:
    """A measure with its 95 % bootstrap interval over groups.

    Args:
        measure: Function of truth and predictions.
        truth: Known values, a row per item and a column per label; NaN if unknown.
        predicted: Predictions of the same shape.
        groups: Group of each item; groups are drawn with replacement.
        seed: Seed of the draws.
    """
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    drawn = []
    for picks in draws(len(members), _rounds_of(truth), seed):
        picked = [members[i] for i in picks]
        rows = np.concatenate(picked)
        # A group that is drawn twice is two groups.
        which = np.repeat(np.arange(len(picked)), [len(own) for own in picked])
        drawn.append(measure(truth[rows], predicted[rows], which))
    return between(measure(truth, predicted, groups), drawn)


def macro_ap_interval(
    truth: Values, predicted: Values, groups: _Groups, *, seed: int = 0
) -> Interval:
    """Confidence interval of `macro_ap`, computed for all bootstrap rounds together."""
    return _interval_in(_macro_ap_in, truth, predicted, groups, seed)


def micro_ap_interval(
    truth: Values, predicted: Values, groups: _Groups, *, seed: int = 0
) -> Interval:
    """Confidence interval of `_micro_ap`, computed for all bootstrap rounds together."""
    return _interval_in(_micro_ap_in, truth, predicted, groups, seed)


def _interval_in(
    measure: Callable[[Values, Values, np.ndarray], np.ndarray],
    truth: Values,
    predicted: Values,
    groups: _Groups,
    seed: int,
) -> Interval:
    """An interval of a measure that tells items apart by how often each is drawn, not by group."""
    names, place = np.unique(groups, return_inverse=True)
    rounds = draws(len(names), _rounds_of(truth), seed)
    times = np.stack([np.bincount(picks, minlength=len(names)) for picks in rounds])
    step = max(1, _AT_ONCE // max(1, truth.size))
    drawn = [
        value
        for start in range(0, len(times), step)
        for value in measure(truth, predicted, times[start : start + step, place])
    ]
    return between(float(measure(truth, predicted, _single_round(truth))[0]), drawn)


def _rounds_of(truth: Values) -> int:
    """Number of bootstrap rounds; large tables get fewer."""
    return int(np.clip(_MOST_VALUES // max(1, truth.size), _FEWEST, _ROUNDS))


def tau_interval(truth: Values, predicted: Values, groups: _Groups, *, seed: int = 0) -> Interval:
    """Confidence interval of `tau_within`, a mean over groups: each group is measured once."""
    found = _taus(truth, predicted, groups)
    found = found[np.isfinite(found)]
    if not len(found):
        return Interval(0.0, 0.0, 0.0)
    drawn = [float(found[picks].mean()) for picks in draws(len(found), _ROUNDS, seed)]
    return between(float(found.mean()), drawn)


def calibration(truth: Values, chances: Values) -> tuple[float, dict[str, list[float]]]:
    """Expected calibration error, and the contents of each of BINS bins of probability.

    Guo et al., "On Calibration of Modern Neural Networks" (2017), over all items and labels.
    """
    known = ~np.isnan(truth)
    real, guess = truth[known], chances[known].astype(np.float64)
    place = np.minimum((guess * _BINS).astype(int), _BINS - 1)
    count = np.bincount(place, minlength=_BINS)
    some = count > 0
    said = np.bincount(place, guess, _BINS)[some] / count[some]
    true = np.bincount(place, real, _BINS)[some] / count[some]
    error = float((np.abs(said - true) * count[some]).sum() / max(1, count.sum()))
    return error, {
        "predicted": said.tolist(),
        "observed": true.tolist(),
        "count": count[some].tolist(),
    }


def curve(truth: np.ndarray, chances: np.ndarray) -> dict[str, list[float]]:
    """Precision-recall curve of one label, at POINTS thresholds at most."""
    known = ~np.isnan(truth)
    precision, recall, _ = precision_recall_curve(truth[known], chances[known])
    at = np.unique(np.linspace(0, len(recall) - 1, _POINTS).astype(int))
    return {"precision": precision[at].tolist(), "recall": recall[at].tolist()}


def confusion(truth: Values, chances: Values) -> tuple[float, list[list[int]]]:
    """Confusion matrix of true and most probable labels, over items that have a single label.

    Returns:
        The accuracy, NaN if there are no such items, and the counts.
    """
    counts = np.zeros((truth.shape[1], truth.shape[1]), int)
    single = truth.sum(axis=1) == 1  # nan where something is not known
    np.add.at(counts, (truth[single].argmax(axis=1), chances[single].argmax(axis=1)), 1)
    total = counts.sum()
    return float(np.trace(counts) / total) if total else float("nan"), counts.tolist()
