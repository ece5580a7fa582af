from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mediafm_store.arrays import unit_rows
from mediafm_store.errors import InvalidInput
from mediafm_store.model.sequences import TitleSequence, pack
from mediafm_store.model.transformer import ModelConfig, ShotTransformer
from mediafm_store.model.windows import _best_window as best_window
from mediafm_store.model.windows import embed_title, embed_titles, window_starts
from mediafm_store.training.initialization import start_model

CONFIG = ModelConfig(dim=32, metadata_dim=8, hidden=16, layers=2, heads=4, max_shots=24)


@pytest.fixture(scope="module")
def model() -> ShotTransformer:
    """With every weight away from its start, so that all of the sequence matters."""
    generator = torch.Generator().manual_seed(0)
    made = start_model(CONFIG, [title(40)], generator=generator)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.2)
        made.surroundings.reach.fill_(1.5)
    return made


def title(shots: int) -> TitleSequence:
    rng = np.random.default_rng(shots)
    fused = unit_rows(rng.normal(size=(shots, 32)).astype(np.float32))
    return TitleSequence(fused, rng.normal(size=8).astype(np.float32))


def run(model, shots: TitleSequence, start: int = 0, stop: int | None = None):
    with torch.no_grad():
        seen = model.embed(pack([shots._replace(fused=shots.fused[start:stop])]))
    return seen.shots.numpy(), seen.title[0].numpy()


@pytest.mark.parametrize("shots", [1, 2, 23, 24])
def test_a_title_that_fits_is_one_sequence(model, shots):
    found, whole = embed_title(model, title(shots), overlap=8), run(model, title(shots))
    np.testing.assert_allclose(found.shots, whole[0], atol=1e-6)
    np.testing.assert_allclose(found.title, whole[1], atol=1e-6)


def test_a_long_title_is_stitched_from_windows(model):
    long = title(50)
    found = embed_title(model, long, overlap=8)
    starts = [0, 13, 26]
    seen = [run(model, long, s, s + 24) for s in starts]
    assert window_starts(50, size=24, overlap=8) == starts
    for shot, window in ((0, 0), (17, 0), (18, 0), (19, 1), (30, 1), (31, 1), (32, 2), (49, 2)):
        expected = seen[window][0][shot - starts[window]]
        np.testing.assert_allclose(found.shots[shot], expected, atol=1e-6)
    mean = np.mean([vector for _, vector in seen], axis=0)
    np.testing.assert_allclose(found.title, mean / np.linalg.norm(mean), atol=1e-6)


def test_titles_together_are_as_each_alone_and_in_order(model):
    titles = [title(shots) for shots in (50, 3, 24, 1, 100, 7)]
    together = embed_titles(model, iter(titles), overlap=8, batch_shots=60)
    for one, found in zip(titles, together, strict=True):
        alone = embed_title(model, one, overlap=8)
        np.testing.assert_allclose(found.shots, alone.shots, atol=1e-5)
        np.testing.assert_allclose(found.title, alone.title, atol=1e-5)


def test_far_from_a_cut_windows_are_as_the_title_in_one_sequence(model):
    """The distance bias makes shots that are 8 away count for nearly nothing."""
    longer = ShotTransformer(replace(CONFIG, max_shots=64))
    weights = model.state_dict()
    weights["positions"] = torch.zeros(64, CONFIG.hidden)
    longer.load_state_dict(weights)
    shorter = ShotTransformer(CONFIG)
    shorter.load_state_dict(weights | {"positions": torch.zeros(24, CONFIG.hidden)})
    whole = embed_title(longer.eval(), title(60), overlap=8).shots
    pieces = embed_title(shorter.eval(), title(60), overlap=20).shots
    alike = np.einsum("nd,nd->n", whole, pieces)
    assert alike.min() > 0.95
    assert alike.mean() > 0.995


@pytest.mark.parametrize("shots", [1, 24, 25, 100])
def test_vectors_are_of_length_1(model, shots):
    found = embed_title(model, title(shots), overlap=8)
    assert found.shots.shape == (shots, 32)
    assert found.shots.dtype == found.title.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found.shots, axis=1), 1, atol=1e-5)
    assert np.linalg.norm(found.title) == pytest.approx(1, abs=1e-5)


def test_a_title_without_shots_is_refused(model):
    with pytest.raises(InvalidInput, match="without shots"):
        embed_title(model, title(0), overlap=8)


@pytest.mark.parametrize("overlap", [-1, 24, 64])
def test_an_overlap_as_long_as_a_window_is_refused(model, overlap):
    with pytest.raises(InvalidInput, match=f"overlap of {overlap} shots must be from 0 to 23"):
        embed_title(model, title(30), overlap=overlap)


@given(shots=st.integers(1, 500), size=st.integers(1, 60), data=st.data())
def test_windows_cover_a_title_and_overlap_enough(shots, size, data):
    overlap = data.draw(st.integers(0, size - 1))
    starts = window_starts(shots, size=size, overlap=overlap)
    assert starts[0] == 0
    assert starts[-1] + size >= shots
    assert starts[-1] <= max(0, shots - size)
    hops = np.diff(starts)
    assert (hops >= 1).all()
    assert (hops <= size - overlap).all()
    fewest = 1 + -(-max(0, shots - size) // (size - overlap))
    assert len(starts) == fewest


@given(shots=st.integers(1, 200), size=st.integers(2, 40), data=st.data())
def test_each_shot_is_taken_where_it_sees_most(shots, size, data):
    starts = window_starts(shots, size=size, overlap=data.draw(st.integers(0, size - 1)))

    def room(shot: int, start: int) -> int:
        """How many shots it sees towards the nearer cut; -1 outside the window."""
        if not start <= shot < start + size:
            return -1
        sides = [shot - start] * (start > 0) + [start + size - 1 - shot] * (start + size < shots)
        return min(sides, default=shots)

    for shot, window in enumerate(best_window(shots, starts, size=size)):
        assert room(shot, starts[window]) == max(room(shot, start) for start in starts)
