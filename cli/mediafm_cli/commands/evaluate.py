"""mediafm evaluate."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mediafm_cli.options import DEFAULT_STORE, AsJson, Device, StorePath, open_store
from mediafm_cli.output import Row, emit, emit_one, say

if TYPE_CHECKING:
    from mediafm_store import Store
    from mediafm_store.tasks.evaluate import ModelReport

EXAMPLE = (
    "Examples: mediafm evaluate model --store my-store --html quality.html; mediafm evaluate search"
)


def evaluate(
    what: Annotated[Literal["model", "search"], typer.Argument(help="What to measure.")],
    store: StorePath = DEFAULT_STORE,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Folder of a checkpoint; default: the newest.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Also write a model's as a page.")] = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Say how good a trained model is, or searches are, beside what needs no training.

    model: masked shots of titles that were held out are predicted by the model, by the mean of the
    title and of the neighbours, and by interpolation. Where shots carry scene numbers (mediafm
    import), it is measured how well vectors tell scenes apart, and where they find their ends.
    search: how many of the shots most like a shot are of its own scene, by scene numbers.
    What was measured is kept in the store; mediafm report shows it.
    """
    opened = open_store(store)
    if what == "search":
        if checkpoint or html:
            raise typer.BadParameter(
                "searches are measured on the vectors in use and have no page of their own: leave"
                " out --checkpoint and --html; `mediafm report --html FILE` draws them"
            )
        evaluate_searches(opened, as_json)
        return
    from mediafm_store import evaluate_model

    report = evaluate_model(opened, checkpoint=checkpoint, device=device)
    if html is not None:
        from mediafm_store.report.pages import write_model_page

        write_model_page(html, store=opened, report=report)
        say(f"Wrote {html}")
    if as_json:
        emit_one(asdict(report), as_json=True)
        return
    say(
        f"{report.checkpoint}, preset {report.preset}: {report.titles} titles, {report.shots}"
        f" shots; {report.held_out} held out, {report.labelled} with scenes"
    )
    emit(list(rows(report)), as_json=False)


def evaluate_searches(store: "Store", as_json: bool) -> None:
    """A line a figure, with its interval."""
    from mediafm_store import evaluate_search

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


def rows(report: "ModelReport") -> Iterator[Row]:
    """A line a figure."""
    from mediafm_store.report.measures import measures

    for measure in measures(report):
        for name, value in measure.values.items():
            yield {"measure": measure.name, "of": name, "value": value, "better": measure.better}
