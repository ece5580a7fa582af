"""mediafm demo."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from mediafm_cli.options import AsJson, Device
from mediafm_cli.output import emit_one, say
from mediafm_cli.progress import progress_bar

app = typer.Typer()


@app.command(epilog="Examples: mediafm demo; mediafm demo my-demo --media films/ --preset small")
def demo(
    folder: Annotated[Path, typer.Argument(help="Where films, store and report go.")] = Path(
        "mediafm-demo"
    ),
    media: Annotated[
        Path | None, typer.Option(help="Your own videos instead of the sample films.")
    ] = None,
    preset: Annotated[str, typer.Option(help="Size of the model.")] = "tiny",
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Go the whole road on a sample catalogue, and write a report to look at.

    Makes small films from free photographs, ingests them, trains, embeds, indexes, searches,
    proposes tags and ranks ad breaks.
    """
    from mediafm_store.demo.run import run_demo

    with progress_bar("") as update:

        def on_progress(stage: str, done: float, total: float) -> None:
            update(stage, done, total)
            if stage not in told and not sys.stderr.isatty():
                say(stage)  # a log has no bars, and this takes minutes
            told.add(stage)

        told = set[str]()
        result = run_demo(
            folder, media=media, preset=preset, device=device, on_progress=on_progress
        )
    emit_one(asdict(result), as_json=as_json)
    store = result.store
    say(f"\nLook at {result.report}, and try:")
    say(f"  mediafm search --shot {result.first_shot} --store {store}")
    say(f'  mediafm search --text "a cup of coffee" --store {store}')
    say(f"  mediafm titles list --store {store}")
