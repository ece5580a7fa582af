"""mediafm adbreaks."""

from dataclasses import asdict
from typing import Annotated

import typer

from mediafm_cli.options import DEFAULT_STORE, AsJson, Count, Fps, Out, StorePath, open_store
from mediafm_cli.output import Row, emit, say, write_out

EXAMPLE = (
    "Examples: mediafm adbreaks sintel --min-gap 120 -k 5;"
    " mediafm adbreaks sintel --out acts.edl --out chapters.vtt"
)


def adbreaks(
    titles: Annotated[list[str], typer.Argument(help="Titles.")],
    store: StorePath = DEFAULT_STORE,
    min_gap: Annotated[float, typer.Option(min=0, help="Seconds between two breaks.")] = 60.0,
    margin: Annotated[float, typer.Option(min=0, help="Seconds kept free at both ends.")] = 10.0,
    k: Count = 5,
    out: Out = None,
    fps: Fps = None,
    as_json: AsJson = False,
) -> None:
    """Rank the cuts of a title as ad breaks, with the reasons.

    --out writes the acts between the breaks, each break as a marker.
    """
    from mediafm_store import acts, rank_breaks

    opened = open_store(store)
    found = {
        title: rank_breaks(opened, title, min_gap_s=min_gap, margin_s=margin, k=k)
        for title in titles
    }
    rows = [{"title": title, **asdict(b)} for title, breaks in found.items() for b in breaks]
    if out and rows:
        parts = [act for title, breaks in found.items() for act in acts(opened, title, breaks)]
        write_out(out, parts, fps=fps)
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
