"""mediafm serve."""

import sys
from typing import Annotated

import typer

from mediafm_cli.options import (
    DEFAULT_STORE,
    AsJson,
    Device,
    EncoderNames,
    StorePath,
    open_store,
)
from mediafm_cli.output import emit_one, say

app = typer.Typer()


@app.command(epilog="Examples: mediafm serve; mediafm serve --open; mediafm serve --port 0 --json")
def serve(
    store: StorePath = DEFAULT_STORE,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Where to listen; 0: any port that is free.")
    ] = 8010,
    browse: Annotated[bool, typer.Option("--open", help="Open the pages in a browser.")] = False,
    encoder: EncoderNames = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Search and look at the titles in a browser on this machine, until Ctrl-C.

    Nobody else is served: it listens on 127.0.0.1 alone.
    """
    from mediafm_store.serve.run import serve as serve_store

    def ready(address: str) -> None:
        emit_one({"address": address}, as_json=as_json)
        sys.stdout.flush()  # programs wait for it
        say(f"Serving {store}; Ctrl-C stops it.")
        if browse:
            import webbrowser

            webbrowser.open(address)

    serve_store(open_store(store), port=port, encoders=encoder or (), device=device, on_ready=ready)
