"""Pictures and sounds as examples, and files that are none."""

import wave
import zlib
from functools import partial

import numpy as np
import pytest
from PIL import Image

from mediafm_store.arrays import BLOCK, block
from mediafm_store.errors import InvalidInput, InvalidMedia
from mediafm_store.examples import file_examples
from mediafm_store.examples.file_examples import _PIECE as PIECE
from mediafm_store.examples.file_examples import _sounds as sounds
from mediafm_store.examples.file_examples import picture
from mediafm_store.examples.resolver import ExampleResolver
from mediafm_store.media.sound import SAMPLE_RATE, sound
from tests.conftest import random_vectors
from tests.helpers.odd_films import make_film, pictures
from tests.helpers.plain import search_all
from tests.helpers.planted import ENCODERS, add_film, direction, grey, pitch, put_in_context

search = partial(search_all, encoders=ENCODERS, device="cpu")
ORIENTATION = 0x0112
"""The EXIF tag."""
UPRIGHT = np.array([[0, 255], [80, 160], [40, 200]], np.uint8).repeat(16, 0).repeat(16, 1)
"""48 high and 32 wide, no two sides alike."""
STORED = {
    1: UPRIGHT,
    2: UPRIGHT[:, ::-1],
    3: UPRIGHT[::-1, ::-1],
    4: UPRIGHT[::-1],
    5: UPRIGHT.T,
    6: UPRIGHT.T[::-1],
    7: UPRIGHT.T[::-1, ::-1],
    8: UPRIGHT.T[:, ::-1],
}
"""How a camera that was held in each way writes it."""


def write_sound(path, samples, rate=SAMPLE_RATE):
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes((30_000 * np.asarray(samples)).astype("<i2").tobytes())
    return path


def tone(hz, length_s, rate=SAMPLE_RATE):
    return np.sin(2 * np.pi * hz * np.arange(int(length_s * rate)) / rate)


def example(store, path, space="fused"):
    made = ExampleResolver(
        store, store.live(space), lambda: ENCODERS, "cpu", lambda path, origin: None
    )
    return made.file(path)


# Pictures


@pytest.mark.parametrize("orientation", STORED)
def test_a_picture_is_the_right_way_up(tmp_path, orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation]))
    for name, options in (
        ("a.jpg", {"quality": 95}),
        ("a.png", {}),
        ("a.webp", {"lossless": True}),
    ):
        stored.save(tmp_path / name, exif=exif, **options)
        read = picture(tmp_path / name)
        assert read.shape == (48, 32, 3)
        assert np.abs(read.astype(int) - UPRIGHT[..., None]).max() <= 12, name


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGBA", "CMYK", "YCbCr", "I;16", "F"])
def test_all_kinds_of_pictures_are_rgb(tmp_path, mode):
    white = Image.new("RGB", (8, 6), (255, 255, 255))
    white = Image.new(mode, (8, 6), 65_535) if mode == "I;16" else white.convert(mode)
    white.save(path := tmp_path / "a.tif")
    read = picture(path)
    assert (read.shape, read.dtype) == ((6, 8, 3), np.uint8)
    assert read.min() == 255


def test_of_a_moving_picture_it_is_the_first(tmp_path):
    first, second = (Image.new("RGB", (8, 8), c) for c in ("white", "black"))
    first.save(tmp_path / "a.gif", save_all=True, append_images=[second])
    assert picture(tmp_path / "a.gif").min() > 250


@pytest.mark.parametrize(
    "damage", ["empty", "text", "cut off", "damaged", "video", "huge", "large"]
)
def test_what_is_no_picture_is_one_clear_error(tmp_path, damage):
    rng = np.random.default_rng(0)
    path = tmp_path / "a.png"
    Image.fromarray(rng.integers(0, 256, (64, 64, 3), np.uint8)).save(path)
    whole = path.read_bytes()
    path.write_bytes(
        {
            "empty": b"",
            "text": b"a picture of a lake",
            "cut off": whole[: len(whole) // 2],
            "damaged": whole[:3000] + bytes(200) + whole[3200:],
            "video": b"\0\0\0\x18ftypmp42" + bytes(500),
            "huge": with_size(whole, 60_000),
            "large": with_size(whole, 10_000),  # of which Pillow only warns, on stderr
        }[damage]
    )
    with pytest.raises(InvalidInput, match="cannot be read as a picture") as told:
        picture(path)
    assert str(path) in str(told.value)
    assert "\n" not in str(told.value)


def with_size(png: bytes, pixels: int) -> bytes:
    """A PNG that says it has other sides; its check sum is right."""
    header = png[12:16] + pixels.to_bytes(4, "big") * 2 + png[24:29]
    return png[:12] + header + zlib.crc32(header).to_bytes(4, "big") + png[33:]


@pytest.mark.parametrize("size", [(1, 1), (3000, 1), (1, 3000)])
def test_odd_sizes(encoders, tmp_path, size):
    Image.new("RGB", size, "red").save(tmp_path / "a.png")
    rows = encoders["visual"].encode([picture(tmp_path / "a.png")]).blocks
    assert rows.shape == (1, BLOCK)
    assert np.linalg.norm(rows) == pytest.approx(1, abs=1e-3)


def test_a_picture_is_a_row_of_its_block_alone(store, tmp_path):
    add_film(store, "film", [grey(120), "lake"], ["rain"] * 2)
    Image.new("RGB", (20, 20), (120,) * 3).save(path := tmp_path / "a.png")
    made = example(store, path)
    assert made.rows.shape == (1, 3 * BLOCK)
    assert np.allclose(made.rows[0, block("visual")], direction(grey(120)), atol=1e-6)
    assert not made.rows[0, BLOCK:].any()
    assert (made.lacks, made.ids, made.title) == ({"audio", "text"}, set(), None)
    (first, *_) = search(store, picture=path)
    assert (first.shot, first.score) == ("film/00000", pytest.approx(1, abs=1e-3))
    assert search(store, like=[str(path)]) == search(store, picture=path)
    assert example(store, path).rows.tobytes() == made.rows.tobytes()


# Sounds


@pytest.mark.parametrize(("length_s", "pieces"), [(0.05, 1), (3, 1), (10, 1), (10.5, 2), (31, 4)])
def test_a_sound_is_heard_in_pieces_of_ten_seconds(tmp_path, length_s, pieces):
    samples = tone(440, length_s)
    made = sounds(write_sound(tmp_path / "a.wav", samples))
    assert len(made) == pieces
    assert all(len(piece) == PIECE for piece in made[:-1])
    heard = np.concatenate(made)
    assert len(heard) == pytest.approx(len(samples), abs=1)
    assert np.abs(heard[: len(samples)] - samples[: len(heard)] * 30_000 / 32_768).max() < 1e-3


def test_pieces_are_whole_seconds_of_sound_whatever_its_rate(tmp_path):
    made = sounds(write_sound(tmp_path / "a.wav", tone(440, 21, 44_100), 44_100))
    assert [round(len(p) / SAMPLE_RATE, 1) for p in made] == [10, 10, 1]


def test_a_sound_without_end_is_not_read_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr(file_examples, "_LONGEST_PIECES", 2)
    assert len(sounds(write_sound(tmp_path / "a.wav", tone(440, 45)))) == 2


def test_each_piece_of_a_sound_is_a_row(store, tmp_path):
    add_film(store, "film", ["lake"] * 3, [pitch(440), pitch(880), "rain"])
    path = write_sound(tmp_path / "a.wav", [*tone(440, 10), *tone(880, 5)])
    made = example(store, path)
    assert np.allclose(made.rows[:, block("audio")], [direction(pitch(h)) for h in (440, 880)])
    assert not made.rows[:, block("visual")].any()
    assert made.lacks == {"visual", "text"}
    scenes = search(store, sound=path, unit="scene")
    assert scenes[0].score == pytest.approx(1, abs=1e-3)
    assert {h.shot for h in search(store, sound=path, k=2)} == {"film/00000", "film/00001"}


@pytest.mark.parametrize("name", ["guitar.mp3", "t-rex-roar.mp3", "countdown.mp3"])
def test_real_sounds(films, encoders, name):
    path = films / "clips" / name
    pieces = sounds(path)
    whole = np.concatenate(list(sound(path)))
    assert np.array_equal(np.concatenate(pieces), whole)
    assert np.abs(whole).max() > 0.05
    rows = encoders["audio"].encode(pieces).blocks
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-3)


def test_silence_is_a_sound_too(encoders, tmp_path):
    path = write_sound(tmp_path / "a.wav", np.zeros(3 * SAMPLE_RATE))
    (piece,) = sounds(path)
    assert not piece.any()
    assert np.isfinite(encoders["audio"].encode([piece]).blocks).all()


@pytest.mark.parametrize("damage", ["no samples", "no sound track"])
def test_what_has_no_sound(tmp_path, damage, caplog):
    if damage == "no samples":
        path = write_sound(tmp_path / "a.wav", [])
    else:
        make_film(tmp_path / "a.mp4", images=list(pictures(5)))
        path = (tmp_path / "a.mp4").rename(tmp_path / "a.m4a")
    with pytest.raises(InvalidInput, match="has no sound that can be heard"):
        sounds(path)


@pytest.mark.parametrize("content", [b"", b"not a sound", bytes(5000)])
@pytest.mark.parametrize("suffix", [".mp3", ".wav", ".flac"])
def test_what_is_no_sound_is_one_clear_error(tmp_path, content, suffix):
    (path := tmp_path / f"a{suffix}").write_bytes(content)
    with pytest.raises((InvalidInput, InvalidMedia)) as told:
        sounds(path)
    assert str(path) in str(told.value)
    assert "\n" not in str(told.value)


# Refused


def test_a_file_that_is_not_there(store, tmp_path):
    add_film(store, "film", ["lake"])
    for asked in ("picture", "sound", "clip"):
        for path in (tmp_path / "nope.png", tmp_path):
            with pytest.raises(InvalidInput, match="is not a file; give a video"):
                search(store, **{asked: path})


def test_a_picture_and_a_sound_have_no_context(store, tmp_path):
    add_film(store, "film", [grey(120), "lake"], [pitch(440), "rain"])
    put_in_context(store, {"film": random_vectors(2)})
    Image.new("RGB", (20, 20), (120,) * 3).save(image := tmp_path / "a.png")
    heard = write_sound(tmp_path / "a.wav", tone(440, 2))
    for asked, path in (("picture", image), ("sound", heard)):
        with pytest.raises(
            InvalidInput, match="has no context, being no video; search with --space f"
        ):
            search(store, **{asked: path}, space="context")
        for space in (None, "fused"):
            first = search(store, **{asked: path}, space=space)[0]
            assert (first.shot, first.shares["context"]) == ("film/00000", 0)


def test_an_imported_store_cannot_be_asked_with_files(imported, tmp_path):
    Image.new("RGB", (20, 20)).save(image := tmp_path / "a.png")
    heard = write_sound(tmp_path / "a.wav", tone(440, 2))
    (clip := tmp_path / "a.mp4").write_bytes(b"nothing that need be read")
    for asked in ({"picture": image}, {"sound": heard}, {"clip": clip}, {"like": [str(clip)]}):
        with pytest.raises(
            InvalidInput, match="were imported, and no encoder makes such of a file"
        ):
            search(imported, **asked)
