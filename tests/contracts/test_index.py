"""What every index kind must do; ExactIndex is the reference."""

from functools import partial

import numpy as np
import pytest

from mediafm_indexes import KINDS, ExactIndex, load_index
from mediafm_indexes.recall import recall_at_k
from mediafm_store import plugins
from tests.helpers.nearest import D, N, filled, rescored, vectors_and_queries


def every_kind():
    """How each index is trained and its least recall; FAISS has several kinds."""
    for name in plugins.names("indexes"):
        train = plugins.load("indexes", name).train
        if name == "faiss":
            for kind in KINDS:
                recall = 1.0 if kind in ("flat", "fp16") else 0.8
                yield pytest.param(partial(train, kind=kind), recall, id=kind)
        else:
            yield pytest.param(train, 1.0 if name == "exact" else 0.5, id=name)


EVERY_KIND = list(every_kind())


@pytest.fixture(scope="module")
def data():
    return vectors_and_queries()


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
