"""Search on films with labelled scenes, by clips and by text: `python -m benchmarks.search`.

    python -m benchmarks.search --media FOLDER      # films as the README of the tests asks for

Scenes. The films are ingested, a model is trained on them (preset small; it sees no labels) and
they are embedded. For every shot of a labelled scene, the other shots of its film are ranked by
similarity:
  auc      how often a shot of the same scene ranks above one of another scene (chance .5)
  top 5    share of the five best that are of the same scene, beside the share by chance
  strat    auc over pairs of equal distance in shots, 1 to 30: closeness in time is taken out
Their scenes are found and compared with the labelled ones (see benchmarks.scenes).

Clips. Random clips of the longest film, smaller, darker and encoded anew: is the first answer at
the place that each was cut from?

Text. The sample catalogue of `mediafm demo` is ingested; each text query is right if a shot over
the photograph that it describes is among the five best. Twice: with all modalities, and with the
picture alone, since some subtitles name what is seen.

Time. Of whole commands on that store, and of a server that is running.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import numpy as np
from jaxtyping import Float32

from benchmarks.clips import clip_rows
from benchmarks.common import labelled_films, media_folder, print_table, scenes_of, write_results
from benchmarks.scenes import scene_figures
from mediafm_store.arrays import Modality, weigh
from mediafm_store.demo.run import run_demo
from mediafm_store.embedding.embed import embed
from mediafm_store.encoders.encoder import Encoders
from mediafm_store.encoding import load_encoders
from mediafm_store.ingestion.ingest import ingest
from mediafm_store.likeness.scale import Part
from mediafm_store.model.same_scene import same_scene as ranked_by
from mediafm_store.model.scene_metrics import LabelledFilm, smoothed, stratified_auc
from mediafm_store.model.scene_metrics import _mean as mean
from mediafm_store.retrieval.query import SearchOptions, SearchQuery
from mediafm_store.retrieval.search import search
from mediafm_store.storage.storage import Storage
from mediafm_store.training.train import train

PRESET, K, WIDTH = "small", 5, 2
COLD, WARM = 7, 30
"""How often a command, and a page of the server, is asked for; medians count."""
PICTURE: dict[Modality, float] = {"audio": 0.0, "text": 0.0}
TEXT_WEIGHTS: dict[str, dict[Part, float]] = {"all": {}, "picture": {"audio": 0.0, "text": 0.0}}


def main() -> None:
    """Measure all of it and write benchmarks/results/search.json."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--media", type=Path, help="Folder of labelled films.")
    media = parser.parse_args().media or media_folder()
    encoders = load_encoders(device="cpu")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        store = films_store(folder / "films", media, encoders)
        rows = list(scene_rows(store, media))
        print_table(rows)
        found = scene_figures(store, media)
        print_table(found["scenes"])
        longest = max(labelled_films(media).values(), key=lambda film: film[0].stat().st_size)[0]
        clips = list(clip_rows(store, longest, folder, encoders))
        recall = float(np.mean([clip["right"] for clip in clips]))
        print(f"clips: {recall:.2f} at their place")
        demo = run_demo(folder / "demo", device="cpu")
        texts = list(text_rows(demo.store, encoders))
        print_table([{k: v for k, v in row.items() if k != "hits"} for row in texts])
        times = {
            "cold_s": cold_s(demo.store, demo.first_shot),
            "warm_ms": warm_ms(demo.store, demo.first_shot),
        }
        print(times)
    top = {name: mean(r["top 5"] for r in rows if r["vectors"] == name) for name in VECTORS}
    write_results(
        "search",
        {
            "preset": PRESET,
            "clip_recall_at_1": recall,
            "scene_share_top5": {label: top[name] for name, label in VECTORS.items()},
            "scene_ap": found["scene_ap"],
            "scene_f1": found["scene_f1"],
            **times,
            "scenes": rows,
            "found_scenes": found["scenes"],
            "clips": clips,
            "text": texts,
        },
    )


VECTORS = {
    "fused": "isolated",
    "fused, picture alone": "isolated_picture_alone",
    "moving average": "moving_average",
    "context": "context",
    "context, picture alone": "context_picture_alone",
}
"""Vectors of a shot -> what their figure is called."""


def films_store(folder: Path, media: Path, encoders: Encoders) -> Storage:
    """All films of a folder, trained on and embedded."""
    store = Storage(folder, create=True)
    videos = [p for p in sorted(media.glob("*/*")) if p.suffix in {".mp4", ".webm"}]
    ingest(store, [p for p in videos if p.parent.name != "clips"], encoders=encoders)
    trained = train(store, preset=PRESET, device="cpu")
    print(f"validation {trained.result.validation:.3f}, baselines {trained.result.baselines}")
    embed(store, device="cpu")
    return store


def scene_rows(store: Storage, media: Path) -> Iterator[dict[str, Any]]:
    """One row a film and kind of vectors."""
    for film, (video, truth) in labelled_films(media).items():
        shots = store.shots(video.stem)
        middle = (shots["start_s"] + shots["end_s"]) / 2 * truth["fps"]
        scene = scenes_of(middle.to_numpy(), truth["scenes"])
        fused, context = (
            store.vectors(store.live(s), video.stem).vectors for s in ("fused", "context")
        )
        compared = (
            *(fused, weigh(fused, PICTURE), smoothed(fused, WIDTH)),
            *(context, weigh(context, PICTURE)),
        )
        for name, vectors in zip(VECTORS, compared, strict=True):
            yield {"film": film, "vectors": name, "shots": len(scene)} | same_scene(vectors, scene)


def cold_s(folder: Path, shot: str) -> float:
    """Seconds from a search by a shot on the command line to its answer."""
    command = [sys.executable, "-m", "mediafm_cli", "search", "--shot", shot]
    took = []
    for _ in range(COLD):
        began = time.perf_counter()
        subprocess.run([*command, "--store", folder], check=True, capture_output=True)
        took.append(time.perf_counter() - began)
    return float(np.median(took))


def warm_ms(folder: Path, shot: str) -> float:
    """Milliseconds that a running server takes for the page of shots like one."""
    command = [sys.executable, "-m", "mediafm_cli", "serve", "--port", "0", "--json"]
    shots = [row["id"] for row in Storage(folder).shots(shot.rpartition("/")[0]).to_dicts()]
    took = []
    with subprocess.Popen(
        [*command, "--store", folder], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        try:
            assert server.stdout is not None
            address = json.loads(server.stdout.readline())["address"]
            for number in range(WARM + 1):
                page = f"{address}/search?shot={quote(shots[number % len(shots)])}"
                began = time.perf_counter()
                urlopen(page).read()
                took.append(1e3 * (time.perf_counter() - began))
        finally:
            server.terminate()
    return float(np.median(took[1:]))


def same_scene(
    vectors: Float32[np.ndarray, "shots dim"], scene: list[int | None]
) -> dict[str, float]:
    """How well similarity tells shots of one scene from the others."""
    numbers = np.array([-1 if s is None else s for s in scene])
    ranked = ranked_by(vectors, numbers)
    return {
        "auc": float(np.mean(ranked.auc)),
        "top 5": float(np.mean(ranked.top_5)),
        "by chance": float(np.mean(ranked.chance)),
        "strat": stratified_auc([LabelledFilm(vectors, numbers)]),
    }


def text_rows(folder: Path, encoders: Encoders) -> Iterator[dict[str, Any]]:
    """Recall@5 of text queries, with all modalities and with the picture alone."""
    films = folder.parent / "films"
    truth = json.loads((films / "ground_truth.json").read_text(encoding="utf-8"))
    store = Storage(folder)
    for name, weights in TEXT_WEIGHTS.items():
        hits, n = {}, len(truth["queries"])
        right = 0
        for query in truth["queries"]:
            found = search(
                store,
                SearchQuery(text=query["text"]),
                SearchOptions(weights=weights, k=K, least=0),
                encoders=encoders,
            )
            photos = [photos_at(truth, h.title, h.start_s, h.end_s) for h in found]
            right += any(query["photo"] in shown for shown in photos)
            hits[query["text"]] = [
                f"{h.shot}{' right' if query['photo'] in shown else ''}"
                for h, shown in zip(found, photos, strict=True)
            ]
        yield {"modalities": name, "queries": n, "recall@5": right / n, "hits": hits}


def photos_at(truth: dict[str, Any], title: str, start_s: float, end_s: float) -> set[str]:
    """The photographs that are on screen in the middle of a segment of a sample film."""
    facts = truth["titles"][title]
    numerator, _, denominator = facts["fps"].partition("/")
    frame = (start_s + end_s) / 2 * int(numerator) / int(denominator or 1)
    return {shot["photo"] for shot in facts["shots"] if shot["start"] <= frame < shot["end"]}


if __name__ == "__main__":
    main()
