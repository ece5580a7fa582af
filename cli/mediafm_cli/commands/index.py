"""mediafm index."""

from dataclasses import asdict
from typing import Annotated

import typer

from mediafm_cli.options import DEFAULT_STORE, AsJson, Device, StorePath, open_store
from mediafm_cli.output import emit

EXAMPLE = "Example: mediafm index --space context --kind hnsw --store my-store"


def index(
    store: StorePath = DEFAULT_STORE,
    space: Annotated[
        list[str] | None, typer.Option(help="fused, described, context or title; default: all.")
    ] = None,
    kind: Annotated[
        str | None, typer.Option(help="flat, hnsw or ivf; default: by the number of vectors.")
    ] = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Build FAISS indexes; without one, or after changes, searches are exact but slower."""
    from mediafm_store import build_index

    opened = open_store(store)
    spaces = [opened.live(name) for name in space] if space else opened.live_spaces()
    built = [
        build_index(opened, s, kind=kind, device=device) for s in spaces or [opened.live("fused")]
    ]
    emit([asdict(facts) for facts in built], as_json=as_json)
