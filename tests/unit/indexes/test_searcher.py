"""Vectors with an index beside them: parity with exact search, filters, tuning, damage."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mediafm_indexes import KINDS, DamagedError, IndexTarget, build, extend, load, trainers
from mediafm_indexes.faiss_index import FaissIndex
from mediafm_indexes.index import Neighbours
from mediafm_indexes.metadata import _FACTS as FACTS
from mediafm_indexes.metadata import read_metadata, write_facts
from mediafm_indexes.recall import recall_at_k, recall_by_candidates
from mediafm_indexes.vectors_file import VECTORS, Vectors, write_vectors

N, D = 6000, 64


def mixture(n, seed=0):
    """Vectors of length 1 near a few directions, as those of films are."""
    centres = np.random.default_rng(42).normal(size=(40, D))
    rng = np.random.default_rng(seed)
    x = centres[rng.integers(40, size=n)] + 0.5 * rng.normal(size=(n, D))
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float16)


def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def vectors():
    return mixture(N)


@pytest.fixture(scope="module")
def built(vectors, tmp_path_factory):
    """An index of 6000 vectors, written in batches; read only."""
    folder = tmp_path_factory.mktemp("built")
    build(folder, np.array_split(vectors, 7), dim=D, generator=rng())
    return folder


def truth(vectors, queries, k, only=None):
    """By sorting all scores: slow, and plainly right."""
    allowed = np.arange(len(vectors)) if only is None else np.flatnonzero(only)
    answers = []
    for query in queries:
        scores = vectors[allowed].astype(np.float32) @ query
        order = np.argsort(-scores, kind="stable")[:k]
        answers.append(Neighbours(allowed[order], scores[order]))
    return answers


def test_an_index_is_chosen_tuned_and_measured(built, vectors):
    facts = read_metadata(built)
    assert facts.kind == "pca-ivf-sq8"
    assert (facts.rows, facts.trained_on, facts.dim) == (N, N, D)
    assert facts.measured.recall_at_10 >= 0.99
    assert set(facts.measured.filtered_recall) == {"0.1", "0.01", "0.001"}
    assert min(facts.measured.filtered_recall.values()) >= 0.99
    queries = mixture(200, seed=5).astype(np.float32)
    found = load(built)[0].search(queries, 10)
    assert recall_at_k(found, truth(vectors, queries, 10), 10) >= 0.98


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_reaches_a_recall_or_says_that_it_does_not(kind, vectors, tmp_path):
    facts = build(tmp_path, [vectors], dim=D, generator=rng(), kinds=trainers([kind]))
    indexed, _ = load(tmp_path)
    queries = mixture(100, seed=6).astype(np.float32)
    reached = recall_at_k(indexed.search(queries, 10), truth(vectors, queries, 10), 10)
    assert reached >= facts.measured.recall_at_10 - 0.03
    assert reached >= 0.97


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    kept=st.sampled_from([0, 1, 5, 40, 600, 3000, N]),
    together=st.booleans(),
    k=st.sampled_from([1, 10, 47, 500]),
    seed=st.integers(0, 99),
)
def test_filters_are_kept_to_and_what_matches_is_found(built, vectors, *, kept, together, k, seed):
    generator = np.random.default_rng(seed)
    only = np.zeros(N, bool)
    if together:
        start = generator.integers(N - kept + 1)
        only[start : start + kept] = True
    else:
        only[generator.choice(N, kept, replace=False)] = True
    queries = mixture(3, seed=seed).astype(np.float32)
    indexed, _ = load(built)
    found, exact = indexed.search(queries, k, only=only), truth(vectors, queries, k, only)
    for one, best in zip(found, exact, strict=True):
        assert only[one.rows].all()
        assert len(one.rows) == len(best.rows) == min(k, kept)
        assert len(set(one.rows.tolist())) == len(one.rows)
        assert (np.diff(one.scores) <= 0).all()
    assert recall_at_k(found, exact, k) >= 0.9
    for one, query in zip(found, queries, strict=True):
        wanted = vectors[one.rows].astype(np.float32) @ query
        assert np.allclose(one.scores, wanted, atol=1e-5)


def test_one_query_and_many_have_the_same_answers(built):
    indexed, _ = load(built)
    queries = mixture(20, seed=8).astype(np.float32)
    together = indexed.search(queries, 10)
    for i, one in enumerate(together):
        alone = indexed.search(queries[i : i + 1], 10)[0]
        assert alone.rows.tolist() == one.rows.tolist()


def test_a_memory_budget_makes_codes_smaller(vectors, tmp_path):
    sizes = {}
    for name, budget in (("much", 4e9), ("little", 60.0 * N)):
        folder = tmp_path / name
        folder.mkdir()
        wanted = IndexTarget(memory_bytes=budget)
        facts = build(folder, [vectors], dim=D, generator=rng(), wanted=wanted)
        sizes[name] = (facts.kind, (folder / "index" / "index.faiss").stat().st_size)
    assert sizes["little"][0] == "pca-ivf-rabitq"
    assert sizes["little"][1] < 0.7 * sizes["much"][1]


def test_where_a_kind_does_not_reach_the_target_the_next_is_tried(tmp_path):
    rng_ = np.random.default_rng(0)
    everywhere = rng_.normal(size=(6000, 512)).astype(np.float32)
    everywhere /= np.linalg.norm(everywhere, axis=1, keepdims=True)

    class Blind(FaissIndex):
        def search(self, queries, k, *, effort, only=None):
            del effort, only
            return [Neighbours(np.arange(k), np.ones(k, np.float32)) for _ in queries]

    kinds = {"blind": partial(Blind.train, kind="flat")} | trainers(["fp16"])
    facts = build(tmp_path, [everywhere.astype(np.float16)], dim=512, generator=rng(), kinds=kinds)
    assert facts.kind == "fp16"
    alone = tmp_path / "alone"
    alone.mkdir()
    kinds = {"blind": partial(Blind.train, kind="flat")}
    facts = build(alone, [everywhere.astype(np.float16)], dim=512, generator=rng(), kinds=kinds)
    assert facts.kind == "blind"
    assert facts.measured.recall_at_10 < 0.9  # it says so


def test_more_vectors_are_added_without_learning_anew(built, vectors, tmp_path):
    more = mixture(900, seed=0)[::-1].copy()
    facts = extend(tmp_path, built, [more], more=900, generator=rng())
    assert facts is not None
    assert (facts.rows, facts.trained_on) == (N + 900, N)
    indexed, again = load(tmp_path)
    assert again == facts
    queries = more[:50].astype(np.float32)
    both = np.concatenate([vectors, more])
    assert recall_at_k(indexed.search(queries, 10), truth(both, queries, 10), 10) >= 0.98


def test_what_drifts_or_outgrows_is_learned_anew(built, tmp_path):
    for name in ("drift", "grown", "narrow"):
        (tmp_path / name).mkdir()
    assert (
        extend(tmp_path / "grown", built, [mixture(N + 1, 3)], more=N + 1, generator=rng()) is None
    )
    # Settings that are just enough for the rows that they were tuned on.
    narrow = tmp_path / "narrow"
    copy(built, narrow)
    facts = read_metadata(built)
    few = replace(facts.settings, effort=1, candidates=15, exact_up_to=0)
    write_facts(narrow, replace(facts, settings=few))
    other = np.random.default_rng(9).normal(size=(500, D))
    other = (other / np.linalg.norm(other, axis=1, keepdims=True)).astype(np.float16)
    assert extend(tmp_path / "drift", narrow, [other], more=500, generator=rng()) is None


def copy(folder, to):
    for file in (f for f in folder.rglob("*") if f.is_file()):
        (to / file.relative_to(folder)).parent.mkdir(exist_ok=True)
        (to / file.relative_to(folder)).write_bytes(file.read_bytes())


@pytest.mark.parametrize("name", [VECTORS, "checks.u64", "index/index.faiss", FACTS])
@pytest.mark.parametrize("how", ["cut", "flip", "gone", "zero"])
def test_damage_is_never_answered_from(built, tmp_path, vectors, name, how):
    copy(built, tmp_path)
    target = tmp_path / name
    content = bytearray(target.read_bytes())
    middle = len(content) // 2
    if how == "cut":
        target.write_bytes(content[:middle])
    elif how == "gone":
        target.unlink()
    else:
        stop = middle + (1 if how == "flip" else 4096)
        content[middle:stop] = bytes(b ^ 16 if how == "flip" else 0 for b in content[middle:stop])
        target.write_bytes(content)
    query = vectors[N // 2 : N // 2 + 1].astype(np.float32)  # in the middle of its file
    with pytest.raises((DamagedError, OSError)):
        load(tmp_path)[0].search(query, 10)


@given(st.integers(0, 49), st.integers(0, D * 16 - 1))
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_flipped_bit_of_a_vector_is_noticed(tmp_path_factory, row, bit):
    folder = tmp_path_factory.mktemp("flip")
    vectors = mixture(50)
    write_vectors(folder, [vectors])
    content = bytearray((folder / VECTORS).read_bytes())
    content[row * D * 2 + bit // 8] ^= 1 << (bit % 8)
    (folder / VECTORS).write_bytes(content)
    opened = Vectors(folder, rows=50, dim=D)
    with pytest.raises(DamagedError, match="damaged"):
        opened.check()
    with pytest.raises(DamagedError):
        opened.read(np.array([row]))


def test_recall_counts_equal_scores_as_found():
    exact = [Neighbours(np.array([0, 1, 2]), np.array([0.9, 0.5, 0.5], np.float32))]
    tied = [Neighbours(np.array([0, 7, 8]), np.array([0.9, 0.5, 0.5], np.float32))]
    worse = [Neighbours(np.array([0, 7, 9]), np.array([0.9, 0.5, 0.4], np.float32))]
    assert recall_at_k(tied, exact, 3) == 1
    assert recall_at_k(worse, exact, 3) == pytest.approx(2 / 3)
    deep = [Neighbours(np.arange(5), np.array([0.9, 0.5, 0.5, 0.5, 0.1], np.float32))]
    proposed = [Neighbours(np.array([4, 0, 3, 1, 2]), np.zeros(5, np.float32))]
    recalls = recall_by_candidates(proposed, deep, 3, [1, 2, 4, 5])
    assert recalls == [0, pytest.approx(1 / 3), 1, 1]


def test_recall_of_a_row_that_finds_only_itself():
    nothing = [Neighbours(np.empty(0, np.int64), np.empty(0, np.float32))]
    exact = [Neighbours(np.arange(3), np.array([0.9, 0.5, 0.5], np.float32))]
    assert recall_by_candidates(nothing, exact, 3, [1, 10]) == [0.0, 0.0]
    assert recall_by_candidates(nothing, nothing, 3, [1]) == [1.0]


def test_rows_that_anything_answers_do_not_count(tmp_path):
    """As shots without words have zeros for words."""
    same = np.zeros((500, D), np.float16)
    folder = tmp_path / "mostly"
    folder.mkdir()
    facts = build(folder, [same, mixture(5600)], dim=D, generator=rng())
    assert facts.kind == "pca-ivf-sq8"
    assert facts.settings.candidates < 500
    assert facts.measured.recall_at_10 >= 0.99
    folder = tmp_path / "all"
    folder.mkdir()
    build(folder, [np.zeros((6000, D), np.float16)], dim=D, generator=rng())
    (found,) = load(folder)[0].search(mixture(1).astype(np.float32), 10)
    assert found.scores.tolist() == [0] * 10
