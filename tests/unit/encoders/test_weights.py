"""The weights that ship are those that provenance.json tells of."""

import json
from typing import Any

import numpy as np
import pytest

from mediafm_store import weights
from mediafm_store.arrays import BLOCK
from mediafm_store.encoders.blocks import BlockMap, to_blocks

PROVENANCE: dict[str, Any] = json.loads(weights.path("provenance.json").read_text("utf-8"))
WIDTHS = {"picture": 1280, "sound": 1024, "words": 384}


@pytest.mark.parametrize("name", PROVENANCE)
def test_file_is_the_one_described(name: str) -> None:
    file = weights.path(name)
    assert weights.sha256(file) == PROVENANCE[name]["sha256"]
    assert file.stat().st_size == PROVENANCE[name]["bytes"]


def test_every_weight_file_is_described() -> None:
    kinds = {".onnx", ".txt", ".safetensors"}
    assert {f.name for f in weights.FOLDER.iterdir() if f.suffix in kinds} == set(PROVENANCE)


@pytest.mark.parametrize("name", PROVENANCE)
def test_every_source_has_a_pinned_version_a_hash_and_a_licence(name: str) -> None:
    for source in PROVENANCE[name]["sources"]:
        assert source.get("package", "").count("==") == 1 or source["data"]
        assert len(source["sha256"]) == 64
        assert source["licence"]


def test_the_folder_stays_small() -> None:
    assert sum(f.stat().st_size for f in weights.FOLDER.iterdir() if f.is_file()) < 44e6


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("minilm_vocab.txt", 30_522),
        ("imagenet_names.txt", 1000),
        ("audioset_names.txt", 521),
        ("common_queries.txt", 156),
    ],
)
def test_lists_are_complete(name: str, count: int) -> None:
    lines = weights.lines(name)
    assert len(lines) == count
    assert all(line.strip() for line in lines)


@pytest.mark.parametrize("encoder", ["picture", "sound"])
def test_projections_are_orthonormal(encoder: str) -> None:
    projection = BlockMap.of(encoder).projection
    assert projection is not None
    assert projection.shape == (WIDTHS[encoder], BLOCK)
    np.testing.assert_allclose(projection.T @ projection, np.eye(BLOCK), atol=1e-5)


@pytest.mark.parametrize(("encoder", "width"), WIDTHS.items())
def test_maps_keep_cosines(encoder: str, width: int) -> None:
    block_map = BlockMap.of(encoder)
    spread = np.random.default_rng(0).normal(size=(50, width)).astype(np.float32)
    native = spread + block_map.mean
    rows = spread / np.linalg.norm(spread, axis=1, keepdims=True)
    blocks = to_blocks(native, *block_map)
    np.testing.assert_allclose(np.linalg.norm(blocks, axis=1), 1, atol=1e-5)
    assert np.abs(blocks @ blocks.T - rows @ rows.T).max() < 0.12


def test_the_mean_itself_is_a_zero_block() -> None:
    block_map = BlockMap.of("sound")
    assert not to_blocks(block_map.mean[None], *block_map).any()


@pytest.mark.parametrize(("encoder", "count"), [("picture", 1000), ("sound", 521)])
def test_class_names_are_unit_vectors(encoder: str, count: int) -> None:
    vectors = weights.tensors(encoder)["names"].astype(np.float32)
    assert vectors.shape == (count, WIDTHS["words"])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=2e-3)


def test_class_names_are_what_the_text_encoder_says_of_them() -> None:
    from mediafm_store.encoders.minilm import MiniLM

    names = weights.lines("audioset_names.txt")[:20]
    blocks = MiniLM().encode(names).blocks[:, : WIDTHS["words"]]
    shipped = weights.tensors("sound")["names"][:20].astype(np.float32)
    np.testing.assert_allclose(blocks, shipped, atol=2e-3)


def test_fingerprint_follows_files_maps_and_constants() -> None:
    base = {"files": ("yamnet.onnx",), "prefix": "sound", "constants": (1,)}
    others = [
        {**base, "files": ("efficientnet_lite0.onnx",)},
        {**base, "prefix": "picture"},
        {**base, "constants": (2,)},
    ]
    found = {weights.fingerprint(**kwargs) for kwargs in (base, *others)}
    assert len(found) == 4
    assert weights.fingerprint(**base) in found
