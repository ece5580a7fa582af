"""mediafm report."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mediafm_cli.options import DEFAULT_STORE, AsJson, StorePath, open_store
from mediafm_cli.output import Row, cell, emit, say, wrote

if TYPE_CHECKING:
    from mediafm_store.evaluation.comparison import Comparison, Difference
    from mediafm_store.evaluation.history import MetricSeries, Point

EXAMPLE = (
    "Examples: mediafm report --html board.html; mediafm report --compare genre_v1 genre_v2;"
    " mediafm report --json"
)


def report(
    store: StorePath = DEFAULT_STORE,
    html: Annotated[Path | None, typer.Option(help="Draw all of it as one page.")] = None,
    compare: Annotated[
        tuple[str, str] | None,
        typer.Option(
            help="Two versions side by side: of a probe (genre_v1), of a space (context_v1), or"
            " checkpoints (0001)."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show everything that was measured: the newest figures, and whether they got better.

    Models, probes, indexes and searches leave their figures in the store when they are evaluated.
    The page has them over versions, in context against isolated, tag by tag, with confusion,
    calibration, training curves, the recall of the indexes, and what the catalogue has.
    """
    from mediafm_store.evaluation.comparison import compare as compared
    from mediafm_store.evaluation.history import dashboard, series_of

    opened = open_store(store)
    series = series_of(opened.rows("evaluations").to_dicts())
    comparison = compared(series, *compare) if compare else None
    if html is not None:
        from mediafm_store.report.evaluation_page import write_board_page

        write_board_page(html, store=opened, board=dashboard(opened), comparison=comparison)
        wrote(html)
    elif comparison is None:
        _newest_lines(series, as_json)
    else:
        emit(
            [_difference(d) for d in _is_listed(comparison, as_json)], as_json=as_json, table=_side
        )
    if comparison is not None:
        say(comparison.said)


def _newest_lines(series: "list[MetricSeries]", as_json: bool) -> None:
    """A line a figure; those of single tags are for programs and pages."""
    if not series:
        say("Nothing was measured yet: try `mediafm evaluate model`, or `mediafm index`.")
    found = [_row(one) for one in series if as_json or not one.label]
    emit(found, as_json=as_json, table=_brief)


def _row(series: "MetricSeries") -> Row:
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


def _brief(row: Row) -> Row:
    """What the table shows of it."""
    since = row["since"]
    return {
        **{n: row[n] for n in ("what", "name", "version", "measure", "of")},
        "value": cell(row["value"]),
        "interval": _interval(row["low"], row["high"]),
        "change": "" if row["change"] is None else f"{row['change']:+.3f}",
        "verdict": row["verdict"],
        "since": f"{since}, earlier" if since == row["version"] else since,
    }


def _is_listed(comparison: "Comparison", as_json: bool) -> "list[Difference]":
    """A table has single tags only where they got worse."""
    every = comparison.differences
    return [d for d in every if as_json or not d.series.label or d.verdict == "worse"]


def _difference(one: "Difference") -> Row:
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


def _side(row: Row) -> Row:
    """What the table shows of two versions."""
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
    """What a series is figures of."""
    return {n: getattr(series, n) for n in ("what", "name", "measure", "of", "label", "better")}


def _interval(low: float | None, high: float | None) -> str:
    """As a table shows it."""
    return "" if low is None or high is None else f"{low:.3f} to {high:.3f}"
