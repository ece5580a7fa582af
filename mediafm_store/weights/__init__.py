"""The weights that ship with the package, so that the default encoders work offline.

`build.py` makes them from pinned packages, `caption_map.py` the map from pictures to sentences;
`provenance.json` says of what, and under what licence.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

__all__ = ["BLOCK_MAPS", "FOLDER", "path", "record", "sha256", "tensors"]

FOLDER = Path(__file__).parent
BLOCK_MAPS = "block_maps.safetensors"
_PROVENANCE = "provenance.json"


def path(name: str) -> Path:
    """Path of a weight file."""
    return FOLDER / name


@cache
def sha256(file: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def lines(name: str) -> tuple[str, ...]:
    """The lines of a text file: one class name each."""
    return tuple(path(name).read_text(encoding="utf-8").splitlines())


@cache
def tensors(prefix: str) -> dict[str, np.ndarray]:
    """Arrays of one encoder in the file of block maps, by name without the prefix."""
    every = load_file(path(BLOCK_MAPS))
    start = f"{prefix}."
    return {key.removeprefix(start): every[key] for key in sorted(every) if key.startswith(start)}


def fingerprint(*, files: tuple[str, ...], prefix: str, constants: object) -> str:
    """Hash of the weight files, block map and preprocessing constants that make vectors."""
    digest = hashlib.sha256(repr(constants).encode())
    for file in files:
        digest.update(sha256(path(file)).encode())
    for name, array in tensors(prefix).items():
        digest.update(name.encode() + array.tobytes())
    return digest.hexdigest()[:16]


def record(made: Mapping[str, Any]) -> None:
    """Record files in provenance.json, and keep its entries for others."""
    told = json.loads(path(_PROVENANCE).read_text(encoding="utf-8")) | dict(made)
    path(_PROVENANCE).write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
