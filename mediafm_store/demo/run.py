"""The whole road in one call: films in, a searchable store and a page to look at out."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mediafm_store.ad_breaks.constraints import BreakConstraints
from mediafm_store.ad_breaks.rank import rank_breaks
from mediafm_store.demo.films import FILMS, QUERIES, make_sample_catalogue
from mediafm_store.embedding.embed import embed
from mediafm_store.encoders.encoder import Encoders
from mediafm_store.encoding import DeviceChoice, load_encoders
from mediafm_store.errors import InvalidInput
from mediafm_store.indexing.build import build_index
from mediafm_store.indexing.status import searchable
from mediafm_store.ingestion.ingest import IngestResult, ingest
from mediafm_store.report.pages import write_catalogue_page
from mediafm_store.report.search_page import SearchView
from mediafm_store.retrieval.query import SearchOptions, SearchQuery
from mediafm_store.retrieval.search import search
from mediafm_store.storage.storage import Storage
from mediafm_store.tags.apply import apply_tags
from mediafm_store.tags.tag import Tag
from mediafm_store.training.train import check_preset, train

_HITS, _TEXTS, _SHOTS = 6, 6, 4
"""Hits of a search, and numbers of searches by text and by shot that the page shows."""
_OnProgress = Callable[[str, float, float], None]
"""Called with the stage, how much of it is done and how much there is."""


@dataclass(frozen=True)
class DemoResult:
    """Paths and main figures of a demo run."""

    store: Path
    report: Path
    titles: int
    shots: int
    validation: float
    """Cosine distance at masked shots of held-out titles, lower is better."""
    neighbours: float
    """Loss of the mean of the four neighbouring shots, the baseline to beat."""
    first_shot: str
    """A shot to search for."""


def run_demo(
    folder: Path,
    *,
    media: Path | None = None,
    preset: str = "tiny",
    device: DeviceChoice = "auto",
    on_progress: _OnProgress = lambda stage, done, total: None,
) -> DemoResult:
    """Run the full pipeline on sample films: ingest, train, embed, index and report.

    A second run in the same folder continues.

    Args:
        folder: Folder that gets films/, store/ and report.html.
        media: Folder of videos to use instead of sample films.
        preset: Preset of the model.
        device: Device of encoders and model.
        on_progress: Called with the stage, the number done and the total.

    Raises:
        InvalidInput: `media` has no video that can be ingested.
    """
    check_preset(preset)
    films = media or folder / "films"
    if media is None:
        _make_films(films, on_progress)
    store = Storage(folder / "store", create=True)
    encoders = load_encoders(device=device)
    _ingest_films(store, films, encoders, on_progress)
    trained = train(
        store,
        preset=preset,
        device=device,
        on_step=lambda step: on_progress("train", step.step, step.steps),
    )
    embed(store, device=device, on_title=lambda _, done, total: on_progress("embed", done, total))
    for space in searchable(store):
        on_progress(f"index: {space.name}", 0, 0)
        build_index(store, space, device=device)
    titles = list(store.titles()["id"])
    examples = [_middle_shot(store, title) for title in titles[:_SHOTS]]
    on_progress("search", 0, 0)
    texts = [q.text for q in QUERIES[:_TEXTS]] if media is None else []
    searches = _searches(store, texts, examples, encoders)
    result = DemoResult(
        store=store.local,
        report=folder / "report.html",
        titles=len(titles),
        shots=sum(store.shot_counts().values()),
        validation=trained.result.validation,
        neighbours=trained.result.baselines["mean of 4 neighbours"],
        first_shot=examples[0],
    )
    _write_page(result, store, searches)
    return result


def _make_films(folder: Path, on_progress: _OnProgress) -> None:
    """Make the sample films, unless an earlier run has made all of them."""
    if (folder / "ground_truth.json").exists():
        return
    made: list[str] = []

    def count(title: str) -> None:
        made.append(title)
        on_progress("making films", len(made), len(FILMS))

    make_sample_catalogue(folder, on_title=count)


def _ingest_films(
    store: Storage, films: Path, encoders: Encoders, on_progress: _OnProgress
) -> None:
    """Ingest a folder of films; raise InvalidInput if none of them can be ingested."""
    results = ingest(
        store,
        [films],
        encoders=encoders,
        on_progress=lambda film: on_progress(
            f"ingest: {film.media.name}", film.done_s, film.total_s
        ),
        on_title=_warn,
    )
    if all(r.state == "failed" for r in results):
        raise InvalidInput(f"no video of {films} could be ingested")


def _searches(
    store: Storage, texts: Sequence[str], shots: Sequence[str], encoders: Encoders
) -> list[SearchView]:
    """Search by texts and by shots, for the page."""
    ask = partial(search, store, options=SearchOptions(k=_HITS))
    return [
        *(SearchView(f"“{t}”", ask(SearchQuery(text=t), encoders=encoders)) for t in texts),
        *(SearchView(s, ask(SearchQuery(shot=s)), query_shot=s) for s in shots),
    ]


def _write_page(result: DemoResult, store: Storage, searches: Sequence[SearchView]) -> None:
    """Write the page with searches, proposed tags and ad breaks."""
    constraints = BreakConstraints(min_gap_s=15, margin_s=5)
    write_catalogue_page(
        result.report,
        store=store,
        searches=searches,
        tags=_proposals(store),
        breaks={
            title: rank_breaks(store, title, constraints=constraints, k=4)
            for title in store.titles()["id"]
        },
        facts=_page_facts(result, store),
    )


def _warn(result: IngestResult) -> None:
    """Pass on what was wrong with a video."""
    for line in (*result.warnings, *filter(None, [result.error])):
        logging.getLogger("mediafm_store").warning(line)


def _proposals(store: Storage) -> Sequence[Tag]:
    """Proposed tags for the titles without any; none where no title has tags to learn from."""
    known = store.titles().select("tags", "genres").rows()
    return apply_tags(store) if any(tags or genres for tags, genres in known) else []


def _middle_shot(store: Storage, title: str) -> str:
    """A shot from the middle of a title, as an example to search for."""
    ids = store.shots(title)["id"]
    return str(ids[len(ids) // 2])


def _page_facts(result: DemoResult, store: Storage) -> dict[str, str]:
    """Facts at the top of the page."""
    minutes = store.titles()["duration_s"].sum() / 60
    return {
        "Titles": str(result.titles),
        "Shots": str(result.shots),
        "Film": f"{minutes:.1f} min",
        "Masked-shot loss": f"{result.validation:.3f}",
        "Mean of neighbours": f"{result.neighbours:.3f}",
    }
