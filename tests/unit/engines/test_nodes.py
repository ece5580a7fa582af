"""Two launchers on this machine, as if they were two machines."""

import json
from dataclasses import replace

import pytest

from benchmarks.nodes import KILLED, KILLED_AT, on_two
from mediafm_store.errors import InvalidInput
from mediafm_store.training.process_group import process_group
from mediafm_store.training.run import TrainConfig
from mediafm_store.training.trainer import train_model
from tests.unit.training.test_train import MODEL, catalogue

CONFIG = TrainConfig(steps=8, warmup=2, validate_every=2, batch_shots=48, muon_lr=1e-2)

WORKER = """
import sys
from functools import partial
from pathlib import Path
from benchmarks.nodes import take_part
from mediafm_store.training.trainer import train_model as train
from tests.unit.engines.test_nodes import CONFIG
from tests.unit.training.test_train import MODEL, catalogue
results = Path(sys.argv[1])
run = partial(train, catalogue(12), MODEL, CONFIG, unfinished=results / "unfinished")
take_part(lambda on_step: run(on_step=on_step), results, sys.argv[2])
"""


@pytest.fixture(scope="module")
def alone():
    """The losses of one process that takes twice as many shots a step."""
    config = replace(CONFIG, batch_shots=2 * CONFIG.batch_shots)
    return [step.loss for step in train_model(catalogue(12), MODEL, config).history]


@pytest.mark.slow
@pytest.mark.parametrize("killed", KILLED)
def test_two_nodes_train_as_one_process_even_if_one_of_them_is_killed(tmp_path, alone, killed):
    (tmp_path / "worker.py").write_text(WORKER)
    on_two([str(tmp_path / "worker.py")], tmp_path, killed)
    found = json.loads((tmp_path / "report.json").read_text())
    assert found["losses"] == pytest.approx(alone, abs=1e-5)
    assert found["processes"] == (1 if killed == "node" else 2)
    assert found["first"] == (1 if killed == "nothing" else KILLED_AT)
    assert not (tmp_path / "unfinished").exists()


def test_restarts_that_would_fail_are_refused(monkeypatch):
    """A process that starts again would look for those that have ended."""
    monkeypatch.setenv("TORCHELASTIC_MAX_RESTARTS", "3")
    monkeypatch.setenv("TORCHELASTIC_USE_AGENT_STORE", "True")
    with (
        pytest.raises(InvalidInput, match="needs TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1"),
        process_group("cpu"),
    ):
        pass
    monkeypatch.setenv("TORCHELASTIC_USE_AGENT_STORE", "False")
    with process_group("cpu") as world:
        assert world.size == 1
