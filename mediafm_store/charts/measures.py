"""Measures of a model report, in the order and words of tables and pages."""

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:  # it brings torch
    from mediafm_store.evaluation.model import ModelReport


class Measure(NamedTuple):
    """Value of the model, beside those of its baselines."""

    name: str
    about: str
    better: str
    """Direction that is better, or empty."""
    most: float
    """End of the bar's scale."""
    values: Mapping[str, float]


def measures(report: "ModelReport") -> Iterator[Measure]:
    """Measures that the store has data for."""
    yield Measure(
        "masked shots",
        "How far the guess of a hidden shot is from the shot (1 - cosine), in titles that were held"
        " out of training.",
        "lower",
        max(report.msm.values()),
        report.msm,
    )
    if report.auc is not None:
        yield Measure(
            "same scene",
            "How often two shots of one scene are more alike than two of different scenes that lie"
            " equally far apart; chance is .5. Smoothed: by the moving average that does best.",
            "higher",
            1.0,
            _known(report.auc),
        )
    if report.ap is not None:
        yield Measure(
            "scene ends",
            "Average precision of finding the cuts that end a scene by how much vectors change"
            " there. Window: the means of so many shots before and after as do best.",
            "higher",
            1.0,
            _known(report.ap),
        )
    yield Measure(
        "random pairs",
        "Mean cosine of two shots picked at random; near 1, all vectors point one way.",
        "lower",
        1.0,
        report.random_cosine,
    )
    yield Measure(
        "effective rank",
        "How many directions the vectors use.",
        "higher",
        max(report.rank.values()),
        report.rank,
    )
    yield Measure(
        "near duplicates",
        "Share of shots that look the same as another of their title (cosine .98 or more).",
        "",
        1.0,
        {"isolated": report.duplicates},
    )


def _known(values: Mapping[str, float]) -> Mapping[str, float]:
    """Without those that labels were too few for."""
    return {name: value for name, value in values.items() if not math.isnan(value)}
