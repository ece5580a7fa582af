import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mediafm_store.model.sequences import TitleSequence, pack
from mediafm_store.training.masking import _interpolation as interpolation
from mediafm_store.training.masking import _neighbour_mean as neighbour_mean
from mediafm_store.training.masking import _title_mean as title_mean
from mediafm_store.training.masking import cosine_distances, mask_shots, trivial_predictors


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@given(
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=5),
    rate=st.floats(0.01, 0.9),
    seed=st.integers(0, 1000),
)
def test_a_share_of_the_eligible_shots_of_each_sequence_is_hidden(lengths, rate, seed):
    shots = sum(lengths)
    eligible = torch.rand(shots, generator=seeded(seed)) < 0.7
    tickets = torch.rand(shots, generator=seeded(seed + 1))
    masked = mask_shots(eligible, lengths, rate=rate, tickets=tickets)
    assert not (masked & ~eligible).any()
    for there, hidden in zip(eligible.split(lengths), masked.split(lengths), strict=True):
        n = int(there.sum())
        assert abs(int(hidden.sum()) - min(n, max(1, rate * n))) <= 0.51


def test_every_shot_is_hidden_sometimes_and_each_draw_differs():
    generator = seeded()
    eligible = torch.ones(20, dtype=torch.bool)
    draws = torch.stack(
        [
            mask_shots(eligible, [20], rate=0.2, tickets=torch.rand(20, generator=generator))
            for _ in range(200)
        ]
    )
    assert (draws.sum(1) == 4).all()
    assert draws.sum(0).min() > 20
    assert len({tuple(d.tolist()) for d in draws}) > 150


def test_distance_is_one_minus_cosine():
    truth = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    guess = torch.tensor([[5.0, 0.0], [-1.0, 0.0]])
    assert cosine_distances(guess, truth).tolist() == pytest.approx([0.0, 2.0])


def places(seen: list[int], masked: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.tensor(seen), torch.tensor(masked)


def test_the_title_mean_is_that_of_the_shots_seen():
    fused = torch.randn(5, 3, generator=seeded())
    guess = title_mean(fused, *places([0, 2, 3], [1, 4]))
    torch.testing.assert_close(guess, fused[[0, 2, 3]].mean(0).expand(2, 3))


@pytest.mark.parametrize("seed", range(5))
def test_the_neighbour_mean_takes_the_nearest_that_are_seen(seed):
    fused = torch.randn(12, 3, generator=seeded(seed))
    order = torch.randperm(12, generator=seeded(seed)).tolist()
    seen, masked = sorted(order[:7]), sorted(order[7:])
    guesses = neighbour_mean(fused, *places(seen, masked))
    for guess, i in zip(guesses, masked, strict=True):
        choices = [fused[pick].mean(0) for pick in ties(seen, i)]
        assert any(torch.allclose(guess, choice, atol=1e-5) for choice in choices)


def ties(others: list[int], i: int) -> list[list[int]]:
    """All choices of the 4 nearest: at the same distance on both sides either one will do."""
    return [sorted(others, key=lambda j: (abs(i - j), side * j))[:4] for side in (1, -1)]


def test_interpolation_is_on_the_line_between_the_nearest_and_holds_at_the_ends():
    fused = torch.randn(9, 3, generator=seeded())
    seen, masked = [1, 5, 6], [0, 2, 4, 8]
    line = np.stack([np.interp(masked, seen, fused[seen, d].numpy()) for d in range(3)], axis=1)
    found = interpolation(fused, *places(seen, masked))
    np.testing.assert_allclose(found.numpy(), line, atol=1e-6)


@pytest.mark.parametrize("name", trivial_predictors())
def test_predictors_look_at_one_title_at_a_time_and_not_at_what_is_hidden_or_empty(name):
    rng = np.random.default_rng(0)
    nothing = np.zeros(2, np.float32)
    titles = [TitleSequence(rng.normal(size=(n, 6)).astype(np.float32), nothing) for n in (8, 5, 1)]
    titles[0].fused[6] = 0
    together = pack(titles)
    masked = torch.zeros(14, dtype=torch.bool)
    masked[[2, 3, 9, 13]] = True
    guess = trivial_predictors()[name]
    found = guess(together, masked)
    spoilt = together._replace(fused=together.fused.masked_fill(masked[:, None], 9.0))
    assert torch.equal(found, guess(spoilt, masked))
    alone = [guess(pack([t]), m) for t, m in zip(titles, masked.split((8, 5, 1)), strict=True)]
    torch.testing.assert_close(found, torch.cat(alone))
    assert (found[-1] == 0).all(), "the only shot of a title is hidden"
    assert found.isfinite().all()
