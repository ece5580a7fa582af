"""mediafm search."""

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mediafm_cli.options import (
    DEFAULT_STORE,
    AsJson,
    Count,
    Device,
    EncoderNames,
    End,
    Fps,
    Out,
    Start,
    StorePath,
    open_store,
)
from mediafm_cli.output import Row, emit, say, write_out, wrote

if TYPE_CHECKING:
    from mediafm_store.examples.clip_locator import ClipMatch
    from mediafm_store.likeness.scale import Part
    from mediafm_store.scenes.own_scene import OwnScene

EXAMPLE = (
    'Examples: mediafm search --shot sintel/00042; mediafm search --text "a snowy mountain"'
    " --html found.html; mediafm search --title sintel --from 0:03:10 --to 0:03:40 --unit scene;"
    " mediafm search --clip clip.mp4 --weights audio=0,text=0; mediafm search --said dragon"
    " --like sintel/00042 --unlike sintel_trailer"
)


def search(
    store: StorePath = DEFAULT_STORE,
    shot: Annotated[str | None, typer.Option(help="A shot, as sintel/42.")] = None,
    title: Annotated[
        str | None,
        typer.Option(
            help="A title by its id, its name or its file's name; or a segment, --from and --to."
        ),
    ] = None,
    start: Start = None,
    end: End = None,
    clip: Annotated[
        Path | None, typer.Option(help="A video file: all that is seen, heard and said.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(help="A picture file, of a moving one the first: pictures alone.")
    ] = None,
    sound: Annotated[
        Path | None, typer.Option(help="A sound file, or a film for its sound: sound alone.")
    ] = None,
    text: Annotated[str | None, typer.Option(help="Words: what is seen, heard or said.")] = None,
    said: Annotated[
        str | None,
        typer.Option(help="Words that are said literally; 'in \"quotes\"' in this order."),
    ] = None,
    like: Annotated[
        list[str] | None,
        typer.Option(
            help="A shot, a title, TITLE@START-END or a file of any kind; may be repeated."
        ),
    ] = None,
    unlike: Annotated[
        list[str] | None, typer.Option(help="The same, for what is not wanted.")
    ] = None,
    space: Annotated[
        Literal["fused", "context"] | None,
        typer.Option(
            help="Compare plain vectors of one space; default: picture, sound, words and context on"
            " a common scale."
        ),
    ] = None,
    weights: Annotated[
        str,
        typer.Option(
            help="What visual, audio, text and context count, as audio=0.5,text=0; those not named"
            " stay as they are."
        ),
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
    same_scene: Annotated[
        bool,
        typer.Option("--same-scene", help="Also shots of the query's own scene, and around it."),
    ] = False,
    unit: Annotated[
        Literal["shot", "scene", "title"], typer.Option(help="What an answer is.")
    ] = "shot",
    least: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="No answers if more than 1 - this of random queries find something better;"
            " default 0.1.",
        ),
    ] = None,
    fold: Annotated[bool, typer.Option(help="Near duplicates are one answer.")] = True,
    diverse: Annotated[
        bool, typer.Option("--diverse", help="Answers that differ from each other.")
    ] = False,
    k: Count = 10,
    html: Annotated[Path | None, typer.Option(help="Write a page with pictures.")] = None,
    out: Out = None,
    fps: Fps = None,
    encoder: EncoderNames = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Find the shots, scenes or titles most like what is given; several are looked for at once."""
    from mediafm_store import load_encoders
    from mediafm_store import search as search_store
    from mediafm_store.retrieval.search import LEAST
    from mediafm_store.titles.naming import find_shot

    asked = [shot, title, clip, picture, sound, text, said, *(like or [])]
    if all(query is None for query in asked):
        raise typer.BadParameter(
            "give something to search for, as --shot, --title, --clip, --text or --said"
        )
    opened = open_store(store)
    if shot is not None:
        shot = asked[0] = find_shot(opened, shot)
    hits = search_store(
        opened,
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
        space=space,
        weights=_parse_weights(weights),
        where=where,
        exclude_same_title=exclude_same_title,
        same_scene=same_scene,
        unit=unit,
        least=LEAST if least is None else least,
        fold=fold,
        diverse=diverse,
        k=k,
        encoders=load_encoders(encoder, device=device, store=opened) if encoder else None,
        device=device,
        on_origin=lambda path, origin: say(_origin_line(path, origin)),
    )
    if out and hits:
        from mediafm_store import segments_of_hits

        write_out(out, segments_of_hits(opened, hits), fps=fps)
    if html is not None:
        from mediafm_store.report.pages import write_search_page

        words = [f"“{words}”" for words in (text, said) if words]
        query = " + ".join([str(q) for q in asked if q not in (None, text, said)] + words)
        write_search_page(html, store=opened, query=query, hits=hits, query_shot=shot, unit=unit)
        wrote(html)
    table = partial(_hit_cells, until=unit != "shot")
    emit([asdict(hit) for hit in hits], as_json=as_json, table=table)
    if not hits:
        say(_nothing_found(where, alone=hits.chance is None))
    elif not as_json:
        say(f"Compared {hits.compared}.")
    if not as_json and hits.own_scene:
        say(_own_scene_line(hits.own_scene))


def _nothing_found(where: str | None, *, alone: bool) -> str:
    """Why there is no answer, and what may be done; `alone` says that nothing was compared."""
    such = f" that fulfils {where}" if where else ""
    if alone:
        return (
            f"Nothing found: there is nothing else{such} to compare with; --same-scene also looks"
            " at what lies around the query."
        )
    return f"No good match{such}. --least 0 shows what is nearest all the same."


def _origin_line(path: Path, origin: "ClipMatch") -> str:
    """Where in the store a clip lies."""
    from mediafm_store.report.timecode import timespan

    where = timespan(origin.start_s, origin.end_s)
    return f"{path} is {origin.title} {where}; what is like it elsewhere:"


def _own_scene_line(scene: "OwnScene") -> str:
    """The scene that was asked with, folded into one line."""
    from mediafm_store.report.timecode import timespan
    from mediafm_store.scenes.own_scene import NEAR

    count = len(scene.shots)
    where = f"{scene.title} {timespan(scene.start_s, scene.end_s)}"
    shots = f"{count} shot{'' if count == 1 else 's'}"
    return (
        f"Left out: its own scene ({where}, {shots}) and {NEAR} shots either side of the query;"
        " --same-scene lists them too."
    )


def _parse_weights(text: str) -> "dict[Part, float]":
    """`visual=1,audio=0.5` as a mapping."""
    from mediafm_store.likeness.scale import PARTS

    weights: dict[Part, float] = {}
    known: dict[str, Part] = {part: part for part in PARTS}
    for part in filter(None, text.split(",")):
        name, _, value = part.partition("=")
        try:
            modality = known.pop(name.strip())  # each once
            weights[modality] = float(value)
        except (KeyError, ValueError):
            raise typer.BadParameter(
                f"{part!r}: give each of {', '.join(PARTS)} once at most, as audio=0.5,text=0"
            ) from None
    return weights


def _hit_cells(hit: Row, *, until: bool) -> Row:
    """What the table shows of a hit, and perhaps `until` when it lasts."""
    from mediafm_store.report.timecode import timecode

    return {
        "shot": hit["shot"],
        "time": timecode(hit["start_s"]),
        **({"to": timecode(hit["end_s"])} if until else {}),
        "score": hit["score"],
        "as good by chance": "" if hit["chance"] is None else _percent(hit["chance"]),
        **hit["shares"],
        "alike": len(hit["alike"]),
        "said, seen, heard, looks": about(hit),
    }


def _percent(share: float) -> str:
    """How often a random query finds something as good; not known better than to some percent."""
    return "< 2 %" if share < 0.02 else f"{share:.0%}".replace("%", " %")


def about(hit: Row) -> str:
    """What is known of a shot, in one line."""
    said = f"“{hit['words']}”" if hit["words"] else ""
    return " · ".join(filter(None, [said, *hit["seen"], *hit["heard"], *hit.get("looks", ())]))
