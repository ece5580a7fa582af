import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediafm_store.arrays import MODALITIES, block, unit_rows, weigh
from mediafm_store.arrays import _shares as shares
from tests.conftest import random_vectors


def test_blocks_tile_the_fused_vector():
    covered = np.concatenate([np.arange(2304)[block(m)] for m in MODALITIES])
    assert np.array_equal(covered, np.arange(2304))


def test_unit_rows_keeps_zero_rows():
    x = np.array([[3.0, 4.0], [0.0, 0.0]], np.float32)
    assert unit_rows(x).tolist() == [[pytest.approx(0.6), pytest.approx(0.8)], [0.0, 0.0]]


@given(st.integers(0, 1000))
def test_shares_add_up_to_the_inner_product(seed):
    query, *found = random_vectors(4, seed)
    parts = shares(query, np.stack(found))
    assert np.allclose(sum(parts.values()), np.stack(found) @ query, atol=1e-6)


@given(st.tuples(*[st.floats(0, 10)] * 3).filter(lambda w: sum(w) > 0.01))
def test_weighing_the_query_scales_the_shares(weights):
    by_name = dict(zip(MODALITIES, weights, strict=True))
    query, found = random_vectors(1, 0), random_vectors(5, 1)
    before, after = shares(query[0], found), shares(weigh(query, by_name)[0], found)
    scale = np.sqrt(3 / sum(w * w for w in weights))
    for m in MODALITIES:
        assert np.allclose(after[m], before[m] * by_name[m] * scale, atol=1e-5)
    assert np.linalg.norm(weigh(query, by_name)) == pytest.approx(1, abs=1e-5)
