"""Metrics that have a curve or counts to draw."""

from collections.abc import Sequence

from mediafm_store.charts import charts
from mediafm_store.evaluation.history import MetricSeries

_CONFUSION = ("labels", "counts")


_CALIBRATION = ("predicted", "observed", "count")


_NEEDED = {"confusion": _CONFUSION, "calibration": _CALIBRATION, "ap": ("precision", "recall")}
"""What a detail must hold to be drawn."""


def calibrated(series: MetricSeries) -> Sequence[charts.Bubble]:
    """Its newest calibration."""
    return charts.calibration(*(series.newest.detail[name] for name in _CALIBRATION))


def drawn(series: Sequence[MetricSeries]) -> MetricSeries | None:
    """First series whose newest detail has a curve or counts."""
    return next((one for one in series if drawable(one)), None)


def drawable(series: MetricSeries) -> bool:
    """True if the newest metric has a curve or counts."""
    detail = series.newest.detail
    return all(isinstance(detail.get(name), list) for name in _NEEDED[series.measure])
