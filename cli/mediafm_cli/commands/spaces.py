"""mediafm spaces: versions of vectors, which one is live, and how it became so."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from mediafm_cli.completion import complete_spaces
from mediafm_cli.options import (
    DEFAULT_STORE,
    AsJson,
    Device,
    EncoderNames,
    Engine,
    Keyframes,
    StorePath,
    Strict,
    Workers,
    open_store,
)
from mediafm_cli.output import emit, emit_one, say, tell_failures, tell_result
from mediafm_cli.progress import film_bars
from mediafm_cli.refit import refit
from mediafm_cli.rows.spaces import version_cells, version_detail, version_rows

if TYPE_CHECKING:
    from mediafm_store.ingestion.backfill import Cost
    from mediafm_store.storage.storage import Storage
    from mediafm_store.tables.spaces import Space

app = typer.Typer(
    name="spaces",
    no_args_is_help=True,
    help="Versions of vectors: which there are, which is live, and how it became so.\n\n"
    "A new version comes from `mediafm embed` with a new checkpoint, or from `backfill` with other"
    " encoders. Readers keep to the live one until the new one has passed its gates and is"
    " promoted. Probes that read other vectors than the live ones are fitted again.",
)
_Name = Annotated[
    str,
    typer.Argument(
        help="fused, described, metadata, context or title.",
        metavar="SPACE",
        autocompletion=complete_spaces,
    ),
]
_Version = Annotated[int | None, typer.Argument(help="Default: the newest.")]


@app.command("list", epilog="Example: mediafm spaces list --json")
def list_spaces(store: StorePath = DEFAULT_STORE, as_json: AsJson = False) -> None:
    """List every version of every space."""
    opened = open_store(store)
    emit(version_rows(opened), as_json=as_json, table=version_cells)


@app.command("show", epilog="Examples: mediafm spaces show context; mediafm spaces show fused 2")
def show_space(
    space: _Name,
    version: _Version = None,
    store: StorePath = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """Show a version, its gates and its dates."""
    from mediafm_store.releases.spaces import find_space

    opened = open_store(store)
    table = find_space(opened, space, version).table
    (row,) = (row for row in version_rows(opened) if row["table"] == table)
    emit_one(row if as_json else version_detail(row), as_json=as_json)


@app.command(
    epilog="Examples: mediafm spaces backfill --encoder hf=FOLDER --dry-run;"
    " mediafm spaces backfill --encoder multilingual"
)
def backfill(
    store: StorePath = DEFAULT_STORE,
    encoder: EncoderNames = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Do one title, and tell what the others cost.")
    ] = False,
    keyframes: Keyframes = 3,
    strict: Strict = False,
    workers: Workers = None,
    engine: Engine = "threads",
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Compute the vectors of other encoders, beside those in use.

    After the first title it is said what the others cost.
    """
    from mediafm_store.encoding import load_encoders
    from mediafm_store.ingestion.backfill import BackfillOptions
    from mediafm_store.ingestion.backfill import backfill as backfill_spaces
    from mediafm_store.ingestion.ingest import IngestResult

    opened = open_store(store)
    if not encoder:
        raise typer.BadParameter("backfill with which encoder? As: --encoder multilingual")
    with film_bars(len(opened.titles())) as bars:

        def report(result: IngestResult) -> None:
            bars.finish(result)
            tell_result(result)

        made = backfill_spaces(
            opened,
            load_encoders(encoder, device=device, store=opened),
            BackfillOptions(keyframes=keyframes, dry_run=dry_run),
            workers=workers,
            engine=engine,
            on_cost=_say_cost,
            on_progress=bars.update,
            on_title=report,
        )
    tables = {space.table for space in made.spaces}
    emit(
        [row for row in version_rows(opened) if row["table"] in tables],
        as_json=as_json,
        table=version_cells,
    )
    if made.results:
        tell_failures(made.results, done="backfilled", what="titles", strict=strict)


@app.command(
    epilog="Examples: mediafm spaces promote fused 2; mediafm spaces promote context --force"
)
def promote(
    space: _Name,
    version: _Version = None,
    store: StorePath = DEFAULT_STORE,
    force: Annotated[
        bool, typer.Option("--force", help="Promote although a gate was failed; this is recorded.")
    ] = False,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Make a version live, if it passes its gates."""
    from mediafm_store.releases.spaces import promote as promote_version

    opened = open_store(store)
    changed = promote_version(opened, space, version, force=force).spaces
    refit(opened, device)
    _print(opened, changed, as_json)


@app.command(epilog="Example: mediafm spaces rollback context")
def rollback(
    space: _Name,
    store: StorePath = DEFAULT_STORE,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Make the version live again that was so before."""
    from mediafm_store.releases.spaces import rollback as roll_back

    opened = open_store(store)
    changed = roll_back(opened, space).spaces
    refit(opened, device)
    _print(opened, changed, as_json)


@app.command(epilog="Example: mediafm spaces retire context 1")
def retire(
    space: _Name,
    version: Annotated[int, typer.Argument(help="The version to delete.")],
    store: StorePath = DEFAULT_STORE,
    as_json: AsJson = False,
) -> None:
    """Delete the vectors of a version that is not live."""
    from mediafm_store.releases.spaces import retire as retire_version

    opened = open_store(store)
    _print(opened, retire_version(opened, space, version), as_json)


def _say_cost(cost: "Cost") -> None:
    """Say the cost of the titles that are left."""
    from mediafm_store.report.timecode import timecode

    say(
        f"{cost.titles} titles of {timecode(cost.film_s)} in all, {cost.shots} shots,"
        f" {cost.megabytes:.1f} MB of vectors: about {timecode(cost.seconds)}, as"
        f" {cost.sample} took."
    )


def _print(store: "Storage", changed: "Sequence[Space]", as_json: bool) -> None:
    """The versions that were changed, as they are now."""
    tables = {space.table for space in changed}
    rows = [row for row in version_rows(store) if row["table"] in tables]
    emit(rows, as_json=as_json, table=version_cells)
