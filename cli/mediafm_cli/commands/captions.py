"""mediafm captions: teach searches by text with captioned pictures."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mediafm_cli.options import (
    DEFAULT_STORE,
    AsJson,
    Device,
    EncoderNames,
    StorePath,
    open_store,
)
from mediafm_cli.output import emit, emit_one, say
from mediafm_cli.progress import progress_bar

if TYPE_CHECKING:
    from mediafm_store.picture_text.caption_map import CaptionMap

app = typer.Typer(
    name="captions",
    no_args_is_help=True,
    help="Teach searches by text with captioned pictures of your own.",
)


@app.command(epilog="Example: mediafm captions fit captions.csv")
def fit(
    file: Annotated[
        Path,
        typer.Argument(
            help="A .csv, .jsonl or .parquet file of captioned pictures.", metavar="captions.csv"
        ),
    ],
    store: StorePath = DEFAULT_STORE,
    seed: Annotated[int, typer.Option(min=0, help="Of the pictures that are held out.")] = 0,
    encoder: EncoderNames = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Learn from captioned pictures, on top of what this package has learnt.

    A row has the columns picture (a path, relative to the file) and text; a picture may have
    several rows, or in JSON lines a list, texts. Prints how many texts of a tenth of the pictures,
    held out, find their picture among the first 1, 5 and 10.
    """
    from mediafm_store.encoding import load_encoders
    from mediafm_store.text_search.captions import fit_caption_map

    opened = open_store(store)
    encoders = load_encoders(encoder or (), device=device, store=opened)
    with progress_bar("/s") as update:
        used = fit_caption_map(opened, file, encoders=encoders, seed=seed, on_step=update)
    _print(used, as_json)


@app.command(epilog="Example: mediafm captions show --json")
def show(
    store: StorePath = DEFAULT_STORE,
    encoder: EncoderNames = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Show which map from pictures to sentences is in use."""
    from mediafm_store.encoding import load_encoders
    from mediafm_store.text_search.captions import caption_map_of

    opened = open_store(store)
    used = caption_map_of(opened, load_encoders(encoder or (), device=device, store=opened))
    if used is None:
        say("No map from pictures to sentences for these encoders: mediafm captions fit FILE.")
        return
    _print(used, as_json)


def _print(used: "CaptionMap", as_json: bool) -> None:
    """Print the data a map was fitted to, and its figures."""
    from mediafm_store.picture_text.caption_map import CaptionMap

    row = {
        "map": "shipped" if used is CaptionMap.shipped() else "own",
        "pictures": used.facts.get("pictures"),
        "texts": used.facts.get("texts"),
        "dims": used.picture_matrix.shape[1],
        "picture_encoder": used.picture_encoder,
        "text_encoder": used.text_encoder,
    }
    if as_json:
        emit_one(row | {"facts": dict(used.facts)}, as_json=True)
        return
    emit_one(row, as_json=False)
    emit(used.facts.get("figures", ()), as_json=False)
