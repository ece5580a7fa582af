"""mediafm search."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mediafm_cli.options import (
    DEFAULT_STORE,
    AsJson,
    Count,
    Device,
    EncoderNames,
    StorePath,
    open_store,
)
from mediafm_cli.output import Row, emit, say

if TYPE_CHECKING:
    from mediafm_store.arrays import Modality

EXAMPLE = (
    'Examples: mediafm search --shot sintel/00042; mediafm search --text "a snowy mountain"'
    " --html found.html; mediafm search --clip clip.mp4 --weights audio=0,text=0"
)


def search(
    store: StorePath = DEFAULT_STORE,
    shot: Annotated[str | None, typer.Option(help="Id of a shot, as sintel/00042.")] = None,
    clip: Annotated[Path | None, typer.Option(help="A video file.")] = None,
    text: Annotated[str | None, typer.Option(help="Words: what is seen, heard or said.")] = None,
    space: Annotated[
        Literal["fused", "context"] | None,
        typer.Option(help="Compare shots alone or in context; default: context if embedded."),
    ] = None,
    weights: Annotated[
        str,
        typer.Option(help="Of the modalities, as audio=0.5,text=0; those not named stay 1."),
    ] = "",
    where: Annotated[
        str | None,
        typer.Option(
            help='A condition in SQL on shots and titles, as "duration_s > 5 AND'
            " array_contains(genres, 'Drama')\".",
            metavar="SQL",
        ),
    ] = None,
    exclude_same_title: Annotated[
        bool, typer.Option("--exclude-same-title", help="Only shots of other titles.")
    ] = False,
    k: Count = 10,
    html: Annotated[Path | None, typer.Option(help="Write a page with pictures.")] = None,
    encoder: EncoderNames = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Find the shots most like a shot, a clip or a text."""
    from mediafm_store import load_encoders
    from mediafm_store import search as search_shots

    if sum(query is not None for query in (shot, clip, text)) != 1:
        raise typer.BadParameter("give one of --shot, --clip and --text")

    opened = open_store(store)
    hits = search_shots(
        opened,
        shot=shot,
        clip=clip,
        text=text,
        space=space,
        weights=parse_weights(weights),
        where=where,
        exclude_same_title=exclude_same_title,
        k=k,
        encoders=load_encoders(encoder, device=device) if encoder else None,
        device=device,
    )
    if html is not None:
        from mediafm_store.report.pages import write_search_page

        query = shot or (str(clip) if clip else f"“{text}”")
        used = "described" if text else opened.registry.shot_space(space).name
        write_search_page(html, store=opened, query=query, hits=hits, space=used, query_shot=shot)
        say(f"Wrote {html}")
    emit([asdict(hit) for hit in hits], as_json=as_json, table=shown)
    if not hits:
        such = f"that fulfils {where}" if where else "to compare with"
        say(f"Nothing found: there is no other shot {such}.")


def parse_weights(text: str) -> "dict[Modality, float]":
    """`visual=1,audio=0.5` as a mapping."""
    from mediafm_store.arrays import MODALITIES

    weights: dict[Modality, float] = {}
    known: dict[str, Modality] = {m: m for m in MODALITIES}
    for part in filter(None, text.split(",")):
        name, _, value = part.partition("=")
        try:
            modality = known.pop(name.strip())  # each once
            weights[modality] = float(value)
        except (KeyError, ValueError):
            raise typer.BadParameter(
                f"{part!r}: give each of {', '.join(MODALITIES)} once at most, as audio=0.5,text=0"
            ) from None
    return weights


def shown(hit: Row) -> Row:
    """What the table shows of a hit."""
    from mediafm_store.report.timecode import timecode

    return {
        "shot": hit["shot"],
        "time": timecode(hit["start_s"]),
        "score": hit["score"],
        **hit["shares"],
        "said, seen, heard": about(hit),
    }


def about(hit: Row) -> str:
    """What is known of a shot, in one line."""
    said = f"“{hit['words']}”" if hit["words"] else ""
    return " · ".join(filter(None, [said, *hit["seen"], *hit["heard"]]))
