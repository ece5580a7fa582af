"""What runs on a GPU gives what a CPU gives: exactly where it may, else as near as said here.

The layers of the model run in bfloat16 there, of 8 significant bits; all else is float32.
"""

import numpy as np
import pytest
import torch
from torch import nn

from mediafm_store.arrays import unit_rows
from mediafm_store.encoding import load_encoder, load_encoders
from mediafm_store.model.checkpoint import load_checkpoint, save_checkpoint
from mediafm_store.model.sequences import TitleSequence, pack
from mediafm_store.model.transformer import ModelConfig, ShotTransformer
from mediafm_store.model.windows import embed_titles
from mediafm_store.shots import transnetv2
from mediafm_store.training.batching import windows
from mediafm_store.training.initialization import start_model
from mediafm_store.training.masking import trivial_predictors
from mediafm_store.training.optim import Muon
from mediafm_store.training.optim import _orthogonalise as orthogonalise
from mediafm_store.training.process_group import ALONE
from mediafm_store.training.resume import ResumeState
from mediafm_store.training.resume import _tensors_of as tensors_of
from mediafm_store.training.run import Best, TrainConfig, TrainingRun
from mediafm_store.training.run import _seeded as seeded
from mediafm_store.training.trainer import _prepare as prepare
from mediafm_store.training.trainer import train_model
from tests.helpers import stages

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU that torch can use"),
]
MODEL = ModelConfig(dim=96, metadata_dim=32, hidden=64, layers=3, heads=4, max_shots=64)
CONFIG = TrainConfig(
    steps=12, warmup=2, validate_every=3, batch_shots=160, muon_lr=5e-3, adamw_lr=1e-3, patience=99
)
LENGTHS = (64, 33, 150, 7, 48, 21, 2, 60)
NEAR = 2e-3
"""Between losses in bfloat16 and in float32: they are means over some dozens of masked shots."""


def titles() -> list[TitleSequence]:
    """Scenes of four shots, in titles of odd lengths, one of them longer than a sequence."""
    rng = np.random.default_rng(0)
    made = []
    for number, shots in enumerate(LENGTHS):
        scenes = np.repeat(rng.normal(size=(shots // 4 + 1, 96)), 4, axis=0)[:shots]
        fused = unit_rows((scenes + rng.normal(size=(shots, 96))).astype(np.float32))
        about = unit_rows(rng.normal(size=(1, 32)).astype(np.float32))[0]
        made.append(TitleSequence(fused, about, id=str(number)))
    return made


def moved(model: ShotTransformer) -> ShotTransformer:
    """With every weight away from its start, so that all layers say something."""
    generator = seeded(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.05)
    return model.eval()


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=seeded(seed))


@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
def test_training_goes_as_on_a_cpu(optimizer):
    config = TrainConfig(**{**vars(CONFIG), "optimizer": optimizer})
    on_cpu, on_gpu = (train_model(titles(), MODEL, config, device=d) for d in ("cpu", "cuda"))
    assert on_gpu.model.cls.is_cuda
    assert [s.loss for s in on_gpu.history] == pytest.approx(
        [s.loss for s in on_cpu.history], abs=NEAR
    )
    assert on_gpu.validation == pytest.approx(on_cpu.validation, abs=NEAR)
    assert on_gpu.history[-1].loss != on_gpu.history[0].loss
    for name, guess in on_cpu.baselines.items():  # ties among neighbours may be broken otherwise
        tolerance = {"untrained": NEAR, "mean of 4 neighbours": 2e-2}.get(name, 1e-5)
        assert on_gpu.baselines[name] == pytest.approx(guess, abs=tolerance), name
    assert set(on_gpu.baselines) == {*trivial_predictors(), "untrained"}


def a_run() -> tuple[TrainingRun, list[TitleSequence]]:
    run, training, _ = prepare(
        titles(), MODEL, CONFIG, device="cuda", world=ALONE, start=start_model
    )
    run.best = Best.now(run.model, 0, 1.0)
    return run, training


def test_training_goes_on_from_what_was_kept(tmp_path, monkeypatch):
    monkeypatch.setattr("mediafm_store.training.resume._EVERY_S", 0.0)
    state = ResumeState(str(tmp_path / "unfinished"), "key", ALONE)
    whole, training = a_run()
    whole.fit(training, lambda step: None, state.keep)
    short, _ = a_run()
    state.restore(short)
    kept = tensors_of(whole)
    assert kept.keys() == tensors_of(short).keys()
    assert all(torch.equal(kept[name], t) for name, t in tensors_of(short).items())
    counts = [s["step"] for s in short.optimizers[1].state.values()]
    assert not any(count.is_cuda for count in counts), "AdamW would wait for each"
    short.turned = whole.turned
    batch = short.share(windows(training, MODEL.max_shots))
    again = [run.step(13, batch) for run in (whole, short)]
    assert again[0].loss == pytest.approx(again[1].loss, rel=1e-5)
    assert again[0].grad_norm == pytest.approx(again[1].grad_norm, rel=1e-3)


def test_gradients_are_whole_and_finite():
    run, training = a_run()
    run.gradients(1, run.share(windows(training, MODEL.max_shots)).sequences)
    for name, parameter in run.model.named_parameters():
        if parameter.grad is not None:
            assert parameter.grad.dtype == torch.float32, name
            assert parameter.grad.isfinite().all(), name


@pytest.fixture(scope="module")
def model() -> ShotTransformer:
    return moved(start_model(MODEL, titles(), generator=seeded(0)))


def test_titles_are_embedded_as_on_a_cpu(model):
    on_cpu = list(embed_titles(model, titles(), overlap=16))
    on_gpu = list(embed_titles(moved_to_gpu(model), titles(), overlap=16))
    assert [len(title.shots) for title in on_gpu] == list(LENGTHS)
    for one, other in zip(on_cpu, on_gpu, strict=True):
        assert np.einsum("nd,nd->n", one.shots, other.shots).min() > 1 - 1e-4
        assert one.title @ other.title > 1 - 1e-4


def moved_to_gpu(model: ShotTransformer) -> ShotTransformer:
    copy = ShotTransformer(model.config)
    copy.load_state_dict(model.state_dict())
    return copy.to("cuda").eval()


def test_averages_alone_are_the_same_to_float32():
    """Without what the layers add, nothing is in bfloat16."""
    model = start_model(MODEL, titles(), generator=seeded(0)).eval()
    with torch.no_grad():
        model.shot_out.weight.zero_()
    pair = [list(embed_titles(m, titles(), overlap=16)) for m in (model, moved_to_gpu(model))]
    for one, other in zip(*pair, strict=True):
        np.testing.assert_allclose(one.shots, other.shots, atol=1e-5)
        np.testing.assert_allclose(one.title, other.title, atol=1e-5)


def test_titles_packed_together_do_not_see_each_other(model):
    on_gpu = moved_to_gpu(model)
    several = [title for title in titles() if title.shots <= MODEL.max_shots]
    with torch.inference_mode():
        together = on_gpu.embed(pack(several).to("cuda")).shots
        alone = [on_gpu.embed(pack([title]).to("cuda")).shots for title in several]
    torch.testing.assert_close(together, torch.cat(alone), atol=1e-2, rtol=0)


def test_a_checkpoint_is_of_no_device(model, tmp_path):
    for name, some in (("cpu", model), ("gpu", moved_to_gpu(model))):
        save_checkpoint(some, tmp_path / name, extra={})
    one, other = (load_checkpoint(tmp_path / name).state_dict() for name in ("cpu", "gpu"))
    assert all(torch.equal(one[name], weights) for name, weights in other.items())


@pytest.mark.parametrize("shape", [(64, 64), (64, 256), (256, 64)])
def test_many_matrices_are_orthogonalised_as_one_by_one(shape):
    several = random(5, *shape).to("cuda")
    together = orthogonalise(several)
    alone = torch.stack([orthogonalise(one) for one in several])
    assert together.dtype == torch.float32
    assert (together - alone).norm() < 0.05 * alone.norm()
    exact = torch.stack([orthogonalise(one) for one in several.cpu()])
    assert (together.cpu() - exact).norm() < 0.05 * exact.norm()


def test_muon_steps_as_torchs_does():
    shapes = [(64, 64), (48, 192), (64, 64), (192, 48)]
    ours, theirs = (
        [nn.Parameter(random(*s, seed=i).to("cuda")) for i, s in enumerate(shapes)]
        for _ in range(2)
    )
    pair = (
        (ours, Muon(ours, lr=0.02, weight_decay=0.1)),
        (theirs, torch.optim.Muon(theirs, lr=0.02, weight_decay=0.1, momentum=0.95)),
    )
    for step in range(5):
        for matrices, optimizer in pair:
            for i, matrix in enumerate(matrices):
                matrix.grad = random(*matrix.shape, seed=10 * step + i).to("cuda")
            optimizer.step()
    for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        start = random(*a.shape, seed=i).to("cuda")
        assert (a - b).norm() < 0.05 * (a - start).norm()


@pytest.mark.parametrize("kind", ["siglip", "clip", "clap", "wav2vec2", "bert"])
def test_encoders_of_transformers_see_and_hear_the_same(kind, tmp_path):
    pytest.importorskip("transformers")
    from tests.unit.encoders.test_huggingface import KINDS, texts

    make, _, items, _ = KINDS[kind]
    torch.manual_seed(0)
    make(tmp_path)
    on_cpu, on_gpu = (load_encoder(f"hf={tmp_path}", d) for d in ("cpu", "cuda"))
    assert on_cpu.fingerprint == on_gpu.fingerprint, "vectors of both are of one space"
    np.testing.assert_allclose(
        on_gpu.encode(items()).blocks, on_cpu.encode(items()).blocks, atol=1e-4
    )
    np.testing.assert_allclose(
        on_gpu.encode_query(texts()), on_cpu.encode_query(texts()), atol=1e-4
    )


def test_ray_holds_encoders_on_the_gpu(tmp_path):
    """Workers that have none of it send it what they have."""
    pytest.importorskip("transformers")
    pytest.importorskip("ray")
    from mediafm_store.engines import engine_of
    from tests.unit.encoders.test_huggingface import KINDS

    kinds = ("siglip", "wav2vec2", "bert")
    for kind in kinds:
        (tmp_path / kind).mkdir()
        KINDS[kind][0](tmp_path / kind)
    encoders = load_encoders([f"hf={folder}" for folder in tmp_path.iterdir()], device="cuda")
    with engine_of("ray", workers=2) as engine:
        held = engine.held(encoders)
        assert held["visual"] is not encoders["visual"]
        for kind in kinds:
            _, modality, items, _ = KINDS[kind]
            blocks = encoders[modality].encode(items()).blocks
            for outcome in engine.run(stages.Encode(held, modality), [items()] * 4):
                np.testing.assert_allclose(outcome.get(), blocks, atol=1e-5)


def test_cuts_are_as_likely_as_on_a_cpu():
    """Two still pictures, each with noise, after each other."""
    rng = np.random.default_rng(0)
    stills = np.kron(rng.integers(30, 220, (2, 3, 4, 3)), np.ones((60, 9, 12, 1), int))
    noisy = (stills + rng.integers(-20, 20, stills.shape)).astype(np.uint8)
    frames = torch.from_numpy(noisy)
    on_cpu = transnetv2._network("cpu")(frames)
    on_gpu = transnetv2._network("cuda")(frames.to("cuda")).cpu()
    assert on_cpu.argmax() == on_gpu.argmax()
    assert on_cpu.max() > 0.5
    torch.testing.assert_close(on_gpu, on_cpu, atol=1e-3, rtol=0)
    found = list(transnetv2._scores(frames))
    assert np.argmax(found) == on_cpu.argmax(), "where there is a GPU it is taken"


def test_convolutions_take_no_shortened_floats():
    """TF32, cuDNN's default, would be 1e-3 away; float32 is 1e-6 from float64."""
    transnetv2._network("cuda")
    conv = nn.Conv2d(64, 64, 3, padding=1, bias=False).to("cuda")
    x = random(8, 64, 32, 32).to("cuda")
    with torch.inference_mode():
        short, exact = conv(x).double(), conv.double()(x.double())
    assert (short - exact).abs().max() < 1e-4 * exact.abs().max()
