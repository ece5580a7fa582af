import pytest
import torch
from torch import nn

from mediafm_store.model.transformer import ModelConfig, ShotTransformer
from mediafm_store.training.optim import Muon, lr_factor, make_optimizers, split_parameters
from mediafm_store.training.optim import _orthogonalise as orthogonalise


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def model() -> ShotTransformer:
    return ShotTransformer(ModelConfig(dim=48, metadata_dim=16, hidden=16, layers=2, heads=4))


@pytest.mark.parametrize("shape", [(16, 16), (8, 32), (32, 8)])
def test_orthogonalising_keeps_directions_and_evens_lengths(shape):
    g = random(*shape)
    left, _, right = torch.linalg.svd(g, full_matrices=False)
    turned = left.T @ orthogonalise(g) @ right.T
    lengths = turned.diagonal()
    assert lengths.min() > 0.6
    assert lengths.max() < 1.3
    torch.testing.assert_close(turned, torch.diag(lengths), atol=1e-4, rtol=0)


@pytest.mark.parametrize("shape", [(16, 16), (8, 32), (32, 8)])
def test_many_matrices_are_orthogonalised_as_one_by_one(shape):
    several = random(5, *shape)
    alone = torch.stack([orthogonalise(one) for one in several])
    torch.testing.assert_close(orthogonalise(several), alone)
    assert torch.equal(orthogonalise(several[:1])[0], alone[0])


def test_nothing_is_orthogonalised_to_nothing():
    assert (orthogonalise(torch.zeros(4, 4)) == 0).all()


@pytest.mark.parametrize("shape", [(16, 16), (12, 48), (48, 12)])
def test_muon_steps_as_torchs_does(shape):
    """Loosely: torch's Newton-Schulz runs in bfloat16, of 8 significant bits."""
    ours, theirs = nn.Parameter(random(*shape)), nn.Parameter(random(*shape))
    pair = (
        (ours, Muon([ours], lr=0.02, weight_decay=0.1)),
        (theirs, torch.optim.Muon([theirs], lr=0.02, weight_decay=0.1, momentum=0.95)),
    )
    for step in range(5):
        for matrix, optimizer in pair:
            matrix.grad = random(*shape, seed=step + 1)
            optimizer.step()
    moved = (ours - random(*shape)).norm()
    assert (ours - theirs).norm() < 0.03 * moved


def test_muon_leaves_alone_what_has_no_gradient():
    matrix = nn.Parameter(random(4, 4))
    Muon([matrix], lr=1.0, weight_decay=0.5).step()
    assert torch.equal(matrix, random(4, 4))


@pytest.mark.parametrize("name", ["muon", "adamw"])
def test_every_parameter_has_exactly_one_optimizer(model, name):
    optimizers = make_optimizers(
        split_parameters(model), name, muon_lr=1.0, adamw_lr=1.0, weight_decay=0.1
    )
    taken = [id(p) for o in optimizers for g in o.param_groups for p in g["params"]]
    assert sorted(taken) == sorted(id(p) for p in model.parameters())


def test_muon_has_the_hidden_matrices_and_tokens_are_not_decayed(model):
    split = split_parameters(model)
    assert len(split.muon) == 2 * 6
    assert {tuple(p.shape) for p in split.decayed} == {(16, 48), (16, 16), (48, 16)}
    optimizers = make_optimizers(split, "muon", muon_lr=1.0, adamw_lr=1.0, weight_decay=0.1)
    undecayed = [
        p for o in optimizers for g in o.param_groups if not g["weight_decay"] for p in g["params"]
    ]
    expected = [model.cls, model.title, model.mask, model.positions]
    assert {id(p) for p in expected} <= {id(p) for p in undecayed}
    assert len(undecayed) == len(expected) + 4  # and the blocks' gains


def test_the_learning_rate_rises_then_falls_to_nothing():
    factors = [lr_factor(step, steps=100, warmup=10) for step in range(1, 101)]
    assert factors[0] == pytest.approx(0.1)
    assert factors[9] == 1
    assert factors[54] == pytest.approx(0.5)
    assert factors[99] == pytest.approx(0)
    assert factors[9:] == sorted(factors[9:], reverse=True)


def test_without_warm_up_the_first_step_is_almost_a_full_one():
    assert lr_factor(1, steps=100, warmup=0) == pytest.approx(1, abs=1e-3)
