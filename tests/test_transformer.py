import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mediafm_store.errors import BadInput
from mediafm_store.model.exam import Exam
from mediafm_store.model.start import DECAY, DECAYS, fit_decay, principal_directions, start_model
from mediafm_store.model.transformer import (
    CONTEXT,
    PRESETS,
    TEXT_SHARE,
    Block,
    ModelConfig,
    ShotTransformer,
    distance_bias,
)
from mediafm_store.model.windows import TitleShots

CONFIG = ModelConfig(dim=48, metadata_dim=16, hidden=16, layers=2, heads=4, max_shots=32)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def unit(*shape: int, seed: int = 0) -> torch.Tensor:
    return F.normalize(torch.randn(*shape, generator=seeded(seed)), dim=-1)


@pytest.fixture
def fresh() -> ShotTransformer:
    return start_model(CONFIG, unit(60, 48), generator=seeded())


@pytest.fixture
def trained(fresh) -> ShotTransformer:
    """Not trained on anything, but with every weight away from its start."""
    with torch.no_grad():
        for parameter in fresh.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=seeded(1)), alpha=0.3)
    return fresh


def all_valid(batch: int, shots: int) -> torch.Tensor:
    return torch.ones(batch, shots, dtype=torch.bool)


def plain_by_hand(fused: torch.Tensor, masked: list[int], i: int) -> torch.Tensor:
    weights = [0 if j in masked else math.exp(-DECAY * abs(i - j)) for j in range(len(fused))]
    around = sum(w * shot for w, shot in zip(weights, fused, strict=True)) / sum(weights)
    return F.normalize((0 if i in masked else fused[i]) + CONTEXT * around, dim=-1)


def test_before_training_a_shot_is_itself_and_what_surrounds_it(fresh):
    fused, masked = unit(1, 9, 48), torch.zeros(1, 9, dtype=torch.bool)
    masked[0, [3, 7]] = True
    seen = fresh(fused, unit(1, 16), all_valid(1, 9), masked).shots[0]
    expected = torch.stack([plain_by_hand(fused[0], [3, 7], i) for i in range(9)])
    torch.testing.assert_close(seen, expected)


def test_before_training_a_title_is_the_mean_of_its_shots_and_its_metadata(fresh):
    fused, metadata = unit(1, 9, 48), unit(1, 16, seed=1)
    expected = fused[0].mean(0)
    expected[-16:] += TEXT_SHARE * metadata[0]
    title = fresh(fused, metadata, all_valid(1, 9)).title[0]
    torch.testing.assert_close(title, F.normalize(expected, dim=0))


def test_vectors_are_of_length_1(trained):
    shots, title = trained(unit(2, 9, 48), unit(2, 16), all_valid(2, 9))
    torch.testing.assert_close(shots.norm(dim=-1), torch.ones(2, 9))
    torch.testing.assert_close(title.norm(dim=-1), torch.ones(2))


def test_what_is_masked_cannot_be_seen(trained):
    fused, metadata = unit(1, 9, 48), unit(1, 16)
    masked = torch.arange(9)[None] == 4
    other = torch.where(masked[..., None], unit(1, 9, 48, seed=7), fused)
    one, two = (trained(x, metadata, all_valid(1, 9), masked) for x in (fused, other))
    assert torch.equal(one.shots, two.shots)
    assert torch.equal(one.title, two.title)
    assert not torch.allclose(one.shots, trained(fused, metadata, all_valid(1, 9)).shots)


def test_padding_changes_nothing(trained):
    fused, metadata = unit(1, 9, 48), unit(1, 16)
    alone = trained(fused, metadata, all_valid(1, 9))
    padded = torch.cat([fused, unit(1, 5, 48, seed=3)], dim=1)
    among = trained(padded, metadata, torch.arange(14)[None] < 9)
    torch.testing.assert_close(among.shots[:, :9], alone.shots, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(among.title, alone.title, atol=1e-5, rtol=1e-5)


def test_once_trained_order_metadata_and_neighbours_all_matter(trained):
    fused, metadata, valid = unit(1, 9, 48), unit(1, 16), all_valid(1, 9)
    shots = trained(fused, metadata, valid).shots
    assert not torch.allclose(trained(fused.flip(1), metadata, valid).shots.flip(1), shots)
    assert not torch.allclose(trained(fused, -metadata, valid).shots, shots)


def test_a_sequence_too_long_is_refused(trained):
    with pytest.raises(BadInput, match="33 shots is longer than the model's 32"):
        trained(unit(1, 33, 48), unit(1, 16), all_valid(1, 33))


def test_the_bias_penalises_distance_between_shots_only():
    bias = distance_bias(torch.tensor([[True, True, True, False]]), 3)[0]
    slopes = torch.tensor([2**-0.5, 2**-1.0, 2**-1.5])
    torch.testing.assert_close(bias[:, 2, 4], -2 * slopes)
    torch.testing.assert_close(bias[:, 4, 0], -8 * slopes)
    assert (bias[:, :2, :5] == 0).all()
    assert (bias[:, :, 5] == -torch.inf).all()


def test_attention_as_written_down(trained):
    """Against softmax(q k' / sqrt(d) + bias) v, head by head."""
    block = trained.blocks[0]
    assert isinstance(block, Block)
    x = torch.randn(1, 7, 16, generator=seeded(2))
    bias = distance_bias(all_valid(1, 5), 4)
    heads = []
    for h in range(4):
        part = slice(4 * h, 4 * h + 4)
        q, k, v = (x[0] @ w.weight[part].T for w in (block.query, block.key, block.value))
        heads.append(torch.softmax(q @ k.T / 2 + bias[0, h], dim=-1) @ v)
    expected = torch.cat(heads, dim=-1) @ block.out.weight.T
    torch.testing.assert_close(block.attend(x, bias)[0], expected, atol=1e-5, rtol=1e-4)


def test_presets_fit_fused_vectors():
    assert set(PRESETS) == {"tiny", "small", "base", "large"}
    assert {(c.dim, c.metadata_dim) for c in PRESETS.values()} == {(2304, 768)}
    assert PRESETS["base"] == ModelConfig()


@pytest.mark.parametrize(
    "sizes", [{"heads": 5}, {"hidden": 4096, "heads": 8}, {"layers": 0}, {"metadata_dim": 4000}]
)
def test_sizes_that_do_not_fit_are_refused(sizes):
    with pytest.raises(BadInput):
        ModelConfig(**sizes)


def test_the_start_depends_on_the_seed_and_on_nothing_else():
    states = []
    for luck, seed in ((1, 0), (2, 0), (2, 1)):
        torch.manual_seed(luck)
        states.append(start_model(CONFIG, unit(60, 48), generator=seeded(seed)).state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert not torch.equal(states[1]["blocks.0.up.weight"], states[2]["blocks.0.up.weight"])


def test_the_layers_start_as_averages_in_the_principal_directions(fresh):
    fused, valid = unit(1, 9, 48), all_valid(1, 9)
    x = fresh.tokens(fused, unit(1, 16), torch.zeros_like(valid))
    block = fresh.blocks[0]
    normed = block.attention_norm(x)
    weights = torch.softmax(distance_bias(valid, 4)[0], dim=-1)
    by_head = normed[0].reshape(11, 4, 4)
    averages = torch.einsum("hij,jhd->ihd", weights, by_head).reshape(11, 16)
    torch.testing.assert_close(block(x, distance_bias(valid, 4))[0], x[0] + averages)


@pytest.mark.parametrize(("scene", "noise", "fits"), [(2, 0.5, {1.0, 1.4}), (40, 2, {0.1, 0.15})])
def test_the_decay_fits_how_long_scenes_are(fresh, scene, noise, fits):
    scenes = unit(120 // scene, 48).repeat_interleave(scene, dim=0)
    fused = F.normalize(scenes + noise * unit(120, 48, seed=1), dim=-1).numpy()
    practice = Exam(
        [TitleShots(fused, np.zeros(16, np.float32))],
        size=32,
        mask_rate=0.2,
        draws=8,
        device="cpu",
        generator=seeded(),
    )
    fit_decay(fresh, practice)
    assert min(DECAYS, key=lambda decay: abs(decay - fresh.decay.item())) in fits


def test_principal_directions_hold_as_much_as_the_exact_ones():
    scales = 0.8 ** torch.arange(48)
    x = torch.randn(300, 48, generator=seeded()) * scales
    found = principal_directions(x, 8, generator=seeded(1))
    torch.testing.assert_close(found.T @ found, torch.eye(8), atol=1e-5, rtol=0)
    energy = (x @ found).square().sum(0)
    exact = torch.linalg.svdvals(x)[:8].square()
    torch.testing.assert_close(energy, exact, rtol=0.02, atol=0)


def test_where_shots_are_few_other_directions_fill_up():
    x = unit(3, 48)
    found = principal_directions(x, 16, generator=seeded(1))
    torch.testing.assert_close(found.T @ found, torch.eye(16), atol=1e-5, rtol=0)
    torch.testing.assert_close(x @ found[:, :3] @ found[:, :3].T, x, atol=1e-4, rtol=0)
    other = principal_directions(x, 16, generator=seeded(2))
    assert not torch.allclose(found[:, 3:].abs(), other[:, 3:].abs(), atol=0.05)
