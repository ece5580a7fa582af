"""How often names of what is seen and heard are right in films: `python -m benchmarks.labels`.

Names that the default encoders give, by their probability. Of pictures each was judged by eye
(`RIGHT`, `DOUBTFUL`; all others are wrong: a rabbit is no king penguin). Of sounds nobody listened:
Speech is compared with the subtitles, which tell of no cries, so that its share is a lower bound.

Two minutes. Prints the tables of docs/decisions/0025-looks.md.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.common import media_folder, print_table, write_results
from mediafm_store.encoders.encoder import Encoders
from mediafm_store.encoding import load_encoders
from mediafm_store.features.extract import Features, extract
from mediafm_store.media.decode import log_warning
from mediafm_store.shots.detectors import adaptive
from mediafm_store.sources.videos import read_title

FILMS = ("sintel", "sintel_trailer", "tears_of_steel_battle_clip", "elephants_dream_opening")
SEEN = (0.2, 0.3, 0.4, 0.5, 0.7, 0.9, 1.01)
HEARD = (0.1, 0.2, 0.3, 0.5, 0.7, 1.01)
RIGHT = frozenset({"cloak at 313"})
"""A name and the second in which its shot begins, of those that are right."""
DOUBTFUL = frozenset({"breastplate at 69", "gong at 416", "trench coat at 313"})


class Named(NamedTuple):
    """A name that was given."""

    what: str
    probability: float
    right: float
    """Or how far it is."""


def main() -> None:
    """Measure and write benchmarks/results/labels.json."""
    encoders = load_encoders(device="cpu")
    seen: list[Named] = []
    heard: list[Named] = []
    for name in FILMS:
        features = features_of(media_folder() / name, encoders)
        seen += names_seen(features)
        heard += speech_heard(features)
    tables = {"seen": by_probability(seen, SEEN), "speech": by_probability(heard, HEARD)}
    for table in tables.values():
        print_table(table)
    write_results("labels", tables)


def features_of(folder: Path, encoders: Encoders) -> Features:
    """What is in a film."""
    (film,) = (path for path in folder.iterdir() if path.suffix in {".mp4", ".webm"})
    title = read_title(film, warn=log_warning)
    return extract(title, encoders=encoders, detector=adaptive, warn=log_warning)


def names_seen(features: Features) -> list[Named]:
    """The names of pictures, as they were judged."""
    found, encoded = [], features.pictured.encoded
    pairs = zip(encoded.labels, encoded.probabilities, strict=True)
    for span, (names, likely) in zip(features.spans, pairs, strict=True):
        for name, p in zip(names, likely, strict=True):
            what = f"{name} at {int(span.start_s)}"
            found.append(Named(what, p, 1.0 if what in RIGHT else 0.5 * (what in DOUBTFUL)))
    return found


def speech_heard(features: Features) -> list[Named]:
    """Where speech is heard, and whether anything is said there."""
    found, encoded = [], features.heard.encoded
    rows = zip(encoded.labels, encoded.probabilities, features.said.words, strict=True)
    for names, likely, words in rows:
        of = dict(zip(names, likely, strict=True))
        if "Speech" in of:
            found.append(Named("Speech", of["Speech"], float(bool(words))))
    return found


def by_probability(named: Sequence[Named], steps: Sequence[float]) -> list[dict[str, Any]]:
    """How many names there are from step to step, and how many are right from each step on."""
    rows = []
    for low, high in pairwise(steps):
        inside = [n.right for n in named if low <= n.probability < high]
        above = [n.right for n in named if n.probability >= low]
        rows.append(
            {
                "probability": f"{low} to {min(high, 1.0)}",
                "names": len(inside),
                "right": float(np.mean(inside)) if inside else None,
                "names from here on": len(above),
                "right from here on": float(np.mean(above)) if above else None,
            }
        )
    return rows


if __name__ == "__main__":
    main()
