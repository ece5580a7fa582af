"""Scenes against labelled ones: `python -m benchmarks.scenes`, on features as benchmarks.model.

Every way to part the shots has one constant. It is chosen for each film on all the others, by the
mean of `f1 near` and `cf`. Contextual vectors are of models that never saw the film, as they are
before the first step (which is nearly all: docs/decisions/0003). Films that scene_figures
measures are left out.

  f1         of scene starts, at the labelled cut; "near": or one cut beside it
  cf         F of coverage and 1 - overflow (Vendrig and Worring 2002), in shots
  found      scenes found over scenes labelled, the geometric mean and the extremes
  ap         average precision of the score that cuts have
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.metrics import average_precision_score

from benchmarks.common import ROOT, labelled_films, print_table, scenes_of, write_results
from benchmarks.model import PRESET, Film, contextual, folds, load
from mediafm_store.arrays import Vectors
from mediafm_store.model import segmentation
from mediafm_store.model.scene_metrics import _cut_changes as cut_changes
from mediafm_store.model.scene_metrics import _mean as mean
from mediafm_store.model.segmentation import _cheapest as cheapest
from mediafm_store.model.segmentation import _mean_squared_distance as mean_squared_distance
from mediafm_store.model.segmentation import _scene_costs as scene_costs
from mediafm_store.model.segmentation import segment
from mediafm_store.model.transformer import PRESETS
from mediafm_store.scenes.scenes import looks
from mediafm_store.storage.storage import Storage
from mediafm_store.training.run import TrainConfig
from mediafm_store.training.trainer import train_model

REPORTED = ("sintel", "tears_of_steel", "elephants_dream")
"""Films that are measured in scene_figures, so nothing may be chosen on them."""
PENALTIES = (0.5, 0.7, 1.0, 1.2, 1.4, 1.6, 2.0, 2.8)
HEIGHTS = (0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)


class Way(NamedTuple):
    """Of parting shots: vectors and a constant in, first shots out."""

    name: str
    context: bool
    part: Callable[[Vectors, float], Sequence[int]]
    constants: Sequence[float]
    score: Callable[[Vectors], np.ndarray] | None = None


class DetectorFrame(NamedTuple):
    """A film with both kinds of vectors."""

    name: str
    fused: Vectors
    context: Vectors
    scenes: np.ndarray


def main() -> None:
    """Measure all and write benchmarks/results/scenes.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = ROOT.parent / "shared" / "data" / "ovsd"
    parser.add_argument("--features", type=Path, default=default, help="folder of .npz")
    parser.add_argument("--use", nargs="+", default=["VGG19", "HSV"], help="names of vectors")
    given = parser.parse_args()
    films = list(seen(load(given.features, given.use)))
    rows = [row(way, films) for way in WAYS]
    print_table(rows)
    facts = {
        "films": [f.name for f in films],
        "features": given.use,
        "penalty": segmentation._PENALTY,
    }
    write_results("scenes", facts | {"ways": rows})


def seen(films: Sequence[Film]) -> Iterator[DetectorFrame]:
    """The films that something may be chosen on, each by a model that never saw it."""
    for training, held_out in folds(films):
        model = train_model(training, PRESETS[PRESET], TrainConfig(steps=0)).model
        for film, made in zip(held_out, contextual(model, held_out), strict=True):
            if not any(name in film.name for name in REPORTED):
                yield DetectorFrame(film.name, film.shots.fused, made.vectors, film.scenes)


# Ways to part


def equal(vectors: Vectors, shots: float) -> list[int]:
    """Pieces of equal length."""
    return list(range(0, len(vectors), int(shots)))


def partition(vectors: Vectors, penalty: float) -> list[int]:
    """As `segment`, with another penalty."""
    return cheapest(scene_costs(vectors) + penalty * mean_squared_distance(vectors))


def fixed(vectors: Vectors, penalty: float) -> list[int]:
    """The same, by a penalty that is no multiple of the title's own spread."""
    return cheapest(scene_costs(vectors) + penalty)


def by_neighbours(vectors: Vectors, penalty: float) -> list[int]:
    """The same, by a multiple of how much neighbours differ."""
    return cheapest(scene_costs(vectors) + penalty * float(cut_changes(vectors).mean()))


def elbow(vectors: Vectors, _: float) -> list[int]:
    """So many scenes as distances have singular values before the bend (Rotman et al. 2016)."""
    count = bend(1 - vectors @ vectors.T)
    costs, low, high = scene_costs(vectors), 0.0, len(vectors) * mean_squared_distance(vectors)
    for _step in range(20):  # fewer scenes for a greater penalty
        middle = (low + high) / 2
        found = cheapest(costs + middle)
        low, high = (middle, high) if len(found) > count else (low, middle)
    return found


def bend(distances: np.ndarray) -> int:
    """Where the logarithms of the singular values are farthest from the line of first and last."""
    values = np.linalg.svd(distances.astype(np.float64), compute_uv=False)
    logs = np.log(np.maximum(values, 1e-12))[: max(3, 3 * len(values) // 4)]
    line = np.linspace(logs[0], logs[-1], len(logs))
    return 1 + int(np.argmax(line - logs))


def peaks(width: int) -> Callable[[Vectors, float], list[int]]:
    """Cuts of greater change than those beside them, and than so many times the mean."""

    def part(vectors: Vectors, height: float) -> list[int]:
        change = cut_changes(vectors, width)
        around = np.pad(change, 1, constant_values=-1)
        top = (change > around[:-2]) & (change >= around[2:])
        return [0, *(np.flatnonzero(top & (change >= height * change.mean())) + 1)]

    return part


def changes(width: int) -> Callable[[Vectors], np.ndarray]:
    """How much changes at each cut."""
    return lambda vectors: cut_changes(vectors, width)


def chance(vectors: Vectors) -> np.ndarray:
    """How likely scenes begin."""
    return segment(vectors).scores


WAYS = [
    Way("equal pieces", False, equal, (5, 7, 10, 13, 17)),
    Way("context: peaks of change", True, peaks(1), HEIGHTS, changes(1)),
    Way("context: peaks, windows of 2", True, peaks(2), HEIGHTS, changes(2)),
    Way("context: partition", True, partition, PENALTIES, chance),
    Way("fused: peaks, windows of 2", False, peaks(2), HEIGHTS, changes(2)),
    Way("fused: peaks, windows of 4", False, peaks(4), HEIGHTS, changes(4)),
    Way("fused: partition, number by elbow", False, elbow, (0,)),
    Way("fused: partition, fixed penalty", False, fixed, tuple(p * 0.5 for p in PENALTIES)),
    Way("fused: partition, penalty by neighbours", False, by_neighbours, PENALTIES),
    Way("fused: partition, penalty by spread", False, partition, PENALTIES, chance),
    Way("find_scenes", False, lambda vectors, _: segment(vectors).starts, (0,), chance),
]


# Measures


def row(way: Way, films: Sequence[DetectorFrame]) -> dict[str, Any]:
    """Of one way, over the films."""
    vectors = [film.context if way.context else film.fused for film in films]
    grades = [
        [grade(way.part(v, c), f.scenes) for v, f in zip(vectors, films, strict=True)]
        for c in way.constants
    ]
    worth = np.array([[g["f1 near"] + g["cf"] for g in each] for each in grades])
    best = [int(np.delete(worth, i, axis=1).mean(axis=1).argmax()) for i in range(len(films))]
    picked = [grades[constant][film] for film, constant in enumerate(best)]
    found = [g["found"] / g["labelled"] for g in picked]
    scores = [
        cut_ap(way.score(v), f.scenes) for v, f in zip(vectors, films, strict=True) if way.score
    ]
    return {
        "way": way.name,
        **{name: mean(g[name] for g in picked) for name in ("f1", "f1 near", "cf")},
        "found": float(np.exp(np.mean(np.log(found)))),
        "least": min(found),
        "most": max(found),
        "ap": None if way.score is None else mean(scores),
        "constants": " ".join(str(c) for c in sorted({way.constants[b] for b in best})),
    }


def grade(starts: Sequence[int], scenes: np.ndarray) -> dict[str, float]:
    """Scenes found against the labelled, over the shots that have labels (not -1)."""
    labelled = scenes >= 0
    ours = np.isin(np.arange(len(scenes)), starts).cumsum()[labelled]
    theirs = np.concatenate([[0], np.diff(scenes[labelled]) != 0]).cumsum()
    begun, wanted = (np.flatnonzero(np.diff(runs)) for runs in (ours, theirs))
    return {
        "f1": f1(begun, wanted, 0),
        "f1 near": f1(begun, wanted, 1),
        "cf": coverage_f(ours, theirs),
        "found": len(begun) + 1,
        "labelled": len(wanted) + 1,
    }


def f1(found: np.ndarray, wanted: np.ndarray, within: int) -> float:
    """Of two ascending lists, each matched once at most; 1 if both are empty."""
    mine, theirs, hits, total = list(found), list(wanted), 0, len(found) + len(wanted)
    while mine and theirs:
        if abs(mine[0] - theirs[0]) <= within:
            hits += 1
            del mine[0], theirs[0]
        else:
            del (mine if mine[0] < theirs[0] else theirs)[0]
    return 2 * hits / total if total else 1.0


def coverage_f(found: np.ndarray, wanted: np.ndarray) -> float:
    """How much of a scene one found scene covers, and how little those reach into its neighbours.

    `found` and `wanted` number the scenes of shots in ascending order. Vendrig and Worring,
    "Systematic evaluation of logical story unit segmentation", 2002; F as Baraldi et al. 2015.
    """
    sizes = np.bincount(wanted)
    covered, over = 0.0, 0.0
    for number, size in enumerate(sizes):
        inside = found[wanted == number]
        covered += np.unique(inside, return_counts=True)[1].max()
        outside = int((np.isin(found, inside) & (wanted != number)).sum())
        beside = sizes[max(0, number - 1) : number + 2].sum() - size
        over += size * min(1.0, outside / beside) if beside else 0.0
    coverage, kept = covered / len(wanted), 1 - over / len(wanted)
    return float(2 * coverage * kept / (coverage + kept)) if coverage + kept else 0.0


def cut_ap(scores: np.ndarray, scenes: np.ndarray) -> float:
    """Average precision of the scores of cuts; NaN where no labelled cut ends a scene."""
    labelled = (scenes[:-1] >= 0) & (scenes[1:] >= 0)
    ends = (scenes[:-1] != scenes[1:])[labelled]
    return float(average_precision_score(ends, scores[labelled])) if ends.any() else float("nan")


def scene_figures(store: Storage, films_folder: Path) -> dict[str, Any]:
    """The scenes of the labelled films that are in a store; `scene_ap`, `scene_f1` are means."""
    rows: list[dict[str, Any]] = []
    for film, (video, truth) in labelled_films(films_folder).items():
        shots = store.shots(video.stem)
        middle = ((shots["start_s"] + shots["end_s"]) / 2 * truth["fps"]).to_numpy()
        numbers = [-1 if n is None else n for n in scenes_of(middle, truth["scenes"])]
        found = segment(looks(store.vectors(store.live("fused"), video.stem).vectors))
        scenes = np.array(numbers)
        rows.append(
            {"film": film, **grade(found.starts, scenes), "ap": cut_ap(found.scores, scenes)}
        )
    return {
        "scene_ap": mean(r["ap"] for r in rows),
        "scene_f1": mean(r["f1 near"] for r in rows),
        "scenes": rows,
    }


if __name__ == "__main__":
    main()
