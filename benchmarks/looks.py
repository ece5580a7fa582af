"""How far words for the look of shots are right: `python -m benchmarks.looks`.

The words follow from measures and rules (mediafm_store/shots/looks.py) that were set before anybody
looked at these labels: labels.json, beside the films, says what people saw in each shot. A labelled
shot is compared with the shot of the store that it shares most time with. Precision: of the shots
with the word, how many have the label. Recall: of those with the label, how many have the word. AP:
average precision of the degree. `third` are the same of every third labelled shot.

Half a minute. Prints the table of docs/decisions/0025-looks.md.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score

from benchmarks.common import media_folder, print_table, write_results
from mediafm_store.features.looks import LOOKS
from mediafm_store.features.streams import _jpeg as jpeg
from mediafm_store.ingestion.title_rows import with_looks
from mediafm_store.shots.detectors import adaptive
from mediafm_store.shots.looks import look_words
from mediafm_store.shots.picture import columns
from mediafm_store.shots.shot_flags import is_black
from mediafm_store.shots.shots import LumaStats, read_shots

Row = Mapping[str, Any]
SHARED = 0.5
"""How much of the shorter of two shots they have in common, if they are the same."""
TRUTHS: Mapping[str, tuple[str, Callable[[Row], bool]]] = {
    "black": ("place: black", lambda shot: shot["place"] == "black"),
    "dark": ("look: dark", lambda shot: "dark" in shot["look"]),
    "dark ": ("time: night", lambda shot: shot["time"] == "night"),
    "bright": ("look: bright", lambda shot: "bright" in shot["look"]),
    "blue": ("look: cold_blue", lambda shot: "cold_blue" in shot["look"]),
    "orange": ("look: warm", lambda shot: "warm" in shot["look"]),
    "close-up": ("size: close_up", lambda shot: shot["size"] == "close_up"),
    "face": ("size: close_up, medium", lambda shot: shot["size"] in {"close_up", "medium"}),
}
"""By word: the label that comes nearest to it."""


def main() -> None:
    """Measure and write benchmarks/results/looks.json."""
    folder = media_folder()
    pairs = labelled_rows(folder)
    table = [
        {"word": word.strip(), "label": label}
        | figures(word.strip(), is_so, pairs)
        | {f"third {k}": v for k, v in figures(word.strip(), is_so, pairs[::3]).items()}
        for word, (label, is_so) in TRUTHS.items()
    ]
    print_table(table)
    write_results("looks", {"shots": len(pairs), "looks": table})


def labelled_rows(folder: Path) -> list[tuple[Row, Row]]:
    """Each labelled shot with the row of the shot that it is."""
    films = json.loads((folder / "labels.json").read_text(encoding="utf-8"))["films"]
    found: list[tuple[Row, Row]] = []
    for name, film in films.items():
        (media,) = (p for p in (folder / name).iterdir() if p.suffix in {".mp4", ".webm"})
        rows = measured_rows(media)
        for shot in film["shots"]:
            row = max(rows, key=lambda row: shared_s(row, shot))
            shorter = min(row["duration_s"], shot["end_s"] - shot["start_s"])
            if not shot["tiny"] and shared_s(row, shot) >= SHARED * shorter:
                found.append((shot, row))
    return found


def shared_s(row: Row, shot: Row) -> float:
    """The time that two shots have in common."""
    return float(min(row["end_s"], shot["end_s"]) - max(row["start_s"], shot["start_s"]))


def measured_rows(media: Path) -> list[dict[str, Any]]:
    """The columns of shots that looks follow from, as an ingest computes them."""
    light = LumaStats.unknown()
    rows = []
    cut = list(read_shots(media, adaptive, light=light))
    for span, shot in ((shot.span, shot) for shot in cut):
        place = {"start_s": span.start_s, "end_s": span.end_s}
        rows.append(
            place
            | columns(jpeg(shot.middle))
            | {
                "duration_s": span.end_s - span.start_s,
                "brightness": light.brightness.mean(span.start_s, span.end_s),
                "black": is_black(light.lit, span.start_s, span.end_s),
                "motion": light.motion_in(span),
            }
        )
    return with_looks(rows)


def figures(
    word: str, is_so: Callable[[Row], bool], pairs: Sequence[tuple[Row, Row]]
) -> dict[str, Any]:
    """How far a word says what people say."""
    (look,) = (look for look in LOOKS if look.word == word)
    truth = np.array([is_so(shot) for shot, _ in pairs])
    said = np.array([word in look_words(row) for _, row in pairs])
    degrees = [look.degree(row) for _, row in pairs]
    return {
        "labelled": int(truth.sum()),
        "said": int(said.sum()),
        "precision": share(truth[said]),
        "recall": share(said[truth]),
        "AP": float(average_precision_score(truth, degrees)) if truth.any() else float("nan"),
    }


def share(of: np.ndarray) -> float:
    """How many of some are so."""
    return float(of.mean()) if len(of) else float("nan")


if __name__ == "__main__":
    main()
