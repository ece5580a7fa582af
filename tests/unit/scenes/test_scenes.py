import json
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from benchmarks.scenes import coverage_f, f1, grade
from mediafm_cli.main import app
from mediafm_store import Scene
from mediafm_store.arrays import BLOCK, unit_rows
from mediafm_store.errors import NotFound
from mediafm_store.model import segmentation
from mediafm_store.model.segmentation import _PENALTY as PENALTY
from mediafm_store.model.segmentation import _TEMPER as TEMPER
from mediafm_store.model.segmentation import _mean_squared_distance as mean_squared_distance
from mediafm_store.model.segmentation import segment
from mediafm_store.scenes.scenes import find_scenes
from tests.conftest import random_vectors, title_rows


def planted(lengths, *, noise=0.7, dim=64, seed=0):
    """Shots around a random place for each scene."""
    rng = np.random.default_rng(seed)
    places = rng.normal(size=(len(lengths), dim)).repeat(lengths, axis=0)
    return unit_rows((places + noise * rng.normal(size=places.shape)).astype(np.float32))


def partitions(shots):
    """All ways to part so many shots, as their first indices."""
    for chosen in range(2 ** (shots - 1)):
        yield [0, *(i + 1 for i in range(shots - 1) if chosen >> i & 1)]


def cost(vectors, starts):
    """What a partition costs, as the docstring of `segment` says it."""
    parts = np.split(vectors.astype(np.float64), starts[1:])
    squares = sum(np.square(part - part.mean(axis=0)).sum() for part in parts)
    return squares + len(parts) * PENALTY * mean_squared_distance(vectors)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("longest", [3, 256])
def test_it_is_the_best_of_all_partitions(seed, longest, monkeypatch):
    monkeypatch.setattr(segmentation, "_LONGEST", longest)
    monkeypatch.setattr(segmentation, "_PIECE", 4)
    rng = np.random.default_rng(seed)
    vectors = unit_rows(rng.normal(size=(9, 4)).cumsum(axis=0).astype(np.float32))
    ways = [w for w in partitions(9) if max(np.diff([*w, 9])) <= longest]
    costs = np.array([cost(vectors, way) for way in ways])
    found = segment(vectors)
    assert found.starts == ways[costs.argmin()]
    shares = np.exp(-(costs - costs.min()) / (TEMPER * PENALTY * mean_squared_distance(vectors)))
    shares /= shares.sum()
    begun = [sum(s for s, w in zip(shares, ways, strict=True) if i in w) for i in range(1, 9)]
    np.testing.assert_allclose(found.scores, begun, atol=1e-5)


def test_planted_scenes_are_found():
    lengths = [5, 9, 3, 14, 30, 4, 8, 300]  # the last is longer than a scene may be
    starts = np.cumsum([0, *lengths[:-1]]).tolist()
    found = segment(planted(lengths))
    assert [s for s in found.starts if s <= starts[-1]] == starts
    assert len(found.starts) == len(starts) + 1
    assert min(found.scores[s - 1] for s in starts[1:]) > 0.9
    assert np.median(found.scores) < 0.1


def test_noise_is_one_scene():
    rng = np.random.default_rng(0)
    assert segment(unit_rows(rng.normal(size=(150, 500)).astype(np.float32))).starts == [0]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 12), min_size=1, max_size=12), st.floats(0, 2), st.integers(0, 9))
def test_scenes_part_the_shots(lengths, noise, seed):
    vectors = planted(lengths, noise=noise, dim=8, seed=seed)
    found = segment(vectors)
    assert found.starts[0] == 0
    assert all(np.diff(found.starts) > 0)
    assert found.starts[-1] < len(vectors)
    assert found.scores.shape == (len(vectors) - 1,)
    assert np.all((found.scores >= 0) & (found.scores <= 1))


def test_nothing_and_one_and_all_the_same():
    vectors = planted([1], dim=8)
    assert segment(vectors[:0]).starts == []
    assert segment(vectors).starts == [0]
    same = segment(vectors.repeat(7, axis=0))
    assert same.starts == [0]
    assert not same.scores.any()


def test_a_long_title_is_quick_and_needs_no_square_of_memory():
    """A matrix of all pairs would take 800 MB and half an hour of trials."""
    import tracemalloc

    vectors = planted([10] * 1000, dim=32)
    tracemalloc.start()
    began = time.process_time()
    found = segment(vectors)
    took, peak = time.process_time() - began, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found.starts) == 1000
    assert took < 20
    assert peak < 100e6


# Of a title


def film(store, pictures, sound=None, title="film"):
    """A title whose pictures and sound are given."""
    vectors = random_vectors(len(pictures))
    vectors[:, :BLOCK] = pictures
    if sound is not None:
        vectors[:, BLOCK : 2 * BLOCK] = sound
    store.add_title(title_rows(store, title, unit_rows(vectors)))
    return store


def test_scenes_of_a_title(store):
    pictures = planted([6, 4, 10], dim=BLOCK)
    pictures[12] = unit_rows(pictures[10:].mean(axis=0, keepdims=True))
    scenes = find_scenes(film(store, pictures), "film")
    assert [s.number for s in scenes] == [0, 1, 2]
    assert [(s.start_s, s.end_s) for s in scenes] == [(0, 12), (12, 20), (20, 40)]
    assert [shot_id for s in scenes for shot_id in s.shots] == store.shots("film")["id"].to_list()
    assert scenes[0].change == 0
    assert all(0.9 < s.change <= 1 for s in scenes[1:])
    assert scenes[2].key == "film/00012"
    assert all(s.key in s.shots and s.title == "film" for s in scenes)
    assert isinstance(scenes[0], Scene)


def test_pictures_count_and_sound_does_not(store):
    scenes = find_scenes(
        film(store, planted([6, 10], dim=BLOCK), planted([9, 7], dim=BLOCK)), "film"
    )
    assert [len(s.shots) for s in scenes] == [6, 10]


def test_without_pictures_the_rest_counts(store):
    found = find_scenes(film(store, np.zeros((16, BLOCK), np.float32)), "film")
    assert [len(s.shots) for s in found] == [16]  # sound and words are noise here
    vectors = np.concatenate([np.zeros((16, BLOCK)), planted([9, 7], dim=2 * BLOCK)], axis=1)
    store.add_title(title_rows(store, "heard", vectors.astype(np.float32)))
    assert [len(s.shots) for s in find_scenes(store, "heard")] == [9, 7]


def test_a_title_of_one_shot_is_one_scene(store):
    (only,) = find_scenes(film(store, planted([1], dim=BLOCK)), "film")
    assert (only.shots, only.change, only.key) == (("film/00000",), 0.0, "film/00000")


def test_unknown_titles(store):
    with pytest.raises(NotFound, match="nope"):
        find_scenes(store, "nope")


def test_context_changes_nothing(imported):
    """Scenes are there before anything is trained, and stay when it is."""
    title = imported.titles()["id"][0]
    assert imported.has("context")
    starts = segment(
        unit_rows(
            np.ascontiguousarray(imported.vectors(imported.live("fused"), title).vectors[:, :BLOCK])
        )
    ).starts
    scenes = find_scenes(imported, title)
    shots = imported.shots(title)["id"].to_list()
    assert [shots.index(s.shots[0]) for s in scenes] == starts


def test_the_command(store):
    film(store, planted([6, 10], dim=BLOCK))
    told = CliRunner().invoke(
        app, ["titles", "scenes", "film", "--store", str(store.path), "--json"]
    )
    rows = [json.loads(line) for line in told.stdout.splitlines()]
    assert [(r["title"], r["number"], len(r["shots"])) for r in rows] == [
        ("film", 0, 6),
        ("film", 1, 10),
    ]
    assert {"start_s", "end_s", "change", "key", "words", "seen", "heard"} <= set(rows[0])
    table = CliRunner().invoke(app, ["titles", "scenes", "film", "--store", str(store.path)]).stdout
    assert {"scene", "start", "seconds", "shots", "change", rows[1]["key"]} <= set(table.split())
    assert len(table.splitlines()) == 3


# Measures


def test_measures_by_hand():
    wanted = np.array([0, 0, 0, 1, 1, 1])
    assert grade([0, 3], wanted) == {"f1": 1, "f1 near": 1, "cf": 1, "found": 2, "labelled": 2}
    late = grade([0, 4], wanted)
    assert (late["f1"], late["f1 near"]) == (0, 1)
    # A covers 3 of 3 but its scene reaches 1 into the 3 beside it; of B 2 of 3, and 3 into A.
    assert late["cf"] == pytest.approx(2 * (5 / 6) * (1 / 3) / (5 / 6 + 1 / 3))
    assert f1(np.array([1, 2]), np.array([2]), 1) == pytest.approx(2 / 3)  # matched once
    assert coverage_f(np.zeros(6, int), wanted) == 0  # one giant
    assert grade([0], np.array([0, 0]))["f1"] == 1
    assert grade([0, 2], np.array([0, -1, -1, 1]))["f1"] == 1  # the gap has no labels
