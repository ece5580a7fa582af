"""mediafm export."""

from pathlib import Path
from typing import Annotated

import typer

from mediafm_cli.options import DEFAULT_STORE, AsJson, StorePath, open_store
from mediafm_cli.output import emit

app = typer.Typer()


@app.command(
    epilog="Examples: mediafm export shots shots.csv; mediafm export context vectors.npy;"
    " mediafm export fused drama.safetensors --where \"array_contains(genres, 'Drama')\""
)
def export(
    name: Annotated[
        str,
        typer.Argument(help="A table, as shots; a space, as context; or a version, as context_v1."),
    ],
    file: Annotated[
        Path, typer.Argument(help=".parquet, .csv, .npy or .safetensors; - for stdout.")
    ],
    store: StorePath = DEFAULT_STORE,
    where: Annotated[
        str | None, typer.Option(help="A condition in SQL on shots and titles.", metavar="SQL")
    ] = None,
    version: Annotated[
        int | None, typer.Option(help="The table as it was: a version that LanceDB still has.")
    ] = None,
    file_format: Annotated[
        str | None,
        typer.Option("--format", help="An exporter plug-in; default: by the file's suffix."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a table to a file; vectors go with what is known of their shots.

    Parquet has all of it; a .csv all but vectors and pictures, with lists as JSON. A .npy holds the
    vectors and has FILE.rows.parquet beside it, in the same order; a .safetensors holds vectors and
    ids.
    """
    from mediafm_store.exporters import export as export_view
    from mediafm_store.files import is_stdout

    written = export_view(
        open_store(store), name, file, file_format=file_format, version=version, where=where
    )
    if is_stdout(file):
        return
    sizes = [{"file": str(path), "megabytes": path.stat().st_size / 1e6} for path in written]
    emit(sizes, as_json=as_json)
