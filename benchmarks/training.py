"""Training on several machines, and in bounded memory.

    python -m benchmarks.training          # about ten minutes

`nodes`: two `torchrun` launchers on loopback, each with one process, train as one process does that
takes twice as many shots a step; then one of the two processes is killed, or its launcher with it,
and the training goes on from where its state was kept. `memory`: the most memory that a training
takes on stores of different sizes, and what part of its time it reads.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import ROOT, print_table, write_results
from benchmarks.nodes import KILLED, on_two, report, take_part
from mediafm_store import TrainConfig
from mediafm_store.arrays import BLOCK, FUSED, unit_rows
from mediafm_store.model.sequences import read
from mediafm_store.storage.storage import Storage
from mediafm_store.training.run import Step
from mediafm_store.training.train import stored_titles, train

SIZES = (10_000, 100_000, 300_000)
"""Shots of the stores whose training is measured."""
STEPS = 8
PIECE = 20
"""Titles that are written at once."""


def main() -> None:
    """Print the tables, write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    jobs = parser.add_subparsers(dest="job")
    worker = jobs.add_parser("train")
    worker.add_argument("store", type=Path)
    worker.add_argument("batch_shots", type=int)
    worker.add_argument("results", type=Path)
    worker.add_argument("killed", choices=KILLED)
    jobs.add_parser("measure").add_argument("store", type=Path)
    given = parser.parse_args()
    if given.job == "train":
        work(given.store, given.batch_shots, given.results, given.killed)
    elif given.job == "measure":
        print(json.dumps(measure(given.store)))
    else:
        figures = {"nodes": nodes(), "memory": memory()}
        for rows in figures.values():
            print_table(rows)
        write_results("training", figures)


def nodes(titles: int = 24, shots: int = 60, batch_shots: int = 256) -> list[dict[str, Any]]:
    """A row a training: how far its losses are from those of one process, at most."""
    with tempfile.TemporaryDirectory() as scratch:
        store = Path(scratch) / "store"
        write_store(store, titles, shots)
        worker = ["-m", "benchmarks.training", "train", str(store)]
        results = Path(scratch) / "alone"
        results.mkdir()
        command = [sys.executable, *worker, str(2 * batch_shots), str(results), "nothing"]
        subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
        alone = report(results)
        rows = []
        for killed in KILLED:
            results = Path(scratch) / killed
            results.mkdir()
            began = time.perf_counter()
            on_two([*worker, str(batch_shots)], results, killed)
            found = report(results)
            pairs = zip(found["losses"], alone["losses"], strict=True)
            rows.append(
                {
                    "killed": killed,
                    "steps": len(found["losses"]),
                    "went on at step": found["first"],
                    "processes at the end": found["processes"],
                    "largest difference": f"{max(abs(a - b) for a, b in pairs):.1e}",
                    "loss": alone["losses"][-1],
                    "s": time.perf_counter() - began,
                }
            )
    return rows


def work(store: Path, batch_shots: int, results: Path, killed: str) -> None:
    """Train on a store, as one of the processes."""
    config = TrainConfig(
        steps=STEPS, warmup=2, validate_every=2, batch_shots=batch_shots, muon_lr=1e-2
    )

    run = partial(train, Storage(store), preset="tiny", config=config, device="cpu")
    take_part(lambda on_step: run(on_step=on_step).result, results, killed)


def memory(sizes: Sequence[int] = SIZES) -> list[dict[str, Any]]:
    """A row a store: of titles of 500 shots."""
    rows = []
    for shots in sizes:
        with tempfile.TemporaryDirectory() as scratch:
            store = Path(scratch) / "store"
            write_store(store, shots // 500, 500)
            command = [sys.executable, "-m", "benchmarks.training", "measure", str(store)]
            done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
            rows.append({"shots": shots} | json.loads(done.stdout.splitlines()[-1]))
    return rows


def measure(path: Path) -> dict[str, float]:
    """Memory and times of a training of a few steps, in this process."""
    from benchmarks.model import peak_mb

    store = Storage(path)
    steps: list[Step] = []
    began = time.perf_counter()
    config = TrainConfig(steps=10)
    train(store, preset="tiny", config=config, device="cpu", on_step=steps.append)
    took, peak = time.perf_counter() - began, peak_mb()
    titles = stored_titles(store)
    order = np.random.default_rng(0).permutation(len(titles)).tolist()[:80]
    began = time.perf_counter()
    batches = [[titles[i] for i in order[start : start + 4]] for start in range(0, len(order), 4)]
    shots = sum(title.shots for batch in batches for title in read(batch))
    rate = shots / (time.perf_counter() - began)
    return {
        "peak MB": peak,
        "all s": took,
        "trains shots/s": float(np.median([step.shots_per_s for step in steps])),
        "reads shots/s": rate,
        "reads titles/s": rate * len(order) / shots,
        "reads MB/s": rate * 2 * FUSED / 1e6,
    }


def write_store(path: Path, titles: int, shots: int) -> None:
    """A store of made-up titles: scenes of 5 shots around a vector of their own."""
    from benchmarks.downstream import title_row, write

    store = Storage(path, create=True)
    told = {"made_by": "a benchmark", "fused": "made up"}
    fused = store.registry.only_version("fused", "made up", dim=FUSED, **told)
    metadata = store.registry.only_version("metadata", "made up", dim=BLOCK, **told)
    for start in range(0, titles, PIECE):
        names = [f"t{number:05d}" for number in range(start, min(titles, start + PIECE))]
        ids = [f"{name}/{i:05d}" for name in names for i in range(shots)]
        vectors = np.concatenate([scenes(start + n, shots) for n in range(len(names))])
        nothing = np.zeros((len(names), BLOCK), np.float32)
        of = [name for name in names for _ in range(shots)]
        rows = [title_row(name, name, "", shots) for name in names]
        write(store, rows, {fused: (ids, of, vectors), metadata: (names, names, nothing)})


def scenes(seed: int, shots: int) -> np.ndarray:
    """Unit vectors, float32 [shots, 2304]."""
    rng = np.random.default_rng(seed)
    shared = np.repeat(rng.standard_normal((-(-shots // 5), FUSED), np.float32), 5, axis=0)
    return unit_rows(shared[:shots] + 0.5 * rng.standard_normal((shots, FUSED), np.float32))


if __name__ == "__main__":
    main()
