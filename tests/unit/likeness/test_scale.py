"""A common scale of what is seen, heard and said, and of context, as slow loops have it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediafm_store.arrays import BLOCK, FUSED, MODALITIES, block, unit_rows
from mediafm_store.likeness.scale import _LEAST_SPREAD as LEAST_SPREAD
from mediafm_store.likeness.scale import _PRIOR as PRIOR
from mediafm_store.likeness.scale import PARTS, scale_of
from mediafm_store.likeness.scale import _measure_scale as measure_scale
from mediafm_store.matching.vector_matchers import _WEIGHTS as WEIGHTS
from mediafm_store.tables.spaces import Passage, Space
from tests.conftest import random_vectors, title_rows
from tests.helpers.asking import search
from tests.helpers.planted import add_film, put_in_context

SPACE = Space("fused", 1, "f", FUSED, "a test", "f", "live")
CONTEXT = Space("context", 1, "c", FUSED, "a test", "f", "live")


def rows(count, seed, absent=(), dims=12):
    """Shots with vectors of a few dimensions, so that pairs differ; `absent`: (shot, modality)."""
    rng = np.random.default_rng(seed)
    made = np.zeros((count, FUSED), np.float32)
    for m in MODALITIES:
        base = rng.normal(size=(1, dims))  # a mean that is not 0
        start = block(m).start
        made[:, start : start + dims] = base + rng.normal(size=(count, dims))
        made[:, block(m)] = unit_rows(made[:, block(m)])
    for shot, m in absent:
        made[shot, block(m)] = 0
    return unit_rows(made)


def sample_of(vectors, length=4) -> list[Passage]:
    """Passages of so many shots, each of a title of its own."""
    return [
        Passage(
            f"t{i}",
            tuple(f"t{i}/{j:05d}" for j in range(len(vectors[i : i + length]))),
            vectors[i : i + length].astype(np.float16),
        )
        for i in range(0, len(vectors), length)
    ]


ABSENT = st.sets(st.tuples(st.integers(0, 11), st.sampled_from(MODALITIES)), max_size=8)


# How much pairs vary


@settings(max_examples=25)
@given(seed=st.integers(0, 999), absent=ABSENT, length=st.integers(1, 6))
def test_mean_and_spread_are_those_of_a_slow_loop(seed, absent, length):
    sample = sample_of(rows(12, seed, absent), length)
    scale = measure_scale(SPACE, sample)
    shots = [(n, v.astype(np.float64)) for n, p in enumerate(sample) for v in p.vectors]
    for (part, at), spread in zip(scale.blocks, scale.spread, strict=True):
        there = [(n, v[at] / np.linalg.norm(v[at])) for n, v in shots if v[at].any()]
        mean = sum((v for _, v in there), np.zeros(BLOCK)) / (len(there) + PRIOR)
        assert np.allclose(scale.mean[at], mean, atol=1e-4), part
        centred = [(n, (v - mean) / np.linalg.norm(v - mean)) for n, v in there]
        cosines = [float(a @ b) for n, a in centred for m, b in centred if n != m]
        expected = max(LEAST_SPREAD, float(np.std(cosines))) if cosines else 1.0
        assert spread == pytest.approx(expected, abs=1e-3), part


def test_random_pairs_vary_by_one_on_the_scale():
    vectors = rows(240, 1)
    scale = measure_scale(SPACE, sample_of(vectors[:120], 1))
    made = scale.standardised(vectors[120:])
    for _, at in scale.blocks:
        pairs = (made[:, at] @ made[:, at].T)[np.triu_indices(120, 1)]
        assert pairs.mean() == pytest.approx(0, abs=0.1)
        assert pairs.std() == pytest.approx(1, abs=0.1)


def test_a_context_is_one_block():
    scale = measure_scale(CONTEXT, sample_of(rows(20, 2)))
    assert scale.blocks == (("context", slice(0, FUSED)),)
    assert scale.spread.shape == (1,)


@pytest.mark.parametrize("names", [[], ["lake"], ["lake"] * 5, ["lake", "wood"], [None, None]])
def test_tiny_stores(store, names):
    """Nothing is divided by nothing, and a shot is more like itself than like others."""
    add_film(store, "film", ["gone"])
    if names:
        add_film(store, "film", names)
        add_film(store, "other", names)
    else:
        store.tables.delete("titles", "id = 'film'")
    scale = scale_of(store, store.live("fused"))
    assert np.isfinite(scale.mean).all()
    assert (scale.spread >= np.float32(LEAST_SPREAD)).all()
    made = scale.standardised(random_vectors(3))
    assert np.isfinite(made).all()
    likeness = made @ made.T
    assert (np.diag(likeness)[:, None] >= likeness - 1e-4).all()


def test_what_is_the_same_again_and_again_is_not_magnified():
    vectors = np.repeat(rows(1, 3), 40, axis=0)
    scale = measure_scale(SPACE, sample_of(vectors, 1))
    assert scale.spread.tolist() == pytest.approx([LEAST_SPREAD] * 3)


def test_one_passage_alone_tells_no_spread():
    assert measure_scale(SPACE, sample_of(rows(4, 4), 8)).spread.tolist() == [1, 1, 1]


# Standardised


def slowly(scale, row):
    """Block by block."""
    made = np.zeros(len(row))
    for (_, at), spread in zip(scale.blocks, scale.spread, strict=True):
        if row[at].any():
            centred = row[at] / np.linalg.norm(row[at]) - scale.mean[at]
            made[at] = centred / np.linalg.norm(centred) / np.sqrt(spread)
    return made


@settings(max_examples=25)
@given(seed=st.integers(0, 999), absent=ABSENT, space=st.sampled_from([SPACE, CONTEXT]))
def test_standardised_is_as_by_hand(seed, absent, space):
    scale = measure_scale(space, sample_of(rows(12, seed + 1)))
    vectors = rows(12, seed, absent)
    made = scale.standardised(vectors)
    assert np.allclose(made, [slowly(scale, row) for row in vectors], atol=1e-4)
    assert np.allclose(scale.standardised(vectors * np.float32(0.37)), made, atol=1e-4)
    for (_, at), spread in zip(scale.blocks, scale.spread, strict=True):
        lengths = np.linalg.norm(made[:, at], axis=1)
        there = vectors[:, at].any(axis=1)
        assert np.allclose(lengths, np.where(there, 1 / np.sqrt(spread), 0), atol=1e-4)


@settings(max_examples=25)
@given(seed=st.integers(0, 999), absent=ABSENT, space=st.sampled_from([SPACE, CONTEXT]))
def test_products_are_those_of_standardised_vectors(seed, absent, space):
    scale = measure_scale(space, sample_of(rows(12, seed + 1)))
    asked, vectors = scale.standardised(rows(3, seed + 2)), rows(12, seed, absent)
    found, slow = scale.products(asked, vectors), scale.standardised(vectors)
    assert list(found) == [part for part, _ in scale.blocks]
    for part, at in scale.blocks:
        assert np.allclose(found[part], asked[:, at] @ slow[:, at].T, atol=1e-3)


@settings(max_examples=25)
@given(seed=st.integers(0, 999), count=st.integers(1, 5))
def test_several_as_one_is_their_mean_of_full_length(seed, count):
    scale = measure_scale(SPACE, sample_of(rows(12, seed + 1)))
    made = scale.standardised(rows(count, seed, {(0, "audio")}))
    one = scale.as_one(made)
    for (_, at), spread in zip(scale.blocks, scale.spread, strict=True):
        mean = made[:, at].mean(axis=0)
        length = np.linalg.norm(mean) or 1.0
        assert np.allclose(one[0, at], mean / length / np.sqrt(spread), atol=1e-4)


@settings(max_examples=25)
@given(seed=st.integers(0, 999))
def test_what_an_index_is_asked_orders_what_is_stored_as_the_scale_but_for_means(seed):
    scale = measure_scale(SPACE, sample_of(rows(12, seed + 1)))
    row = scale.standardised(rows(1, seed))[0]
    stored = rows(6, seed + 2)
    asked = scale.proposing(row)
    assert np.linalg.norm(asked) == pytest.approx(1, abs=1e-5)
    expected = np.zeros(6)
    for (_, at), spread in zip(scale.blocks, scale.spread, strict=True):
        expected += stored[:, at] @ row[at] / np.sqrt(spread)
    found = stored @ asked
    assert np.allclose(
        found / np.linalg.norm(found), expected / np.linalg.norm(expected), atol=1e-4
    )


def test_nothing_is_asked_of_an_index_as_nothing():
    scale = measure_scale(SPACE, sample_of(rows(12, 1)))
    assert not scale.proposing(np.zeros(FUSED, np.float32)).any()


# What is absent


@settings(max_examples=25)
@given(seed=st.integers(0, 999), modality=st.sampled_from(MODALITIES))
def test_a_modality_that_one_of_two_lacks_changes_nothing(seed, modality):
    scale = measure_scale(SPACE, sample_of(rows(12, seed + 1)))
    full = rows(2, seed)
    parts = {}
    for lacking in ((), (0,), (1,), (0, 1)):
        vectors = full.copy()
        vectors[list(lacking), block(modality)] = 0
        one, other = scale.standardised(vectors)
        parts[lacking] = {part: float(one[at] @ other[at]) for part, at in scale.blocks}
    others = [part for part in parts[()] if part != modality]
    for lacking, found in parts.items():
        assert [found[p] for p in others] == pytest.approx([parts[()][p] for p in others], abs=1e-3)
        assert (found[modality] == 0) == bool(lacking)


def test_sound_counts_where_both_have_it(store):
    """The same views throughout: silent, with the sound of the query, and with another."""
    filler = [f"view {i}" for i in range(20)]
    add_film(store, "filler", filler, [f"sound {i}" for i in range(20)])
    add_film(store, "loud", ["lake"], ["rain"])
    add_film(store, "mute", ["lake"])
    add_film(store, "found", ["lake", "lake", "lake"], ["rain", None, "wind"])

    def shares(shot):
        hits = search(store, shot=shot, least=0.0, fold=False, k=40)
        return [next(h for h in hits if h.shot == f"found/0000{i}") for i in range(3)]

    same, silent, other = shares("loud/00000")
    assert same.shares["audio"] > 1
    assert silent.shares["audio"] == 0
    assert other.shares["audio"] < 0.5
    assert same.score > max(silent.score, other.score)
    assert {h.shares["audio"] for h in shares("mute/00000")} == {0}
    seen = [h.shares["visual"] for s in ("loud", "mute") for h in shares(f"{s}/00000")]
    assert seen == pytest.approx([seen[0]] * 6, rel=1e-3)


def test_the_scale_is_of_the_space_as_it_is(store):
    for number in range(3):
        store.add_title(title_rows(store, f"film{number}", random_vectors(10, number)))
    before = scale_of(store, store.live("fused"))
    assert scale_of(store, store.live("fused")) is before
    store.add_title(title_rows(store, "film3", random_vectors(10, 3)))
    after = scale_of(store, store.live("fused"))
    assert not np.array_equal(after.mean, before.mean)
    put_in_context(store, {f"film{i}": random_vectors(10, 9 + i) for i in range(4)})
    assert scale_of(store, store.live("context")).mean.shape == (FUSED,)
    assert scale_of(store, store.live("fused")) is after


def test_every_part_has_a_weight():
    assert tuple(WEIGHTS) == PARTS
