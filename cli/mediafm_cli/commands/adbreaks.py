"""mediafm adbreaks."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mediafm_cli.options import (
    DEFAULT_STORE,
    AsJson,
    Device,
    EncoderNames,
    Fps,
    StorePath,
    open_store,
)
from mediafm_cli.output import Row, emit, say, wrote

if TYPE_CHECKING:
    from mediafm_store.ad_breaks.ad_break import AdBreak
    from mediafm_store.ad_breaks.constraints import BreakConstraints
    from mediafm_store.ads.ad_matching import AdMatch
    from mediafm_store.storage.storage import Storage

EXAMPLE = (
    "Examples: mediafm adbreaks sintel --min-gap 120 --avoid blood;"
    " mediafm adbreaks sintel --ads ads.jsonl --out breaks.vmap;"
    " mediafm adbreaks sintel --break-s 30 --out breaks.scte35 --out acts.edl --out chapters.vtt"
)

_MOST_TOLD = 4
_FEW = 5


def adbreaks(
    titles: Annotated[list[str], typer.Argument(help="Titles, by id or name.")],
    store: StorePath = DEFAULT_STORE,
    min_gap: Annotated[float, typer.Option(min=0, help="Seconds between two breaks.")] = 60.0,
    margin: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Seconds kept free at both ends; default: a twentieth of the title, 180 at most.",
        ),
    ] = None,
    per_hour: Annotated[int, typer.Option(min=1, help="The most breaks within any hour.")] = 12,
    keep_credits_free: Annotated[
        bool,
        typer.Option(
            "--credits/--no-credits", help="Keep opening and closing credits free of breaks."
        ),
    ] = True,
    avoid: Annotated[
        list[str] | None,
        typer.Option(
            help="No break within half a minute of where this is said, seen or heard; may be"
            " repeated.",
            metavar="WORD",
        ),
    ] = None,
    ads: Annotated[
        Path | None,
        typer.Option(
            help="Ads to rank for every break, one JSON object a line: id, and text, tags or"
            " video; name, duration_s, avoid.",
            metavar="FILE",
        ),
    ] = None,
    by: Annotated[
        Literal["break", "ad"], typer.Option(help="Ads for every break, or breaks for every ad.")
    ] = "break",
    break_s: Annotated[
        float | None,
        typer.Option(min=1, max=3600, help="Length of a break: told in SCTE-35, and ads fit in."),
    ] = None,
    ad_tag: Annotated[
        str | None,
        typer.Option(
            help="Address of the ad server for VMAP; {title}, {break}, {seconds} and {ad} are"
            " filled in.",
            metavar="URL",
        ),
    ] = None,
    k: Annotated[
        int | None,
        typer.Option(
            "--k", "-k", min=1, help="How many; default: 5, or all that qualify with --out."
        ),
    ] = None,
    out: Annotated[
        list[Path] | None,
        typer.Option(
            "--out",
            help="Write the breaks for players and ad servers (.vmap, .scte35), the acts between"
            " them for editing programs (.edl, .otio, .fcpxml), tables (.csv, .json) or players"
            " (.vtt, chapters); may be repeated.",
            metavar="FILE",
        ),
    ] = None,
    fps: Fps = None,
    encoder: EncoderNames = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Rank the cuts of a title as ad breaks, with the reasons, and ads for them.

    Scores come from labels of the task `break`, or from fixed weights where there are too few: a
    label is a title and the start of a good break, near the cut (value 1, or 0 for a bad one). The
    score of an ad is the share of random passages that fit it less.
    """
    from mediafm_store.ad_breaks.constraints import BreakConstraints
    from mediafm_store.ad_breaks.learned_weights import weights_of
    from mediafm_store.ad_breaks.rank import rank_breaks
    from mediafm_store.ads.ad_matching import ads_of_breaks, breaks_of_ads, match_ads
    from mediafm_store.ads.ads import read_ads
    from mediafm_store.break_files.export import check_break_files, write_breaks
    from mediafm_store.encoding import load_encoders
    from mediafm_store.titles.naming import find_titles

    if by == "ad" and ads is None:
        raise typer.BadParameter("breaks for every ad want a list of ads: --ads FILE")
    check_break_files(out or (), set(titles), ad_tag, with_ads=ads is not None)
    most = k or (None if out else _FEW)
    constraints = BreakConstraints(min_gap, margin, per_hour, keep_credits_free, tuple(avoid or ()))
    listed = read_ads(ads) if ads else []
    opened = open_store(store)
    titles = find_titles(opened, titles)
    weights = weights_of(opened)
    found = {
        t: rank_breaks(opened, t, constraints=constraints, k=most, weights=weights) for t in titles
    }
    matches = match_ads(
        opened,
        found,
        listed,
        break_s=break_s,
        encoders=load_encoders(encoder, device=device, store=opened) if encoder else None,
        device=device,
    )
    for file in out or () if any(found.values()) else ():
        write_breaks(file, opened, found, ads=matches, ad_tag=ad_tag, break_s=break_s, fps=fps)
        wrote(file)
    if by == "ad":
        best = [asdict(m) for group in breaks_of_ads(matches, k or _FEW).values() for m in group]
        emit(best, as_json=as_json, table=_shown_match, fold="reasons")
    else:
        rows = _break_rows(found, ads_of_breaks(matches, k or _FEW) if ads else None)
        emit(rows, as_json=as_json, table=_break_cells, fold="reasons")
    if any(found.values()):
        say(f"Scored by {weights.said}.")
    for title, places in found.items():
        if not places:
            say(_nothing_left(opened, title, constraints))
    if out and not any(found.values()):
        say("Nothing was written.")


def _break_rows(
    found: "Mapping[str, Sequence[AdBreak]]", ads: "Mapping[str, Sequence[AdMatch]] | None"
) -> list[Row]:
    """A row a break; with `ads`, those for it."""
    return [
        {"title": title, **asdict(place)}
        | ({} if ads is None else {"ads": [asdict(m) for m in ads.get(place.after, ())]})
        for title, places in found.items()
        for place in places
    ]


def _nothing_left(store: "Storage", title: str, constraints: "BreakConstraints") -> str:
    """Why a title has no break."""
    from mediafm_store.ad_breaks.rank import why_none

    counts = list(why_none(store, title, constraints).items())
    told = "; ".join(f"{count} {why}" for why, count in counts[:_MOST_TOLD]) or "it has none"
    more = "; and so on" if len(counts) > _MOST_TOLD else ""
    return f"No cut of {title} qualifies: {told}{more}. See --margin, --no-credits and --avoid."


def _break_cells(row: Row) -> Row:
    """What the table shows of a break."""
    from mediafm_store.report.timecode import timecode

    best = [f"{ad['ad']} {ad['score']:.2f}" for ad in row.get("ads", ())]
    return {
        "title": row["title"],
        "time": timecode(row["seconds"]),
        "score": row["score"],
        "next shot": row["after"],
        **({"ads": ", ".join(best)} if "ads" in row else {}),
        "reasons": "; ".join(row["reasons"]),
    }


def _shown_match(row: Row) -> Row:
    """What the table shows of an ad at a break."""
    from mediafm_store.report.timecode import timecode

    return {
        "ad": row["ad"],
        "title": row["title"],
        "time": timecode(row["seconds"]),
        "score": row["score"],
        "next shot": row["after"],
        "reasons": "; ".join(row["reasons"]),
    }
