"""Figures over versions, and two versions side by side."""

from typing import TYPE_CHECKING, Any

from mediafm_cli.output import Row, cell

if TYPE_CHECKING:
    from mediafm_store.evaluation.comparison import Comparison, Difference
    from mediafm_store.evaluation.history import MetricSeries, Point


def series_row(series: "MetricSeries") -> Row:
    """The newest figure of a series, and how it changed."""
    before = series.before
    return {
        **_key(series),
        **series.newest._asdict(),
        "since": before and before.version,
        "before": before and before.value,
        "change": series.change,
        "outside": series.outside,
        "verdict": series.verdict,
    }


def series_cells(row: Row) -> Row:
    """Cells of a series."""
    since = row["since"]
    return {
        **{n: row[n] for n in ("what", "name", "version", "measure", "of")},
        "value": cell(row["value"]),
        "interval": _interval(row["low"], row["high"]),
        "change": "" if row["change"] is None else f"{row['change']:+.3f}",
        "verdict": row["verdict"],
        "since": f"{since}, earlier" if since == row["version"] else since,
    }


def listed_differences(comparison: "Comparison", as_json: bool) -> "list[Difference]":
    """A table has single tags only where they got worse."""
    every = comparison.differences
    return [d for d in every if as_json or not d.series.label or d.verdict == "worse"]


def difference_row(one: "Difference") -> Row:
    """One figure of two versions."""

    def values(point: "Point | None") -> dict[str, Any]:
        return {} if point is None else point._asdict()

    return {
        **_key(one.series),
        "before": values(one.before),
        "after": values(one.after),
        "change": one.change,
        "outside": one.outside,
        "verdict": one.verdict,
    }


def difference_cells(row: Row) -> Row:
    """Table cells of two versions."""
    found: dict[str, object] = {n: row[n] for n in ("what", "measure", "of", "label")}
    for name in ("before", "after"):
        point = row[name]
        found[name] = cell(point.get("value"))
        found[f"{name} interval"] = _interval(point.get("low"), point.get("high"))
    return found | {
        "change": "" if row["change"] is None else f"{row['change']:+.3f}",
        "outside": {True: "yes", False: "no", None: ""}[row["outside"]],
        "verdict": row["verdict"],
    }


def _key(series: "MetricSeries") -> dict[str, str]:
    """Key of a series: what its figures measure."""
    return {n: getattr(series, n) for n in ("what", "name", "measure", "of", "label", "better")}


def _interval(low: float | None, high: float | None) -> str:
    """As a table shows it."""
    return "" if low is None or high is None else f"{low:.3f} to {high:.3f}"
