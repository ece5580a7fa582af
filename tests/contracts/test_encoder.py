"""What every encoder must do."""

from contextlib import suppress

import numpy as np
import pytest

from mediafm_store import plugins
from mediafm_store.arrays import BLOCK, MODALITIES
from mediafm_store.encoders.encoder import Encoder, EncoderOutput, runtime_of
from mediafm_store.encoding import load_encoder
from mediafm_store.errors import InvalidInput
from tests.helpers.items import ITEMS

NAMES = plugins.names("encoders")


def load(name: str) -> Encoder:
    """An encoder on the CPU; skip the test if it needs an argument or an extra."""
    try:
        return load_encoder(name, "cpu")
    except InvalidInput as error:
        if "missing a required argument" in str(error) or "pip install" in str(error):
            pytest.skip(str(error))
        raise


@pytest.fixture(scope="module", params=NAMES)
def encoder(request: pytest.FixtureRequest) -> Encoder:
    return load(request.param)


@pytest.fixture(scope="module")
def encoded(encoder: Encoder) -> EncoderOutput:
    return encoder.encode(ITEMS[encoder.modality]())


def test_it_is_an_encoder(encoder: Encoder) -> None:
    assert isinstance(encoder, Encoder)
    assert encoder.modality in MODALITIES
    assert encoder.name


@pytest.mark.parametrize("name", NAMES)
def test_its_runtime_is_known(name: str) -> None:
    assert runtime_of(plugins.load("encoders", name)) in ("torch", "onnx")


@pytest.mark.parametrize("name", NAMES)
def test_its_fingerprint_stays(name: str) -> None:
    assert load(name).fingerprint == load(name).fingerprint


def test_fingerprints_differ() -> None:
    found = []
    for name in NAMES:
        with suppress(pytest.skip.Exception):
            found.append(load(name).fingerprint)
    assert len(set(found)) == len(found)


def test_queries_are_unit_rows(encoder: Encoder) -> None:
    rows = encoder.encode_query(["a cat", "two people talk on a boat"])
    assert rows.shape == (2, BLOCK)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_rows_are_unit_or_zero(encoded: EncoderOutput) -> None:
    assert encoded.blocks.shape == encoded.described.shape == (4, BLOCK)
    assert encoded.blocks.dtype == encoded.described.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(encoded.blocks, axis=1), 1, atol=1e-5)
    lengths = np.linalg.norm(encoded.described, axis=1)
    assert np.all(np.isclose(lengths, 1, atol=1e-5) | (lengths == 0))
    assert len(encoded.labels) == 4
    if encoded.probabilities:
        assert [len(p) for p in encoded.probabilities] == [len(names) for names in encoded.labels]
        assert all(0 <= p <= 1 for several in encoded.probabilities for p in several)


def test_rows_do_not_depend_on_the_batch(encoder: Encoder, encoded: EncoderOutput) -> None:
    for i, item in enumerate(ITEMS[encoder.modality]()):
        alone = encoder.encode([item])
        assert alone.blocks[0] @ encoded.blocks[i] > 1 - 1e-3
        np.testing.assert_allclose(alone.described[0], encoded.described[i], atol=1e-3)
        assert alone.labels[0] == encoded.labels[i]


def test_rows_of_different_items_differ(encoded: EncoderOutput) -> None:
    cosines = encoded.blocks @ encoded.blocks.T
    assert cosines[~np.eye(4, dtype=bool)].max() < 0.9


def test_no_items_make_no_rows(encoder: Encoder) -> None:
    none = encoder.encode([])
    assert none.blocks.shape == none.described.shape == (0, BLOCK)
    assert none.labels == []
    assert not none.probabilities


def test_items_are_left_as_they_were(encoder: Encoder) -> None:
    items = ITEMS[encoder.modality]()
    encoder.encode(items)
    for before, after in zip(ITEMS[encoder.modality](), items, strict=True):
        np.testing.assert_array_equal(before, after)


def test_blocks_and_described_share_no_memory(encoded: EncoderOutput) -> None:
    assert not np.shares_memory(encoded.blocks, encoded.described)
