"""mediafm index."""

from dataclasses import asdict
from typing import Annotated, Literal

import typer

from mediafm_cli.options import DEFAULT_STORE, AsJson, Device, StorePath, open_store
from mediafm_cli.output import Row, emit

EXAMPLE = (
    "Examples: mediafm index; mediafm index refresh; mediafm index status --json;"
    " mediafm index --space context --kind pca-ivf-rabitq --target .95"
)


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
        float, typer.Option(help="recall@10 that searches are to reach.", min=0.0, max=1.0)
    ] = 0.99,
    memory: Annotated[
        float, typer.Option(help="Gigabytes that an index may take in searches.", min=0.0)
    ] = 4.0,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Build the FAISS indexes that make searches quick, and say how good they are.

    An index is tuned to the wanted recall and measured against exact search, with and without
    filters. Searches are right without it and after changes, too: what it does not hold yet is
    compared one by one, until refresh adds it.
    """
    from mediafm_store import build_index, index_status, refresh_index
    from mediafm_store.tasks.index import searchable

    opened = open_store(store)
    spaces = [opened.live(name) for name in space] if space else searchable(opened)
    rows = []
    for one in spaces or [opened.live("fused")]:
        if action == "build":
            made = build_index(
                opened, one, kind=kind, target=target, memory_gb=memory, device=device
            )
        elif action == "refresh":
            made = refresh_index(opened, one, device=device)
        else:
            made = index_status(opened, one)
        rows.append(asdict(made))
    emit(rows, as_json=as_json, table=shown)


def shown(row: Row) -> Row:
    """What the table shows of an index."""
    filtered = row["recall_filtered"]
    return {
        "space": row["space"],
        "kind": row["kind"],
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
