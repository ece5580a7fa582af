"""Detected cuts against labelled ones: `python -m benchmarks.shots`.

A labelled cut is the first frame of a shot. It is found if a detected cut lies within two frames
of it; each detected cut finds one at most. Where one shot does not follow the other directly (a
fade, a dissolve), `f1 with fades` also counts a detection inside the transition as found.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.common import labelled_films, media_folder, print_table
from mediafm_store import plugins
from mediafm_store.shots.detectors import Detector
from mediafm_store.shots.shots import read_shots

TOLERANCE = 2


@dataclass(frozen=True)
class Score:
    """How detected cuts agree with labelled ones."""

    precision: float
    recall: float
    f1: float


def main() -> None:
    """Measure every installed detector on every labelled film."""
    print_table(measure(labelled_films(media_folder())))


def measure(films: Mapping[str, tuple[Path, dict[str, Any]]]) -> list[dict[str, Any]]:
    """One row a film and detector."""
    rows: list[dict[str, Any]] = []
    for film, (video, truth) in films.items():
        for name in plugins.names("detectors"):
            found = detected_frames(video, plugins.load("detectors", name), truth["fps"])
            strict = score(found, labelled_cuts(truth, fades=False))
            fades = score(found, labelled_cuts(truth, fades=True))
            rows.append(
                {
                    "film": film,
                    "detector": name,
                    "labelled": len(truth["shots"]) - 1,
                    "detected": len(found),
                    "precision": strict.precision,
                    "recall": strict.recall,
                    "f1": strict.f1,
                    "f1 with fades": fades.f1,
                }
            )
    return rows


def detected_frames(video: Path, detector: Detector, fps: float) -> list[int]:
    """The first frame of every shot but the first."""
    shots = list(read_shots(video, detector))
    return [round(float(s.span.start * s.span.time_base) * fps) for s in shots[1:]]


def labelled_cuts(truth: dict[str, Any], *, fades: bool) -> list[tuple[int, int]]:
    """The frames, first and last, at which each cut may be detected."""
    shots = sorted(truth["shots"], key=lambda s: s["start"])
    pairs = pairwise(shots)
    return [
        ((a["end"] + 1 if fades else b["start"]) - TOLERANCE, b["start"] + TOLERANCE)
        for a, b in pairs
    ]


def score(found: list[int], labelled: list[tuple[int, int]]) -> Score:
    """Match in play order, each at most once."""
    hits, free = 0, sorted(found)
    for first, last in labelled:
        match = next((f for f in free if first <= f <= last), None)
        if match is not None:
            free.remove(match)
            hits += 1
    precision = hits / len(found) if found else 0.0
    recall = hits / len(labelled) if labelled else 0.0
    f1 = 2 * hits / (len(found) + len(labelled)) if hits else 0.0
    return Score(precision, recall, f1)


if __name__ == "__main__":
    main()
