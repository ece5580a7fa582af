"""mediafm probes: linear layers on frozen vectors, fitted to labels."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mediafm_cli.options import (
    DEFAULT_STORE,
    AsJson,
    Device,
    SomeTitles,
    StorePath,
    Task,
    open_store,
)
from mediafm_cli.output import emit, emit_one, say
from mediafm_cli.progress import progress_bar
from mediafm_cli.rows.probes import figure_rows, prediction_cells, probe_row

if TYPE_CHECKING:
    from mediafm_store.probing.registry import Probe

app = typer.Typer(
    name="probes",
    no_args_is_help=True,
    help="One linear layer on frozen vectors: fitted to labels, measured on titles held out.",
)
_Version = Annotated[int | None, typer.Option(help="Default: the newest.")]


@app.command(
    epilog="Examples: mediafm probes fit genre --words; mediafm probes fit liked --kind ranking"
)
def fit(
    task: Task,
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
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Fit a probe to the labels of a task, and measure it.

    It is measured beside other vectors of the same items and beside chance, with 95 % intervals
    over titles (macro_ap: average precision, the mean over labels; micro_ap: all in one).
    `mediafm tags apply` writes tags.
    """
    from mediafm_store.probing.fit import fit_probe
    from mediafm_store.probing.options import ProbeOptions

    opened = open_store(store)
    with progress_bar("") as update:
        probe = fit_probe(
            opened,
            task,
            ProbeOptions(kind=kind, pool=pool, words=words, folds=folds, seed=seed),
            device=device,
            on_step=update,
        )
    _print(probe, as_json)


@app.command("list", epilog="Example: mediafm probes list --json")
def list_probes(store: StorePath = DEFAULT_STORE, as_json: AsJson = False) -> None:
    """List the probes, newest versions and older ones."""
    opened = open_store(store)
    from mediafm_store.probing.registry import probes

    found = [probe_row(one) for one in probes(opened)]
    emit(found, as_json=as_json)
    if not found:
        say("No probes yet: mediafm labels import FILE, then mediafm probes fit TASK.")


@app.command("show", epilog="Examples: mediafm probes show genre --version 1")
def show_probe(
    task: Task,
    store: StorePath = DEFAULT_STORE,
    version: _Version = None,
    as_json: AsJson = False,
) -> None:
    """Show a probe and what it reaches."""
    opened = open_store(store)
    from mediafm_store.probing.registry import newest_probe

    _print(newest_probe(opened, task, version), as_json)


@app.command(epilog="Example: mediafm probes apply genre new_film --json")
def apply(
    task: Task,
    titles: SomeTitles = None,
    store: StorePath = DEFAULT_STORE,
    version: _Version = None,
    as_json: AsJson = False,
) -> None:
    """Print what a probe says of titles, or of each of their shots.

    It is of shots where shots and segments were labelled. `mediafm tags apply` writes tags.
    """
    opened = open_store(store)
    from mediafm_store.probing.predict import apply_probe

    said = apply_probe(opened, task, titles, version=version)
    emit([p._asdict() for p in said], as_json=as_json, table=prediction_cells)


def _print(probe: "Probe", as_json: bool) -> None:
    """A probe and its figures."""
    if as_json:
        emit_one({**probe_row(probe), "facts": probe.facts}, as_json=True)
        return
    emit_one(probe_row(probe), as_json=False)
    emit(list(figure_rows(probe)), as_json=False)
