"""Every index kind keeps the same promises; ExactIndex is the reference."""

from importlib.metadata import entry_points

import numpy as np
import pytest

from mediafm_indexes import ExactIndex, load_index, recall_at_k
from mediafm_indexes.evaluate import measure_recall
from mediafm_indexes.faiss_index import FACTORY, FLAT_UP_TO, FaissIndex
from mediafm_indexes.index import Neighbours

N, D = 2000, 48
KINDS = [pytest.param(ExactIndex, {}, 1.0, id="exact")] + [
    pytest.param(FaissIndex, {"kind": kind}, recall, id=f"faiss-{kind}")
    for kind, recall in {"flat": 1.0, "hnsw": 0.9, "ivf": 0.5}.items()
]
KINDS += [  # plug-ins of others
    pytest.param(point.load(), {}, 0.5, id=point.name)
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


def test_every_kind_is_covered():
    assert {p.values[1].get("kind") for p in KINDS} - {None} == set(FACTORY)


@pytest.mark.parametrize(("cls", "options", "recall"), KINDS)
def test_contract(cls, options, recall, data, tmp_path):
    vectors, queries = data
    index = cls.build(vectors, **options)
    assert (len(index), index.dim) == (N, D)
    found, exact = index.search(queries, 10), ExactIndex(vectors).search(queries, 10)
    assert recall_at_k(found, exact, 10) >= recall
    for one in found:
        assert len(one.rows) == len(one.scores) == 10
        assert (np.diff(one.scores) <= 0).all()
        assert len(set(one.rows.tolist())) == 10  # no padding, nothing twice
    everything = index.search(queries[:1], 10 * N)[0]
    assert len(everything.rows) <= N
    assert everything.rows.min() >= 0
    index.save(tmp_path / "saved")
    for a, b in zip(load_index(tmp_path / "saved").search(queries, 10), found, strict=True):
        assert a.rows.tolist() == b.rows.tolist()
        assert np.allclose(a.scores, b.scores)


@pytest.mark.parametrize(("cls", "options", "recall"), KINDS)
def test_scores_are_inner_products(cls, options, recall, data):
    vectors, queries = data
    tolerance = 1e-5 if recall == 1.0 else 0.03  # 8-bit codes
    for query, one in zip(queries, cls.build(vectors, **options).search(queries, 5), strict=True):
        assert np.allclose(one.scores, vectors[one.rows] @ query, atol=tolerance)


def test_the_kind_follows_the_number_of_rows(data):
    assert FaissIndex.build(data[0]).kind == "flat"
    assert FaissIndex.build(np.zeros((FLAT_UP_TO + 1, 2), np.float32)).kind == "hnsw"


def test_few_rows_can_be_indexed_by_every_kind(data):
    for kind in FACTORY:
        index = FaissIndex.build(data[0][:3], kind=kind)
        assert len(index.search(data[1][:1], 10)[0].rows) == 3


def test_recall_is_told_honestly(data):
    vectors = data[0]

    class Half(ExactIndex):
        def search(self, queries, k):
            return [
                Neighbours(r.rows[: k // 2], r.scores[: k // 2]) for r in super().search(queries, k)
            ]

    generator = np.random.default_rng(0)
    assert measure_recall(Half(vectors), vectors, generator=generator) == 0.5


@pytest.mark.gpu
def test_a_gpu_gives_the_same_results(data):
    import faiss

    if faiss.get_num_gpus() == 0:
        pytest.skip("no GPU")
    vectors, queries = data
    for kind in ("flat", "ivf"):
        on_cpu = FaissIndex.build(vectors, kind=kind).search(queries, 10)
        on_gpu = FaissIndex.build(vectors, kind=kind, device="cuda").search(queries, 10)
        assert recall_at_k(on_gpu, on_cpu, 10) > 0.95
