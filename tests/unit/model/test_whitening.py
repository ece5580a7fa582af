import numpy as np
import pytest
import torch

from mediafm_store.arrays import unit_rows
from mediafm_store.model.sequences import TitleSequence
from mediafm_store.model.whitening import _RIDGE as RIDGE
from mediafm_store.model.whitening import Whitening
from mediafm_store.model.whitening import _inverse_root as inverse_root

NOTHING = np.zeros(8, np.float32)


def scenes(seed: int) -> TitleSequence:
    """Scenes of 6 shots in the first half of each block; in the second half each shot by itself."""
    rng = np.random.default_rng(seed)
    steady = np.repeat(rng.normal(size=(10, 2, 4)), 6, axis=0)
    restless = 2 * rng.normal(size=(60, 2, 4))
    return TitleSequence(
        unit_rows(np.concatenate([steady, restless], axis=2).reshape(60, 16).astype(np.float32)),
        NOTHING,
    )


@pytest.fixture
def fitted() -> Whitening:
    whitening = Whitening(16, 8)
    whitening.fit([scenes(seed) for seed in range(5)])
    return whitening


def test_directions_that_change_from_shot_to_shot_count_less(fitted):
    steady = torch.zeros(2, 16)
    steady[0, 0], steady[1, 6] = 1, 1
    lengths = fitted.turn(steady).norm(dim=1)
    assert lengths[0] > 1.2 * lengths[1]


def test_shots_of_a_scene_become_more_alike_than_others(fitted):
    """By how many deviations the cosines within scenes lie above the others."""

    def apart(vectors: torch.Tensor) -> float:
        cosines = (vectors @ vectors.T).numpy()
        scene = np.arange(60) // 6
        same = scene[:, None] == scene
        return float((cosines[same].mean() - cosines[~same].mean()) / cosines[~same].std())

    new = torch.from_numpy(scenes(9).fused)
    assert apart(fitted(new)) > 1.1 * apart(new)


def test_vectors_keep_length_1_and_what_is_absent_stays_absent(fitted):
    fused = torch.from_numpy(scenes(7).fused).clone()
    fused[3, 8:] = 0
    fused[4] = 0
    found = fitted(fused)
    lengths = found.norm(dim=1)
    torch.testing.assert_close(lengths[torch.arange(60) != 4], torch.ones(59))
    assert (found[3, 8:] == 0).all()
    assert (found[4] == 0).all()


def test_the_inverse_root_undoes_the_spread():
    x = torch.randn(200, 6, generator=torch.Generator().manual_seed(0)) * torch.arange(1.0, 7)
    spread = x.T @ x
    root = inverse_root(spread)
    scaled = spread / (spread.trace() / 6) + RIDGE * torch.eye(6)
    torch.testing.assert_close(root @ scaled @ root, torch.eye(6), atol=1e-4, rtol=1e-4)


def test_where_nothing_changes_nothing_is_turned():
    still = TitleSequence(np.tile(scenes(0).fused[:1], (4, 1)), NOTHING)
    whitening = Whitening(16, 8)
    whitening.fit([still])
    assert torch.equal(whitening.maps, torch.eye(8).repeat(2, 1, 1))


def test_blocks_count_by_how_alike_neighbours_are_in_them():
    """The first block is of scenes, the second of noise, a third is absent."""

    def title(seed: int) -> TitleSequence:
        rng = np.random.default_rng(seed)
        steady = np.repeat(rng.normal(size=(10, 8)), 6, axis=0)
        fused = np.hstack([steady, rng.normal(size=(60, 8)), np.zeros((60, 8))])
        return TitleSequence(unit_rows(fused.astype(np.float32)), NOTHING)

    whitening = Whitening(24, 8)
    whitening.fit([title(seed) for seed in range(6)])
    found = whitening.steadiness([title(9), title(10)])
    assert found[0] > 0.6
    assert found[1] < 0.2
    assert found[2] == pytest.approx(float(found[:2].mean()))
    before = whitening.turned(torch.from_numpy(title(11).fused))
    whitening.weigh(torch.tensor([1.0, 0.25, 0.0]))
    after = whitening.turned(torch.from_numpy(title(11).fused))
    torch.testing.assert_close(after[:, :8], before[:, :8])
    torch.testing.assert_close(after[:, 8:16], before[:, 8:16] / 2)


def test_a_store_of_nothing_but_empty_shots_weighs_all_alike():
    empty = TitleSequence(np.zeros((4, 16), np.float32), NOTHING)
    assert Whitening(16, 8).steadiness([empty]).tolist() == [1, 1]
