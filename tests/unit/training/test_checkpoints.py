"""Checkpoints of a store: none is lost, and none becomes the newest that makes no vectors."""

import json
import shutil

import pytest
import torch

from mediafm_store import TrainConfig
from mediafm_store.embedding.embed import embed
from mediafm_store.errors import InvalidInput
from mediafm_store.model import checkpoint as saving
from mediafm_store.model.checkpoint import load_checkpoint, save_checkpoint
from mediafm_store.model.metadata import read_facts
from mediafm_store.model.transformer import ModelConfig, ShotTransformer
from mediafm_store.storage.storage import Storage
from mediafm_store.training import resume
from mediafm_store.training.checkpoints import _checkpoints as checkpoints
from mediafm_store.training.checkpoints import saved
from mediafm_store.training.train import train
from tests.conftest import random_vectors, title_rows

CONFIG = TrainConfig(steps=2, validate_every=1)


@pytest.fixture
def films(store):
    for seed, title in enumerate(["alpha", "beta", "gamma"]):
        store.add_title(title_rows(store, title, random_vectors(8, seed)))
    return store


def trained(store, **options):
    return train(store, preset="tiny", config=CONFIG, device="cpu", **options)


def test_a_training_that_cannot_be_saved_is_not_lost(films, monkeypatch):
    monkeypatch.setattr(resume, "_EVERY_S", 0.0)

    def full(weights, path):
        raise OSError(28, "No space left on device", str(path))

    with monkeypatch.context() as patched:
        patched.setattr(saving, "save_file", full)
        with pytest.raises((OSError, InvalidInput)):
            trained(films)
    assert saved(films) == []
    taken = []
    found = trained(films, on_step=taken.append)
    assert taken == []
    assert [step.step for step in found.result.history] == [1, 2]
    assert saved(films) == [found.checkpoint]
    assert [f.name for f in checkpoints(films).iterdir()] == ["0001"]


def test_the_number_of_a_checkpoint_is_taken_when_it_is_saved(films):
    trained(films)

    def another(step):
        if step.step == 1:  # of another training, which is over before this one
            shutil.copytree(checkpoints(films) / "0001", checkpoints(films) / "0002")

    assert trained(films, on_step=another).checkpoint.name == "0003"


def test_trainings_at_the_same_time_keep_their_own_states(films, monkeypatch):
    monkeypatch.setattr(resume, "_EVERY_S", 0.0)
    states = []

    def look(step):
        states.append({f.name for f in checkpoints(films).glob("unfinished*")})
        if len(states) == 2:
            other = TrainConfig(steps=2, validate_every=1, seed=1)
            train(films, preset="tiny", config=other, device="cpu", on_step=look)

    trained(films, on_step=look)
    assert max(map(len, states)) == 2
    assert [f.name for f in saved(films)] == ["0001", "0002"]


@pytest.mark.parametrize("fault", ["weights", "sizes", "widths"])
def test_a_checkpoint_that_makes_no_vectors_is_not_adopted(imported, tmp_path, fault):
    shutil.copytree(imported.path, tmp_path / "store")
    store = Storage(tmp_path / "store")
    before = saved(store)
    bad = tmp_path / "bad"
    if fault == "widths":
        model = ShotTransformer(ModelConfig(dim=32, metadata_dim=8, hidden=16, layers=1, heads=2))
        save_checkpoint(model, bad, extra=read_facts(before[-1]))
    else:
        shutil.copytree(before[-1], bad)
    if fault == "weights":
        model = load_checkpoint(bad)
        with torch.no_grad():
            for weight in model.parameters():
                weight.mul_(1e30)
        shutil.rmtree(bad)
        save_checkpoint(model, bad, extra=read_facts(before[-1]))
    if fault == "sizes":
        config = json.loads((bad / "config.json").read_text())
        config["model"]["layers"] = 10_000_000
        (bad / "config.json").write_text(json.dumps(config))
    with pytest.raises(InvalidInput):
        embed(store, checkpoint=bad, device="cpu")
    assert saved(store) == before
    assert embed(store, device="cpu").titles == 0
