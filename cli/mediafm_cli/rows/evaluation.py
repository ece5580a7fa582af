"""What was measured of models and searches."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mediafm_cli.output import Row

if TYPE_CHECKING:
    from mediafm_store.evaluation.model import ModelReport
    from mediafm_store.evaluation.search import SearchReport
    from mediafm_store.judgements.outcomes import JudgedReport, Part, Sort

_SORTS: tuple["Sort", ...] = ("similar", "text", "nothing")
_PARTS: tuple["Part", ...] = ("all", "tuned", "kept")


def judged_rows(report: "JudgedReport") -> Iterator[Row]:
    """A line a figure: of all queries, of their parts, and of each kind of text."""
    for sort in _SORTS:
        for part in _PARTS:
            yield from _table_rows(report, sort, part, {"part": part})
    for kind in report.kinds:
        yield from _table_rows(report, "text", kind, {"kind": kind})


def _table_rows(
    report: "JudgedReport", sort: "Sort", name: str, some: dict[str, Any]
) -> Iterator[Row]:
    """A line a figure of some of the queries, as `JudgedReport.table` takes them."""
    from mediafm_store.judgements.outcomes import BEST, CHANCE, better

    table, count = report.table(sort, **some), report.queries(sort, **some)
    for measure, figure in table.get("default", {}).items():
        beside = {of: table.get(of, {}).get(measure) for of in (CHANCE, BEST)}
        yield {
            "search": sort,
            "queries": name,
            "count": count,
            "measure": measure,
            **figure._asdict(),
            **{of: None if other is None else other.value for of, other in beside.items()},
            "better": better(measure),
        }


def metric_rows(report: "ModelReport") -> Iterator[Row]:
    """A line a figure."""
    from mediafm_store.charts.measures import measures

    for measure in measures(report):
        for name, value in measure.values.items():
            yield {"measure": measure.name, "of": name, "value": value, "better": measure.better}


def own_scene_rows(report: "SearchReport") -> list[Row]:
    """A line a figure, with its interval."""
    return [
        {
            "measure": figure.measure,
            "of": figure.of,
            "value": figure.value,
            "low": figure.low,
            "high": figure.high,
            "better": figure.better,
        }
        for figure in report.figures
    ]
