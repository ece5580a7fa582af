"""Weights of signs, fitted to what people say is a good break."""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float32

from mediafm_store.errors import BadInput
from mediafm_store.store.store import Store
from mediafm_store.tasks.breaks.facts import read_facts
from mediafm_store.tasks.breaks.score import DEFAULT, Weights
from mediafm_store.tasks.breaks.signs import SIGNS, signs_of

log = logging.getLogger("mediafm_store")
TASK = "break"
"""Of the table `labels`: an item is a moment, as sintel@190, its value 1 (good) or 0 (bad)."""
GOOD, TITLES = 10, 3
"""So many good cuts in so many titles must be labelled before weights are fitted."""
NEAR_S = 1.0
"""A cut so near to a label is the one that is meant."""
MOST_FOLDS = 10


class Labelled(NamedTuple):
    """The cuts of a title that somebody has labelled."""

    signs: Float32[np.ndarray, "cuts signs"]
    good: Bool[np.ndarray, " cuts"]


def weights_of(store: Store) -> Weights:
    """The weights that rank breaks best: fitted to the labels of the task `break`, or the default.

    All cuts of the labelled titles are compared: those at a good label with the others. Fitted
    weights are used if their average precision on titles that they were not fitted to is greater
    than the default's; `said` tells.
    """
    titles = labelled(store)
    marked = [title for title in titles if title.good.any()]
    if sum(int(t.good.sum()) for t in titles) < GOOD or len(marked) < TITLES:
        return DEFAULT
    ours, usual = held_out(titles), precision(DEFAULT, marked)
    found = f"average precision {ours:.2f} on titles held out, default weights {usual:.2f}"
    if ours <= usual:
        return DEFAULT._replace(said=f"default weights; fitted ones are no better: {found}")
    fitted = fit(titles)
    count = sum(int(t.good.sum()) for t in titles)
    return fitted._replace(said=f"fitted to {count} labels in {len(marked)} titles: {found}")


def labelled(store: Store) -> list[Labelled]:
    """The titles with labels, as far as they have vectors."""
    good: dict[str, list[float]] = defaultdict(list)
    there = store.revisions()
    for row in store.rows("labels", f"task = '{TASK}'").to_dicts():
        if row["start_s"] is not None and row["title"] in there:
            good[row["title"]] += [row["start_s"]] if is_good(row) else []
    found = []
    for title, times in sorted(good.items()):
        try:
            facts = read_facts(store, title)
        except BadInput as error:
            log.warning("labels of breaks are not used: %s", error)
            continue
        if facts.cuts:
            at = np.array([shot["start_s"] for shot in facts.shots[1:]])
            signs = np.stack(list(signs_of(facts).values()), axis=1)
            found.append(Labelled(signs, nearest_cuts(at, times)))
    return found


def is_good(row: Mapping[str, Any]) -> bool:
    """Whether a label says that there is a good place."""
    return bool(row["value"] is not None and row["value"] >= 0.5)


def nearest_cuts(at: np.ndarray, times: Sequence[float]) -> Bool[np.ndarray, " cuts"]:
    """Which cuts are the nearest to a time, and within NEAR_S of it."""
    good = np.zeros(len(at), bool)
    for time in times:
        nearest = int(np.abs(at - time).argmin())
        good[nearest] |= abs(at[nearest] - time) <= NEAR_S
    return good


def fit(titles: Sequence[Labelled]) -> Weights:
    """Logistic regression over all cuts of these titles."""
    from sklearn.linear_model import LogisticRegression

    signs, good = (np.concatenate(arrays) for arrays in zip(*titles, strict=True))
    model = LogisticRegression(max_iter=1000).fit(signs, good)
    weights = dict(zip(SIGNS, model.coef_[0].tolist(), strict=True))
    return Weights(weights, float(model.intercept_[0]), "fitted weights")


def held_out(titles: Sequence[Labelled]) -> float:
    """Mean average precision of fitted weights on titles that they were not fitted to."""
    marked = [i for i, title in enumerate(titles) if title.good.any()]
    folds = np.array_split(np.array(marked), min(MOST_FOLDS, len(marked)))
    found = []
    for fold in folds:
        weights = fit([title for i, title in enumerate(titles) if i not in fold])
        found += [precision(weights, [titles[i]]) for i in fold]
    return float(np.mean(found))


def precision(weights: Weights, titles: Sequence[Labelled]) -> float:
    """Mean average precision of weights over titles."""
    from sklearn.metrics import average_precision_score

    return float(
        np.mean(
            [
                average_precision_score(
                    title.good, weights.scores(dict(zip(SIGNS, title.signs.T, strict=True)))
                )
                for title in titles
            ]
        )
    )
