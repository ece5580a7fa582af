"""Probes, tags and ad breaks on labelled data: `python -m benchmarks.downstream`.

    python -m benchmarks.downstream --movies-train FILE --movies-test FILE --features FOLDER
        --media FOLDER

Genres. Titles without films, known by name and extract alone, go into a store; a probe is fitted
to the genres of the older ones (those that 50 films or more have) and tags the newer ones. Beside
it: tf-idf and logistic regression, its settings chosen by cross-validation; votes of the five
nearest titles; chance. 95 % intervals are over films.

Scene ends. Films as `benchmarks.model` takes them, each left out once: a model is trained on the
others, without labels, and a probe is fitted to their cuts; both are measured on the one left out.
A cut is what lies on both sides of it, in context. Intervals are over films (Student).

Spliced programmes: see `benchmarks.spliced`.

Throughput. 10,000 titles with vectors are tagged by a probe of 20 tags.
"""

import argparse
import gzip
import json
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from jaxtyping import Float32
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import KFold

from benchmarks.common import ROOT, media_folder, print_table, student, write_results
from benchmarks.model import PRESET, Film, load
from benchmarks.spliced import spliced
from mediafm_store.arrays import FUSED, Vectors, unit_rows
from mediafm_store.encoding import load_encoders
from mediafm_store.features.streams import encode_text
from mediafm_store.labels.labels import import_labels
from mediafm_store.linear.measures import _micro_ap as micro_ap
from mediafm_store.linear.measures import macro_ap, macro_ap_interval, micro_ap_interval
from mediafm_store.linear.ridge import fit
from mediafm_store.metrics.intervals import Interval
from mediafm_store.model.scene_metrics import _WIDTHS as WIDTHS
from mediafm_store.model.scene_metrics import LabelledFilm
from mediafm_store.model.scene_metrics import _boundary_ap as boundary_ap
from mediafm_store.model.scene_metrics import _cut_changes as cut_changes
from mediafm_store.model.scene_metrics import _mean as mean
from mediafm_store.model.scene_metrics import _scene_ap as scene_ap
from mediafm_store.model.transformer import PRESETS
from mediafm_store.model.windows import embed_titles
from mediafm_store.probing.fit import fit_probe
from mediafm_store.probing.options import ProbeOptions
from mediafm_store.probing.predict import apply_probe
from mediafm_store.storage.rows import vector_rows
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.schema import TITLES
from mediafm_store.tables.spaces import SpaceName
from mediafm_store.tags.apply import apply_tags
from mediafm_store.training.run import TrainConfig
from mediafm_store.training.trainer import train_model

COMMON = 50
"""Films that a genre needs to count."""
NEAREST = 5
SETTINGS = [(grams, c) for grams in (1, 2) for c in (1.0, 10.0, 100.0)]
"""Words or pairs of words, and how little regression is held back: what is tried for tf-idf."""
SPACES: tuple[SpaceName, ...] = ("title", "context")
MANY, SHOTS, TAGS, LABELLED = 10_000, 8, 20, 1_000


def main() -> None:
    """Measure all and write benchmarks/results/downstream.json."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    data = ROOT.parent / "shared" / "data"
    parser.add_argument("--movies-train", type=Path, default=data / "movies/movies-1980s.json.gz")
    parser.add_argument("--movies-test", type=Path, default=data / "movies/movies-1990s.json.gz")
    parser.add_argument("--features", type=Path, default=data / "ovsd", help="folder of .npz")
    parser.add_argument("--use", nargs="+", default=["VGG19", "HSV"], help="names of vectors")
    parser.add_argument("--media", type=Path, help="folder of films")
    given = parser.parse_args()
    media = given.media or media_folder()
    found_genres = genres(films_of(given.movies_train), films_of(given.movies_test))
    ends = scene_ends(load(given.features, given.use))
    speed = throughput()
    joined = spliced(media)
    write_results(
        "downstream",
        {
            "genres": found_genres,
            "boundary_ap": ends["probe"],
            "boundary": ends,
            "tag_titles_per_s": speed["titles_per_s"],
            "tagging": speed,
            "spliced_ap": joined["spliced_ap"],
            "spliced": joined,
        },
    )


def films_of(path: Path) -> list[dict[str, Any]]:
    """Films with `title`, `extract` and `genres`."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        return list(json.load(file))


# Genres


def genres(older: list[dict[str, Any]], newer: list[dict[str, Any]]) -> dict[str, Any]:
    """Micro and macro average precision on the newer films."""
    counts = Counter(genre for film in older for genre in set(film["genres"]))
    names = sorted(genre for genre, count in counts.items() if count >= COMMON)
    train_truth, truth = (truth_of(films, names) for films in (older, newer))
    with tempfile.TemporaryDirectory() as scratch:
        store, vectors = catalogue(Path(scratch) / "store", older, newer)
        rows = [label_row(f"old{n:05d}", film, names) for n, film in enumerate(older)]
        file = Path(scratch) / "genre.jsonl"
        file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
        import_labels(store, file)
        ways, times = {}, {}
        for way, words in {"vectors": False, "vectors and words": True}.items():
            began = time.perf_counter()
            probe = fit_probe(store, "genre", ProbeOptions(pool="metadata", words=words))
            times[f"fit, {way}"] = time.perf_counter() - began
            began = time.perf_counter()
            said = apply_probe(store, "genre", [f"new{n:05d}" for n in range(len(newer))])
            times[f"apply, {way}"] = time.perf_counter() - began
            assert list(probe.labels) == names
            ways[way] = np.array([p.score for p in said]).reshape(len(newer), len(names))
    began = time.perf_counter()
    ways["tf-idf and logistic regression"] = tfidf(older, newer, train_truth)
    times["tf-idf and logistic regression"] = time.perf_counter() - began
    ways["nearest titles"] = nearest(vectors[: len(older)], vectors[len(older) :], train_truth)
    ways["chance"] = np.repeat(train_truth.mean(axis=0, keepdims=True), len(newer), axis=0)
    each = np.arange(len(newer))
    table = []
    for way, scores in ways.items():
        micro, macro = (m(truth, scores, each) for m in (micro_ap_interval, macro_ap_interval))
        table.append({"way": way, "micro AP": told(micro), "macro AP": told(macro)})
    print_table(table)
    print(times)
    ours, plain = ways["vectors and words"], ways["tf-idf and logistic regression"]
    return {
        "genres": names,
        "micro_ap": micro_ap(truth, ours, each),
        "macro_ap": macro_ap(truth, ours, each),
        "tfidf_micro_ap": micro_ap(truth, plain, each),
        "tfidf_macro_ap": macro_ap(truth, plain, each),
        "chance": float(truth.mean()),
        "table": table,
        "seconds": times,
    }


def label_row(title: str, film: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """The common genres of a film, perhaps none."""
    return {"title": title, "labels": [genre for genre in film["genres"] if genre in names]}


def told(found: Interval) -> str:
    """A figure with its interval."""
    return f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})"


def truth_of(films: Sequence[dict[str, Any]], names: Sequence[str]) -> np.ndarray:
    """1 where a film has a genre."""
    return np.array([[float(g in film["genres"]) for g in names] for film in films])


def catalogue(
    path: Path, older: list[dict[str, Any]], newer: list[dict[str, Any]]
) -> tuple[Storage, Vectors]:
    """A store of titles that have no shots, with vectors of what is told of them."""
    store = Storage(path, create=True)
    encoder = load_encoders(device="cpu")["text"]
    films = [
        *(("old", n, f) for n, f in enumerate(older)),
        *(("new", n, f) for n, f in enumerate(newer)),
    ]
    ids = [f"{age}{n:05d}" for age, n, _ in films]
    vectors = np.concatenate(
        [encode_text(encoder, f"{film['title']}. {film['extract']}") for *_, film in films]
    )
    space = store.registry.only_version(
        "metadata", encoder.fingerprint, dim=vectors.shape[1], made_by="a benchmark", fused="none"
    )
    rows = [
        title_row(title_id, film["title"], film["extract"])
        for title_id, (*_, film) in zip(ids, films, strict=True)
    ]
    write(store, rows, {space: (ids, ids, vectors)})
    return store, vectors


def title_row(title_id: str, name: str, synopsis: str, shots: int = 0) -> dict[str, Any]:
    """A title as the table has it."""
    return {
        "id": title_id,
        "revision": title_id,
        "name": name,
        "synopsis": synopsis,
        "series": "",
        "tags": [],
        "genres": [],
        "media": title_id,
        "duration_s": float(shots),
        "shots": shots,
        "warnings": [],
        "subtitle_warnings": [],
        "ingested_at": datetime.now(UTC),
    }


def write(store: Storage, rows: list[dict[str, Any]], vectors: dict[Any, Any]) -> None:
    """Many titles at once: ids, titles and vectors of each space, then the titles themselves."""
    for space, (ids, titles, values) in vectors.items():
        table = vector_rows(space, {"title": "", "revision": ""}, ids, values)
        of = pa.array(titles, pa.string())
        for column in ("title", "revision"):
            place = table.schema.get_field_index(column)
            table = table.set_column(place, table.schema.field(place), of)
        store.tables.add(space.table, table)
    store.tables.add("titles", pa.Table.from_pylist(rows, schema=TITLES))


def tfidf(
    older: list[dict[str, Any]], newer: list[dict[str, Any]], truth: np.ndarray
) -> np.ndarray:
    """What somebody without this project would do; settings are those best in three folds."""
    texts, new = ([f"{f['title']}. {f['extract']}" for f in films] for films in (older, newer))

    def reached(setting: tuple[int, float]) -> float:
        found = []
        for train_on, test_on in KFold(3, shuffle=True, random_state=0).split(texts):
            models = fitted(setting, [texts[i] for i in train_on], truth[train_on])
            scores = predicted(models, [texts[i] for i in test_on])
            found.append(average_precision_score(truth[test_on], scores, average="macro"))
        return float(np.mean(found))

    best = max(SETTINGS, key=reached)
    print(f"tf-idf: words up to {best[0]} in a row, C = {best[1]:g}")
    return predicted(fitted(best, texts, truth), new)


def fitted(setting: tuple[int, float], texts: Sequence[str], truth: np.ndarray) -> Any:
    """tf-idf, and a logistic regression a genre."""
    grams, c = setting
    words = TfidfVectorizer(sublinear_tf=True, min_df=2, ngram_range=(1, grams))
    matrix = words.fit_transform(texts)
    return words, [LogisticRegression(C=c, max_iter=1000).fit(matrix, own) for own in truth.T]


def predicted(models: Any, texts: Sequence[str]) -> np.ndarray:
    """Probabilities."""
    words, each = models
    matrix = words.transform(texts)
    return np.stack([model.predict_proba(matrix)[:, 1] for model in each], axis=1)


def nearest(older: Vectors, newer: Vectors, truth: np.ndarray) -> np.ndarray:
    """Votes of the nearest titles, weighted by cosine."""
    alike = newer @ older.T
    best = np.argsort(-alike, axis=1)[:, :NEAREST]
    weights = np.maximum(0, np.take_along_axis(alike, best, axis=1))
    return np.einsum("nk,nkg->ng", weights, truth[best]) / (1 + weights.sum(axis=1, keepdims=True))


# Scene ends


def scene_ends(films: list[Film]) -> dict[str, Any]:
    """Average precision of the cuts that end a scene, in each film by what saw the others only."""
    found: dict[str, list[float]] = defaultdict(list)
    for film in films:
        known = [other for other in films if other is not film]
        model = train_model([f.shots for f in known], PRESETS[PRESET], TrainConfig()).model
        made = embed_titles(model, [f.shots for f in films])
        context = {f.name: m.shots for f, m in zip(films, made, strict=True)}
        alone = {f.name: f.shots.fused for f in films}
        for way, vectors in {"probe": context, "probe on shots alone": alone}.items():
            found[way].append(boundary_probe(known, film, vectors))
        of_others = [LabelledFilm(alone[f.name], f.scenes) for f in known]
        width = max(WIDTHS, key=lambda width: boundary_ap(of_others, width))
        own = [LabelledFilm(alone[film.name], film.scenes)]
        found["window, its width chosen on the others"].append(boundary_ap(own, width))
        plain = scene_ap(own, [LabelledFilm(context[film.name], film.scenes)])
        found["window, its width chosen on the film itself"].append(plain["window"])
        found["change from shot to shot, in context"].append(plain["context"])
        found["change from shot to shot, isolated"].append(plain["isolated"])
        found["chance"].append(float(ends_of(film)[0].mean()))
    table = []
    for way, values in found.items():
        measured = student([value for value in values if not np.isnan(value)])
        table.append({"way": way, "average precision": told(measured)})
    print_table(table)
    return {
        "probe": mean(found["probe"]),
        "films": [film.name for film in films],
        "each": found,
        "table": table,
    }


def boundary_probe(known: Sequence[Film], film: Film, vectors: dict[str, Vectors]) -> float:
    """Average precision in a film of a probe that was fitted to the known ones."""
    parts = [(cuts_of(vectors[f.name]), *ends_of(f)) for f in known]
    cuts = np.concatenate([rows[told] for rows, _, told in parts])
    ends = np.concatenate([ends for _, ends, _ in parts]).astype(np.float64)
    films = np.repeat(np.arange(len(parts)), [len(ends) for _, ends, _ in parts])
    probe = fit("tags", {"cuts": cuts}, ends[:, None], films)
    wanted, labelled = ends_of(film)
    said = probe.decide({"cuts": cuts_of(vectors[film.name])[labelled]})[:, 0]
    return float(average_precision_score(wanted, said)) if wanted.any() else float("nan")


def cuts_of(vectors: Vectors) -> Float32[np.ndarray, "cuts signs"]:
    """What lies on both sides of each cut, for windows of several widths: how much changes, and how
    much more than at the cuts around; in units of the film's own spread."""
    signs = []
    for width in WIDTHS:
        change = cut_changes(vectors, width)
        around = np.convolve(change, np.ones(5) / 5, mode="same")
        signs += [change, change - around]
    table = np.stack(signs, axis=1)
    spread = table.std(axis=0)
    return ((table - table.mean(axis=0)) / np.where(spread > 0, spread, 1)).astype(np.float32)


def ends_of(film: Film) -> tuple[np.ndarray, np.ndarray]:
    """Which labelled cuts end a scene, and which cuts are labelled."""
    told = (film.scenes[:-1] >= 0) & (film.scenes[1:] >= 0)
    return (film.scenes[:-1] != film.scenes[1:])[told], told


# Throughput


def throughput() -> dict[str, Any]:
    """Seconds to tag 10,000 titles of which nobody labelled nine tenths."""
    rng = np.random.default_rng(0)
    directions = unit_rows(rng.normal(size=(TAGS, FUSED)).astype(np.float32))
    truth = rng.random((MANY, TAGS)) < 0.15
    with tempfile.TemporaryDirectory() as scratch:
        store = Storage(Path(scratch) / "store", create=True)
        ids = [f"title{n:05d}" for n in range(MANY)]
        title, context = (
            store.registry.only_version(name, "-", dim=FUSED, made_by="a benchmark", fused="none")
            for name in SPACES
        )
        means = truth @ directions + rng.normal(size=(MANY, FUSED)).astype(np.float32) / 30
        shots = np.repeat(means, SHOTS, axis=0)
        shots += rng.normal(size=shots.shape).astype(np.float32) / 20
        names = [f"{title_id}/{n:05d}" for title_id in ids for n in range(SHOTS)]
        of = [title_id for title_id in ids for _ in range(SHOTS)]
        rows = [title_row(title_id, title_id, "", SHOTS) for title_id in ids]
        write(
            store,
            rows,
            {
                title: (ids, ids, unit_rows(means.astype(np.float32))),
                context: (names, of, unit_rows(shots.astype(np.float32))),
            },
        )
        file = Path(scratch) / "tags.parquet"
        pl.DataFrame(
            [
                {"title": ids[n], "label": f"tag {t}", "value": float(truth[n, t])}
                for n in range(LABELLED)
                for t in range(TAGS)
            ]
        ).write_parquet(file)
        times = {}
        began = time.perf_counter()
        import_labels(store, file)
        times["import labels"] = time.perf_counter() - began
        began = time.perf_counter()
        fit_probe(store, "tags")
        times["fit, and measure beside others"] = time.perf_counter() - began
        began = time.perf_counter()
        done = apply_tags(store)
        times["apply"] = time.perf_counter() - began
        right = {(t.title, t.tag) for t in done if t.applies}
    wanted = {(ids[n], f"tag {t}") for n, t in np.argwhere(truth) if n >= LABELLED}
    found = {
        "titles": MANY - LABELLED,
        "titles_per_s": (MANY - LABELLED) / times["apply"],
        "f1": 2 * len(right & wanted) / (len(right) + len(wanted)),
        "seconds": times,
    }
    print(found)
    return found


if __name__ == "__main__":
    main()
