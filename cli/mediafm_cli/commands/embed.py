"""mediafm embed."""

from pathlib import Path
from typing import Annotated

import typer

from mediafm_cli.options import DEFAULT_STORE, AsJson, Device, StorePath, open_store
from mediafm_cli.output import emit_one
from mediafm_cli.progress import progress_bar

EXAMPLE = "Example: mediafm embed --store my-store"


def embed(
    store: StorePath = DEFAULT_STORE,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Folder of a checkpoint; default: the newest.")
    ] = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Write contextual shot vectors and title vectors of all titles that lack them."""
    from mediafm_store import embed as embed_titles

    with progress_bar(" titles/s") as update:
        made = embed_titles(
            open_store(store),
            checkpoint=checkpoint,
            device=device,
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
