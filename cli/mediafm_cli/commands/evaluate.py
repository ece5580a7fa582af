"""mediafm evaluate: how good a trained model is, or searches are."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mediafm_cli.options import (
    DEFAULT_STORE,
    AsJson,
    Checkpoint,
    Device,
    Html,
    StorePath,
    open_store,
)
from mediafm_cli.output import emit, emit_one, say, wrote
from mediafm_cli.progress import progress_bar
from mediafm_cli.rows.evaluation import judged_rows, metric_rows, own_scene_rows

if TYPE_CHECKING:
    from mediafm_store.storage.storage import Storage

app = typer.Typer(
    name="evaluate",
    no_args_is_help=True,
    help="Measure a trained model, or searches, beside what needs no training.\n\n"
    "What was measured is kept in the store; mediafm reports shows it.",
)


@app.command(epilog="Example: mediafm evaluate model --store my-store --html quality.html")
def model(
    store: StorePath = DEFAULT_STORE,
    checkpoint: Checkpoint = None,
    html: Html = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Measure a trained model beside predictors that need no training.

    Masked shots of titles that were held out are predicted by the model, by the mean of the title
    and of the neighbours, and by interpolation. Where shots carry scene numbers (mediafm import),
    it is measured how well vectors tell scenes apart, and where they find their ends.
    """
    from mediafm_store.evaluation.model import evaluate_model

    opened = open_store(store)
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
    emit(list(metric_rows(report)), as_json=False)


@app.command(
    epilog="Examples: mediafm evaluate search; mediafm evaluate search --labels labels.json"
)
def search(
    store: StorePath = DEFAULT_STORE,
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
    """Measure how many answers of searches are right.

    Without --labels: how many of the shots most like a shot are of its own scene, by scene numbers.
    With --labels: how many answers are relevant, by shot and by text, where people said which shots
    are, beside random orders of the same shots (chance) and their best one. --json tells it of all
    queries, of the parts that were tuned on and kept, and of each kind of text.
    """
    opened = open_store(store)
    if labels is not None:
        _judge(opened, labels, device, as_json)
        return
    from mediafm_store.evaluation.search import evaluate_search

    report = evaluate_search(opened)
    say(f"{report.version}: {report.shots} shots of {report.titles} titles were searched for")
    emit(own_scene_rows(report), as_json=as_json)


def _judge(store: "Storage", labels: Path, device: Device, as_json: bool) -> None:
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
    found = list(judged_rows(report))
    shown = found if as_json else [row for row in found if row["queries"] == "all"]
    emit(shown, as_json=as_json)
