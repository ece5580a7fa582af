"""mediafm plugins."""

from typing import Annotated, Literal, get_args

import typer

from mediafm_cli.options import AsJson
from mediafm_cli.output import emit

app = typer.Typer()
Kind = Literal["encoders", "detectors", "indexes", "exporters", "timelines"]


@app.command(epilog="Example: mediafm plugins encoders")
def plugins(
    kind: Annotated[Kind | None, typer.Argument(help="One kind; default: all.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the installed plug-ins."""
    from mediafm_store.plugins import names

    kinds: tuple[Kind, ...] = (kind,) if kind else get_args(Kind)
    emit([{"kind": k, "name": name} for k in kinds for name in names(k)], as_json=as_json)
