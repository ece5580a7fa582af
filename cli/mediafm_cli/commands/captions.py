"""mediafm captions."""

from pathlib import Path
from typing import Annotated, Literal

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

EXAMPLE = "Examples: mediafm captions fit captions.csv; mediafm captions show"

ONLY = {"file": ("fit",), "seed": ("fit",)}
"""Parameters that only some actions use."""


def captions(
    action: Annotated[Literal["fit", "show"], typer.Argument(help="What to do.")],
    file: Annotated[
        Path | None, typer.Argument(help="A .csv, .jsonl or .parquet file of captioned pictures.")
    ] = None,
    store: StorePath = DEFAULT_STORE,
    seed: Annotated[int, typer.Option(min=0, help="Of the pictures that are held out.")] = 0,
    encoder: EncoderNames = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Teach searches by text with captioned pictures of your own.

    A row has the columns picture (a path, relative to the file) and text; a picture may have
    several rows, or in JSON lines a list, texts. `fit` learns from them on top of what this package
    has learnt, and prints how many texts of a tenth of the pictures, held out, find their picture
    among the first 1, 5 and 10. `show` tells which map is in use.
    """
    opened = open_store(store)
    from mediafm_store.encoding import load_encoders
    from mediafm_store.picture_text.caption_map import CaptionMap
    from mediafm_store.text_search.captions import caption_map_of, fit_caption_map

    encoders = load_encoders(encoder or (), device=device, store=opened)
    if action == "fit":
        if file is None:
            raise typer.BadParameter("learn from which file? As: mediafm captions fit captions.csv")
        with progress_bar("/s") as update:
            used: CaptionMap | None = fit_caption_map(
                opened, file, encoders=encoders, seed=seed, on_step=update
            )
    else:
        used = caption_map_of(opened, encoders)
    if used is None:
        say("No map from pictures to sentences for these encoders: mediafm captions fit FILE.")
        return
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
