"""What texts could find at best with the encoders at hand: `python -m benchmarks.ceiling`.

    python -m benchmarks.ceiling --media FOLDER --store STORE   # a store of the labelled films

The labelled shots are ranked for each text query by what no user has, or not alone:
  people           the words in which people described each shot, by the text encoder: what is lost
                   although every picture is described rightly
  map, other shots  a linear map from pictures to these words, fitted to all shots but the one that
                   is ranked: most of them are of the same film
  map, other films  the same, fitted to the shots of the other films
  shipped map      the map of captions that comes along, without what else a search does
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32

from benchmarks.common import media_folder, print_table, write_results
from mediafm_store.arrays import Vectors, block, unit_rows
from mediafm_store.encoding import load_encoders
from mediafm_store.judgements.judgements import Judgements, ShotPosition
from mediafm_store.judgements.labels import read_judgements
from mediafm_store.metrics.intervals import mean_interval
from mediafm_store.metrics.retrieval import average_precision, ndcg_at, precision_at
from mediafm_store.picture_text.caption_map import CaptionMap
from mediafm_store.storage.storage import Storage

FIELDS = ("subjects", "kinds", "place", "time", "size", "actions", "objects", "look", "note")
RIDGES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
"""As shares of the sum of variances; the one that describes left-out shots best counts."""


def main() -> None:
    """Measure all of it and write benchmarks/results/ceiling.json."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--media", type=Path, help="Folder of labelled films.")
    parser.add_argument("--store", type=Path, required=True, help="A store of these films.")
    given = parser.parse_args()
    file = (given.media or media_folder()) / "labels.json"
    labels, store = read_judgements(file), Storage(given.store)
    text, shipped = load_encoders(device="cpu")["text"], CaptionMap.shipped()
    pictures = pictures_of(store, labels)
    places = list(pictures)
    seen = np.stack([*pictures.values()])
    described = described_in(file)
    words = unit_rows(text.encode_query([described[place] for place in places]))
    films = np.array([place.film for place in places])
    asked = [query for query in labels.text if query.relevant]
    queries = text.encode_query([query.text for query in asked])
    spaces = {
        "people": (words, unit_rows(queries)),
        "map, other shots": (
            best_map(seen, words, np.eye(len(seen), dtype=bool)),
            unit_rows(queries),
        ),
        "map, other films": (best_map(seen, words, films[:, None] == films), unit_rows(queries)),
        "shipped map": (shipped.pictures(seen), shipped.texts(queries)),
    }
    rows = []
    for name, (shots, texts) in spaces.items():
        scores = unit_rows(texts) @ unit_rows(shots - shots.mean(axis=0)).T
        rows.append({"ranked by": name} | figures(scores, places, [q.relevant for q in asked]))
    print_table(rows)
    write_results("ceiling", {"queries": len(asked), "shots": len(places), "ranked_by": rows})


def pictures_of(
    store: Storage, labels: Judgements
) -> dict[ShotPosition, Float32[np.ndarray, " 768"]]:
    """The picture of each labelled shot: the mean of the stored shots whose middle lies in it."""
    found: dict[ShotPosition, list[np.ndarray]] = {}
    for film in labels.films:
        vectors = store.vectors(store.live("fused"), film).vectors
        for row, vector in zip(store.shots(film).to_dicts(), vectors, strict=True):
            place = labels.place(film, (row["start_s"] + row["end_s"]) / 2, shot=row["id"])
            shot = labels.labelled(place)
            if shot is not None and not shot.tiny:
                found.setdefault(place, []).append(vector[block("visual")])
    means = {place: np.mean(some, axis=0) for place, some in found.items()}
    return {place: mean / np.linalg.norm(mean) for place, mean in means.items()}


def described_in(file: Path) -> dict[ShotPosition, str]:
    """The words with which people described each shot."""
    films = json.loads(file.read_text(encoding="utf-8"))["films"]
    return {
        ShotPosition(film, at): ", ".join(said(shot[field]) for field in FIELDS if shot[field])
        for film, about in films.items()
        for at, shot in enumerate(about["shots"])
    }


def said(value: Any) -> str:
    """One field as words."""
    words = value if isinstance(value, list) else [value]
    return ", ".join(str(word).replace("_", " ") for word in words)


def best_map(seen: Vectors, words: Vectors, apart: Bool[np.ndarray, "shots shots"]) -> Vectors:
    """What a ridge regression says of each picture that was not fitted to those `apart` from it."""
    told = [predicted(seen, words, apart, ridge) for ridge in RIDGES]
    return max(told, key=lambda made: float(np.sum(unit_rows(made) * words)))


def predicted(
    seen: Vectors, words: Vectors, apart: Bool[np.ndarray, "shots shots"], ridge: float
) -> Vectors:
    """The same with one ridge."""
    made = np.zeros_like(words)
    for without in np.unique(apart, axis=0):
        x, y = seen[~without], words[~without]
        mean, usual = x.mean(axis=0), y.mean(axis=0)
        kernel = (x - mean) @ (x - mean).T
        kernel[np.diag_indices_from(kernel)] += ridge * np.trace(kernel)
        weights = np.linalg.solve(kernel, y - usual)
        asked = (apart == without).all(axis=1)
        made[asked] = (seen[asked] - mean) @ (x - mean).T @ weights + usual
    return made


def figures(
    scores: Float32[np.ndarray, "queries shots"],
    places: list[ShotPosition],
    relevant: list[Mapping[ShotPosition, int]],
) -> dict[str, str]:
    """How good the rankings are, with intervals over queries."""
    ranked = [[places[i] for i in np.argsort(-row, kind="stable")] for row in scores]
    pairs = list(zip(ranked, relevant, strict=True))
    measured = {
        "p5": [precision_at(5, *pair) for pair in pairs],
        "ndcg10": [ndcg_at(10, *pair) for pair in pairs],
        "ap": [average_precision(*pair) for pair in pairs],
    }
    found = {name: mean_interval(values) for name, values in measured.items()}
    return {n: f"{i.value:.3f} ({i.low:.3f} to {i.high:.3f})" for n, i in found.items()}


if __name__ == "__main__":
    main()
