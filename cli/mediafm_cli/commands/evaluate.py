"""mediafm evaluate."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mediafm_cli.options import DEFAULT_STORE, AsJson, Device, StorePath, open_store
from mediafm_cli.output import Row, emit, emit_one, say

if TYPE_CHECKING:
    from mediafm_store.tasks.evaluate import ModelReport

EXAMPLE = "Example: mediafm evaluate model --store my-store --html quality.html"


def evaluate(
    what: Annotated[Literal["model"], typer.Argument(help="What to measure.")],
    store: StorePath = DEFAULT_STORE,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Folder of a checkpoint; default: the newest.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Also write it as a page.")] = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Say how good a trained model is, beside what needs no training.

    Masked shots of titles that were held out are predicted by the model, by the mean of the title
    and of the neighbours, and by interpolation. Where shots carry scene numbers (mediafm import
    --scenes), it is measured how well vectors tell scenes apart, and where they find their ends.
    """
    del what
    from mediafm_store import evaluate_model

    opened = open_store(store)
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


def rows(report: "ModelReport") -> Iterator[Row]:
    """A line a figure."""
    from mediafm_store.report.measures import measures

    for measure in measures(report):
        for name, value in measure.values.items():
            yield {"measure": measure.name, "of": name, "value": value, "better": measure.better}
