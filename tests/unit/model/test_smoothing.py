import math

import numpy as np
import pytest
import torch

from mediafm_store.model.smoothing import _LAGS as LAGS
from mediafm_store.model.smoothing import NeighbourSmoother
from mediafm_store.model.smoothing import _best_reach as best_reach
from mediafm_store.model.smoothing import _likeness_by_lag as likeness_by_lag


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("shots", [1, 5, 96, 97, 300])
@pytest.mark.parametrize("reach", [0.2, 3.0, 11.0])
def test_surroundings_against_all_pairs(shots, reach):
    vectors = torch.randn(shots, 6, generator=seeded())
    averaged = NeighbourSmoother()
    averaged.reach.fill_(reach)
    apart = (torch.arange(shots)[:, None] - torch.arange(shots)).abs()
    expected = torch.exp(-apart / reach) @ vectors
    torch.testing.assert_close(averaged(vectors), expected, atol=0.02, rtol=1e-3)


def drifting(kept: float, share: float, shots: int = 6000) -> tuple[torch.Tensor, torch.Tensor]:
    """A scene that drifts, and shots that add noise to it."""
    steps = torch.randn(shots, 16, generator=seeded()) * math.sqrt(share * (1 - kept**2))
    scene = torch.zeros(shots, 16)
    for i in range(1, shots):
        scene[i] = kept * scene[i - 1] + steps[i]
    own = torch.randn(shots, 16, generator=seeded(1)) * math.sqrt(1 - share)
    return scene, scene + own


@pytest.mark.parametrize(("kept", "share"), [(0.9, 0.3), (0.6, 0.5), (0.95, 0.8)])
def test_the_reach_that_is_fitted_estimates_the_scene_best(kept, share):
    """Of all reaches, by the error that is left after the best scaling."""
    scene, seen = drifting(kept, share)
    averaged = NeighbourSmoother()
    averaged.reach.fill_(best_reach(likeness_by_lag([seen])))

    def error(reach: float) -> float:
        averaged.reach.fill_(reach)
        guess = averaged(seen)
        scale = (guess * scene).sum() / guess.square().sum()
        return (scene - scale * guess).square().mean().item()

    fitted = error(averaged.reach.item())
    least = min(error(reach) for reach in np.geomspace(0.2, 30, 25))
    assert fitted < 1.02 * least


def test_shots_that_have_nothing_in_common_are_hardly_averaged():
    assert best_reach(torch.zeros(LAGS)) < 3
    assert best_reach(torch.full((LAGS,), 0.3)) > 4
    assert best_reach(torch.full((LAGS,), 1.0)) < best_reach(torch.full((LAGS,), 0.3))


def test_likeness_against_pairs_one_by_one():
    titles = [torch.randn(n, 5, generator=seeded(n)) for n in (3, 12)]
    own = torch.cat([t.square().sum(1) for t in titles]).mean()
    for lag, found in enumerate(likeness_by_lag(titles), start=1):
        products = [float(t[i] @ t[i + lag]) for t in titles for i in range(len(t) - lag)]
        assert found == pytest.approx(np.mean(products) / own.item(), abs=1e-4)
