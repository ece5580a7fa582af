import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from mediafm_store.training import resume
from mediafm_store.training.run import Step, TrainConfig
from mediafm_store.training.trainer import train_model
from tests.unit.training.test_train import MODEL, catalogue

CONFIG = TrainConfig(steps=12, warmup=2, validate_every=2, batch_shots=64, patience=99)


class Killed(Exception):
    """Stands for a kill."""


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(resume, "_EVERY_S", 0.0)


def cut_off(at: int, unfinished: Path, config: TrainConfig = CONFIG) -> None:
    def kill(step: Step) -> None:
        if step.step == at:
            raise Killed

    with pytest.raises(Killed):
        train_model(catalogue(), MODEL, config, unfinished=unfinished, on_step=kill)


def comparable(history: list[Step]) -> list[Step]:
    """All but how fast it went."""
    return [step._replace(shots_per_s=0) for step in history]


@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
def test_a_training_cut_off_goes_on_as_if_it_had_not_been(tmp_path, optimizer):
    config = TrainConfig(**{**vars(CONFIG), "optimizer": optimizer})
    whole = train_model(catalogue(), MODEL, config)
    unfinished = tmp_path / "unfinished"
    cut_off(5, unfinished, config)
    cut_off(9, unfinished, config)
    taken: list[Step] = []
    found = train_model(catalogue(), MODEL, config, unfinished=unfinished, on_step=taken.append)
    assert [s.step for s in taken] == [9, 10, 11, 12], "steps 1 to 8 were kept"
    assert comparable(found.history) == comparable(whole.history)
    assert (found.validation, found.best_step) == (whole.validation, whole.best_step)
    weights = whole.model.state_dict()
    assert all(torch.equal(weights[n], w) for n, w in found.model.state_dict().items())
    assert not unfinished.exists()


@pytest.mark.parametrize("change", ["titles", "settings", "broken"])
def test_what_was_cut_off_of_another_training_is_passed_over(tmp_path, change):
    unfinished = tmp_path / "unfinished"
    cut_off(5, unfinished)
    titles, config = catalogue(), CONFIG
    if change == "titles":
        titles = catalogue(9)
    if change == "settings":
        config = TrainConfig(**{**vars(CONFIG), "seed": 1})
    if change == "broken":
        unfinished.write_bytes(unfinished.read_bytes()[:999])
    found = train_model(titles, MODEL, config, unfinished=unfinished)
    assert comparable(found.history) == comparable(train_model(titles, MODEL, config).history)


def test_a_training_whose_patience_was_over_takes_no_step_more(tmp_path, monkeypatch):
    harmful = {"steps": 50, "muon_lr": 1.0, "adamw_lr": 1.0, "warmup": 0, "patience": 3}
    config = TrainConfig(**{**vars(CONFIG), **harmful})
    whole = train_model(catalogue(), MODEL, config)
    assert whole.stopped == "no better validation loss since step 0"

    def kill(state: resume.ResumeState) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(resume.ResumeState, "remove", kill)
        with pytest.raises(Killed):
            train_model(catalogue(), MODEL, config, unfinished=tmp_path / "unfinished")
    taken: list[Step] = []
    found = train_model(
        catalogue(), MODEL, config, unfinished=tmp_path / "unfinished", on_step=taken.append
    )
    assert not taken
    assert comparable(found.history) == comparable(whole.history)
    assert found.stopped == whole.stopped


def test_nothing_is_written_before_a_minute_has_passed(tmp_path, monkeypatch):
    monkeypatch.setattr(resume, "_EVERY_S", 60.0)
    cut_off(9, tmp_path / "unfinished")
    assert not (tmp_path / "unfinished").exists()


SLOWLY = """
import sys, time
from pathlib import Path
from mediafm_store.training import resume
from mediafm_store.training.trainer import train_model as train
from tests.unit.training.test_resume import CONFIG
from tests.unit.training.test_train import MODEL, catalogue
resume._EVERY_S = 0.0
train(catalogue(), MODEL, CONFIG, unfinished=Path(sys.argv[1]), on_step=lambda s: time.sleep(.05))
"""


def test_a_kill_at_any_moment_leaves_what_can_go_on(tmp_path):
    unfinished = tmp_path / "unfinished"
    killed = subprocess.Popen([sys.executable, "-c", SLOWLY, str(unfinished)])
    deadline = time.monotonic() + 60
    while not unfinished.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert unfinished.exists()
    found = train_model(catalogue(), MODEL, CONFIG, unfinished=unfinished)
    assert comparable(found.history) == comparable(train_model(catalogue(), MODEL, CONFIG).history)
    assert os.listdir(tmp_path) in ([], [".unfinished"])
