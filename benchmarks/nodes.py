"""Two `torchrun` launchers on loopback, as if they were two machines; one may be killed."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.common import ROOT
from mediafm_store.training import resume
from mediafm_store.training.run import Step
from mediafm_store.training.trainer import TrainResult

KILLED = ("nothing", "worker", "node")
KILLED_AT = 5
"""The step after which it happens."""
LAUNCHER = ("--nnodes=1:2", "--nproc-per-node=1", "--max-restarts=3", "--rdzv-backend=c10d")
WAITS = "join_timeout=60,last_call_timeout=5,keep_alive_interval=1,keep_alive_max_attempt=3"
"""For launchers that are all on this machine."""
LONGEST_S = 300.0
OnStep = Callable[[Step], None]


def on_two(worker: Sequence[str], results: Path, killed: str) -> None:
    """Let two launchers train together, a process each; one may be killed on the way.

    `worker` is what each process runs, followed by the folder of results and by what is killed of
    its launcher. The launcher at which they meet is left alone. Raises CalledProcessError, with
    what was said, if the training does not come to its end.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        meeting = [f"--rdzv-endpoint=127.0.0.1:{free.getsockname()[1]}", "--local-addr=127.0.0.1"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}
    launchers = []
    logs = [results / "log0", results / "log1"]
    try:
        for log, is_host, hurt in zip(logs, (1, 0), ("nothing", killed), strict=True):
            options = [*LAUNCHER, *meeting, f"--rdzv-conf=is_host={is_host},{WAITS}"]
            command = [sys.executable, "-m", "torch.distributed.run", *options, *worker]
            with log.open("w") as said:
                launchers.append(
                    subprocess.Popen(
                        [*command, str(results), hurt],
                        cwd=ROOT,
                        env=environment,
                        stdout=said,
                        stderr=said,
                    )
                )
        if launchers[0].wait(timeout=LONGEST_S):
            raise subprocess.CalledProcessError(
                launchers[0].returncode, command, logs[0].read_text()
            )
        launchers[1].wait(timeout=LONGEST_S)
    finally:
        for launcher in launchers:
            launcher.terminate()
            launcher.wait()


def take_part(run: Callable[[OnStep], TrainResult], results: Path, killed: str) -> None:
    """Train, be killed once if that is to be, and report; the state is kept at once."""
    resume._EVERY_S = 0.0
    taken: list[int] = []

    def on_step(step: Step) -> None:
        taken.append(step.step)
        mark = results / "killed"
        if killed != "nothing" and step.step == KILLED_AT and not mark.exists():
            mark.touch()
            if killed == "node":
                os.kill(os.getppid(), signal.SIGKILL)
            os.kill(os.getpid(), signal.SIGKILL)

    found = run(on_step)
    if not found.rank:
        told = {
            "losses": [step.loss for step in found.history],
            "first": taken[0],
            "processes": int(os.environ.get("WORLD_SIZE", "1")),
        }
        (results / "report.json").write_text(json.dumps(told))


def report(results: Path) -> dict[str, Any]:
    """What the first process has written."""
    found: dict[str, Any] = json.loads((results / "report.json").read_text())
    return found
