"""How time and memory grow with a catalogue, and what is asked of an object store.

    python -m benchmarks.scale                       # two hours; 40 GB of disk for 10,000 titles
    python -m benchmarks.scale --titles 100 300      # minutes

Each stage is a command in a process of its own. Titles have 20 shots, whose features are made up.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.commands import Cost, run
from benchmarks.common import print_table, write_results
from benchmarks.object_store import requests
from benchmarks.simulated import make_catalogue, title_of

SHOTS = 20
"""Of each title."""
KILLS = 100
"""Rounds of killing workers."""
COUNTS = (100, 1000, 10_000)
METHODS = ("LIST", "GET", "HEAD", "PUT", "POST", "all")
"""Of requests."""
STEPS = 20
"""Of training: what a stage costs is to be seen, not how good a model gets."""
TABLES = ("titles", "shots", "fused_v1", "context_v1", "tags")
"""Those whose fragments and versions are told: one of each kind."""


def main() -> None:
    """Print the tables, write the results."""
    from benchmarks.ray import MORE, kills, overhead, rounds_of

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--titles", type=int, nargs="+", default=COUNTS)
    options = parser.parse_args()
    figures: dict[str, Any] = {"shots_per_title": SHOTS, "stages": {}, "tables": {}}
    for titles in options.titles:
        with tempfile.TemporaryDirectory() as scratch:
            costs = stages(Path(scratch), titles)
            figures["stages"][titles] = {name: cost._asdict() for name, cost in costs.items()}
            figures["tables"][titles] = tables(Path(scratch) / "store")
    with tempfile.TemporaryDirectory() as scratch:
        figures["requests"] = requests(Path(scratch))
    print_table(list(by_stage(figures["stages"])))
    print_table([{"catalogue": t} | told for t, told in figures["tables"].items()])
    print_table(
        [
            {"stage": name} | {method: told.get(method, 0) for method in METHODS}
            for name, told in figures["requests"].items()
        ]
    )
    compared = {"films": overhead(), "more_films": overhead(1, MORE)}
    print_table(rounds_of(compared))
    killed = kills(KILLS)
    print_table([killed])
    ratio = compared["films"]["ray_over_workers"]
    figures |= {"ray_over_workers": ratio, "ray": compared, "kills": killed}
    write_results("scale", figures)


def stages(folder: Path, titles: int) -> dict[str, Cost]:
    """Take a catalogue the whole road, and say what each stage costs."""
    features, labels = make_catalogue(folder / "features", titles, shots=SHOTS)
    commands = {
        "import": ["import", str(features)],
        "import again": ["import", str(features)],
        "train": ["train", "--preset", "tiny", "--steps", str(STEPS)],
        "embed": ["embed"],
        "index": ["index", "build"],
        "labels": ["labels", "import", str(labels)],
        "probe": ["probes", "fit", "topic"],
        "tag": ["tags", "apply"],
        "search": ["search", "--shot", f"{title_of(0)}/00003"],
    }
    costs = {}
    for name, command in commands.items():
        costs[name] = run(command, folder / "store", folder / f"{name}.log")
        print(f"{titles:,} titles, {name}: {costs[name].seconds:.1f} s", file=sys.stderr)
    return costs


def tables(path: Path) -> dict[str, dict[str, int]]:
    """Small files and versions of tables: what a reader has to look through."""
    from mediafm_store.storage.storage import Storage

    store = Storage(path)
    found = {name: store.tables.files(name) for name in TABLES}
    return {name: {"small_files": f, "versions": v} for name, (f, v) in found.items()}


def by_stage(stages: Mapping[int, Mapping[str, Mapping[str, float]]]) -> Iterator[dict[str, str]]:
    """A row a stage: seconds, processor time a title and peak memory, by the number of titles."""
    for name in next(iter(stages.values())):
        row = {"stage": name}
        for titles, costs in stages.items():
            cost = costs[name]
            each = 1e3 * cost["processor_s"] / titles
            row[f"{titles:,} titles"] = (
                f"{cost['seconds']:.0f} s, {each:.1f} ms each, {cost['peak_rss'] / 1e9:.1f} GB"
            )
        yield row


if __name__ == "__main__":
    main()
