"""mediafm import."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mediafm_cli.options import DEFAULT_STORE, AsJson, StorePath, Strict, open_store
from mediafm_cli.output import Row, emit, tell_failures, tell_result
from mediafm_cli.pairs import parse_pairs
from mediafm_cli.progress import progress_bar

if TYPE_CHECKING:
    from mediafm_store.arrays import Modality

app = typer.Typer()


@app.command(
    "import",
    epilog="Example: mediafm import features/*.npz --visual vgg19 --audio hsv --fps 24000/1001"
    " --store my-store",
)
def import_(
    files: Annotated[list[Path], typer.Argument(help="Files .npz and .parquet, folders .lance.")],
    store: StorePath = DEFAULT_STORE,
    visual: Annotated[
        str | None, typer.Option(help="Array or column that is the picture; default: visual.")
    ] = None,
    audio: Annotated[str | None, typer.Option(help="The sound; default: audio.")] = None,
    text: Annotated[str | None, typer.Option(help="The words; default: text.")] = None,
    fps: Annotated[
        str | None,
        typer.Option(help="Frames a second, as 24000/1001, of files with shots that lack it."),
    ] = None,
    made_by: Annotated[
        list[str] | None,
        typer.Option(
            help="What made the vectors, as visual=vgg19,audio=hsv; default: the array's name. May"
            " be repeated.",
            metavar="NAME=TEXT",
        ),
    ] = None,
    scenes: Annotated[
        str, typer.Option(help="Array or column of scene numbers, if there is one; -1: none.")
    ] = "scene",
    title: Annotated[str | None, typer.Option(help="Id of the title, for one .npz.")] = None,
    strict: Strict = False,
    as_json: AsJson = False,
) -> None:
    """Bring your own features: shots and vectors that were computed elsewhere.

    A .npz is a title: arrays visual, audio, text [shots, width], at least one of them; start_s and
    end_s in seconds, or shots [shots, 2] with the first and last frame of each and --fps; perhaps
    words, a text a shot. In .parquet and .lance rows are shots, with columns title, start_s, end_s
    and lists for vectors; the rows of a title lie together. A row of zeros is a shot without that
    modality. Metadata (film.json; title, synopsis, series, tags, genres) are taken from beside
    film.npz, or beside a table by a title's id. The exit status is 1 only if no title could be
    imported, or with --strict if one could not.
    """
    from mediafm_store.importing.files import find_files
    from mediafm_store.importing.importer import import_features
    from mediafm_store.importing.options import ImportOptions
    from mediafm_store.ingestion.ingest import IngestResult

    names: dict[Modality, str | None] = {"visual": visual, "audio": audio, "text": text}
    found = find_files(files)  # before a store is made for nothing
    with progress_bar(" titles/s") as update:

        def report(result: IngestResult, done: int, total: int) -> None:
            update("importing", done, total)
            tell_result(result)

        results = import_features(
            open_store(store, create=True),
            found,
            ImportOptions(
                arrays={m: name for m, name in names.items() if name is not None},
                made_by=_parse_made_by(made_by or ()),
                fps=fps,
                scenes=scenes,
                title=title,
            ),
            on_title=report,
        )
    emit([asdict(r) for r in results], as_json=as_json, table=_import_cells)
    tell_failures(results, done="imported", what="titles", strict=strict)


def _parse_made_by(given: Sequence[str]) -> "dict[Modality, str]":
    """`visual=vgg19` as a mapping."""
    from mediafm_store.arrays import MODALITIES

    known: dict[str, Modality] = {m: m for m in MODALITIES}
    pairs = parse_pairs(given, known, option="--made-by", example="visual=vgg19,audio=hsv")
    return {known[modality]: name for modality, name in pairs.items()}


def _import_cells(row: Row) -> Row:
    """Table cells of a result."""
    return {
        "title": row["title"],
        "state": row["state"],
        "shots": row["shots"],
        "length": f"{row['film_s']:.0f} s" if row["shots"] else "",
        "took": f"{row['took_s']:.2f} s" if row["took_s"] else "",
    }
