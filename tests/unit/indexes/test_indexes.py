"""The index kinds of FAISS, and which of them suit a table."""

from functools import partial

import numpy as np
import pytest

from mediafm_indexes import KINDS
from mediafm_indexes.factories import EXACT, EXACT_UP_TO, preferred
from mediafm_indexes.faiss_index import FaissIndex
from mediafm_indexes.recall import recall_at_k
from tests.helpers.nearest import filled, rescored, vectors_and_queries


@pytest.fixture(scope="module")
def data():
    return vectors_and_queries()


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
