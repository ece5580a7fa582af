"""mediafm index: FAISS indexes that make searches quick."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mediafm_cli.completion import complete_spaces
from mediafm_cli.options import (
    DEFAULT_STORE,
    AsJson,
    Device,
    Engine,
    StorePath,
    Workers,
    open_store,
)
from mediafm_cli.output import Row, emit
from mediafm_cli.progress import progress_bar

if TYPE_CHECKING:
    from mediafm_store.indexing.status import IndexStatus

app = typer.Typer(
    name="index",
    no_args_is_help=True,
    help="Build the FAISS indexes that make searches quick, and measure how good they are.\n\n"
    "Searches are right without an index and after changes, too: what it does not hold yet is"
    " compared one by one, until refresh adds it.",
)
_Spaces = Annotated[
    list[str] | None,
    typer.Argument(
        help="fused, described, context or title; default: all.",
        metavar="[SPACE]...",
        autocompletion=complete_spaces,
    ),
]


@app.command(
    epilog="Examples: mediafm index build; mediafm index build context --kind pca-ivf-rabitq"
    " --target .95; mediafm index build --engine ray://head:10001 --workers 20"
)
def build(
    spaces: _Spaces = None,
    store: StorePath = DEFAULT_STORE,
    kind: Annotated[
        str | None,
        typer.Option(
            help="exact, flat, fp16; ivf-sq8, ivf-pq, ivf-rabitq, hnsw-sq8, or one of the four with"
            " pca- before it; or a plug-in. Default: by rows, memory and device."
        ),
    ] = None,
    target: Annotated[
        float | None,
        typer.Option(help="recall@10 that searches are to reach; default: .99.", min=0.0, max=1.0),
    ] = None,
    memory_gb: Annotated[
        float | None,
        typer.Option(help="Gigabytes that an index may take in searches; default: 4.", min=0.0),
    ] = None,
    shard_rows: Annotated[
        int | None,
        typer.Option(
            help="Most rows of a shard, which has whole titles; default: four million. Larger"
            " spaces are built as several.",
            min=1,
        ),
    ] = None,
    workers: Workers = None,
    engine: Engine = "threads",
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Build the indexes of spaces, in place of those that there are.

    An index is tuned to the wanted recall and measured against exact search, with and without
    filters. Workers take a shard each; those of a cluster need the store at the same path.
    """
    from mediafm_store.indexing.build import build_indexes
    from mediafm_store.indexing.config import IndexConfig
    from mediafm_store.indexing.status import spaces_to_index

    told = {"kind": kind, "target": target, "memory_gb": memory_gb, "shard_rows": shard_rows}
    asked: dict[str, Any] = {name: value for name, value in told.items() if value is not None}
    opened = open_store(store)
    wanted = spaces_to_index(opened, spaces)
    with progress_bar("") as update:
        made = build_indexes(
            opened,
            wanted,
            IndexConfig(**asked),
            device=device,
            engine=engine,
            workers=workers,
            on_vectors=partial(update, "indexing"),
        )
    _print(made, as_json)


@app.command(epilog="Examples: mediafm index refresh; mediafm index refresh context --workers 4")
def refresh(
    spaces: _Spaces = None,
    store: StorePath = DEFAULT_STORE,
    workers: Workers = None,
    engine: Engine = "threads",
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Add what is new to indexes, which stay as they were asked for."""
    from mediafm_store.indexing.build import refresh_indexes
    from mediafm_store.indexing.status import spaces_to_index

    opened = open_store(store)
    wanted = spaces_to_index(opened, spaces)
    with progress_bar("") as update:
        made = refresh_indexes(
            opened,
            wanted,
            device=device,
            engine=engine,
            workers=workers,
            on_vectors=partial(update, "indexing"),
        )
    _print(made, as_json)


@app.command(epilog="Examples: mediafm index status; mediafm index status fused --json")
def status(
    spaces: _Spaces = None, store: StorePath = DEFAULT_STORE, as_json: AsJson = False
) -> None:
    """Show how good the indexes are, and how much is not in them yet."""
    from mediafm_store.indexing.status import index_status, spaces_to_index

    opened = open_store(store)
    _print([index_status(opened, one) for one in spaces_to_index(opened, spaces)], as_json)


def _print(made: "Sequence[IndexStatus]", as_json: bool) -> None:
    """A line an index."""
    emit([asdict(one) for one in made], as_json=as_json, table=_index_cells)


def _index_cells(row: Row) -> Row:
    """Table cells of an index."""
    filtered = row["recall_filtered"]
    return {
        "space": row["space"],
        "kind": row["kind"],
        "shards": row["shards"],
        "rows": row["rows"],
        "new": row["new"],
        "replaced": row["replaced"],
        "recall": row["recall_at_10"],
        "filtered": min(filtered.values(), default=1.0),
        "p50 ms": row["p50_ms"],
        "p99 ms": row["p99_ms"],
        "memory MB": row["memory_mb"],
        "disk MB": row["disk_mb"],
    }
