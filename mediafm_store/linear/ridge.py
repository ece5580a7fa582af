"""One linear layer on frozen vectors: ridge regression, and what its scores are worth.

Regularisation, calibration and thresholds come from folds inside of what is fitted, cut by groups
(titles, or series): nothing of a group is on both sides. Where items have several inputs, such as
a vector and words, each gets a layer of its own, and a logistic regression on their held-out scores
weighs them (stacking: Wolpert, 1992). It is the calibration at the same time (Platt, 1999).
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Float, Float32, Int
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, cg
from scipy.special import expit, logit
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import precision_recall_curve
from sklearn.model_selection import GroupKFold

from mediafm_store.linear.linear_model import Inputs, Kind, LinearLayer, LinearModel
from mediafm_store.linear.targets import KINDS
from mediafm_store.linear.tfidf import TextInput

_ALPHAS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
"""Regularisations that are tried, for rows whose mean length from their mean is 1."""
_INNER = 3
"""Folds that choose among them."""
_TOLERANCE = 1e-4
"""Largest residual of a ridge regression's equations, relative to its targets."""
_SOFT = 10.0
"""Inverse regularisation of the calibration."""

_Targets = Float[np.ndarray, "items labels"]
"""nan where it is not known."""
Groups = Int[np.ndarray, " items"]


def fit(
    kind: Kind, inputs: Inputs, targets: _Targets, groups: Groups, *, seed: int = 0
) -> LinearModel:
    """Fit a layer per input to the items whose targets are known.

    Every label needs items of two values in several groups: see `fittable`.

    Args:
        kind: Kind of target.
        inputs: Features of the items, by name.
        targets: A row per item and a column per label; NaN if unknown.
        groups: Group of each item; folds never split a group.
        seed: Seed of the folds.
    """
    goal = KINDS[kind].encode(targets, groups)
    held = {
        name: _choose(kind, rows, goal, targets=targets, groups=groups, seed=seed)
        for name, rows in inputs.items()
    }
    scores = np.stack([out for _, out in held.values()])
    mix, offset = _mixed(kind, scores, targets)
    alphas = {name: alpha for name, (alpha, _) in held.items()}
    layers = {n: _ridge(rows, goal, alphas[n]) for n, rows in inputs.items()}
    chances = expit(np.einsum("inl,li->nl", scores, mix) + offset)
    none = np.zeros(targets.shape[1], np.float32)
    thresholds = _best_thresholds(targets, chances) if kind == "tags" else none
    return LinearModel(kind, layers, mix, offset, thresholds, alphas)


def cross_validate(
    kind: Kind, inputs: Inputs, targets: _Targets, groups: Groups, *, folds: int, seed: int = 0
) -> tuple[Float32[np.ndarray, "items labels"], Float32[np.ndarray, "items labels"]]:
    """Out-of-fold predictions by fits that saw nothing of an item's group, and their thresholds.

    A label that cannot be fitted in a fold is predicted there by its mean. Inputs may be
    `TextInput`, whose vocabulary is learned again in each fold.
    """
    predicted = np.zeros(targets.shape, np.float32)
    thresholds = np.full(targets.shape, 2.0, np.float32)
    for train, test in split(groups, folds, seed):
        usable = fittable(targets[train], groups[train])
        known = ~np.isnan(targets[train])
        totals = np.where(known, targets[train], 0).sum(0)
        predicted[test] = totals / np.maximum(1, known.sum(0))
        ours, theirs = _parted(inputs, train, test)
        if not (usable.any() and ours):
            continue
        part = fit(kind, ours, targets[train][:, usable], groups[train], seed=seed)
        predicted[np.ix_(test, usable)] = part.decide(theirs)
        thresholds[np.ix_(test, usable)] = part.thresholds
    return predicted, thresholds


def fittable(targets: _Targets, groups: Groups) -> np.ndarray:
    """Mask of labels whose greatest and other values both occur in INNER groups or more."""
    found = []
    for column in targets.T:
        known = ~np.isnan(column)
        top = known & (column == np.max(column[known], initial=-np.inf))
        sides = (np.unique(groups[side]) for side in (top, known & ~top))
        graded = len(np.unique(column[known])) > 2
        enough = min(map(len, sides)) >= _INNER
        found.append(enough or (graded and len(np.unique(groups[known])) >= _INNER))
    return np.array(found, bool)


def _choose(
    kind: Kind, rows: Any, goal: _Targets, *, targets: _Targets, groups: Groups, seed: int
) -> tuple[float, Float32[np.ndarray, "items labels"]]:
    """The regularisation that is best on held-out groups, and the scores that it gives them."""
    best, found = -np.inf, (_ALPHAS[0], np.zeros(targets.shape, np.float32))
    parts = list(split(groups, _INNER, seed))
    for alpha in _ALPHAS:
        out = np.zeros(targets.shape, np.float32)
        for train, test in parts:
            out[test] = _ridge(rows[train], goal[train], alpha)(rows[test])
        reached = KINDS[kind].measure(targets, out, groups)
        if reached > best:
            best, found = reached, (alpha, out)
    return found


def split(groups: Groups, folds: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield rows to fit and rows to hold out, in folds of whole groups."""
    count = min(folds, len(np.unique(groups)))
    cut = GroupKFold(count, shuffle=True, random_state=seed)
    yield from cut.split(groups, groups=groups)


def _ridge(rows: Any, goal: _Targets, alpha: float) -> LinearLayer:
    """One layer of all labels; each is fitted to the rows that know it.

    The dual problems of all labels are solved together by conjugate gradients: labels may know
    different rows, and still a step is two products with the rows for all of them. As exact as
    TOLERANCE, and for 200 labels with rows of their own 30 times as fast as one after the other.
    """
    known = ~np.isnan(goal)
    counts = np.maximum(1, known.sum(axis=0))
    own, scale = _scaled(rows)

    def centred(values: np.ndarray) -> Float32[np.ndarray, "items labels"]:
        mean = np.where(known, values, 0).sum(axis=0) / counts
        return np.where(known, values - mean, 0).astype(np.float32)

    def apply(flat: np.ndarray) -> Float32[np.ndarray, " n"]:
        duals = flat.reshape(goal.shape)
        return (centred(own @ (own.T @ duals)) + np.float32(alpha) * duals).ravel()

    system = LinearOperator((goal.size, goal.size), apply, dtype=np.float32)
    duals, _ = cg(system, centred(goal).ravel(), rtol=_TOLERANCE)
    weights = np.asarray((own.T @ duals.reshape(goal.shape)).T / scale, np.float32)
    usual = np.where(known, goal, 0).sum(axis=0) / counts
    among = np.asarray(rows.T @ (known / counts).astype(np.float32)).T
    bias = usual - np.sum(weights * among, axis=1)
    return LinearLayer(weights, bias.astype(np.float32))


def _scaled(rows: Any) -> tuple[Any, float]:
    """Rows so that their mean length from their mean is 1, and what they were divided by.

    The regression takes the mean away.
    """
    if sparse.issparse(rows):
        return rows, 1.0  # of length 1 each, and hardly a mean
    spread = float(np.sqrt(rows.var(axis=0).sum())) or 1.0
    return rows / np.float32(spread), spread


def _mixed(
    kind: Kind, scores: Float32[np.ndarray, "inputs items labels"], targets: _Targets
) -> tuple[Float32[np.ndarray, "labels inputs"], Float32[np.ndarray, " labels"]]:
    """Weights and shifts that combine the inputs' held-out scores, label by label.

    No weight is negative (Breiman, "Stacked regressions", 1996): of few items, what is held out
    leaves the mean of the others on its far side, and a useless score looks reversed.
    """
    inputs, _, labels = scores.shape
    mix, offset = np.ones((labels, inputs), np.float32), np.zeros(labels, np.float32)
    if kind != "tags" and inputs == 1:
        return mix, offset
    for label in range(labels):
        known = ~np.isnan(targets[:, label])
        # Newton's steps run into the rounding of float32 before they converge.
        own = scores[:, known, label].T.astype(np.float64)
        goal = targets[known, label]
        spread = own.std(axis=0)
        spread[spread == 0] = 1.0
        weights, offset[label] = _weighed(kind, own / spread, goal)
        mix[label] = weights / spread
    return mix, offset


def _weighed(
    kind: Kind, scores: Float[np.ndarray, "items inputs"], goal: Float[np.ndarray, " items"]
) -> tuple[Float[np.ndarray, " inputs"], float]:
    """Weights of 0 and more, and the constant: those of a regression, without what is below 0."""
    weights = np.zeros(scores.shape[1])
    if kind != "tags":
        line = LinearRegression(positive=True).fit(scores, goal)
        return line.coef_, float(line.intercept_)
    left = np.arange(scores.shape[1])
    while len(left):
        # Of a few inputs Newton's steps are cheap; L-BFGS waits for threads, ten times as long.
        model = LogisticRegression(C=_SOFT, solver="newton-cholesky").fit(scores[:, left], goal)
        found = model.coef_[0]
        if (found >= 0).all():
            weights[left] = found
            return weights, float(model.intercept_[0])
        left = np.delete(left, found.argmin())
    rate = np.clip(goal.mean(), 1e-6, 1 - 1e-6)
    return weights, float(logit(rate))


def _best_thresholds(
    targets: _Targets, chances: Float[np.ndarray, "items labels"]
) -> Float32[np.ndarray, " labels"]:
    """Probability thresholds that maximise F1, by label."""
    found = []
    for truth, chance in zip(targets.T, chances.T, strict=True):
        known = ~np.isnan(truth)
        precision, recall, at = precision_recall_curve(truth[known], chance[known])
        both = precision + recall
        f1 = np.divide(2 * precision * recall, both, out=np.zeros_like(both), where=both > 0)
        found.append(at[int(np.argmax(f1[:-1]))])
    return np.array(found, np.float32)


def _parted(
    inputs: Inputs, seen: np.ndarray, held: np.ndarray
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The items of each input that are seen, and those held out; without texts of no words."""
    parts = {
        name: rows.parted(seen, held) if isinstance(rows, TextInput) else (rows[seen], rows[held])
        for name, rows in inputs.items()
    }
    there = {name: part for name, part in parts.items() if part is not None}
    return {n: ours for n, (ours, _) in there.items()}, {n: own for n, (_, own) in there.items()}
