"""mediafm search."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mediafm_cli.completion import complete_titles
from mediafm_cli.options import (
    DEFAULT_STORE,
    AsJson,
    Count,
    Device,
    EncoderNames,
    End,
    Fps,
    Html,
    Out,
    Start,
    StorePath,
    open_store,
)
from mediafm_cli.output import emit, say, write_out, wrote
from mediafm_cli.pairs import parse_pairs, wrong_pair
from mediafm_cli.rows.hits import hit_cells, nothing_found, origin_line, own_scene_line

if TYPE_CHECKING:
    from mediafm_store.likeness.scale import Part
    from mediafm_store.retrieval.hit import RankedHits

app = typer.Typer()

_Shot = Annotated[str | None, typer.Option(help="A shot, as sintel/42.")]
_Title = Annotated[
    str | None,
    typer.Option(
        help="A title by its id, its name or its file's name; or a segment, --from and --to.",
        autocompletion=complete_titles,
    ),
]
_Clip = Annotated[Path | None, typer.Option(help="A video file: all that is seen, heard and said.")]
_Picture = Annotated[
    Path | None, typer.Option(help="A picture file, of a moving one the first: pictures alone.")
]
_Sound = Annotated[
    Path | None, typer.Option(help="A sound file, or a film for its sound: sound alone.")
]
_Text = Annotated[str | None, typer.Option(help="Words: what is seen, heard or said.")]
_Said = Annotated[
    str | None,
    typer.Option(help="Words that are said literally; 'in \"quotes\"' in this order."),
]
_Like = Annotated[
    list[str] | None,
    typer.Option(help="A shot, a title, TITLE@START-END or a file of any kind; may be repeated."),
]
_Unlike = Annotated[list[str] | None, typer.Option(help="The same, for what is not wanted.")]
_Space = Annotated[
    Literal["fused", "context"] | None,
    typer.Option(
        help="Compare plain vectors of one space; default: picture, sound, words and context on a"
        " common scale."
    ),
]
_Weights = Annotated[
    list[str] | None,
    typer.Option(
        help="What visual, audio, text and context count, as audio=0.5,text=0; those not named"
        " stay as they are. May be repeated.",
        metavar="NAME=NUMBER",
    ),
]
_Where = Annotated[
    str | None,
    typer.Option(
        help='A condition in SQL on shots and titles, as "duration_s > 5 AND'
        " array_contains(genres, 'Drama')\".",
        metavar="SQL",
    ),
]
_OtherTitles = Annotated[
    bool, typer.Option("--exclude-same-title", help="Only shots of other titles.")
]
_SameScene = Annotated[
    bool,
    typer.Option("--same-scene", help="Also shots of the query's own scene, and around it."),
]
_Unit = Annotated[Literal["shot", "scene", "title"], typer.Option(help="What an answer is.")]
_Least = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=1,
        help="No answers if more than 1 - this of random queries find something better; default"
        " 0.1.",
    ),
]
_Fold = Annotated[bool, typer.Option(help="Near duplicates are one answer.")]
_Diverse = Annotated[bool, typer.Option("--diverse", help="Answers that differ from each other.")]


@app.command(
    epilog='Examples: mediafm search --shot sintel/00042; mediafm search --text "a snowy mountain"'
    " --html found.html; mediafm search --title sintel --from 0:03:10 --to 0:03:40 --unit scene;"
    " mediafm search --clip clip.mp4 --weights audio=0,text=0; mediafm search --said dragon"
    " --like sintel/00042 --unlike sintel_trailer"
)
def search(
    store: StorePath = DEFAULT_STORE,
    shot: _Shot = None,
    title: _Title = None,
    start: Start = None,
    end: End = None,
    clip: _Clip = None,
    picture: _Picture = None,
    sound: _Sound = None,
    text: _Text = None,
    said: _Said = None,
    like: _Like = None,
    unlike: _Unlike = None,
    space: _Space = None,
    weights: _Weights = None,
    where: _Where = None,
    exclude_same_title: _OtherTitles = False,
    same_scene: _SameScene = False,
    unit: _Unit = "shot",
    least: _Least = None,
    fold: _Fold = True,
    diverse: _Diverse = False,
    k: Count = 10,
    html: Html = None,
    out: Out = None,
    fps: Fps = None,
    encoder: EncoderNames = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Find the shots, scenes or titles most like what is given; several examples count together."""
    from mediafm_store.encoding import load_encoders
    from mediafm_store.retrieval.query import LEAST, SearchOptions, SearchQuery
    from mediafm_store.retrieval.search import search as search_store
    from mediafm_store.titles.naming import find_shot

    query = SearchQuery(
        shot=shot,
        title=title,
        start_s=start,
        end_s=end,
        clip=clip,
        picture=picture,
        sound=sound,
        text=text,
        said=said,
        like=like or (),
        unlike=unlike or (),
    )
    if not query.is_positive:
        raise typer.BadParameter(
            "give something to search for, as --shot, --title, --clip, --text or --said"
        )
    options = SearchOptions(
        k=k,
        unit=unit,
        where=where,
        space=space,
        weights=_parse_weights(weights or ()),
        exclude_same_title=exclude_same_title,
        same_scene=same_scene,
        least=LEAST if least is None else least,
        fold=fold,
        diverse=diverse,
    )
    opened = open_store(store)
    if shot is not None:
        query = replace(query, shot=find_shot(opened, shot))
    hits = search_store(
        opened,
        query,
        options,
        encoders=load_encoders(encoder, device=device, store=opened) if encoder else None,
        device=device,
        on_origin=lambda path, origin: say(origin_line(path, origin)),
    )
    if out and hits:
        from mediafm_store.segments import segments_of_hits

        write_out(out, segments_of_hits(opened, hits), fps=fps)
    if html is not None:
        from mediafm_store.report.pages import write_search_page

        write_search_page(
            html,
            store=opened,
            query=query.summary,
            hits=hits,
            query_shot=query.shot,
            unit=unit,
        )
        wrote(html)
    _print(hits, where, until=unit != "shot", as_json=as_json)


def _print(hits: "RankedHits", where: str | None, *, until: bool, as_json: bool) -> None:
    """The answers, and what is said of them; `until` also prints where each ends."""
    rows = [asdict(hit) for hit in hits]
    emit(rows, as_json=as_json, table=partial(hit_cells, until=until))
    if not hits:
        say(nothing_found(where, alone=hits.chance is None))
    elif not as_json:
        say(f"Compared {hits.compared}.")
    if not as_json and hits.own_scene:
        say(own_scene_line(hits.own_scene))


def _parse_weights(given: Sequence[str]) -> "dict[Part, float]":
    """`visual=1,audio=0.5` as a mapping."""
    from mediafm_store.likeness.scale import PARTS

    option, example = "--weights", "audio=0.5,text=0"
    parts: dict[str, Part] = {part: part for part in PARTS}
    weights: dict[Part, float] = {}
    for name, value in parse_pairs(given, parts, option=option, example=example).items():
        try:
            weights[parts[name]] = float(value)
        except ValueError:
            pair = f"{name}={value}"
            raise wrong_pair(pair, parts, option=option, example=example) from None
    return weights
