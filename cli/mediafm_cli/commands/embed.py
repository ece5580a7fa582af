"""mediafm embed."""

from typing import Annotated

import typer

from mediafm_cli.options import (
    DEFAULT_STORE,
    AsJson,
    Checkpoint,
    Device,
    Engine,
    StorePath,
    Workers,
    open_store,
)
from mediafm_cli.output import emit_one
from mediafm_cli.progress import progress_bar
from mediafm_cli.refit import refit

app = typer.Typer()


@app.command(epilog="Example: mediafm embed --store my-store")
def embed(
    store: StorePath = DEFAULT_STORE,
    checkpoint: Checkpoint = None,
    no_promote: Annotated[
        bool,
        typer.Option(
            "--no-promote",
            help="Leave a new version out of use, until `mediafm spaces promote context`.",
        ),
    ] = False,
    workers: Workers = None,
    engine: Engine = "threads",
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Write contextual shot vectors and title vectors of all titles that lack them.

    Those of a new model go live when they have passed their gates, and probes are fitted to them.
    """
    from mediafm_store.embedding.embed import embed as embed_titles

    opened = open_store(store)
    with progress_bar(" titles/s") as update:
        made = embed_titles(
            opened,
            checkpoint=checkpoint,
            go_live=not no_promote,
            device=device,
            workers=workers,
            engine=engine,
            on_title=lambda title, done, total: update("embedding", done, total),
        )
    row = {
        "context": made.context.table,
        "title": made.title.table,
        "made_by": made.context.made_by,
        "titles": made.titles,
        "shots": made.shots,
    }
    emit_one(row, as_json=as_json)
    if not no_promote:
        refit(opened, device)
