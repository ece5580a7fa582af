"""mediafm space."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from mediafm_cli.commands.embed import refit
from mediafm_cli.options import (
    DEFAULT_STORE,
    AsJson,
    Device,
    EncoderNames,
    Engine,
    Frames,
    StorePath,
    Strict,
    Workers,
    open_store,
)
from mediafm_cli.output import Row, emit, emit_one, say, tell_failures, tell_result
from mediafm_cli.progress import film_bars

if TYPE_CHECKING:
    from mediafm_store.storage.storage import Storage

EXAMPLE = (
    "Examples: mediafm space list; mediafm space backfill --encoder hf=FOLDER;"
    " mediafm space promote fused 2; mediafm space rollback context"
)

ONLY = {
    "name": ("show", "promote", "rollback", "retire"),
    "version": ("show", "promote", "retire"),
    "force": ("promote",),
    **dict.fromkeys(("encoder", "dry_run", "frames", "strict", "workers", "engine"), ("backfill",)),
    "device": ("backfill", "promote", "rollback"),
}
"""Parameters that only some actions use."""


def space(
    action: Annotated[
        Literal["list", "show", "backfill", "promote", "rollback", "retire"],
        typer.Argument(help="What to do."),
    ],
    name: Annotated[
        str | None, typer.Argument(help="fused, described, metadata, context or title.")
    ] = None,
    version: Annotated[int | None, typer.Argument(help="Default: the newest.")] = None,
    store: StorePath = DEFAULT_STORE,
    force: Annotated[
        bool, typer.Option("--force", help="Promote although a gate was failed; this is recorded.")
    ] = False,
    encoder: EncoderNames = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Do one title, and tell what the others cost."),
    ] = False,
    frames: Frames = 3,
    strict: Strict = False,
    workers: Workers = None,
    engine: Engine = "threads",
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Versions of vectors: which there are, which is live, and how it became so.

    A new version comes from `mediafm embed` with a new checkpoint, or from `backfill` with other
    encoders. Readers keep to the live one until the new one has passed its gates and is promoted;
    rollback makes the one before live again, retire deletes one that is not live. Probes that read
    other vectors than the live ones are fitted anew.
    """
    opened = open_store(store)
    if action == "backfill":
        backfill(opened, encoder, dry_run, frames, strict, workers, engine, device, as_json)
        return
    if action == "list":
        emit(_version_rows(opened), as_json=as_json, table=_version_cells)
        return
    if name is None:
        raise typer.BadParameter(f"{action} what? Name a space, as: mediafm space {action} context")
    from mediafm_store.releases.spaces import find_space, promote, retire, rollback

    if action == "show":
        table = find_space(opened, name, version).table
        (row,) = (row for row in _version_rows(opened) if row["table"] == table)
        emit_one(row if as_json else _detail(row), as_json=as_json)
        return
    if action == "retire":
        if version is None:
            raise typer.BadParameter("retire which version? As: mediafm space retire context 1")
        changed = retire(opened, name, version)
    elif action == "promote":
        changed = promote(opened, name, version, force=force).spaces
    else:
        changed = rollback(opened, name).spaces
    if action != "retire":
        refit(opened, device)
    tables = {space.table for space in changed}
    emit(
        [row for row in _version_rows(opened) if row["table"] in tables],
        as_json=as_json,
        table=_version_cells,
    )


def backfill(
    store: "Storage",
    encoder: list[str] | None,
    dry_run: bool,
    frames: int,
    strict: bool,
    workers: int | None,
    engine: str,
    device: Device,
    as_json: bool,
) -> None:
    """Compute the vectors of other encoders, and say what it costs after the first title."""
    from mediafm_store.encoding import load_encoders
    from mediafm_store.ingestion.backfill import BackfillOptions, Cost
    from mediafm_store.ingestion.backfill import backfill as backfill_spaces
    from mediafm_store.ingestion.ingest import IngestResult
    from mediafm_store.report.timecode import timecode

    if not encoder:
        raise typer.BadParameter("backfill with which encoder? As: --encoder multilingual")

    def told(cost: Cost) -> None:
        say(
            f"{cost.titles} titles of {timecode(cost.film_s)} in all, {cost.shots} shots,"
            f" {cost.megabytes:.1f} MB of vectors: about {timecode(cost.seconds)}, as"
            f" {cost.sample} took."
        )

    with film_bars(len(store.titles())) as bars:

        def report(result: IngestResult) -> None:
            bars.finish(result)
            tell_result(result)

        made = backfill_spaces(
            store,
            load_encoders(encoder, device=device, store=store),
            BackfillOptions(keyframes=frames, dry_run=dry_run),
            workers=workers,
            engine=engine,
            on_cost=told,
            on_progress=bars.update,
            on_title=report,
        )
    tables = {space.table for space in made.spaces}
    emit(
        [row for row in _version_rows(store) if row["table"] in tables],
        as_json=as_json,
        table=_version_cells,
    )
    if made.results:
        tell_failures(made.results, done="backfilled", what="titles", strict=strict)


def _version_rows(store: "Storage") -> list[dict[str, Any]]:
    """Every version with the number of its vectors."""
    from mediafm_store.tables.registry import space_of

    found = []
    for row in store.registry.rows():
        space = space_of(row)
        there = {} if space.state == "retired" else store.rows_by_title(space)
        found.append({"table": space.table, **row, "vectors": sum(there.values())})
    return found


def _version_cells(row: Row) -> Row:
    """What the table shows of a version."""
    return {
        "space": row["name"],
        "version": row["version"],
        "state": row["state"] + (" (forced)" if row["forced"] else ""),
        "vectors": row["vectors"],
        "fingerprint": row["fingerprint"],
        "made by": row["made_by"],
    }


def _detail(row: Row) -> Row:
    """All that is known of a version."""
    said = {True: "passed", False: "FAILED"}
    gates = {gate["name"]: f"{said[gate['passed']]}: {gate['said']}" for gate in row["gates"]}
    dates = {"created": row["created_at"], "promoted": row["promoted_at"]}
    return {**_version_cells(row), "fused": row["fused"], **dates, **gates}
