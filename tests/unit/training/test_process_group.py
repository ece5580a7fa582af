"""Two processes that train together, against one that takes twice as many shots a step."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from mediafm_store.training.process_group import ProcessGroup
from mediafm_store.training.run import TrainConfig
from mediafm_store.training.trainer import train_model
from tests.unit.training.test_train import MODEL, catalogue

CONFIG = TrainConfig(steps=6, warmup=2, validate_every=2, batch_shots=64, muon_lr=1e-2)

TOGETHER = """
import json, sys
from pathlib import Path
from mediafm_store.training.trainer import train_model as train
from tests.unit.training.test_train import MODEL, catalogue
from tests.unit.training.test_process_group import CONFIG
found = train(catalogue(12), MODEL, CONFIG)
losses = [[step.loss, step.validation] for step in found.history]
weights = {n: w.double().sum().item() for n, w in found.model.state_dict().items()}
Path(sys.argv[1], f"{found.rank}.json").write_text(json.dumps([losses, weights]))
"""


@pytest.fixture
def together(tmp_path):
    (tmp_path / "run.py").write_text(TOGETHER)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [*command, str(tmp_path / "run.py"), str(tmp_path)],
        env={"PYTHONPATH": ".", "OMP_NUM_THREADS": "1", "PATH": ""},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1)]


def test_two_processes_train_as_one_that_takes_twice_as_many_shots(together):
    assert together[0] == together[1]
    alone = train_model(catalogue(12), MODEL, replace(CONFIG, batch_shots=128))
    losses, weights = together[0]
    expected = [[step.loss, step.validation] for step in alone.history]
    for found, one in zip(losses, expected, strict=True):
        assert found == pytest.approx(one, abs=1e-5)
    for name, tensor in alone.model.state_dict().items():
        assert weights[name] == pytest.approx(tensor.double().sum().item(), abs=1e-2), name


def test_all_shares_together_are_everything():
    items = list(range(11))
    shares = [ProcessGroup(rank, 3).share(items) for rank in range(3)]
    assert sorted(item for share in shares for item in share) == items
