import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mediafm_store.model.masking import distances, mask_shots, neighbour_mean, title_mean


@given(
    lengths=st.lists(st.integers(0, 40), min_size=1, max_size=5),
    rate=st.floats(0.01, 0.9),
    seed=st.integers(0, 1000),
)
def test_a_share_of_the_eligible_shots_is_hidden(lengths, rate, seed):
    eligible = torch.arange(40)[None] < torch.tensor(lengths)[:, None]
    masked = mask_shots(eligible, rate=rate, generator=torch.Generator().manual_seed(seed))
    assert not (masked & ~eligible).any()
    for n, hidden in zip(lengths, masked.sum(1).tolist(), strict=True):
        assert abs(hidden - min(n, max(1, rate * n))) <= 0.51


def test_every_shot_is_hidden_sometimes_and_each_draw_differs():
    generator = torch.Generator().manual_seed(0)
    eligible = torch.ones(1, 20, dtype=torch.bool)
    draws = torch.cat([mask_shots(eligible, rate=0.2, generator=generator) for _ in range(200)])
    assert (draws.sum(1) == 4).all()
    assert draws.sum(0).min() > 20
    assert len({tuple(d.tolist()) for d in draws}) > 150


def test_distance_is_one_minus_cosine_at_masked_shots_only():
    fused = torch.tensor([[[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]])
    guess = torch.tensor([[[5.0, 0.0], [9.0, 9.0], [-1.0, 0.0]]])
    masked = torch.tensor([[True, False, True]])
    assert distances(guess, fused, masked).tolist() == pytest.approx([0.0, 2.0])


def test_the_title_mean_is_that_of_the_visible_shots():
    fused = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0))
    visible = torch.tensor([[True, False, True, True, False], [False, True, True, False, False]])
    guess = title_mean(fused, visible)
    for row in range(2):
        expected = fused[row][visible[row]].mean(0).expand(5, 3)
        torch.testing.assert_close(guess[row], expected)


@pytest.mark.parametrize("seed", range(5))
def test_the_neighbour_mean_takes_the_nearest_visible_shots(seed):
    generator = torch.Generator().manual_seed(seed)
    fused = torch.randn(1, 12, 3, generator=generator)
    visible = torch.rand(1, 12, generator=generator) < 0.6
    guess = neighbour_mean(fused, visible)[0]
    for i in range(12):
        others = [j for j in range(12) if visible[0, j] and j != i]
        choices = [fused[0, pick].mean(0) for pick in ties(others, i)]
        assert any(torch.allclose(guess[i], choice, atol=1e-5) for choice in choices)


def test_with_few_visible_shots_the_neighbour_mean_takes_those():
    fused = torch.eye(3)[None]
    visible = torch.tensor([[True, False, True]])
    assert neighbour_mean(fused, visible)[0, 1].tolist() == pytest.approx([0.5, 0.0, 0.5])


def ties(others: list[int], i: int) -> list[list[int]]:
    """All choices of the 4 nearest: at the same distance on both sides either one will do."""
    return [sorted(others, key=lambda j: (abs(i - j), side * j))[:4] for side in (1, -1)]
