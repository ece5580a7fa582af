"""Write the pages. What users gave (names, words, tags) reaches them through Jinja's escaping."""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined

from mediafm_store.arrays import MODALITIES
from mediafm_store.files import write_beside
from mediafm_store.report import views
from mediafm_store.report.measures import measures
from mediafm_store.report.timecode import timecode, timespan
from mediafm_store.store.store import Store
from mediafm_store.tasks.adbreaks import Break
from mediafm_store.tasks.hit import Hit
from mediafm_store.tasks.tag import Tag

if TYPE_CHECKING:  # it brings torch
    from mediafm_store.tasks.evaluate import ModelReport

MOST_PICTURES = 1000
"""Of a catalogue with more shots only every second, third ... is shown: about 10 MB a page."""
SPACES = {
    "fused": "compared shot by shot, by what is seen, heard and said in each",
    "context": "compared as the trained model sees them, in the context of their titles",
    "described": "compared by what could be said of each shot: its labels and its subtitles",
}


@dataclass(frozen=True)
class SearchView:
    """One search and what it found."""

    query: str
    """As it is to be read after “Shots like” or “Shots for”: a shot's id, a file, “words”."""
    hits: Sequence[Hit]
    query_shot: str | None = None
    """The shot that was searched for, if it was one."""


class TitleSection(NamedTuple):
    """What the catalogue page shows of a title."""

    anchor: str
    row: Mapping[str, Any]
    proposed: list[Tag]
    breaks: Sequence[Break] | None
    """Best first; None where nobody looked for any."""
    timeline: views.Timeline


def write_search_page(
    path: Path,
    *,
    store: Store,
    query: str,
    hits: Sequence[Hit],
    space: str,
    query_shot: str | None = None,
) -> None:
    """Write one search as a contact sheet, best hit first.

    Raises NotFound if the store has no `query_shot`, BadInput if `path` cannot be written.
    """
    ids = views.without_repeats(hits, query_shot)
    page = environment().get_template("search.html.j2")
    text = page.render(
        store=store.path,
        search=SearchView(query, hits, query_shot),
        how=SPACES.get(space, f"compared in the space {space}"),
        asked=asked_shots(store, [query_shot]),
        names=views.names(store.titles().to_dicts()),
        pictures=pictures(store, ids),
        anchors={},
    )
    write_beside(path, text)


def write_catalogue_page(
    path: Path,
    *,
    store: Store,
    searches: Sequence[SearchView],
    tags: Sequence[Tag],
    breaks: Mapping[str, Sequence[Break]],
    facts: Mapping[str, str],
) -> None:
    """Write what a store holds: facts, each title with its shots, and example searches.

    `facts` stand at the top, by name. Raises NotFound if the store lacks a query's shot,
    BadInput if `path` cannot be written.
    """
    titles = store.titles().to_dicts()
    shots = store.shots()
    step = max(1, -(-len(shots) // MOST_PICTURES))
    by_title = {rows["title"][0]: rows.to_dicts() for rows in shots.partition_by("title")}
    sections = [
        TitleSection(
            anchor=f"t{i}",
            row=row,
            proposed=[tag for tag in tags if tag.title == row["id"]],
            breaks=breaks.get(row["id"]),
            timeline=views.timeline(by_title.get(row["id"], []), breaks.get(row["id"], ()), step),
        )
        for i, row in enumerate(titles, 1)
    ]
    shown = [part.shot["id"] for s in sections for part in s.timeline.parts]
    found = [i for s in searches for i in views.without_repeats(s.hits, s.query_shot)]
    page = environment().get_template("catalogue.html.j2")
    text = page.render(
        store=store.path,
        facts=facts,
        sections=sections,
        searches=searches,
        step=step,
        asked=asked_shots(store, [s.query_shot for s in searches]),
        names=views.names(titles),
        pictures=pictures(store, [*shown, *found]),
        anchors={shot: f"s{i}" for i, shot in enumerate(shown, 1)},
    )
    write_beside(path, text)


def write_model_page(path: Path, *, store: Store, report: "ModelReport") -> None:
    """Write how good a model is, a section a measure. Raises BadInput if that cannot be done."""
    page = environment().get_template("model.html.j2")
    text = page.render(
        store=store.path, report=report, measures=list(measures(report)), pictures={}
    )
    write_beside(path, text)


def asked_shots(store: Store, shots: Iterable[str | None]) -> dict[str, dict[str, Any]]:
    """The rows of the shots that were searched for."""
    return {shot: store.shot(shot) for shot in shots if shot is not None}


def pictures(store: Store, shots: Iterable[str]) -> dict[str, tuple[str, str]]:
    """For each shot with a picture, a CSS class and the data URI that it stands for.

    A shot may be shown in several places; through the class its picture is on the page once.
    """
    found = store.thumbnails(list(dict.fromkeys(shots)))
    return {
        shot: (f"p{i}", f"data:image/jpeg;base64,{b64encode(jpeg).decode()}")
        for i, (shot, jpeg) in enumerate(found.items(), 1)
    }


@cache
def environment() -> Environment:
    """The templates, with everything that they print escaped."""
    made = Environment(
        loader=PackageLoader("mediafm_store.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"timecode": timecode, "number": views.number, "tooltip": views.tooltip}
    made.globals |= {
        "timespan": timespan,
        "bars": views.bars,
        "heading": views.heading,
        "MODALITIES": MODALITIES,
    }
    return made
