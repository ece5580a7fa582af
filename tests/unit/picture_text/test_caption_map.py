"""The map from pictures to sentences: how it is learnt, kept and used."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from scipy.linalg import eigh

from mediafm_store import weights
from mediafm_store.arrays import BLOCK, unit_rows
from mediafm_store.errors import InvalidInput
from mediafm_store.picture_text.caption_map import _PICTURE_RIDGE as PICTURE_RIDGE
from mediafm_store.picture_text.caption_map import _TEXT_RIDGE as TEXT_RIDGE
from mediafm_store.picture_text.caption_map import CaptionMap, recall_at
from mediafm_store.picture_text.moments import Moments

SEEN, SAID, DIMS = 12, 9, 5


def pairs(n: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Pictures and texts that share six hidden causes, padded to 768."""
    rng = np.random.default_rng(seed)
    mix = np.random.default_rng(99)
    hidden = rng.normal(size=(n, 6))
    sides = (
        hidden @ mix.normal(size=(6, width)) + rng.normal(size=(n, width)) / 2 + 1
        for width in (SEEN, SAID)
    )
    blocks = [unit_rows(side.astype(np.float32)) for side in sides]
    pictures, texts = (np.pad(b, ((0, 0), (0, BLOCK - b.shape[1]))) for b in blocks)
    return pictures, texts


def fitted(n: int = 400, dims: int = DIMS, counts: np.ndarray | None = None) -> CaptionMap:
    pictures, texts = pairs(n)
    return CaptionMap.fit(
        pictures,
        texts,
        np.ones(n, np.float32) if counts is None else counts,
        picture_encoder="p",
        text_encoder="t",
        common=texts[:3],
        dims=dims,
    )


@pytest.fixture(scope="module")
def small() -> CaptionMap:
    return fitted()


def obvious(pictures: np.ndarray, texts: np.ndarray, new: tuple[np.ndarray, np.ndarray]):
    """Cosines of new texts and pictures by the textbook's generalised eigenproblem."""
    x, y = pictures[:, :SEEN].astype(float), texts[:, :SAID].astype(float)
    mean_x, mean_y = x.mean(axis=0), y.mean(axis=0)
    cov_x, cov_y = np.cov(x, rowvar=False, bias=True), np.cov(y, rowvar=False, bias=True)
    cross = (x - mean_x).T @ (y - mean_y) / len(x)
    cov_x += PICTURE_RIDGE * np.diag(cov_x).mean() * np.eye(SEEN)
    cov_y += TEXT_RIDGE * np.diag(cov_y).mean() * np.eye(SAID)
    squares, a = eigh(cross @ np.linalg.inv(cov_y) @ cross.T, cov_x)
    squares, a = squares[::-1][:DIMS], a[:, ::-1][:, :DIMS]
    correlations = np.sqrt(squares)
    b = np.linalg.inv(cov_y) @ cross.T @ a / correlations
    scale = np.sqrt(correlations)
    seen = (new[0][:, :SEEN] - mean_x) @ a * scale
    said = (new[1][:, :SAID] - mean_y) @ b * scale
    return unit_rows(said.astype("f4")) @ unit_rows(seen.astype("f4")).T


def test_it_is_what_the_textbook_says(small: CaptionMap) -> None:
    pictures, texts = pairs(50, seed=1)
    expected = obvious(*pairs(), (pictures, texts))
    found = small.texts(texts) @ small.pictures(pictures).T
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_pairs_that_were_never_seen_are_found(small: CaptionMap) -> None:
    pictures, texts = pairs(100, seed=2)
    first, _, tenth = recall_at(small.texts(texts), small.pictures(pictures), np.arange(100))
    assert first > 0.2
    assert tenth > 0.8


def test_a_pair_that_counts_twice_is_as_if_it_were_there_twice(small: CaptionMap) -> None:
    pictures, texts = pairs()
    counts = np.ones(400, np.float32)
    counts[:100] = 2
    twice = CaptionMap.fit(
        np.concatenate([pictures, pictures[:100]]),
        np.concatenate([texts, texts[:100]]),
        np.ones(500, np.float32),
        picture_encoder="p",
        text_encoder="t",
        common=texts[:3],
        dims=DIMS,
    )
    weighed = fitted(counts=counts)
    a, b, unweighed = (m.texts(texts) @ m.pictures(pictures).T for m in (twice, weighed, small))
    np.testing.assert_allclose(a, b, atol=1e-4)
    assert np.abs(a - unweighed).max() > 1e-3


def test_moments_of_all_pairs_are_those_of_their_parts(tmp_path: Path) -> None:
    pictures, texts = pairs()
    counts = np.random.default_rng(0).uniform(0.5, 2, 400).astype(np.float32)
    whole = Moments.of(pictures, texts, counts)
    a, b = (Moments.of(pictures[r], texts[r], counts[r]) for r in (slice(90), slice(90, None)))
    np.testing.assert_allclose(whole.weight, counts.sum(), rtol=1e-5)
    (a + b).save(tmp_path / "moments")
    read = Moments.load(tmp_path / "moments")
    for name in ("weight", "picture_mean", "text_mean", "pictures", "texts", "both"):
        np.testing.assert_allclose(getattr(a + b, name), getattr(whole, name), atol=1e-9)
        np.testing.assert_allclose(getattr(read, name), getattr(whole, name), atol=2e-4)


def test_the_map_that_ships_is_what_the_moments_that_ship_say() -> None:
    shipped = CaptionMap.shipped()
    learnt = CaptionMap.of(
        Moments.shipped(),
        picture_encoder=shipped.picture_encoder,
        text_encoder=shipped.text_encoder,
        common=np.zeros((1, BLOCK), np.float32),
    )
    rng = np.random.default_rng(0)
    pictures = unit_rows(rng.normal(size=(50, BLOCK)).astype(np.float32))
    texts = pictures * (np.arange(BLOCK) < 384)
    a, b = (m.texts(texts) @ m.pictures(pictures).T for m in (shipped, learnt))
    np.testing.assert_allclose(a, b, atol=5e-3)


def test_rows_are_of_length_one_and_nothing_stays_nothing(small: CaptionMap) -> None:
    pictures, texts = pairs(4)
    pictures[1], texts[2] = 0, 0
    np.testing.assert_allclose(
        np.linalg.norm(small.pictures(pictures), axis=1), [1, 0, 1, 1], atol=1e-5
    )
    np.testing.assert_allclose(np.linalg.norm(small.texts(texts), axis=1), [1, 1, 0, 1], atol=1e-5)
    assert not small.picture_query(texts)[2].any()
    assert small.texts(texts[:0]).shape == (0, DIMS)
    assert small.common.shape == (3, DIMS)


def test_no_more_dimensions_than_there_are(small: CaptionMap) -> None:
    wide = fitted(dims=256)
    assert wide.picture_matrix.shape == (SEEN, SAID)
    assert wide.text_matrix.shape == (SAID, SAID)
    np.testing.assert_allclose(
        np.abs(wide.text_matrix[:, :DIMS]), np.abs(small.text_matrix), atol=1e-4
    )


@pytest.mark.parametrize("count", [1, 20])
def test_pairs_that_are_alike_are_refused(count: int) -> None:
    same = np.full((count, BLOCK), 0.5, np.float32)
    with pytest.raises(InvalidInput, match=f"{count} pairs, all alike"):
        CaptionMap.fit(
            same,
            same,
            np.ones(count, np.float32),
            picture_encoder="p",
            text_encoder="t",
            common=same,
        )


def test_picture_query_ranks_like_the_cosine(small: CaptionMap) -> None:
    """Up to the picture's length in the map and a number for the query, as it says."""
    pictures, texts = pairs(60, seed=3)
    texts = texts[:20]
    queries = small.picture_query(texts)
    np.testing.assert_allclose(np.linalg.norm(queries, axis=1), 1, atol=1e-5)
    inner = queries @ pictures.T
    cosines = small.texts(texts) @ small.pictures(pictures).T
    centred = pictures[:, :SEEN] - small.picture_mean
    lengths = np.linalg.norm(centred @ small.picture_matrix, axis=1)
    scale = np.linalg.norm(small.texts(texts) @ small.picture_matrix.T, axis=1, keepdims=True)
    constant = queries[:, :SEEN] @ small.picture_mean
    np.testing.assert_allclose(cosines * lengths / scale, inner - constant[:, None], atol=1e-4)
    near = np.argsort(-inner, axis=1)[:, :10]
    assert (
        np.mean([best in row for best, row in zip(cosines.argmax(axis=1), near, strict=True)]) > 0.9
    )


def test_it_is_read_as_it_was_written(small: CaptionMap, tmp_path: Path) -> None:
    file = tmp_path / "new" / "map.safetensors"
    small.save(file)
    small.save(file)
    assert [f.name for f in file.parent.iterdir()] == [file.name]
    read = CaptionMap.load(file)
    assert (read.picture_encoder, read.text_encoder, read.facts) == ("p", "t", {})
    pictures, texts = pairs(50, seed=1)
    np.testing.assert_allclose(read.pictures(pictures), small.pictures(pictures), atol=5e-3)
    np.testing.assert_allclose(read.texts(texts), small.texts(texts), atol=5e-3)
    np.testing.assert_allclose(np.linalg.norm(read.common, axis=1), 1, atol=1e-6)


def damage(file: Path, **arrays: np.ndarray) -> None:
    told = {"picture_encoder": "p", "text_encoder": "t", "facts": "{}"}
    save_file(load_file(file) | arrays, file, metadata=told)


HALF = np.float16
DAMAGES = {
    "not finite": lambda f: damage(f, common=np.full((3, DIMS), np.nan, HALF)),
    "its shapes are": lambda f: damage(f, common=np.zeros((3, DIMS + 1), HALF)),
    "shapes are ": lambda f: damage(f, text_mean=np.zeros((), HALF)),
    "shapes": lambda f: damage(f, common=np.zeros((10_001, DIMS), HALF)),
    "it holds ": lambda f: damage(f, more=np.zeros(3, HALF)),
    "no caption map": lambda f: f.write_bytes(f.read_bytes()[:200]),
    "is no caption map": lambda f: f.write_text("picture,text\n"),
    "No such file": lambda f: f.unlink(),
    "it does not say": lambda f: save_file(load_file(f), f),
    "32 MiB": lambda f: f.write_bytes(bytes(33 * 2**20)),
}


@pytest.mark.parametrize("reason", DAMAGES)
def test_a_damaged_file_is_told(small: CaptionMap, tmp_path: Path, reason: str) -> None:
    file = tmp_path / "map.safetensors"
    small.save(file)
    DAMAGES[reason](file)
    with pytest.raises(InvalidInput, match=reason) as caught:
        CaptionMap.load(file)
    message = str(caught.value)
    assert str(file) in message
    assert "mediafm captions fit" in message
    assert "\n" not in message


def test_the_map_that_ships_is_for_the_default_encoders(encoders) -> None:
    shipped = CaptionMap.shipped()
    assert shipped.picture_encoder == encoders["visual"].fingerprint
    assert shipped.text_encoder == encoders["text"].fingerprint
    assert shipped is CaptionMap.shipped()


def test_common_phrases_are_those_of_the_list(encoders) -> None:
    phrases = weights.lines("common_queries.txt")
    assert len(set(phrases)) == len(phrases)
    shipped = CaptionMap.shipped()
    again = shipped.texts(encoders["text"].encode_query(phrases[:10]))
    np.testing.assert_allclose(shipped.common[:10], again, atol=5e-3)
    np.testing.assert_allclose(np.linalg.norm(shipped.common, axis=1), 1, atol=1e-5)


def test_it_finds_photographs_by_what_they_show(encoders) -> None:
    from mediafm_store.demo.films.photos import load_photo

    texts = {
        "cat": "a cat",
        "camera": "a man with a camera",
        "flower": "a flower",
        "palace": "a palace",
        "rocket": "a rocket launch",
        "grass": "grass",
        "writing": "handwritten mathematics",
    }
    pictures = encoders["visual"].encode([np.asarray(load_photo(name)) for name in texts]).blocks
    said = encoders["text"].encode_query(list(texts.values()))
    shipped = CaptionMap.shipped()
    cosines = shipped.texts(said) @ shipped.pictures(pictures).T
    assert cosines.argmax(axis=1).tolist() == list(range(len(texts)))
    assert (shipped.picture_query(said) @ pictures.T).argmax(axis=1).tolist() == list(
        range(len(texts))
    )
