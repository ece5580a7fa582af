"""Kinds of targets that a probe can predict, as data: how they are fitted and measured."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from mediafm_store.linear.linear_model import Kind
from mediafm_store.linear.measures import macro_ap, spearman, tau_within

Values = Float[np.ndarray, "items labels"]
_Groups = Int[np.ndarray, " items"]


class _Handling(NamedTuple):
    """Handling of one kind of target: how it is fitted and measured."""

    encode: Callable[[Values, _Groups], Values]
    measure: Callable[[Values, Values, _Groups], float]
    """Truth, predictions, groups -> what regularisation is chosen by; higher is better."""


def _signs(targets: Values, groups: _Groups) -> Values:
    """1 for those that have a label, -1 for those that have not."""
    del groups
    return 2 * targets - 1


def _as_they_are(targets: Values, groups: _Groups) -> Values:
    """Grades are fitted themselves."""
    del groups
    return targets


def _within_groups(targets: Values, groups: _Groups) -> Values:
    """Difference of each value from the mean of its group: only the order within one counts."""
    above = targets.copy()
    for group in np.unique(groups):
        own = groups == group
        known = ~np.isnan(targets[own])
        total = np.where(known, targets[own], 0).sum(axis=0)
        above[own] -= total / np.maximum(1, known.sum(axis=0))
    return above


KINDS: Mapping[Kind, _Handling] = {
    "tags": _Handling(_signs, macro_ap),
    "grades": _Handling(_as_they_are, spearman),
    "ranking": _Handling(_within_groups, tau_within),
}
