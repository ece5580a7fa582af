import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mediafm_store.errors import InvalidInput
from mediafm_store.model.sequences import Packed, TitleSequence, pack
from mediafm_store.model.smoothing import RANGES
from mediafm_store.model.transformer import PRESETS, TEXT_SHARE, Block, ModelConfig, ShotTransformer
from mediafm_store.model.transformer import _distance_bias as distance_bias
from mediafm_store.training.initialization import _OUT as OUT
from mediafm_store.training.initialization import _principal_directions as principal_directions
from mediafm_store.training.initialization import fit_mix, start_model
from mediafm_store.training.validation import ValidationSet

CONFIG = ModelConfig(dim=48, metadata_dim=16, hidden=16, layers=2, heads=4, max_shots=32)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def unit(*shape: int, seed: int = 0) -> torch.Tensor:
    return F.normalize(torch.randn(*shape, generator=seeded(seed)), dim=-1)


def title(shots: int, seed: int = 0) -> TitleSequence:
    metadata = unit(16, seed=seed + 100).numpy()
    return TitleSequence(unit(shots, 48, seed=seed).numpy(), metadata)


@pytest.fixture
def fresh() -> ShotTransformer:
    return start_model(CONFIG, [title(60)], generator=seeded()).requires_grad_(False)


@pytest.fixture
def trained(fresh) -> ShotTransformer:
    """Not trained on anything, but with every weight away from its start."""
    for parameter in fresh.parameters():
        parameter.add_(torch.randn(parameter.shape, generator=seeded(1)), alpha=0.3)
    return fresh


@pytest.fixture
def averages_only(fresh) -> ShotTransformer:
    """Whose layers add nothing."""
    fresh.shot_out.weight.zero_()
    return fresh


def hiding(titles: Packed, *places: int) -> torch.Tensor:
    masked = torch.zeros(len(titles.fused), dtype=torch.bool)
    masked[list(places)] = True
    return masked


def expected_by_hand(fused: torch.Tensor, masked: list[int], i: int, mix: torch.Tensor):
    seen = [j for j in range(len(fused)) if j not in masked]
    total = mix[-1] * fused[seen].mean(0)
    for share, reach in zip(mix, RANGES, strict=False):
        weights = torch.tensor([2.718281828 ** (-abs(i - j) / reach) for j in seen])
        total = total + share * (weights[:, None] * fused[seen]).sum(0) / weights.sum()
    return F.normalize(total, dim=0)


def test_without_layers_a_hidden_shot_is_averages_of_those_seen(averages_only):
    averages_only.mix.copy_(torch.tensor([0.4, 0.3, 0.2, 0.05, 0.05]))
    titles = pack([title(9), title(4, seed=1)])
    found = averages_only(titles, hiding(titles, 3, 7, 10))
    expected = [
        expected_by_hand(titles.fused[:9], [3, 7], 3, averages_only.mix),
        expected_by_hand(titles.fused[:9], [3, 7], 7, averages_only.mix),
        expected_by_hand(titles.fused[9:], [1], 1, averages_only.mix),
    ]
    torch.testing.assert_close(found, torch.stack(expected))


def test_without_layers_a_shot_in_context_is_the_whitened_shots_around_it(averages_only):
    titles = pack([title(9)])
    white = averages_only.whitening(titles.fused)
    apart = (torch.arange(9)[:, None] - torch.arange(9)).abs()
    averages_only.surroundings.reach.fill_(3.0)
    expected = F.normalize(torch.exp(-apart / 3) @ white, dim=-1)
    torch.testing.assert_close(averages_only.embed(titles).shots, expected)


def test_without_layers_a_title_is_the_mean_of_its_shots_and_its_metadata(averages_only):
    titles = pack([title(9), title(5, seed=1)])
    expected = titles.fused[:9].mean(0)
    expected[-16:] += TEXT_SHARE * titles.metadata[0]
    found = averages_only.embed(titles).title
    torch.testing.assert_close(found[0], F.normalize(expected, dim=0))
    assert found.shape == (2, 48)


def test_vectors_are_of_length_1(trained):
    titles = pack([title(9), title(5, seed=1)])
    shots, whole = trained.embed(titles)
    torch.testing.assert_close(shots.norm(dim=-1), torch.ones(14))
    torch.testing.assert_close(whole.norm(dim=-1), torch.ones(2))
    guesses = trained(titles, hiding(titles, 1, 12))
    torch.testing.assert_close(guesses.norm(dim=-1), torch.ones(2))


def test_what_is_hidden_cannot_be_seen(trained):
    titles = pack([title(9)])
    masked = hiding(titles, 4)
    other = titles._replace(fused=torch.where(masked[:, None], unit(9, 48, seed=7), titles.fused))
    assert torch.equal(trained(titles, masked), trained(other, masked))
    assert not torch.allclose(trained.embed(titles).shots, trained.embed(other).shots)


def test_titles_packed_together_do_not_see_each_other(trained):
    several = [title(9), title(1, seed=1), title(20, seed=2)]
    together = pack(several)
    shots, whole = trained.embed(together)
    guesses = trained(together, hiding(together, 2, 15, 16))
    alone = [trained.embed(pack([t])) for t in several]
    torch.testing.assert_close(shots, torch.cat([a.shots for a in alone]), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(whole, torch.cat([a.title for a in alone]), atol=1e-5, rtol=1e-4)
    first, last = pack(several[:1]), pack(several[2:])
    apart = [trained(first, hiding(first, 2)), trained(last, hiding(last, 5, 6))]
    torch.testing.assert_close(guesses, torch.cat(apart), atol=1e-5, rtol=1e-4)


def test_once_trained_order_metadata_and_neighbours_all_matter(trained):
    titles = pack([title(9)])
    shots = trained.embed(titles).shots
    backwards = titles._replace(fused=titles.fused.flip(0))
    assert not torch.allclose(trained.embed(backwards).shots.flip(0), shots)
    retold = titles._replace(metadata=-titles.metadata)
    assert not torch.allclose(trained.embed(retold).shots, shots)


def test_a_sequence_too_long_is_refused(trained):
    with pytest.raises(InvalidInput, match="33 shots is longer than the model's 32"):
        trained.embed(pack([title(33)]))


def test_the_bias_penalises_distance_between_shots_only():
    bias = distance_bias(5, 3, device=torch.device("cpu"))
    slopes = torch.tensor([2**-0.5, 2**-1.0, 2**-1.5])
    torch.testing.assert_close(bias[:, 2, 4], -2 * slopes)
    torch.testing.assert_close(bias[:, 4, 0], -8 * slopes)
    assert (bias[:, :2, 2:] == bias[:, :2, 2:3]).all()


def test_attention_as_written_down(trained):
    """Against softmax(q k' / sqrt(d) + bias) v, head by head, sequence by sequence."""
    block = trained.blocks[0]
    assert isinstance(block, Block)
    x = torch.randn(11, 16, generator=seeded(2))
    bias = distance_bias(5, 4, device=x.device)
    expected = []
    for part in x.split((7, 4)):
        heads = []
        for h in range(4):
            rows = slice(4 * h, 4 * h + 4)
            q, k, v = (part @ w.weight[rows].T for w in (block.query, block.key, block.value))
            logits = q @ k.T / 2 + bias[h, : len(part), : len(part)]
            heads.append(torch.softmax(logits, dim=-1) @ v)
        expected.append(torch.cat(heads, dim=-1) @ block.out.weight.T)
    found = block.attend(x, bias, (7, 4))
    torch.testing.assert_close(found, torch.cat(expected), atol=1e-5, rtol=1e-4)


def test_presets_fit_fused_vectors():
    assert set(PRESETS) == {"tiny", "small", "base", "large"}
    assert {(c.dim, c.metadata_dim) for c in PRESETS.values()} == {(2304, 768)}
    assert PRESETS["base"] == ModelConfig()


@pytest.mark.parametrize(
    "sizes", [{"heads": 5}, {"hidden": 4096, "heads": 8}, {"layers": 0}, {"metadata_dim": 4000}]
)
def test_sizes_that_do_not_fit_are_refused(sizes):
    with pytest.raises(InvalidInput):
        ModelConfig(**sizes)


def test_the_start_depends_on_the_seed_and_on_nothing_else():
    states = []
    for luck, seed in ((1, 0), (2, 0), (2, 1)):
        torch.manual_seed(luck)
        states.append(start_model(CONFIG, [title(60)], generator=seeded(seed)).state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert not torch.equal(states[1]["blocks.0.up.weight"], states[2]["blocks.0.up.weight"])


def test_the_layers_start_as_averages_in_the_principal_directions(fresh):
    titles = pack([title(9)])
    x = fresh.tokens(titles, hiding(titles))
    block, bias = fresh.blocks[0], distance_bias(9, 4, device=x.device)
    weights = torch.softmax(bias, dim=-1)
    by_head = block.attention_norm(x).reshape(11, 4, 4)
    averages = torch.einsum("hij,jhd->ihd", weights, by_head).reshape(11, 16)
    torch.testing.assert_close(block(x, bias, (11,)), x + averages)


def test_the_projection_out_undoes_the_one_in(fresh):
    turned = OUT * fresh.shot_in.weight / CONFIG.hidden
    torch.testing.assert_close(fresh.shot_out.weight, turned.T)


def practice(scene: int) -> ValidationSet:
    scenes = unit(240 // scene, 48).repeat_interleave(scene, dim=0)
    fused = F.normalize(scenes + 0.5 * unit(240, 48, seed=1), dim=-1).numpy()
    shots = [TitleSequence(fused, np.zeros(16, np.float32))]
    return ValidationSet(shots, size=32, mask_rate=0.2, draws=8, generator=seeded())


@pytest.mark.parametrize("scene", [2, 30])
def test_the_mix_predicts_better_than_any_one_average(averages_only, scene):
    exam = practice(scene)
    fit_mix(averages_only, exam)
    found = exam.grade(averages_only)
    for kind in range(len(averages_only.mix)):
        averages_only.mix.zero_()[kind] = 1
        assert found < exam.grade(averages_only) + 1e-3


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
