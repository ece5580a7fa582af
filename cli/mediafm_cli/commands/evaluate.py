"""mediafm evaluate."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from mediafm_cli.options import DEFAULT_STORE, AsJson, Device, StorePath, open_store
from mediafm_cli.output import Row, emit, emit_one, say, wrote
from mediafm_cli.progress import progress_bar

if TYPE_CHECKING:
    from mediafm_store.evaluation.model import ModelReport
    from mediafm_store.judgements.outcomes import JudgedReport, Part, Sort
    from mediafm_store.storage.storage import Storage

EXAMPLE = (
    "Examples: mediafm evaluate model --store my-store --html quality.html; mediafm evaluate"
    " search; mediafm evaluate search --labels labels.json"
)

_SORTS: tuple["Sort", ...] = ("similar", "text", "nothing")
_PARTS: tuple["Part", ...] = ("all", "tuned", "kept")

ONLY = {
    "checkpoint": ("model",),
    "html": ("model",),
    "labels": ("search",),
}
"""Parameters that only some actions use."""


def evaluate(
    what: Annotated[Literal["model", "search"], typer.Argument(help="What to measure.")],
    store: StorePath = DEFAULT_STORE,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Folder of a checkpoint; default: the newest.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Also write a model's as a page.")] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            help="Judge searches by this file: queries and the shots that answer them.",
            metavar="FILE",
        ),
    ] = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Say how good a trained model is, or searches are, beside what needs no training.

    model: masked shots of titles that were held out are predicted by the model, by the mean of the
    title and of the neighbours, and by interpolation. Where shots carry scene numbers (mediafm
    import), it is measured how well vectors tell scenes apart, and where they find their ends.
    search: how many of the shots most like a shot are of its own scene, by scene numbers. With
    --labels: how many answers are relevant, by shot and by text, where people said which shots are,
    beside random orders of the same shots (chance) and their best one. --json tells it of all
    queries, of the parts that were tuned on and kept, and of each kind of text.
    What was measured is kept in the store; mediafm report shows it.
    """
    opened = open_store(store)
    if what == "search":
        if labels is None:
            _evaluate_searches(opened, as_json)
        else:
            _judge_searches(opened, labels, device, as_json)
        return
    from mediafm_store.evaluation.model import evaluate_model

    report = evaluate_model(opened, checkpoint=checkpoint, device=device)
    if html is not None:
        from mediafm_store.report.pages import write_model_page

        write_model_page(html, store=opened, report=report)
        wrote(html)
    if as_json:
        emit_one(asdict(report), as_json=True)
        return
    say(
        f"{report.checkpoint}, preset {report.preset}: {report.titles} titles, {report.shots}"
        f" shots; {report.held_out} held out, {report.labelled} with scenes"
    )
    emit(list(_metric_rows(report)), as_json=False)


def _evaluate_searches(store: "Storage", as_json: bool) -> None:
    """A line a figure, with its interval."""
    from mediafm_store.evaluation.search import evaluate_search

    report = evaluate_search(store)
    say(f"{report.version}: {report.shots} shots of {report.titles} titles were searched for")
    emit(
        [
            {
                "measure": figure.measure,
                "of": figure.of,
                "value": figure.value,
                "low": figure.low,
                "high": figure.high,
                "better": figure.better,
            }
            for figure in report.figures
        ],
        as_json=as_json,
    )


def _judge_searches(
    store: "Storage", labels: Path, device: Literal["auto", "cpu", "cuda"], as_json: bool
) -> None:
    """A line a figure, with its interval, chance and what would be best."""
    from mediafm_store.judgements.judged import judge
    from mediafm_store.judgements.labels import read_judgements

    judgements = read_judgements(labels)
    with progress_bar(" queries/s") as update:
        report = judge(
            store,
            judgements,
            device=device,
            on_query=lambda query, done, total: update("searching", done, total),
        )
    say(f"{report.shots} shots of {len(report.titles)} titles were searched")
    found = list(_judged_rows(report))
    shown = found if as_json else [row for row in found if row["queries"] == "all"]
    emit(shown, as_json=as_json)


def _judged_rows(report: "JudgedReport") -> Iterator[Row]:
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


def _metric_rows(report: "ModelReport") -> Iterator[Row]:
    """A line a figure."""
    from mediafm_store.charts.measures import measures

    for measure in measures(report):
        for name, value in measure.values.items():
            yield {"measure": measure.name, "of": name, "value": value, "better": measure.better}
