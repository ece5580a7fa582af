"""mediafm breaks: places for ad breaks in titles, and ads that fit them."""

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
    Titles,
    open_store,
    parse_break_length,
    parse_time,
)
from mediafm_cli.output import emit, say, wrote
from mediafm_cli.rows.breaks import break_cells, break_rows, match_cells, why_no_break

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mediafm_store.ad_breaks.ad_break import AdBreak
    from mediafm_store.ad_breaks.constraints import BreakConstraints
    from mediafm_store.ad_breaks.score import BreakWeights
    from mediafm_store.storage.storage import Storage

app = typer.Typer(
    name="breaks", no_args_is_help=True, help="Rank ad breaks of titles, and ads for them."
)
_FEW = 5

_MinGap = Annotated[
    float, typer.Option(parser=parse_time, help="Least time between two breaks.", metavar="TIME")
]
_Margin = Annotated[
    float | None,
    typer.Option(
        parser=parse_time,
        help="Kept free at both ends; default: a twentieth of the title, 3 minutes at most.",
        metavar="TIME",
    ),
]
_PerHour = Annotated[int, typer.Option(min=1, help="The most breaks within any hour.")]
_Credits = Annotated[
    bool,
    typer.Option("--credits/--no-credits", help="Keep opening and closing credits free of breaks."),
]
_Avoid = Annotated[
    list[str] | None,
    typer.Option(
        help="No break within half a minute of where this is said, seen or heard; may be repeated.",
        metavar="WORD",
    ),
]
_BreakLength = Annotated[
    float | None,
    typer.Option(
        "--break-s",
        parser=parse_break_length,
        help="Length of a break: told in SCTE-35, and ads fit in.",
        metavar="TIME",
    ),
]
_AdTag = Annotated[
    str | None,
    typer.Option(
        help="Address of the ad server for VMAP; {title}, {break}, {seconds} and {ad} are filled"
        " in.",
        metavar="URL",
    ),
]
_Count = Annotated[
    int | None,
    typer.Option("--k", "-k", min=1, help="How many; default: 5, or all that qualify with --out."),
]
_Out = Annotated[
    list[Path] | None,
    typer.Option(
        "--out",
        help="Write the breaks for players and ad servers (.vmap, .scte35), the acts between them"
        " for editing programs (.edl, .otio, .fcpxml), tables (.csv, .json) or players (.vtt,"
        " chapters); may be repeated.",
        metavar="FILE",
    ),
]


@app.command(
    epilog="Examples: mediafm breaks rank sintel --min-gap 2:00 --avoid blood;"
    " mediafm breaks rank sintel --break-s 30 --out breaks.scte35 --out acts.edl --out chapters.vtt"
)
def rank(
    titles: Titles,
    store: StorePath = DEFAULT_STORE,
    min_gap: _MinGap = 60.0,
    margin: _Margin = None,
    per_hour: _PerHour = 12,
    keep_credits_free: _Credits = True,
    avoid: _Avoid = None,
    break_s: _BreakLength = None,
    ad_tag: _AdTag = None,
    k: _Count = None,
    out: _Out = None,
    fps: Fps = None,
    as_json: AsJson = False,
) -> None:
    """Rank the cuts of titles as ad breaks, with the reasons.

    Scores come from labels of the task `break`, or from fixed weights where there are too few: a
    label is a title and the start of a good break, near the cut (value 1, or 0 for a bad one).
    """
    from mediafm_store.ad_breaks.constraints import BreakConstraints
    from mediafm_store.break_files.export import check_break_files, write_breaks

    check_break_files(out or (), set(titles), ad_tag, with_ads=False)
    constraints = BreakConstraints(min_gap, margin, per_hour, keep_credits_free, tuple(avoid or ()))
    opened = open_store(store)
    found, weights = _rank(opened, titles, constraints, k or (None if out else _FEW))
    for file in _to_write(out, found):
        write_breaks(file, opened, found, ad_tag=ad_tag, break_s=break_s, fps=fps)
    emit(break_rows(found, None), as_json=as_json, table=break_cells, fold="reasons")
    _say_more(opened, found, constraints, weights, written=bool(out))


@app.command(
    "match-ads",
    epilog="Examples: mediafm breaks match-ads ads.jsonl sintel --out breaks.vmap;"
    " mediafm breaks match-ads ads.jsonl sintel --by ad --json",
)
def match_to_ads(
    ads: Annotated[
        Path,
        typer.Argument(
            help="One JSON object a line: id, and text, tags or video; name, duration_s, avoid.",
            metavar="FILE",
        ),
    ],
    titles: Titles,
    store: StorePath = DEFAULT_STORE,
    by: Annotated[
        Literal["break", "ad"], typer.Option(help="Ads for every break, or breaks for every ad.")
    ] = "break",
    min_gap: _MinGap = 60.0,
    margin: _Margin = None,
    per_hour: _PerHour = 12,
    keep_credits_free: _Credits = True,
    avoid: _Avoid = None,
    break_s: _BreakLength = None,
    ad_tag: _AdTag = None,
    k: _Count = None,
    out: _Out = None,
    fps: Fps = None,
    encoder: EncoderNames = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Rank ads for the breaks of titles, or breaks for each ad.

    The breaks are those of `mediafm breaks rank`. The score of an ad is the share of random
    passages that fit it less.
    """
    from mediafm_store.ad_breaks.constraints import BreakConstraints
    from mediafm_store.ads.ad_matching import ads_of_breaks, breaks_of_ads, match_ads
    from mediafm_store.ads.ads import read_ads
    from mediafm_store.break_files.export import check_break_files, write_breaks
    from mediafm_store.encoding import load_encoders

    check_break_files(out or (), set(titles), ad_tag, with_ads=True)
    constraints = BreakConstraints(min_gap, margin, per_hour, keep_credits_free, tuple(avoid or ()))
    listed = read_ads(ads)
    opened = open_store(store)
    found, weights = _rank(opened, titles, constraints, k or (None if out else _FEW))
    encoders = load_encoders(encoder, device=device, store=opened) if encoder else None
    matches = match_ads(opened, found, listed, break_s=break_s, encoders=encoders, device=device)
    for file in _to_write(out, found):
        write_breaks(file, opened, found, ads=matches, ad_tag=ad_tag, break_s=break_s, fps=fps)
    if by == "ad":
        best = [asdict(m) for group in breaks_of_ads(matches, k or _FEW).values() for m in group]
        emit(best, as_json=as_json, table=match_cells, fold="reasons")
    else:
        rows = break_rows(found, ads_of_breaks(matches, k or _FEW))
        emit(rows, as_json=as_json, table=break_cells, fold="reasons")
    _say_more(opened, found, constraints, weights, written=bool(out))


def _rank(
    store: "Storage", names: list[str], constraints: "BreakConstraints", k: int | None
) -> "tuple[dict[str, list[AdBreak]], BreakWeights]":
    """The breaks of each title, and what they were scored by."""
    from mediafm_store.ad_breaks.learned_weights import weights_of
    from mediafm_store.ad_breaks.rank import rank_breaks
    from mediafm_store.titles.naming import find_titles

    titles = find_titles(store, names)
    weights = weights_of(store)
    found = {
        t: rank_breaks(store, t, constraints=constraints, k=k, weights=weights) for t in titles
    }
    return found, weights


def _to_write(
    files: "Sequence[Path] | None", found: "Mapping[str, Sequence[AdBreak]]"
) -> "Iterator[Path]":
    """The files to write, none without breaks; each is reported once it is written."""
    for file in files or () if any(found.values()) else ():
        yield file
        wrote(file)


def _say_more(
    store: "Storage",
    found: "Mapping[str, Sequence[AdBreak]]",
    constraints: "BreakConstraints",
    weights: "BreakWeights",
    *,
    written: bool,
) -> None:
    """Say what breaks were scored by, and why a title has none."""
    if any(found.values()):
        say(f"Scored by {weights.said}.")
    for title, places in found.items():
        if not places:
            say(why_no_break(store, title, constraints))
    if written and not any(found.values()):
        say("Nothing was written.")
