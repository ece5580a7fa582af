"""Searches that people judged: `python -m benchmarks.retrieval`.

    python -m benchmarks.retrieval --media FOLDER                  # with labels.json in it
    python -m benchmarks.retrieval --media FOLDER --store STORE    # judge what is there

The films are ingested, a model is trained on them (preset small; it sees no labels), they are
embedded and indexed. Then the store is asked the queries of the label file, by a shot and by words,
as `mediafm evaluate search --labels` does it, in several settings; the answers are judged by what
people labelled as relevant. What is measured is told by `JudgedReport`; shots of one scene are
those of one scene of `ground_truth.json`, where a film has one, else all of a film.

What each step of the ranking brings is measured by leaving later ones out.

Every third query is kept out of tuning. `chance` are random orders of the same shots, `best` is
their best order, which does not reach 1 where cuts differ from the labelled ones.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple
from unittest.mock import patch

import numpy as np

from benchmarks.common import media_folder, print_table, scenes_of, write_results
from benchmarks.search import PICTURE, PRESET, films_store
from mediafm_store.encoders.encoder import Encoders
from mediafm_store.encoding import load_encoders
from mediafm_store.indexing.build import build_indexes
from mediafm_store.indexing.status import searchable
from mediafm_store.judgements.judged import SearchParams, judge
from mediafm_store.judgements.judgements import Judgements, LabelledShot
from mediafm_store.judgements.labels import read_judgements
from mediafm_store.judgements.outcomes import JudgedReport, Part, Sort, Table
from mediafm_store.metrics.intervals import Interval
from mediafm_store.storage.storage import Storage

SETTINGS: SearchParams = {
    "similar": {
        "default": {},
        "fused": {"space": "fused"},
        "picture": {"space": "fused", "weights": PICTURE},
        "context": {"space": "context"},
    },
    "text": {"default": {}, "picture": {"weights": PICTURE}},
}


class Step(NamedTuple):
    """A ranking without what later steps add to it."""

    name: str
    options: dict[str, Any]
    """Of `search`."""
    changes: Mapping[str, Any] = MappingProxyType({})
    """Names in the package, and what stands in their place."""


BY_NAMES = {"mediafm_store.retrieval.search.caption_map_of": lambda store, encoders: None}
ALONE = {"mediafm_store.text_search.text_matching._FEEDBACK": 0}
PLAIN = {"mediafm_store.text_search.text_matching.asked_look": lambda store, text, encoder: None}
SEEN_ALONE = {"audio": 0.0, "text": 0.0, "context": 0.0}
SILENT = {"audio": 0.0, "text": 0.0}
STEPS: dict[Literal["similar", "text"], tuple[Step, ...]] = {
    "similar": (
        Step("plain cosines of fused vectors", {"space": "fused"}),
        Step("plain cosines of pictures", {"space": "fused", "weights": PICTURE}),
        Step("pictures on the scale of the store", {"weights": SEEN_ALONE}),
        Step("and sound", {"weights": {"text": 0.0, "context": 0.0}}),
        Step("and words", {"weights": {"context": 0.0}}),
        Step("and context", {}),
    ),
    "text": (
        Step("class names", {"weights": SEEN_ALONE}, BY_NAMES | ALONE | PLAIN),
        Step("map of captions", {"weights": SEEN_ALONE}, ALONE | PLAIN),
        Step("and the shots around", {"weights": SILENT}, ALONE | PLAIN),
        Step("and the first answers as examples", {"weights": SILENT}, PLAIN),
        Step("and looks that were measured", {"weights": SILENT}),
        Step("and what is heard and said, as the text asks", {}),
    ),
}
SORTS: tuple[Sort, ...] = ("similar", "text", "nothing")
PARTS: tuple[Part, ...] = ("all", "tuned", "kept")


def main() -> None:
    """Judge searches in all settings and write benchmarks/results/retrieval.json."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--media", type=Path, help="Folder of labelled films.")
    parser.add_argument("--labels", type=Path, help="Label file; default: labels.json among them.")
    parser.add_argument("--store", type=Path, help="Judge this store, and make none.")
    given = parser.parse_args()
    media = given.media or media_folder()
    labels = with_scenes(read_judgements(given.labels or media / "labels.json"), media)
    encoders = load_encoders(device="cpu")
    with filled_store(given.store, media, encoders) as store:
        report = judge(store, labels, settings=SETTINGS, encoders=encoders, device="cpu")
        brought = list(steps(store, labels, encoders))
    print_table(brought)
    for sort in SORTS:
        if found := list(rows(report, sort)):
            print_table(found)
    write_results(
        "retrieval",
        {
            "preset": PRESET if given.store is None else None,
            "titles": report.titles,
            "shots": report.shots,
            "skipped": report.skipped,
            **{sort: of_parts(report, sort) for sort in SORTS},
            "text_by_kind": {
                kind: told(report.table("text", kind=kind), report.queries("text", kind=kind))
                for kind in report.kinds
            },
            "steps": brought,
        },
    )


@contextmanager
def filled_store(made: Path | None, media: Path, encoders: Encoders) -> Iterator[Storage]:
    """The store that is there, or one of all films of a folder."""
    if made is not None:
        yield Storage(made)
        return
    with tempfile.TemporaryDirectory() as scratch:
        store = films_store(Path(scratch) / "films", media, encoders)
        build_indexes(store, searchable(store), device="cpu")
        yield store


def steps(store: Storage, labels: Judgements, encoders: Encoders) -> Iterator[dict[str, Any]]:
    """A line a step, on the tuned and on the kept part of the queries."""
    for sort, some in STEPS.items():
        for step in some:
            settings = {sort: {step.name: step.options}}
            with ExitStack() as stack:
                for name, instead in step.changes.items():
                    stack.enter_context(patch(name, instead))
                report = judge(store, labels, settings=settings, encoders=encoders, device="cpu")
            row: dict[str, Any] = {"queries": sort, "step": step.name}
            for part in ("tuned", "kept"):
                figures = report.table(sort, part=part)[step.name]
                row |= {f"{part} {m}": figures[m].value for m in ("p5", "ndcg10", "ap")}
            yield row


def with_scenes(labels: Judgements, media: Path) -> Judgements:
    """With the scenes of ground truth; all of a film that has none is one."""
    films = {film: in_scenes(shots, media / film) for film, shots in labels.films.items()}
    return replace(labels, films=films)


def in_scenes(shots: Sequence[LabelledShot], folder: Path) -> list[LabelledShot]:
    """The shots of a film, each with its scene."""
    file = folder / "ground_truth.json"
    if not file.is_file():
        return [replace(shot, scene=0) for shot in shots]
    truth = json.loads(file.read_text(encoding="utf-8"))
    middle = np.array([(shot.start_s + shot.end_s) / 2 for shot in shots]) * truth["fps"]
    scenes = scenes_of(middle.astype(np.float32), truth["scenes"])
    return [replace(shot, scene=scene) for shot, scene in zip(shots, scenes, strict=True)]


def rows(report: JudgedReport, sort: Sort) -> Iterator[dict[str, Any]]:
    """A line a setting and part of the queries; of words also a kind."""
    some: dict[str, dict[str, Any]] = {part: {"part": part} for part in PARTS}
    if sort == "text":
        some |= {kind: {"kind": kind} for kind in report.kinds}
    for name, which in some.items():
        table = report.table(sort, **which)
        columns = dict.fromkeys(measure for of in table.values() for measure in of)
        for of, measures in table.items():
            cells = {c: interval(measures[c]) if c in measures else "" for c in columns}
            yield {sort: name, "queries": report.queries(sort, **which), "setting": of, **cells}


def interval(figure: Interval) -> str:
    """A figure with its interval."""
    return f"{figure.value:.3f} ({figure.low:.3f}-{figure.high:.3f})"


def of_parts(report: JudgedReport, sort: Sort) -> dict[str, Any]:
    """Part of the queries -> figures."""
    return {
        part: told(report.table(sort, part=part), report.queries(sort, part=part)) for part in PARTS
    }


def told(table: Table, queries: int) -> dict[str, Any]:
    """Setting -> measure -> figure with its interval, as JSON can hold it."""
    return {"queries": queries} | {
        of: {measure: figure._asdict() for measure, figure in measures.items()}
        for of, measures in table.items()
    }


if __name__ == "__main__":
    main()
