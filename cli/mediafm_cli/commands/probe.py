"""mediafm probe."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from mediafm_cli.options import DEFAULT_STORE, AsJson, Device, StorePath, open_store
from mediafm_cli.output import Row, emit, emit_one, say
from mediafm_cli.progress import progress_bar

if TYPE_CHECKING:
    from mediafm_store import Probe, Storage

EXAMPLE = (
    "Examples: mediafm probe fit genre --words; mediafm probe show genre;"
    " mediafm probe apply genre new_film"
)

ONLY = {
    "task": ("fit", "show", "apply"),
    "titles": ("apply",),
    "version": ("show", "apply"),
    **dict.fromkeys(("kind", "pool", "words", "folds", "seed", "device"), ("fit",)),
}
"""Parameters that only some actions use."""


def probe(
    action: Annotated[Literal["fit", "list", "show", "apply"], typer.Argument(help="What to do.")],
    task: Annotated[str | None, typer.Argument(help="The task of the labels.")] = None,
    titles: Annotated[
        list[str] | None, typer.Argument(help="Titles to apply it to; default: all.")
    ] = None,
    store: StorePath = DEFAULT_STORE,
    kind: Annotated[
        Literal["tags", "grades", "ranking"] | None,
        typer.Option(help="What is predicted; default: tags if all values are 0 or 1."),
    ] = None,
    pool: Annotated[
        Literal["title", "context", "concatenation", "metadata"] | None,
        typer.Option(
            help="Titles by their [GLOBAL] vector, the mean of their shots in context or alone, or"
            " what their metadata say; default: the first that there is."
        ),
    ] = None,
    words: Annotated[
        bool, typer.Option("--words", help="Read the titles' names and synopses too.")
    ] = False,
    folds: Annotated[int, typer.Option(min=2, help="Parts that are held out in turn.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Of the folds.")] = 0,
    version: Annotated[int | None, typer.Option(help="Default: the newest.")] = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """One linear layer on frozen vectors: fitted to labels, measured on titles held out.

    `fit` says what it reaches beside other vectors of the same items and beside chance, with 95 %
    intervals over titles (macro_ap: average precision, the mean over labels; micro_ap: all in one).
    `apply` prints what it says of titles, or of each of their shots where shots and segments were
    labelled. `mediafm tag apply` writes tags.
    """
    opened = open_store(store)
    if action == "list":
        from mediafm_store import probes

        found = [_row(one) for one in probes(opened)]
        emit(found, as_json=as_json)
        if not found:
            say("No probes yet: mediafm labels import FILE, then mediafm probe fit TASK.")
        return
    if task is None:
        raise typer.BadParameter(f"{action} which? As: mediafm probe {action} genre")
    if action == "apply":
        from mediafm_store import apply_probe

        said = apply_probe(opened, task, titles, version=version)
        emit([p._asdict() for p in said], as_json=as_json, table=_prediction_cells)
        return
    if action == "fit":
        options = {"kind": kind, "pool": pool, "words": words, "folds": folds, "seed": seed}
        one = _fitted(opened, task, device, options)
    else:
        from mediafm_store.probing.registry import newest_probe

        one = newest_probe(opened, task, version)
    if as_json:
        emit_one({**_row(one), "facts": one.facts}, as_json=True)
        return
    emit_one(_row(one), as_json=False)
    emit(list(_probe_lines(one)), as_json=False)


def _fitted(store: "Storage", task: str, device: Device, options: dict[str, Any]) -> "Probe":
    """Fit it under a bar."""
    from mediafm_store import fit_probe

    with progress_bar("") as update:
        return fit_probe(store, task, device=device, on_step=update, **options)


def _row(probe: "Probe") -> Row:
    """What a list shows of a probe."""
    return {
        "probe": probe.name,
        "kind": probe.kind,
        "of": probe.level,
        "reads": probe.space + (" and words" if probe.words else ""),
        "labels": len(probe.labels),
        "items": probe.facts["items"],
        "titles": probe.facts["titles"],
        "fingerprint": probe.fingerprint,
    }


def _probe_lines(probe: "Probe") -> Iterator[Row]:
    """A line a figure."""
    for name, (value, low, high) in probe.facts["figures"].items():
        measure, _, of = name.partition(" ")
        own = "this probe" if of == probe.pool else ""
        interval = f"{low:.3f} to {high:.3f}"
        yield {"measure": measure, "of": of, "value": value, "95 %": interval, "": own}


def _prediction_cells(row: Row) -> Row:
    """What a table shows of a prediction."""
    applies = {True: "yes", False: "", None: ""}[row["applies"]]
    return {"item": row["item"], "label": row["label"], "score": row["score"], "applies": applies}
