"""mediafm index."""

from dataclasses import asdict
from functools import partial
from typing import Annotated, Any, Literal

import typer

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

EXAMPLE = (
    "Examples: mediafm index; mediafm index refresh; mediafm index status --json;"
    " mediafm index --space context --kind pca-ivf-rabitq --target .95;"
    " mediafm index --engine ray://head:10001 --workers 20"
)

ONLY = {
    **dict.fromkeys(("kind", "target", "memory", "shard_rows"), ("build",)),
    **dict.fromkeys(("workers", "engine", "device"), ("build", "refresh")),
}
"""Parameters that only some actions use."""


def index(
    action: Annotated[
        Literal["build", "refresh", "status"],
        typer.Argument(help="Build anew, add what is new, or only tell how good they are."),
    ] = "build",
    store: StorePath = DEFAULT_STORE,
    space: Annotated[
        list[str] | None, typer.Option(help="fused, described, context or title; default: all.")
    ] = None,
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
    memory: Annotated[
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
    """Build the FAISS indexes that make searches quick, and say how good they are.

    An index is tuned to the wanted recall and measured against exact search, with and without
    filters. Searches are right without it and after changes, too: what it does not hold yet is
    compared one by one, until refresh adds it, to an index as it was asked for. Workers take a
    shard each; those of a cluster need the store at the same path.
    """
    from mediafm_store.indexing.build import build_indexes, refresh_indexes
    from mediafm_store.indexing.config import IndexConfig
    from mediafm_store.indexing.status import index_status, searchable

    told = {"kind": kind, "target": target, "memory_gb": memory, "shard_rows": shard_rows}
    asked: dict[str, Any] = {name: value for name, value in told.items() if value is not None}
    opened = open_store(store)
    spaces = [opened.live(name) for name in space] if space else searchable(opened)
    spaces = spaces or [opened.live("fused")]
    with progress_bar("") as update:
        how: dict[str, Any] = {
            "device": device,
            "engine": engine,
            "workers": workers,
            "on_vectors": partial(update, "indexing"),
        }
        if action == "build":
            made = build_indexes(opened, spaces, IndexConfig(**asked), **how)
        elif action == "refresh":
            made = refresh_indexes(opened, spaces, **how)
        else:
            made = [index_status(opened, one) for one in spaces]
    emit([asdict(one) for one in made], as_json=as_json, table=_index_cells)


def _index_cells(row: Row) -> Row:
    """What the table shows of an index."""
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
