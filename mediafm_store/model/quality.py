"""How good vectors of shots are: do they tell scenes apart, do they use their space."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int, Shaped

from mediafm_store.arrays import Vectors, unit_rows

FARTHEST = 30
"""Shots: same-scene pairs farther apart are rare."""
WIDTHS = (1, 2, 3, 4, 6, 8)
"""Of moving averages and of windows, in shots to each side; an analyst would try these."""
ALIKE = 0.98
"""Cosine from which two shots are near duplicates."""
SAMPLE = 4096
"""Vectors that are enough to measure how a space is used."""
Scenes = Int[np.ndarray, " shots"]


class Labelled(NamedTuple):
    """The shots of a film."""

    vectors: Vectors
    """In play order; length 1 each."""
    scenes: Scenes
    """The number of the scene that each shot belongs to, -1 where nobody said."""


def stratified_auc(films: Sequence[Labelled], farthest: int = FARTHEST) -> float:
    """How often two shots of one scene are more alike than two of different scenes; chance is .5.

    Only pairs that lie equally far apart are compared, and the mean over distances of 1 to
    `farthest` shots is taken: neighbours are alike, and of one scene, so that over all pairs
    closeness in time alone gets .87. Returns the mean over films; NaN if none has pairs of both
    kinds at any distance.
    """
    return mean(film_auc(film, farthest) for film in films)


def film_auc(film: Labelled, farthest: int) -> float:
    """Of one film."""
    from sklearn.metrics import roc_auc_score

    areas = []
    for apart in range(1, farthest + 1):
        same, alike = pairs_at(film, apart)
        if 0 < same.sum() < len(same):
            areas.append(roc_auc_score(same, alike))
    return mean(areas)


def pairs_at(
    film: Labelled, apart: int
) -> tuple[Shaped[np.ndarray, " pairs"], Float32[np.ndarray, " pairs"]]:
    """Whether each two labelled shots `apart` are of one scene, and their cosine."""
    one, other = film.scenes[:-apart], film.scenes[apart:]
    labelled = (one >= 0) & (other >= 0)
    alike = np.einsum("nd,nd->n", film.vectors[:-apart], film.vectors[apart:])
    return (one == other)[labelled], alike[labelled]


def boundary_ap(films: Sequence[Labelled], width: int = 1) -> float:
    """Average precision of telling where a scene ends by `cut_changes`; chance is its frequency.

    Returns the mean over films; NaN where no labelled cut ends a scene.
    """
    return mean(film_ap(film, width) for film in films)


def film_ap(film: Labelled, width: int) -> float:
    """Of one film."""
    from sklearn.metrics import average_precision_score

    labelled = (film.scenes[:-1] >= 0) & (film.scenes[1:] >= 0)
    ends = (film.scenes[:-1] != film.scenes[1:])[labelled]
    if not ends.any():
        return float("nan")
    return float(average_precision_score(ends, cut_changes(film.vectors, width)[labelled]))


def mean(values: Iterable[float]) -> float:
    """Of those that could be measured; NaN if none could."""
    there = [value for value in values if not math.isnan(value)]
    return float(np.mean(there)) if there else float("nan")


def cut_changes(vectors: Vectors, width: int = 1) -> Float32[np.ndarray, " cuts"]:
    """1 - cosine between the means of `width` shots before and after each cut."""
    total = np.concatenate([np.zeros((1, vectors.shape[1])), np.cumsum(vectors, 0, np.float64)])
    cut = np.arange(1, len(vectors))
    before = total[cut] - total[np.maximum(0, cut - width)]
    after = total[np.minimum(len(vectors), cut + width)] - total[cut]
    means = (unit_rows(side.astype(np.float32)) for side in (before, after))
    return np.asarray(1 - np.einsum("nd,nd->n", *means), np.float32)


def smoothed(vectors: Vectors, width: int) -> Vectors:
    """Each shot averaged with `width` shots on either side."""
    total = np.concatenate([np.zeros((1, vectors.shape[1])), np.cumsum(vectors, 0, np.float64)])
    place = np.arange(len(vectors))
    ends = np.minimum(len(vectors), place + width + 1)
    sums = total[ends] - total[np.maximum(0, place - width)]
    return unit_rows(sums.astype(np.float32))


def best_smoothed_auc(films: Sequence[Labelled]) -> float:
    """What the best moving average reaches, its width chosen on these very films."""
    return max(
        stratified_auc([film._replace(vectors=smoothed(film.vectors, width)) for film in films])
        for width in WIDTHS
    )


def best_window_ap(films: Sequence[Labelled]) -> float:
    """What the best left against right window reaches, its width chosen on these very films."""
    return max(boundary_ap(films, width) for width in WIDTHS)


def scene_auc(alone: Sequence[Labelled], context: Sequence[Labelled]) -> dict[str, float]:
    """Of single shots, of the best moving average over them, and of contextual ones."""
    return {
        "isolated": stratified_auc(alone),
        "smoothed": best_smoothed_auc(alone),
        "context": stratified_auc(context),
    }


def scene_ap(alone: Sequence[Labelled], context: Sequence[Labelled]) -> dict[str, float]:
    """Of the change from shot to shot, from the best window to the next, and in context."""
    return {
        "isolated": boundary_ap(alone),
        "window": best_window_ap(alone),
        "context": boundary_ap(context),
    }


def random_pair_cosine(vectors: Vectors, *, rng: np.random.Generator) -> float:
    """Mean cosine of two vectors picked at random; far from 0 they lie in a narrow cone."""
    order = rng.permutation(len(vectors))[: 2 * SAMPLE]
    half = len(order) // 2
    pairs = vectors[order[:half]], vectors[order[half : 2 * half]]
    return float(np.einsum("nd,nd->n", *pairs).mean())


def effective_rank(vectors: Vectors, *, rng: np.random.Generator) -> float:
    """How many directions are really used: e to the entropy of the shares of variance.

    Roy and Vetterli, "The effective rank", 2007; here of the vectors as they are, not centred.
    """
    sample = vectors[rng.permutation(len(vectors))[:SAMPLE]]
    shares = np.linalg.svd(sample, compute_uv=False).astype(np.float64) ** 2
    shares = shares[shares > 0] / shares.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def near_duplicates(titles: Iterable[Vectors]) -> float:
    """Share of shots to which another of their title has a cosine of `ALIKE` or more."""
    twins, shots = 0, 0
    for vectors in titles:
        alike = vectors @ vectors.T
        np.fill_diagonal(alike, -1)
        twins += int((alike.max(axis=1, initial=-1) >= ALIKE).sum())
        shots += len(vectors)
    return twins / max(1, shots)
