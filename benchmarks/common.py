"""Where the labelled films are, and how results are written."""

import json
import os
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32
from scipy import stats

from mediafm_store.metrics.intervals import Interval

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PACKAGES = ("av", "faiss-gpu", "lancedb", "mediafm-store", "onnxruntime", "scenedetect", "torch")


def media_folder() -> Path:
    """The films with ground truth: MEDIAFM_TEST_MEDIA, else ../shared/media beside the project."""
    folder = Path(os.environ.get("MEDIAFM_TEST_MEDIA", ROOT.parent / "shared" / "media"))
    if not folder.is_dir():
        sys.exit(f"no films in {folder}; set MEDIAFM_TEST_MEDIA to a folder of labelled films")
    return folder


def labelled_films(folder: Path) -> dict[str, tuple[Path, dict[str, Any]]]:
    """Title -> its video and ground truth, of those that have one."""
    truths = sorted(folder.glob("*/ground_truth.json"))
    loaded = [(t, json.loads(t.read_text(encoding="utf-8"))) for t in truths]
    return {t.parent.name: (t.parent / truth["file"], truth) for t, truth in loaded}


def scenes_of(
    frames: Float32[np.ndarray, " shots"], scenes: list[dict[str, Any]]
) -> list[int | None]:
    """The number of the labelled scene that each frame lies in."""
    return [
        next((s["id"] for s in scenes if s["start"] <= frame <= s["end"]), None) for frame in frames
    ]


def write_results(name: str, figures: dict[str, Any]) -> None:
    """Write benchmarks/results/NAME.json with machine, versions and command."""
    facts = {
        "command": f"python -m benchmarks.{name}",
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "versions": {"python": platform.python_version()} | {p: installed(p) for p in PACKAGES},
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(facts | figures, indent=1) + "\n", encoding="utf-8")
    print(f"wrote {path.relative_to(ROOT)}")


def installed(package: str) -> str | None:
    """A package's version, None where it is not installed."""
    try:
        return version(package)
    except ModuleNotFoundError:
        return None


def student(values: Sequence[float]) -> Interval:
    """The mean of shares with its 95 % interval, as Student has it; none of a single one."""
    mean, error = float(np.mean(values)), float(stats.sem(values)) if len(values) > 1 else 0.0
    reach = error * float(stats.t.ppf(0.975, max(1, len(values) - 1)))
    return Interval(mean, max(0.0, mean - reach), min(1.0, mean + reach))


def print_table(rows: list[dict[str, Any]]) -> None:
    """Rows as a Markdown table, as the documentation shows them."""
    print("| " + " | ".join(rows[0]) + " |")
    print("|" + " --- |" * len(rows[0]))
    for row in rows:
        cells = (f"{v:.3f}" if isinstance(v, float) else str(v) for v in row.values())
        print("| " + " | ".join(cells) + " |")
