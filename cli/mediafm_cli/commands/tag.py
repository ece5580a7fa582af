"""mediafm tag."""

from dataclasses import asdict
from typing import Annotated

import typer

from mediafm_cli.options import DEFAULT_STORE, AsJson, StorePath, open_store
from mediafm_cli.output import emit, say

EXAMPLE = "Example: mediafm tag new_film --store my-store"


def tag(
    titles: Annotated[
        list[str] | None, typer.Argument(help="Titles; default: those without tags.")
    ] = None,
    store: StorePath = DEFAULT_STORE,
    top: Annotated[int, typer.Option(min=1, help="At most so many tags a title.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Propose tags for titles, from the most similar titles that have some.

    The proposals are printed and kept in the store, in the table `tags`.
    """
    from mediafm_store import propose_tags

    found = propose_tags(open_store(store), titles, top=top)
    emit([asdict(tag) for tag in found], as_json=as_json, fold="evidence")
    if not found:
        say("No proposals: every title has tags, or no tagged title is similar.")
