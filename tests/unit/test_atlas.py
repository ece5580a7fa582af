"""The plane in which a catalogue is laid out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediafm_store import atlas
from mediafm_store.arrays import unit_rows
from mediafm_store.atlas import _FEWEST as FEWEST
from mediafm_store.atlas import _evenly as evenly
from mediafm_store.atlas import _project as project
from mediafm_store.atlas import _quotas as quotas
from mediafm_store.atlas import lay_out
from tests.conftest import random_vectors, title_rows

COUNTS = st.dictionaries(st.text(min_size=1), st.integers(0, 200), max_size=12)


@given(COUNTS, st.integers(0, 300))
def test_short_titles_are_there_as_a_whole_and_others_equally(counts, most):
    found = quotas(counts, most)
    assert sum(found.values()) == min(most, sum(counts.values()))
    assert all(0 < found[title] <= counts[title] for title in found)
    cut = [found.get(t, 0) for t in counts if found.get(t, 0) < counts[t]]
    assert not cut or max(found.values(), default=0) - min(cut) <= 1


@given(st.integers(0, 500), st.integers(0, 500))
def test_places_are_spread_over_the_whole_list(count, wanted):
    places = evenly(count, wanted)
    assert len(places) == min(count, wanted)
    if len(places):
        steps = np.diff([-1, *places, count])
        assert places.dtype.kind == "i"
        assert steps.min() >= 1
        assert steps.max() <= count / len(places) + 1
    if wanted >= count:
        assert places.tolist() == list(range(count))


def planted(store, titles=4, shots=12):
    """Titles whose shots are all alike, and unlike those of others."""
    for number in range(titles):
        base = random_vectors(1, 1000 + number)
        near = unit_rows(base + 0.1 * random_vectors(shots, number))
        store.add_title(title_rows(store, f"t{number}", near))


def test_what_is_alike_lies_close_together(store):
    planted(store)
    layout = lay_out(store)
    assert list(layout.shots) == store.shots().sort("title", "index")["id"].to_list()
    assert layout.places.min() >= 0
    assert layout.places.max() <= 1
    assert np.ptp(layout.places, axis=0).max() == pytest.approx(1)
    groups = layout.places.reshape(4, 12, 2)
    middles = groups.mean(axis=1)
    spread = np.linalg.norm(groups - middles[:, None], axis=-1).max()
    apart = np.linalg.norm(middles[:, None] - middles, axis=-1)
    assert spread < apart[~np.eye(4, dtype=bool)].min() / 2


def test_a_layout_is_the_same_every_time(store):
    planted(store)
    assert np.array_equal(lay_out(store).places, lay_out(store).places)


def test_a_large_catalogue_is_sampled(store, monkeypatch):
    planted(store)
    store.add_title(title_rows(store, "spot", random_vectors(2, 50)))
    asked = []
    monkeypatch.setattr(
        atlas, "_project", lambda v: asked.append(v.shape) or np.zeros((len(v), 2), "f4")
    )
    layout = lay_out(store, most=18)
    assert len(layout.shots) == 18
    assert [s for s in layout.shots if s.startswith("spot")] == ["spot/00000", "spot/00001"]
    assert [s for s in layout.shots if s.startswith("t0")] == [f"t0/{i:05d}" for i in (1, 4, 7, 10)]


@pytest.mark.parametrize("count", [0, 1, 2, FEWEST - 1, FEWEST])
def test_few_shots_have_places_too(count):
    places = project(random_vectors(count) if count else np.zeros((0, 2304), np.float32))
    assert places.shape == (count, 2)
    assert np.isfinite(places).all()


def test_shots_that_are_all_the_same_have_places():
    assert np.isfinite(project(np.repeat(random_vectors(1), 20, axis=0))).all()
