"""mediafm embed."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mediafm_cli.options import (
    DEFAULT_STORE,
    AsJson,
    Device,
    Engine,
    StorePath,
    Workers,
    open_store,
)
from mediafm_cli.output import emit_one, say
from mediafm_cli.progress import progress_bar

if TYPE_CHECKING:
    from mediafm_store import Storage

EXAMPLE = "Example: mediafm embed --store my-store"


def embed(
    store: StorePath = DEFAULT_STORE,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Folder of a checkpoint; default: the newest.")
    ] = None,
    in_context: Annotated[
        tuple[str, float, float] | None,
        typer.Option(
            help="Write nothing, but print the vectors of a clip: a title, start and end in"
            " seconds.",
            metavar="TITLE START END",
        ),
    ] = None,
    no_promote: Annotated[
        bool,
        typer.Option(
            "--no-promote",
            help="Leave a new version out of use, until `mediafm space promote context`.",
        ),
    ] = False,
    workers: Workers = None,
    engine: Engine = "threads",
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Write contextual shot vectors and title vectors of all titles that lack them.

    Those of a new model go live when they have passed their gates, and probes are fitted to them.

    With --in-context sintel 60 90, the segment of a title from 60 to 90 seconds is embedded: from
    within its title, alone, and as the plain mean of its shots. --json prints the vectors.
    """
    if in_context is not None:
        embed_clip(store, in_context, checkpoint, device, as_json)
        return
    from mediafm_store import embed as embed_titles

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


def refit(store: "Storage", device: Device) -> None:
    """Fit probes to the vectors that are live now, so that tagging goes on."""
    from mediafm_store import refit_probes

    with progress_bar("") as update:
        fitted = refit_probes(store, device=device, on_step=update)
    for probe in fitted:
        say(f"Fitted probe {probe.name}, to {probe.space}.")


def embed_clip(
    store: str,
    segment: tuple[str, float, float],
    checkpoint: Path | None,
    device: Device,
    as_json: bool,
) -> None:
    """Print how a clip is seen from within its title."""
    from mediafm_store import embed_clip as embed_segment
    from mediafm_store.titles.naming import find_title

    title, start_s, end_s = segment
    opened = open_store(store)
    title = find_title(opened, title)
    clip = embed_segment(opened, title, start_s, end_s, checkpoint=checkpoint, device=device)
    row = {"title": title, "start_s": start_s, "end_s": end_s, "shots": clip.shots}
    if as_json:
        vectors = {
            name: getattr(clip, name)[0].tolist() for name in ("fused", "isolated", "context")
        }
        emit_one(row | vectors, as_json=True)
        return
    changed = float((clip.isolated @ clip.context.T).item())
    emit_one(row | {"context against isolated": changed}, as_json=False)
