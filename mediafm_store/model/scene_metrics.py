"""Quality of shot vectors: how well they separate scenes, how much of their space they use."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int, Shaped

from mediafm_store.arrays import Vectors, unit_rows

_FARTHEST = 30
"""Shots: same-scene pairs farther apart are rare."""
_WIDTHS = (1, 2, 3, 4, 6, 8)
"""Widths of moving averages and of windows, in shots to each side; an analyst would try these."""
_ALIKE = 0.98
"""Cosine from which two shots are near duplicates."""
SAMPLE = 4096
"""Vectors that are enough to measure how a space is used."""
Scenes = Int[np.ndarray, " shots"]


class LabelledFilm(NamedTuple):
    """Vectors of a film's shots, with the scenes that they belong to."""

    vectors: Vectors
    """In play order; length 1 each."""
    scenes: Scenes
    """The number of the scene that each shot belongs to, -1 where nobody said."""


def stratified_auc(films: Sequence[LabelledFilm], farthest: int = _FARTHEST) -> float:
    """AUC of cosines for telling pairs of one scene from pairs of different scenes; chance is 0.5.

    Only pairs that are equally far apart are compared, then averaged over distances of 1 to
    `farthest` shots: neighbours are alike, and of one scene, so over all pairs closeness in time
    alone would get 0.87.

    Returns:
        The mean over films; NaN if none has pairs of both kinds at any distance.
    """
    return _mean(_film_auc(film, farthest) for film in films)


def _film_auc(film: LabelledFilm, farthest: int) -> float:
    """AUC of one film."""
    from sklearn.metrics import roc_auc_score

    areas = []
    for apart in range(1, farthest + 1):
        same, alike = _pairs_at(film, apart)
        if 0 < same.sum() < len(same):
            areas.append(roc_auc_score(same, alike))
    return _mean(areas)


def _pairs_at(
    film: LabelledFilm, apart: int
) -> tuple[Shaped[np.ndarray, " pairs"], Float32[np.ndarray, " pairs"]]:
    """Labels (of one scene or not) and cosines of all labelled pairs of shots that are `apart`."""
    one, other = film.scenes[:-apart], film.scenes[apart:]
    labelled = (one >= 0) & (other >= 0)
    alike = np.einsum("nd,nd->n", film.vectors[:-apart], film.vectors[apart:])
    return (one == other)[labelled], alike[labelled]


def _boundary_ap(films: Sequence[LabelledFilm], width: int = 1) -> float:
    """Average precision of telling where a scene ends by `_cut_changes`; chance is its frequency.

    Returns the mean over films; NaN where no labelled cut ends a scene.
    """
    return _mean(_film_ap(film, width) for film in films)


def _film_ap(film: LabelledFilm, width: int) -> float:
    """Average precision of one film."""
    from sklearn.metrics import average_precision_score

    labelled = (film.scenes[:-1] >= 0) & (film.scenes[1:] >= 0)
    ends = (film.scenes[:-1] != film.scenes[1:])[labelled]
    if not ends.any():
        return float("nan")
    return float(average_precision_score(ends, _cut_changes(film.vectors, width)[labelled]))


def _mean(values: Iterable[float]) -> float:
    """Mean of the values that could be measured; NaN if there are none."""
    there = [value for value in values if not math.isnan(value)]
    return float(np.mean(there)) if there else float("nan")


def _cut_changes(vectors: Vectors, width: int = 1) -> Float32[np.ndarray, " cuts"]:
    """1 - cosine between the means of `width` shots before and after each cut."""
    total = np.concatenate([np.zeros((1, vectors.shape[1])), np.cumsum(vectors, 0, np.float64)])
    cut = np.arange(1, len(vectors))
    before = total[cut] - total[np.maximum(0, cut - width)]
    after = total[np.minimum(len(vectors), cut + width)] - total[cut]
    means = (unit_rows(side.astype(np.float32)) for side in (before, after))
    return np.asarray(1 - np.einsum("nd,nd->n", *means), np.float32)


def smoothed(vectors: Vectors, width: int) -> Vectors:
    """Moving average: each shot averaged with `width` shots on either side."""
    total = np.concatenate([np.zeros((1, vectors.shape[1])), np.cumsum(vectors, 0, np.float64)])
    place = np.arange(len(vectors))
    ends = np.minimum(len(vectors), place + width + 1)
    sums = total[ends] - total[np.maximum(0, place - width)]
    return unit_rows(sums.astype(np.float32))


_Reached = Mapping[str, Sequence[float]]
"""Values on one film by method; one for each width where there are several."""


def film_aucs(alone: LabelledFilm, context: LabelledFilm) -> _Reached:
    """AUC by film of isolated shots, of moving averages over them, and of contextual vectors."""
    averages = (alone._replace(vectors=smoothed(alone.vectors, width)) for width in _WIDTHS)
    return {
        "isolated": [_film_auc(alone, _FARTHEST)],
        "smoothed": [_film_auc(average, _FARTHEST) for average in averages],
        "context": [_film_auc(context, _FARTHEST)],
    }


def film_aps(alone: LabelledFilm, context: LabelledFilm) -> _Reached:
    """Average precision of cuts by film: from shot to shot, between windows, and in context."""
    return {
        "isolated": [_film_ap(alone, 1)],
        "window": [_film_ap(alone, width) for width in _WIDTHS],
        "context": [_film_ap(context, 1)],
    }


def over_films(films: Sequence[_Reached]) -> dict[str, float]:
    """Means over films; of several widths the best, chosen on these very films."""
    return {
        name: max(_mean(widths) for widths in zip(*(film[name] for film in films), strict=True))
        for name in (films[0] if films else ())
    }


def _scene_auc(alone: Sequence[LabelledFilm], context: Sequence[LabelledFilm]) -> dict[str, float]:
    """`film_aucs` over films."""
    return over_films([film_aucs(*both) for both in zip(alone, context, strict=True)])


def _scene_ap(alone: Sequence[LabelledFilm], context: Sequence[LabelledFilm]) -> dict[str, float]:
    """`film_aps` over films."""
    return over_films([film_aps(*both) for both in zip(alone, context, strict=True)])


def random_pair_cosine(vectors: Vectors, *, rng: np.random.Generator) -> float:
    """Mean cosine of random pairs; if it is far above 0, the vectors lie in a narrow cone."""
    return paired_cosine(vectors[rng.permutation(len(vectors))[: 2 * SAMPLE]])


def paired_cosine(vectors: Vectors) -> float:
    """Mean cosine of each vector of the first half and one of the second half."""
    half = len(vectors) // 2
    pairs = vectors[:half], vectors[half : 2 * half]
    return float(np.einsum("nd,nd->n", *pairs).mean())


def effective_rank(vectors: Vectors) -> float:
    """Effective number of dimensions: e to the entropy of the shares of variance.

    Roy and Vetterli, "The effective rank", 2007; here of the vectors as they are, not centred.
    `SAMPLE` of them are enough.
    """
    shares = np.linalg.svd(vectors, compute_uv=False).astype(np.float64) ** 2
    shares = shares[shares > 0] / shares.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def twins(vectors: Vectors) -> int:
    """Number of shots that have a cosine of `_ALIKE` or more with another of their title."""
    alike = vectors @ vectors.T
    np.fill_diagonal(alike, -1)
    return int((alike.max(axis=1, initial=-1) >= _ALIKE).sum())
