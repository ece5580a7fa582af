"""Weights of signs, fitted to what people say is a good break."""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float32

from mediafm_store.ad_breaks.context import read_break_context
from mediafm_store.ad_breaks.cut_features import SIGNS, signs_of
from mediafm_store.ad_breaks.score import DEFAULT, BreakWeights
from mediafm_store.errors import InvalidInput
from mediafm_store.probing.dataset import groups_of
from mediafm_store.storage.storage import Storage

log = logging.getLogger("mediafm_store")
_TASK = "break"
"""Task in the table `labels`: an item is a time, as sintel@190, its value 1 (good) or 0 (bad)."""
_GOOD, _TITLES = 10, 3
"""Labelled good cuts, and titles or series with them, that fitting weights requires."""
_NEAR_S = 1.0
"""A cut so near to a label is the one that is meant."""
_MOST_FOLDS = 10
_ONE_SIDED = "to fit weights, cuts without a good label are needed in two titles or series"


class LabelledCuts(NamedTuple):
    """The cuts of a title that somebody has labelled."""

    signs: Float32[np.ndarray, "cuts signs"]
    good: Bool[np.ndarray, " cuts"]
    group: int
    """Group number: equal for titles of a series."""


def weights_of(store: Storage) -> BreakWeights:
    """Weights that rank breaks best: fitted to the labels of the task `break`, or the defaults.

    All cuts of the labelled titles are compared: those at a good label with the others. Fitted
    weights are used if their average precision on held-out titles and series exceeds that of the
    defaults; the choice is logged. They are cached until labels, titles or vectors change.
    """
    space = store.registry.shot_space().table
    made_of = tuple(int(store.table(name).version) for name in ("labels", "titles", space))
    # No other store has these revisions: one may be created again at the same place.
    version, key = (space, made_of, store.revisions()), store.place.address
    if key not in _FITTED or _FITTED[key][0] != version:
        _FITTED[key] = version, _weights_for(_titles_with_breaks(store))
    return _FITTED[key][1]


_State = tuple[str, tuple[int, ...], dict[str, str]]
_FITTED: dict[str, tuple[_State, BreakWeights]] = {}
"""Of each store, by its address, the weights that were fitted last, and to what."""


def _weights_for(titles: Sequence[LabelledCuts]) -> BreakWeights:
    """The weights that rank the breaks of these titles best."""
    marked = [title for title in titles if title.good.any()]
    groups = {title.group for title in marked}
    if sum(int(t.good.sum()) for t in titles) < _GOOD or len(groups) < _TITLES:
        return DEFAULT
    ours, usual = _held_out(titles), _precision(DEFAULT, marked)
    if ours is None:
        return DEFAULT._replace(said=f"default weights; {_ONE_SIDED}")
    found = f"average precision {ours:.2f} on titles held out, default weights {usual:.2f}"
    if ours <= usual:
        return DEFAULT._replace(said=f"default weights; fitted ones are no better: {found}")
    fitted = _fit_weights(titles)
    count = sum(int(t.good.sum()) for t in titles)
    return fitted._replace(said=f"fitted to {count} labels in {len(marked)} titles: {found}")


def _titles_with_breaks(store: Storage) -> list[LabelledCuts]:
    """The titles with labels, as far as they have vectors."""
    good: dict[str, list[float]] = defaultdict(list)
    for row in store.rows("labels", f"task = '{_TASK}'").to_dicts():
        if row["start_s"] is not None:
            good[row["title"]] += [row["start_s"]] if _is_good(row) else []
    found = []
    groups = groups_of(store, sorted(good))
    for group, (title, times) in zip(groups.tolist(), sorted(good.items()), strict=True):
        try:
            facts = read_break_context(store, title)
        except InvalidInput as error:
            log.warning("labels of breaks are not used: %s", error)
            continue
        if facts.cuts:
            at = np.array([shot["start_s"] for shot in facts.shots[1:]])
            signs = np.stack(list(signs_of(facts).values()), axis=1)
            found.append(LabelledCuts(signs, _nearest_cuts(at, times), group))
    return found


def _is_good(row: Mapping[str, Any]) -> bool:
    """True if a label marks a good place."""
    return bool(row["value"] is not None and row["value"] >= 0.5)


def _nearest_cuts(at: np.ndarray, times: Sequence[float]) -> Bool[np.ndarray, " cuts"]:
    """Mask of the cuts that are nearest to a time and within NEAR_S of it."""
    good = np.zeros(len(at), bool)
    for time in times:
        nearest = int(np.abs(at - time).argmin())
        good[nearest] |= abs(at[nearest] - time) <= _NEAR_S
    return good


def _one_sided(titles: Sequence[LabelledCuts]) -> bool:
    """True if all cuts are good or none is, so that nothing can be learned."""
    good = np.concatenate([title.good for title in titles])
    return bool(good.all() or not good.any())


def _fit_weights(titles: Sequence[LabelledCuts]) -> BreakWeights:
    """Logistic regression over all cuts of these titles."""
    from sklearn.linear_model import LogisticRegression

    signs = np.concatenate([title.signs for title in titles])
    good = np.concatenate([title.good for title in titles])
    model = LogisticRegression(max_iter=1000).fit(signs, good)
    weights = dict(zip(SIGNS, model.coef_[0].tolist(), strict=True))
    return BreakWeights(weights, float(model.intercept_[0]), "fitted weights")


def _held_out(titles: Sequence[LabelledCuts]) -> float | None:
    """Mean average precision of fitted weights on held-out groups of titles.

    None if the weights cannot be fitted for some fold.
    """
    from mediafm_store.linear.ridge import split

    marked = [title for title in titles if title.good.any()]
    found = []
    for _, fold in split(np.array([title.group for title in marked]), _MOST_FOLDS, seed=0):
        left_out = {marked[i].group for i in fold}
        others = [title for title in titles if title.group not in left_out]
        if _one_sided(others):
            return None
        weights = _fit_weights(others)
        found += [_precision(weights, [marked[i]]) for i in fold]
    return float(np.mean(found))


def _precision(weights: BreakWeights, titles: Sequence[LabelledCuts]) -> float:
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
