"""Write the pages. What users gave (names, words, tags) reaches them through Jinja's escaping."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mediafm_store.ad_breaks.ad_break import AdBreak
from mediafm_store.charts.measures import measures
from mediafm_store.charts.sprites import Sprites
from mediafm_store.files import write_text
from mediafm_store.report import views
from mediafm_store.report.links import Links, file_links
from mediafm_store.report.map_page import atlas_page
from mediafm_store.report.rendering import render
from mediafm_store.report.search_page import (
    SearchView,
    Unit,
    asked_shots,
    picture_uris,
    search_page,
)
from mediafm_store.report.title_page import title_page
from mediafm_store.retrieval.hit import Hit
from mediafm_store.storage.storage import Storage
from mediafm_store.tags.tag import Tag

if TYPE_CHECKING:  # it brings torch
    from mediafm_store.evaluation.model import ModelReport

_MOST_PICTURES = 1000
"""Of a catalogue with more shots only every second, third ... is shown: about 10 MB a page."""


class _TitleSection(NamedTuple):
    """Data of a title on the catalogue page."""

    anchor: str
    row: Mapping[str, Any]
    proposed: list[Tag]
    breaks: Sequence[AdBreak] | None
    """Best first; None if breaks were not computed."""
    timeline: views.Timeline


def write_search_page(
    path: str | Path,
    *,
    store: Storage,
    query: str,
    hits: Sequence[Hit],
    query_shot: str | None = None,
    unit: Unit = "shot",
) -> None:
    """Write one search as a contact sheet, best hit first.

    `unit` is the kind of answers. Raises NotFound if the store has no `query_shot`, InvalidInput if
    `path` cannot be written.
    """
    titles = store.titles().to_dicts()
    text = search_page(
        store,
        SearchView(query, hits, query_shot),
        unit=unit,
        links=file_links(store, titles),
        names=views.title_names(titles),
    )
    write_text(path, text)


def write_title_page(path: str | Path, *, store: Storage, title: str) -> None:
    """Write what there is to see of a title: timeline, scenes, similarities, words, ad breaks.

    Raises NotFound for an unknown title, InvalidInput if `path` cannot be written.
    """
    titles = store.titles().to_dicts()
    links, names = file_links(store, titles), views.title_names(titles)
    write_text(path, title_page(store, title, links=links, names=names))


def write_atlas_page(path: str | Path, *, store: Storage) -> None:
    """Write all shots in a plane, those that are alike close together.

    Raises InvalidInput if `path` cannot be written.
    """
    titles = store.titles().to_dicts()
    links, names = file_links(store, titles), views.title_names(titles)
    write_text(path, atlas_page(store, titles, links=links, names=names))


def write_catalogue_page(
    path: str | Path,
    *,
    store: Storage,
    searches: Sequence[SearchView],
    tags: Sequence[Tag],
    breaks: Mapping[str, Sequence[AdBreak]],
    facts: Mapping[str, str],
) -> None:
    """Write what a store holds: facts, each title with its shots, and example searches.

    `facts` stand at the top, by name. Raises NotFound if the store lacks a query's shot,
    InvalidInput if `path` cannot be written.
    """
    titles = store.titles().to_dicts()
    shots = store.shots()
    step = max(1, -(-len(shots) // _MOST_PICTURES))
    by_title = {rows["title"][0]: rows.to_dicts() for rows in shots.partition_by("title")}
    sections = [
        _TitleSection(
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
    text = render(
        "catalogue.html.j2",
        store=store.path,
        links=file_links(store, titles),
        small=Sprites(),
        beside={},
        unit="shot",
        facts=facts,
        sections=sections,
        searches=searches,
        step=step,
        asked=asked_shots(store, [s.query_shot for s in searches]),
        names=views.title_names(titles),
        pictures=picture_uris(store, [*shown, *found]),
        anchors={shot: f"s{i}" for i, shot in enumerate(shown, 1)},
    )
    write_text(path, text)


def write_model_page(path: str | Path, *, store: Storage, report: "ModelReport") -> None:
    """Write how good a model is, a section a measure.

    Raises InvalidInput if that cannot be done.
    """
    text = render(
        "model.html.j2",
        store=store.path,
        report=report,
        measures=list(measures(report)),
        pictures={},
        small=Sprites(),
        links=Links(),
    )
    write_text(path, text)
