"""mediafm adbreaks."""

from dataclasses import asdict
from typing import Annotated

import typer

from mediafm_cli.options import DEFAULT_STORE, AsJson, Count, StorePath, open_store
from mediafm_cli.output import Row, emit, say

EXAMPLE = "Example: mediafm adbreaks sintel --min-gap 120 -k 5"


def adbreaks(
    titles: Annotated[list[str], typer.Argument(help="Titles.")],
    store: StorePath = DEFAULT_STORE,
    min_gap: Annotated[float, typer.Option(min=0, help="Seconds between two breaks.")] = 60.0,
    margin: Annotated[float, typer.Option(min=0, help="Seconds kept free at both ends.")] = 10.0,
    k: Count = 5,
    as_json: AsJson = False,
) -> None:
    """Rank the cuts of a title as ad breaks, with the reasons."""
    from mediafm_store import rank_breaks

    opened = open_store(store)
    rows = [
        {"title": title, **asdict(found)}
        for title in titles
        for found in rank_breaks(opened, title, min_gap_s=min_gap, margin_s=margin, k=k)
    ]
    emit(rows, as_json=as_json, table=shown, fold="reasons")
    if not rows:
        say("No cut qualifies: it must lie outside subtitles, and --margin seconds from both ends.")


def shown(row: Row) -> Row:
    """What the table shows of a break."""
    from mediafm_store.report.timecode import timecode

    return {
        "title": row["title"],
        "time": timecode(row["seconds"]),
        "score": row["score"],
        "next shot": row["after"],
        "reasons": "; ".join(row["reasons"]),
    }
