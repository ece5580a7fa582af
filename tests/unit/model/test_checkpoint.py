import json

import pytest
import torch

from mediafm_store.errors import InvalidInput, NotFound
from mediafm_store.model import checkpoint
from mediafm_store.model.checkpoint import load_checkpoint, save_checkpoint
from mediafm_store.model.metadata import checkpoint_fingerprint, read_facts
from mediafm_store.model.sequences import TitleSequence, pack
from mediafm_store.model.transformer import ModelConfig, ShotTransformer
from mediafm_store.training.initialization import start_model

CONFIG = ModelConfig(dim=32, metadata_dim=8, hidden=16, layers=2, heads=4, max_shots=24)


@pytest.fixture
def model() -> ShotTransformer:
    generator = torch.Generator().manual_seed(0)
    shots = TitleSequence(torch.randn(40, 32, generator=generator).numpy(), torch.zeros(8).numpy())
    return start_model(CONFIG, [shots], generator=generator)


@pytest.fixture
def folder(model, tmp_path):
    save_checkpoint(model, tmp_path / "runs" / "0001", extra={"fused": "abc", "history": [1, 2]})
    return tmp_path / "runs" / "0001"


def test_what_is_loaded_is_what_was_saved(model, folder):
    loaded = load_checkpoint(folder)
    assert loaded.config == CONFIG
    assert not loaded.training
    saved, found = model.state_dict(), loaded.state_dict()
    assert saved.keys() == found.keys()
    assert all(torch.equal(saved[name], found[name]) for name in saved)
    assert read_facts(folder) == {"fused": "abc", "history": [1, 2]}


def test_a_loaded_model_can_be_trained_on(folder):
    loaded = load_checkpoint(folder)
    titles = pack([TitleSequence(torch.randn(5, 32).numpy(), torch.zeros(8).numpy())])
    torch.autograd.backward(loaded(titles, torch.arange(5) == 2).sum())
    assert loaded.shot_out.weight.grad is not None


def test_the_fingerprint_is_of_sizes_and_weights_not_of_facts(model, folder, tmp_path):
    save_checkpoint(model, tmp_path / "same", extra={"other": 1})
    with torch.no_grad():
        model.mask += 1e-3
    save_checkpoint(model, tmp_path / "other", extra={})
    fingerprint = checkpoint_fingerprint(folder)
    assert len(fingerprint) == 16
    assert int(fingerprint, 16) >= 0
    assert checkpoint_fingerprint(tmp_path / "same") == fingerprint
    assert checkpoint_fingerprint(tmp_path / "other") != fingerprint
    edit(tmp_path / "same", {"heads": 2})
    assert checkpoint_fingerprint(tmp_path / "same") != fingerprint


def test_a_kill_while_writing_leaves_nothing(model, tmp_path, monkeypatch):
    def killed(weights, path):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "save_file", killed)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(model, tmp_path / "runs" / "0001", extra={})
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_checkpoint_is_not_overwritten(model, folder):
    with pytest.raises(InvalidInput, match="exists already"):
        save_checkpoint(model, folder, extra={})
    assert read_facts(folder)["fused"] == "abc"
    assert sorted(f.name for f in folder.parent.iterdir()) == ["0001"]


@pytest.mark.parametrize("use", [load_checkpoint, read_facts, checkpoint_fingerprint])
def test_a_missing_checkpoint_is_named_with_the_cure(use, tmp_path):
    with pytest.raises(NotFound, match=r"gone; train one with `mediafm train`"):
        use(tmp_path / "gone")


@pytest.mark.parametrize("use", [load_checkpoint, checkpoint_fingerprint])
def test_missing_weights_are_named(use, folder):
    (folder / "model.safetensors").unlink()
    with pytest.raises(NotFound, match=r"no model.safetensors in checkpoint .*0001"):
        use(folder)


def test_cut_off_weights_are_refused(folder):
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(InvalidInput, match=r"0001 cannot be loaded .*; train again"):
        load_checkpoint(folder)


@pytest.mark.parametrize("sizes", [{"hidden": 8}, {"layers": 3}, {"wings": 2}])
def test_weights_that_disagree_with_the_sizes_are_refused(folder, sizes):
    edit(folder, sizes)
    with pytest.raises(InvalidInput, match=r"0001 cannot be loaded"):
        load_checkpoint(folder)


@pytest.mark.parametrize("sizes", [{"layers": 10_000_000}, {"hidden": 1 << 20}, {"heads": 0}])
def test_sizes_that_no_model_has_are_refused_at_once(folder, sizes):
    edit(folder, sizes)
    with pytest.raises(
        InvalidInput, match=r"0001 cannot be loaded \((layers|hidden|heads) of a model"
    ):
        load_checkpoint(folder)


def test_weights_that_are_no_numbers_are_refused(model, tmp_path):
    with torch.no_grad():
        next(iter(model.parameters()))[0] = float("nan")
    save_checkpoint(model, tmp_path / "nan", extra={})
    with pytest.raises(InvalidInput, match=r"nan cannot be loaded \(some of its weights"):
        load_checkpoint(tmp_path / "nan")


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_config_that_is_none_is_refused(folder, text):
    (folder / "config.json").write_text(text)
    with pytest.raises(InvalidInput, match=r"config\.json"):
        load_checkpoint(folder)


def edit(folder, sizes) -> None:
    content = json.loads((folder / "config.json").read_text())
    content["model"] |= sizes
    (folder / "config.json").write_text(json.dumps(content))
