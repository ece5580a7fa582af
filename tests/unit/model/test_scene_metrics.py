import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from mediafm_store.arrays import unit_rows
from mediafm_store.model.scene_metrics import _ALIKE as ALIKE
from mediafm_store.model.scene_metrics import _WIDTHS as WIDTHS
from mediafm_store.model.scene_metrics import (
    LabelledFilm,
    effective_rank,
    random_pair_cosine,
    smoothed,
    stratified_auc,
    twins,
)
from mediafm_store.model.scene_metrics import _boundary_ap as boundary_ap
from mediafm_store.model.scene_metrics import _cut_changes as cut_changes
from mediafm_store.model.scene_metrics import _scene_ap as scene_ap
from mediafm_store.model.scene_metrics import _scene_auc as scene_auc

RNG = np.random.default_rng(0)


def unit(*shape: int) -> np.ndarray:
    return unit_rows(np.random.default_rng(0).normal(size=shape).astype(np.float32))


def scenes_of(lengths: list[int]) -> np.ndarray:
    return np.repeat(np.arange(len(lengths)), lengths)


LENGTHS = [5, 9, 3, 12, 7, 4]


def film(noise: float, seed: int = 0) -> LabelledFilm:
    rng = np.random.default_rng(seed)
    scenes = scenes_of(LENGTHS)
    centres = rng.normal(size=(len(LENGTHS), 16))[scenes]
    vectors = centres + noise * rng.normal(size=centres.shape)
    return LabelledFilm(unit_rows(vectors.astype(np.float32)), scenes)


def test_stratified_auc_against_pairs_one_by_one():
    labelled = film(2.0)
    labelled.scenes[[4, 11]] = -1
    areas = []
    n = len(labelled.scenes)
    for apart in range(1, 31):
        same, alike = [], []
        for i in range(n - apart):
            one, other = labelled.scenes[i], labelled.scenes[i + apart]
            if one >= 0 and other >= 0:
                same.append(one == other)
                alike.append(float(labelled.vectors[i] @ labelled.vectors[i + apart]))
        if len(set(same)) == 2:
            areas.append(roc_auc_score(same, alike))
    assert stratified_auc([labelled]) == pytest.approx(np.mean(areas))


def test_films_count_alike_whatever_their_length():
    films = [film(0.5), film(5.0, seed=1)]
    assert stratified_auc(films) == pytest.approx(np.mean([stratified_auc([f]) for f in films]))
    assert boundary_ap(films) == pytest.approx(np.mean([boundary_ap([f]) for f in films]))


def test_perfect_vectors_get_1_and_closeness_alone_gets_half():
    perfect = film(0.0)
    assert stratified_auc([perfect]) == 1
    assert boundary_ap([perfect]) == 1
    place = np.exp(1j * np.linspace(0, np.pi, 40))
    clock = np.stack([place.real, place.imag], axis=1).astype(np.float32)
    only_time = LabelledFilm(clock, scenes_of(LENGTHS))
    assert stratified_auc([only_time]) == pytest.approx(0.5, abs=0.1)


def test_what_nobody_labelled_is_not_a_number():
    unknown = LabelledFilm(unit(9, 4), np.full(9, -1))
    assert math.isnan(stratified_auc([unknown]))
    assert math.isnan(boundary_ap([unknown]))
    assert stratified_auc([unknown, film(1.0)]) == stratified_auc([film(1.0)])


def test_changes_and_averages_against_loops():
    vectors = unit(20, 6)
    for width in (1, 3, 8):
        for cut, found in enumerate(cut_changes(vectors, width), start=1):
            before = vectors[max(0, cut - width) : cut].mean(0)
            after = vectors[cut : cut + width].mean(0)
            cosine = before @ after / np.linalg.norm(before) / np.linalg.norm(after)
            assert found == pytest.approx(1 - cosine, abs=1e-5)
        means = [vectors[max(0, i - width) : i + width + 1].mean(0) for i in range(20)]
        np.testing.assert_allclose(smoothed(vectors, width), unit_rows(np.stack(means)), atol=1e-5)


def test_the_best_average_is_better_than_none_where_shots_are_noisy():
    noisy = [film(1.5, seed) for seed in range(4)]
    auc, ap = scene_auc(noisy, noisy), scene_ap(noisy, noisy)
    assert auc["smoothed"] > auc["isolated"] + 0.03
    assert ap["window"] > ap["isolated"] + 0.03
    assert auc["isolated"] == auc["context"] == stratified_auc(noisy)
    assert ap["isolated"] == ap["context"] == boundary_ap(noisy)
    widths = [[n._replace(vectors=smoothed(n.vectors, w)) for n in noisy] for w in WIDTHS]
    assert auc["smoothed"] == max(map(stratified_auc, widths))
    assert ap["window"] == max(boundary_ap(noisy, width) for width in WIDTHS)


def test_how_a_space_is_used():
    assert random_pair_cosine(unit(2000, 64), rng=RNG) == pytest.approx(0, abs=0.03)
    cone = unit_rows(unit(2000, 64) + np.float32(1))
    assert random_pair_cosine(cone, rng=RNG) > 0.9
    assert effective_rank(unit(2000, 64)) == pytest.approx(64, rel=0.03)
    assert effective_rank(unit(2000, 5) @ unit(5, 64)) < 5.1


def test_near_duplicates_are_counted():
    vectors = unit(10, 32)
    assert twins(vectors) == 0
    vectors[7] = vectors[2]
    assert twins(vectors) == 2
    assert 0.9 < ALIKE < 1
