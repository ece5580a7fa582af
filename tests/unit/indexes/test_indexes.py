"""Every index kind keeps the same promises; ExactIndex is the reference."""

from functools import partial
from importlib.metadata import entry_points

import numpy as np
import pytest

from mediafm_indexes import KINDS, ExactIndex, load_index
from mediafm_indexes.factories import EXACT, EXACT_UP_TO, preferred
from mediafm_indexes.faiss_index import FaissIndex
from mediafm_indexes.recall import recall_at_k

N, D = 2000, 48
EVERY_KIND = [pytest.param(ExactIndex.train, 1.0, id="exact")] + [
    pytest.param(
        partial(FaissIndex.train, kind=kind), 1.0 if kind in ("flat", "fp16") else 0.8, id=kind
    )
    for kind in KINDS
]
EVERY_KIND += [  # plug-ins of others
    pytest.param(point.load().train, 0.5, id=point.name)
    for point in entry_points(group="mediafm_store.indexes")
    if point.name not in {"exact", "faiss"}
]


def unit(rng, n):
    x = rng.normal(size=(n, D)).astype(np.float32)
    return x / np.linalg.norm(x, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    return unit(rng, N), unit(rng, 20)


def filled(train, vectors):
    index = train(vectors, rows=len(vectors))
    for part in np.array_split(vectors, 3):
        index.add(part)
    return index


def rescored(found, vectors, queries, k):
    """The best `k` by exact scores, as searches take them."""
    exact = []
    for one, query in zip(found, queries, strict=True):
        scores = vectors[one.rows] @ query
        order = np.argsort(-scores)[:k]
        exact.append(type(one)(one.rows[order], scores[order]))
    return exact


@pytest.mark.parametrize(("train", "recall"), EVERY_KIND)
def test_contract(train, recall, data, tmp_path):
    vectors, queries = data
    index = filled(train, vectors)
    assert (len(index), index.dim) == (N, D)
    most = index.efforts[-1]
    found = index.search(queries, 200, effort=most)
    truth = filled(ExactIndex.train, vectors).search(queries, 10)
    assert recall_at_k(rescored(found, vectors, queries, 10), truth, 10) >= recall
    for one in found:
        assert (np.diff(one.scores) <= 0).all()
        assert len(set(one.rows.tolist())) == len(one.rows)  # no padding, nothing twice
    everything = index.search(queries[:1], 10 * N, effort=most)[0]
    assert len(everything.rows) <= N
    assert everything.rows.min() >= 0
    index.save(tmp_path / "saved")
    loaded = load_index(tmp_path / "saved")
    assert loaded.kind == index.kind
    for a, b in zip(loaded.search(queries, 200, effort=most), found, strict=True):
        assert a.rows.tolist() == b.rows.tolist()


@pytest.mark.parametrize(("train", "recall"), EVERY_KIND)
def test_only_what_is_allowed_is_found(train, recall, data):
    vectors, queries = data
    index = filled(train, vectors)
    for only in (np.arange(N) % 10 == 3, np.arange(N) < 5, np.zeros(N, bool)):
        for one in index.search(queries, 50, effort=index.efforts[-1], only=only):
            assert only[one.rows].all()
            assert len(one.rows) <= min(50, only.sum())


@pytest.mark.parametrize("kind", ["flat", "fp16"])
def test_scores_are_inner_products(kind, data):
    vectors, queries = data
    index = filled(partial(FaissIndex.train, kind=kind), vectors)
    found = index.search(queries, 5, effort=index.efforts[-1])
    for one, query in zip(found, queries, strict=True):
        assert np.allclose(one.scores, vectors[one.rows] @ query, atol=1e-3)


def test_the_kind_follows_rows_memory_and_device():
    assert preferred(EXACT_UP_TO, 2304, 1e9, "cpu") == [EXACT]
    assert preferred(50_000, 2304, 1e9, "cpu")[0] == "pca-ivf-sq8"
    assert preferred(1_000_000, 2304, 1e8, "cpu")[0] == "pca-ivf-rabitq"
    assert preferred(1_000_000, 2304, 1e6, "cpu") == [EXACT]
    assert preferred(50_000, 2304, 1e9, "cuda")[0] == "fp16"


def test_few_rows_can_be_indexed_by_every_kind(data):
    vectors, queries = data
    for kind in KINDS:
        if "pq" in kind:
            continue  # FAISS learns 16 codes from no fewer than 16 vectors
        index = FaissIndex.train(vectors[:3], rows=3, kind=kind)
        index.add(vectors[:3])
        assert len(index.search(queries[:1], 10, effort=index.efforts[-1])[0].rows) == 3


def test_kinds_that_no_gpu_has_are_searched_as_widely_as_asked(data):
    vectors, queries = data
    for kind in ("hnsw-sq8", "ivf-rabitq"):
        plain, asked = (
            filled(partial(FaissIndex.train, kind=kind, device=device), vectors)
            for device in ("cpu", "cuda")
        )
        for effort in (16, plain.efforts[-1]):
            pair = [i.search(queries, 10, effort=effort) for i in (plain, asked)]
            assert all(np.array_equal(a.rows, b.rows) for a, b in zip(*pair, strict=True))


@pytest.mark.gpu
def test_a_gpu_gives_the_same_results(data):
    import faiss

    if faiss.get_num_gpus() == 0:
        pytest.skip("no GPU")
    vectors, queries = data
    for kind in KINDS:
        on_cpu = filled(partial(FaissIndex.train, kind=kind), vectors)
        on_gpu = filled(partial(FaissIndex.train, kind=kind, device="cuda"), vectors)
        most = on_cpu.efforts[-1]
        found = [i.search(queries, 100, effort=most) for i in (on_cpu, on_gpu)]
        a, b = (rescored(f, vectors, queries, 10) for f in found)
        assert recall_at_k(b, a, 10) > 0.95
