"""Run a command of mediafm by itself, and see what it costs."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.common import ROOT


class Cost(NamedTuple):
    """What a command took."""

    seconds: float
    processor_s: float
    """Over all cores; other programs on the machine hardly change it."""
    peak_rss: int
    """Bytes."""


def run(arguments: list[str], store: Path | str, log: Path, *, checkout: Path = ROOT) -> Cost:
    """Run a command on a store, of the code in a checkout of the project.

    SystemExit with the end of its log if it fails.
    """
    command = [sys.executable, "-m", "mediafm_cli", *arguments, "--store", str(store), "--json"]
    began = time.perf_counter()
    with log.open("wb") as out:
        running = subprocess.Popen(
            command,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=checkout,
            env=environment(checkout),
        )
        _, status, used = os.wait4(running.pid, 0)
    took_s = time.perf_counter() - began
    if status:
        sys.exit(f"{' '.join(command)} failed:\n{log.read_text(encoding='utf-8')[-2000:]}")
    return Cost(took_s, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)


def environment(checkout: Path) -> dict[str, str]:
    """Of processes for which the code in a checkout comes first."""
    folders = (checkout, checkout / "cli", checkout / "indexes")
    return os.environ | {"PYTHONPATH": os.pathsep.join(map(str, folders))}
