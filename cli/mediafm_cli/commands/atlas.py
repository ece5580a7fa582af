"""mediafm atlas."""

from pathlib import Path
from typing import Annotated

import typer

from mediafm_cli.options import DEFAULT_STORE, AsJson, StorePath, open_store
from mediafm_cli.output import emit, wrote

EXAMPLE = "Examples: mediafm atlas --html atlas.html; mediafm atlas --json"


def atlas(
    store: StorePath = DEFAULT_STORE,
    html: Annotated[Path | None, typer.Option(help="Write a map with pictures.")] = None,
    as_json: AsJson = False,
) -> None:
    """Lay out shots in a plane, those that are alike close together: a map, or their places.

    Of a catalogue of more than 5,000 shots, as many of each title as there is room for.
    """
    from mediafm_store.atlas import lay_out

    opened = open_store(store)
    if html is not None:
        from mediafm_store.report.pages import write_atlas_page

        write_atlas_page(html, store=opened)
        wrote(html)
        return
    layout = lay_out(opened)
    rows = [
        {"shot": shot, "x": float(x), "y": float(y)}
        for shot, (x, y) in zip(layout.shots, layout.places, strict=True)
    ]
    emit(rows, as_json=as_json)
