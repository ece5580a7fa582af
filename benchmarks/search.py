"""Search on films with labelled scenes, and by text: `python -m benchmarks.search`.

Scenes. The films are ingested, a model is trained on them (preset small; it sees no labels) and
they are embedded. For every shot of a labelled scene, the other shots of its film are ranked by
similarity:
  auc      how often a shot of the same scene ranks above one of another scene (chance .5)
  top 5    share of the five best that are of the same scene, beside the share by chance
  strat    auc over pairs of equal distance in shots, 1 to 30: closeness in time is taken out

Text. The sample catalogue of `mediafm demo` is ingested; each text query is right if a shot over
the photograph that it describes is among the five best. Twice: with all modalities, and with the
picture alone, since some subtitles name what is seen.
"""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32
from sklearn.metrics import roc_auc_score

from benchmarks.common import labelled_films, media_folder, print_table, write_results
from mediafm_store import Store, build_index, embed, ingest, load_encoders, search, train
from mediafm_store.arrays import Modality
from mediafm_store.features.extract import Encoders
from mediafm_store.model.quality import Labelled, smoothed, stratified_auc
from mediafm_store.tasks.sample import make_sample_catalogue

PRESET, K, WIDTH = "small", 5, 2


def main() -> None:
    """Measure both and write benchmarks/results/search.json."""
    encoders = load_encoders(device="cpu")
    with tempfile.TemporaryDirectory() as folder:
        scenes = list(scene_rows(Path(folder) / "films", encoders))
        print_table(scenes)
        texts = list(text_rows(Path(folder) / "sample", encoders))
        print_table([{k: v for k, v in row.items() if k != "missed"} for row in texts])
    write_results("search", {"preset": PRESET, "scenes": scenes, "text": texts})


def scene_rows(folder: Path, encoders: Encoders) -> Iterator[dict[str, Any]]:
    """One row a film and kind of vectors."""
    media = media_folder()
    films = labelled_films(media)
    store = Store(folder, create=True)
    videos = [p for p in sorted(media.glob("*/*")) if p.suffix in {".mp4", ".webm"}]
    ingest(store, [p for p in videos if p.parent.name != "clips"], encoders=encoders)
    trained = train(store, preset=PRESET, device="cpu")
    print(f"validation {trained.result.validation:.3f}, baselines {trained.result.baselines}")
    embed(store, device="cpu")
    for film, (video, truth) in films.items():
        shots = store.shots(video.stem)
        middle = (shots["start_s"] + shots["end_s"]) / 2 * truth["fps"]
        scene = scenes_of(middle.to_numpy(), truth["scenes"])
        fused, context = (
            store.vectors(store.live(s), video.stem).vectors for s in ("fused", "context")
        )
        compared = {"fused": fused, "moving average": smoothed(fused, WIDTH), "context": context}
        for name, vectors in compared.items():
            yield {"film": film, "vectors": name, "shots": len(scene)} | same_scene(vectors, scene)


def scenes_of(
    frames: Float32[np.ndarray, " shots"], scenes: list[dict[str, Any]]
) -> list[int | None]:
    """The number of the labelled scene that each frame lies in."""
    return [
        next((s["id"] for s in scenes if s["start"] <= frame <= s["end"]), None) for frame in frames
    ]


def same_scene(
    vectors: Float32[np.ndarray, "shots dim"], scene: list[int | None]
) -> dict[str, float]:
    """How well similarity tells shots of one scene from the others."""
    numbers = np.array([-1 if s is None else s for s in scene])
    labelled = [i for i, s in enumerate(scene) if s is not None]
    where = np.array(labelled)
    label = np.array([scene[i] for i in labelled])
    similar = (vectors @ vectors.T)[np.ix_(where, where)]
    same = label[:, None] == label[None, :]
    aucs, tops, chances = [], [], []
    for i in range(len(where)):
        others = np.arange(len(where)) != i
        truth, scores = same[i, others], similar[i, others]
        if truth.any() and not truth.all():
            aucs.append(roc_auc_score(truth, scores))
            tops.append(truth[np.argsort(-scores)[:K]].mean())
            chances.append(truth.mean())
    return {
        "auc": float(np.mean(aucs)),
        "top 5": float(np.mean(tops)),
        "by chance": float(np.mean(chances)),
        "strat": stratified_auc([Labelled(vectors, numbers)]),
    }


def text_rows(folder: Path, encoders: Encoders) -> Iterator[dict[str, Any]]:
    """Recall@5 of text queries, with all modalities and with the picture alone."""
    make_sample_catalogue(folder / "films")
    truth = json.loads((folder / "films" / "ground_truth.json").read_text(encoding="utf-8"))
    store = Store(folder / "store", create=True)
    ingest(store, [folder / "films"], encoders=encoders)
    build_index(store, store.live("described"), device="cpu")
    only_picture: dict[Modality, float] = {"audio": 0.0, "text": 0.0}
    for name, weights in {"all": {}, "picture": only_picture}.items():
        missed = []
        for query in truth["queries"]:
            hits = search(store, text=query["text"], weights=weights, k=K, encoders=encoders)
            if not any(
                query["photo"] in photos_at(truth, h.title, h.start_s, h.end_s) for h in hits
            ):
                missed.append(query["text"])
        n = len(truth["queries"])
        yield {
            "modalities": name,
            "queries": n,
            "recall@5": 1 - len(missed) / n,
            "missed": missed,
        }


def photos_at(truth: dict[str, Any], title: str, start_s: float, end_s: float) -> set[str]:
    """The photographs that are on screen in the middle of a stretch of a sample film."""
    facts = truth["titles"][title]
    numerator, _, denominator = facts["fps"].partition("/")
    frame = (start_s + end_s) / 2 * int(numerator) / int(denominator or 1)
    return {shot["photo"] for shot in facts["shots"] if shot["start"] <= frame < shot["end"]}


if __name__ == "__main__":
    main()
