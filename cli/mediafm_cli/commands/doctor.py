"""mediafm doctor."""

from dataclasses import asdict
from typing import Annotated

import typer

from mediafm_cli.options import DEFAULT_STORE, AsJson, StorePath, open_store
from mediafm_cli.output import Row, emit, say, stop
from mediafm_cli.progress import progress_bar

app = typer.Typer()


@app.command(epilog="Examples: mediafm doctor; mediafm doctor --fix --store my-store")
def doctor(
    store: StorePath = DEFAULT_STORE,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what can be mended.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check a store: tables, rows, damage, stale indexes, strays, vectors, media, words.

    What is due is not wrong: titles that came later and are not in an index yet, files of tables
    to be joined. The exit status is 1 if something is wrong and stays so.
    """
    from mediafm_store.health import CHECKS
    from mediafm_store.health import doctor as check_up

    names = list(CHECKS)
    with progress_bar("") as update:
        findings = check_up(
            open_store(store),
            fix=fix,
            on_check=lambda name: update(name, names.index(name), len(names)),
        )
    emit(
        [asdict(finding) for finding in findings],
        as_json=as_json,
        table=_finding_cells,
        fold="what",
    )
    wrong = [finding for finding in findings if finding.state == "wrong"]
    if wrong:
        stop(f"Wrong: {len(wrong)}.", 1)
    due = sum(finding.state == "due" for finding in findings)
    say(f"All is well; due: {due}." if due else "All is well.")


def _finding_cells(row: Row) -> Row:
    """Table cells of a finding."""
    cure = row["cure"] if row["state"] in ("wrong", "due") else ""
    return {
        "check": row["check"],
        "state": row["state"],
        "what": row["said"] + (f": {cure}" if cure else ""),
    }
