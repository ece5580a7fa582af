"""Arguments and options that several commands share, each defined once."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from mediafm_store import Store

StorePath = Annotated[
    str,
    typer.Option(
        "--store",
        envvar="MEDIAFM_STORE",
        help="Folder of the store, or an address as s3://bucket/store.",
        metavar="FOLDER",
    ),
]
DEFAULT_STORE = "mediafm-store"
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]
Count = Annotated[int, typer.Option("--k", "-k", min=1, help="How many to show.")]
EncoderNames = Annotated[
    list[str] | None,
    typer.Option(
        "--encoder",
        help="Encoder plug-in for one modality, such as hf=FOLDER, instead of the default;"
        " may be repeated.",
    ),
]
Device = Annotated[
    Literal["auto", "cpu", "cuda"], typer.Option(help="Where models and indexes run.")
]


def open_store(path: str, *, create: bool = False) -> "Store":
    """Open the store; the library is imported here, so that help is quick."""
    from mediafm_store import Store

    return Store(path, create=create)
