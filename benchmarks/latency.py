"""How long searches take, and over another version: `python -m benchmarks.latency`.

    python -m benchmarks.latency --media FOLDER
    git worktree add ../before d397530
    python -m benchmarks.latency --before ../before     # and as ratios to that version

The films are ingested, trained on (preset small), embedded and indexed, by each version with its
own commands. Then processes of the versions take turns. Each asks every kind of query for five
shots, texts or segments, again and again: `first` is the first of a kind in the process, `ms` the
median of the later ones, `lancedb_ms` that of LanceDB's own search for the ten nearest vectors,
which tells nothing but ids. Then whole commands, which take turns as well.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.commands import environment, run
from benchmarks.common import ROOT, media_folder, print_table, write_results

ROUNDS, COMMANDS = 5, 7
"""Processes of each version, and whole commands."""
MAKE = (["train", "--preset", "small"], ["embed"], ["index", "build"])
COMMAND = {"shot": ["--shot", "sintel/00040"], "text": ["--text", "two people fight in the snow"]}
ASK = """
import json, resource, sys, time
from mediafm_store.encoding import load_encoders
from mediafm_store.retrieval.query import SearchOptions, SearchQuery
from mediafm_store.retrieval.search import search
from mediafm_store.storage.storage import Storage
store, encoders = Storage(sys.argv[1]), load_encoders(device="cpu")
shots = store.shots("sintel")["id"].to_list()[5:150:29]
texts = ["two people fight in the snow", "a dragon flying in the sky", "an old man's face",
         "a dark cave", "a city at night"]
asked = {
    "shot": [(SearchQuery(shot=s),) for s in shots],
    "text": [(SearchQuery(text=t),) for t in texts],
    "said": [(SearchQuery(said=w),) for w in ("dragon", "blood", "alone", "fight", "find")],
    "segment": [
        (SearchQuery(title="sintel", start_s=60.0 * i, end_s=60.0 * i + 15),) for i in range(1, 6)
    ],
    "scene": [(SearchQuery(shot=s), SearchOptions(unit="scene")) for s in shots],
    "title": [(SearchQuery(title="sintel_trailer"), SearchOptions(unit="title"))],
}
table = store.table(store.live("fused").table)
vector = store.vectors(store.live("fused"), "sintel").vectors[40]
found = {}
def timed(name, tasks):
    took = []
    for _ in range(1 + 15 // len(tasks)):
        for task in tasks:
            began = time.perf_counter()
            task()
            took.append(1e3 * (time.perf_counter() - began))
    found[name] = [took[0], *took[len(tasks):]]
for name, queries in asked.items():
    timed(name, [lambda q=q: search(store, *q, encoders=encoders) for q in queries])
timed("lancedb", [lambda: table.search(vector).metric("cosine").limit(10).select(["id"]).to_list()])
found["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps(found))
"""


class Version(NamedTuple):
    """A checkout of the project, and a store that it has made."""

    name: str
    checkout: Path
    store: Path

    def ask(self) -> dict[str, Any]:
        """What searches in one process took."""
        command = [sys.executable, "-c", ASK, str(self.store)]
        told = subprocess.run(
            command,
            cwd=self.checkout,
            env=environment(self.checkout),
            capture_output=True,
            text=True,
            check=True,
        )
        answer: dict[str, Any] = json.loads(told.stdout.splitlines()[-1])
        return answer


def main() -> None:
    """Measure all of it and write benchmarks/results/latency.json."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--media", type=Path, help="Folder of films.")
    parser.add_argument("--before", type=Path, help="Another checkout, to compare with.")
    given = parser.parse_args()
    media = given.media or media_folder()
    with tempfile.TemporaryDirectory() as scratch:
        folders = {"now": ROOT} | ({"before": given.before.resolve()} if given.before else {})
        versions = [Version(n, folder, Path(scratch) / n) for n, folder in folders.items()]
        log = Path(scratch) / "log"
        for version in versions:
            for arguments in (["ingest", str(media)], *MAKE):
                run(arguments, version.store, log, checkout=version.checkout)
        asked = [{v.name: v.ask() for v in versions} for _ in range(ROUNDS)]
        commands = [
            {v.name: run(["search", *a], v.store, log, checkout=v.checkout) for v in versions}
            for a in COMMAND.values()
            for _ in range(COMMANDS)
        ]
        size_mb = {v.name: folder_mb(v.store) for v in versions}
    rows = [row(kind, asked) for kind in asked[0]["now"] if kind not in ("peak_mb", "lancedb")]
    print_table(rows)
    whole = [
        whole_row(kind, commands[i * COMMANDS : (i + 1) * COMMANDS])
        for i, kind in enumerate(COMMAND)
    ]
    print_table(whole)
    beside = {
        "lancedb_ms": middle([later(a["now"]["lancedb"]) for a in asked]),
        "peak_mb": {n: middle([a[n]["peak_mb"] for a in asked]) for n in folders},
        "store_mb": size_mb,
    }
    print(beside)
    write_results("latency", {"searches": rows, "commands": whole, **beside})


def row(kind: str, asked: list[dict[str, Any]]) -> dict[str, Any]:
    """One kind of query: medians of now, and over the version before where there is one."""
    first = {name: [one[name][kind][0] for one in asked] for name in asked[0]}
    others = {name: [later(one[name][kind]) for one in asked] for name in asked[0]}
    made: dict[str, Any] = {"query": kind}
    made |= {"first_ms": middle(first["now"]), "ms": middle(others["now"])}
    if "before" in first:
        made |= {"first over before": ratio(first), "over before": ratio(others)}
    return made


def later(took: list[float]) -> float:
    """The median of all searches of a process but the first."""
    return float(np.median(took[1:]))


def whole_row(kind: str, rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """Whole commands of one kind."""
    took = {name: [one[name].seconds for one in rounds] for name in rounds[0]}
    made: dict[str, Any] = {"command": f"search --{kind}", "s": middle(took["now"])}
    return made | ({"over before": ratio(took)} if "before" in took else {})


def ratio(took: Mapping[str, list[float]]) -> float:
    """The median of the ratios of processes that ran one after the other."""
    return middle([now / before for now, before in zip(took["now"], took["before"], strict=True)])


def middle(values: list[float]) -> float:
    """The median, with three digits that count."""
    return float(f"{np.median(values):.3g}")


def folder_mb(folder: Path) -> float:
    """The size of all files."""
    return round(sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) / 1e6, 1)


if __name__ == "__main__":
    main()
