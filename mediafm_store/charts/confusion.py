"""Confusion matrix, cut down to as many tags as can be read."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

_MOST = 16
"""Tags of a table; the others are one row and one column together."""
_OTHERS = "all others"
_PAIRS = 8


class ConfusionCell(NamedTuple):
    """Number of items with a row's tag that were predicted as a column's."""

    number: float
    percent: float
    """Share of the row."""
    right: bool


class ConfusionChart(NamedTuple):
    """A table; rows are true tags, columns predicted ones, in the same order."""

    labels: Sequence[str]
    rows: Sequence[Sequence[ConfusionCell]]
    pairs: Sequence[tuple[str, str, float, float]]
    """Most frequent confusions: true tag, predicted tag, count, and items of the true tag."""


def confused(detail: Mapping[str, Any]) -> ConfusionChart:
    """Build the chart from the names of tags and counts [true, predicted]."""
    labels = [str(label) for label in detail["labels"]]
    counts = [[float(count) for count in row] for row in detail["counts"]]
    totals = [sum(row) for row in counts]
    order = sorted(range(len(labels)), key=lambda i: -totals[i])
    few = order if len(order) <= _MOST else order[: _MOST - 1]
    groups = [[i] for i in few] + ([order[len(few) :]] if len(few) < len(order) else [])
    merged = [[sum(counts[i][j] for i in a for j in b) for b in groups] for a in groups]
    names = [labels[i] for i in few] + [_OTHERS] * (len(few) < len(order))
    wrong = [
        (labels[i], labels[j], counts[i][j], totals[i])
        for i in order
        for j in order
        if i != j and counts[i][j]
    ]
    return ConfusionChart(
        names,
        [
            [_confusion_cell(count, row, i == j) for j, count in enumerate(row)]
            for i, row in enumerate(merged)
        ],
        sorted(wrong, key=lambda pair: -pair[2])[:_PAIRS],
    )


def _confusion_cell(count: float, row: Sequence[float], right: bool) -> ConfusionCell:
    """One count, as a share of its row."""
    total = sum(row)
    return ConfusionCell(count, 100 * count / total if total else 0.0, right)
