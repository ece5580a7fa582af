"""Ad breaks, and the ads that fit them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from mediafm_cli.output import Row

if TYPE_CHECKING:
    from mediafm_store.ad_breaks.ad_break import AdBreak
    from mediafm_store.ad_breaks.constraints import BreakConstraints
    from mediafm_store.ads.ad_matching import AdMatch
    from mediafm_store.storage.storage import Storage

_MOST_TOLD = 4


def break_rows(
    found: "Mapping[str, Sequence[AdBreak]]", ads: "Mapping[str, Sequence[AdMatch]] | None"
) -> list[Row]:
    """A row a break; with `ads`, those for it."""
    return [
        {"title": title, **asdict(place)}
        | ({} if ads is None else {"ads": [asdict(m) for m in ads.get(place.after, ())]})
        for title, places in found.items()
        for place in places
    ]


def why_no_break(store: "Storage", title: str, constraints: "BreakConstraints") -> str:
    """Why a title has no break."""
    from mediafm_store.ad_breaks.rank import why_none

    counts = list(why_none(store, title, constraints).items())
    told = "; ".join(f"{count} {why}" for why, count in counts[:_MOST_TOLD]) or "it has none"
    more = "; and so on" if len(counts) > _MOST_TOLD else ""
    return f"No cut of {title} qualifies: {told}{more}. See --margin, --no-credits and --avoid."


def break_cells(row: Row) -> Row:
    """Table cells of a break."""
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


def match_cells(row: Row) -> Row:
    """Table cells of an ad at a break."""
    from mediafm_store.report.timecode import timecode

    return {
        "ad": row["ad"],
        "title": row["title"],
        "time": timecode(row["seconds"]),
        "score": row["score"],
        "next shot": row["after"],
        "reasons": "; ".join(row["reasons"]),
    }
