"""Captions of one's own teach a store's searches by text."""

import csv
import json
import logging

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from mediafm_cli.main import app
from mediafm_store.demo.films.photos import load_photo
from mediafm_store.errors import InvalidInput, SpaceMismatch
from mediafm_store.picture_text.caption_map import FILE, CaptionMap
from mediafm_store.storage.storage import Storage
from mediafm_store.text_search.captions import _held_out as held_out
from mediafm_store.text_search.captions import _read as read
from mediafm_store.text_search.captions import _warn_if_worse as warn_if_worse
from mediafm_store.text_search.captions import caption_map_of, fit_caption_map
from tests.conftest import random_vectors, title_rows

SAID = {
    "brick": "what the mason left",
    "camera": "at work on the lawn",
    "cat": "our studio's mascot",
    "coffee": "the writers' breakfast",
    "palace": "second unit, day four",
    "rocket": "the finale",
}
"""Nobody else says it so."""
CROPS = 10


def run(*arguments):
    return CliRunner().invoke(app, ["captions", *map(str, arguments)])


@pytest.fixture(scope="module")
def captioned(tmp_path_factory):
    """Crops of photographs, one text each."""
    folder = tmp_path_factory.mktemp("captioned")
    rng = np.random.default_rng(0)
    rows = []
    for name, text in SAID.items():
        photo = load_photo(name)
        for number in range(CROPS):
            left, top = rng.integers(0, 60, 2)
            crop = photo.crop((left, top, photo.width - 60 + left, photo.height - 60 + top))
            crop.resize((240, 200)).save(folder / f"{name}{number}.png")
            rows.append((f"{name}{number}.png", f"{text}, take {number}"))
    with (folder / "captions.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("picture", "text"), *rows])
    return folder / "captions.csv"


@pytest.fixture(scope="module")
def taught(captioned, encoders, tmp_path_factory):
    """A store with a map of its own."""
    store = Storage(tmp_path_factory.mktemp("taught") / "store", create=True)
    return store, fit_caption_map(store, captioned, encoders=encoders, fewest=60)


def test_held_out_pictures_are_found_by_ones_own_words(taught):
    store, fitted = taught
    facts = fitted.facts
    assert (facts["pictures"], facts["texts"], facts["held_out"]) == (60, 60, 6)
    figures = {row["map"]: row for row in facts["figures"]}
    assert list(figures) == ["own", "shipped", "chance"]
    assert figures["chance"]["recall@1"] == pytest.approx(1 / 6)
    assert figures["own"]["recall@1"] > figures["shipped"]["recall@1"]
    kept = CaptionMap.load(store.local / FILE)
    assert kept.facts == facts


def test_what_the_package_knows_is_not_forgotten(taught, encoders):
    _, fitted = taught
    pictures = encoders["visual"].encode([np.asarray(load_photo(n)) for n in ("flower", "grass")])
    said = encoders["text"].encode_query(["a flower", "grass"])
    cosines = fitted.texts(said) @ fitted.pictures(pictures.blocks).T
    assert cosines.argmax(axis=1).tolist() == [0, 1]


def test_a_store_uses_its_own_map(taught, encoders):
    store, fitted = taught
    used = caption_map_of(store, encoders)
    assert used is not None
    assert used.facts == fitted.facts
    shown = json.loads(run("show", "--store", store.path, "--json").stdout)
    assert (shown["map"], shown["pictures"], shown["dims"]) == ("own", 60, 256)
    assert shown["facts"]["figures"][0]["map"] == "own"


def test_a_store_without_one_uses_the_one_that_ships(store, encoders):
    assert caption_map_of(store, encoders) is CaptionMap.shipped()
    assert "shipped" in run("show", "--store", store.path).stdout


def test_a_map_of_other_encoders_is_told_and_not_used(taught, plain_encoders, caplog):
    store, _ = taught
    with caplog.at_level(logging.WARNING, "mediafm_store"):
        assert caption_map_of(store, plain_encoders) is None
    (warning,) = caplog.messages
    assert FILE in warning
    assert "captions fit" in warning


def test_other_encoders_have_no_map(store, plain_encoders, caplog):
    assert caption_map_of(store, plain_encoders) is None
    assert not caplog.messages


def test_a_damaged_map_is_told(store, encoders):
    (store.local / FILE).write_bytes(b"not a map")
    with pytest.raises(InvalidInput, match="is no caption map"):
        caption_map_of(store, encoders)


def test_other_encoders_learn_from_ones_own_captions_alone(store, captioned, plain_encoders):
    fitted = fit_caption_map(store, captioned, encoders=plain_encoders, fewest=60)
    assert not fitted.facts["on_shipped"]
    assert [row["map"] for row in fitted.facts["figures"]] == ["own", "chance"]
    used = caption_map_of(store, plain_encoders)
    assert used is not None
    assert used.picture_encoder == "plain"


def test_encoders_must_be_those_of_the_store(store, captioned, encoders):
    store.add_title(title_rows(store, "alpha", random_vectors(3)))
    with pytest.raises(SpaceMismatch, match="were made by a test"):
        fit_caption_map(store, captioned, encoders=encoders, fewest=60)


def test_few_pictures_are_refused_with_the_reason(store, captioned):
    done = run("fit", captioned, "--store", store.path)
    assert done.exit_code == 1
    assert isinstance(done.exception, InvalidInput)
    assert "has 60 pictures" in str(done.exception)
    assert "at least 500" in str(done.exception)
    assert not (store.local / FILE).exists()


def test_fit_wants_a_file(store):
    done = run("fit", "--store", store.path)
    assert done.exit_code == 2
    assert "captions.csv" in done.stderr


def test_pictures_that_cannot_be_read_are_left_out(store, captioned, plain_encoders, tmp_path):
    lines = []
    for number in range(12):
        name = f"{number}.png"
        Image.effect_noise((9, 9), 50 + number).save(tmp_path / name)
        lines.append(json.dumps({"picture": name, "texts": [f"noise {number}", "noise", " "]}))
    (tmp_path / "3.png").write_text("no picture")
    file = tmp_path / "c.jsonl"
    file.write_text("\n".join(lines))
    fitted = fit_caption_map(store, file, encoders=plain_encoders, fewest=11)
    assert (fitted.facts["pictures"], fitted.facts["texts"]) == (11, 22)
    with pytest.raises(InvalidInput, match="11 pictures that can be read"):
        fit_caption_map(store, file, encoders=plain_encoders, fewest=12)


def test_several_rows_may_be_of_one_picture(tmp_path):
    for name in ("a.png", "b.png"):
        (tmp_path / name).touch()
    file = tmp_path / "c.csv"
    file.write_text('picture,text\na.png,one\nb.png,"two, three"\na.png,four\n')
    found = read(file)
    assert [p.name for p in found.pictures] == ["a.png", "b.png"]
    assert found.texts == ["one", "two, three", "four"]
    assert found.of.tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("c.csv", "picture,text\na.png,\n", "line 2: a row has a picture, a path, and a text"),
        ("c.csv", "file,text\na.png,x\n", "line 2: a row has a picture"),
        ("c.jsonl", '{"picture": "a.png", "texts": [1]}', "line 1: a row has a picture"),
        ("c.jsonl", '{"picture": 1, "text": "x"}', "line 1: a row has a picture"),
        ("c.jsonl", '{"picture": "z.png", "text": "x"}', "line 1: no file"),
        ("c.txt", "", "captions come as .csv, .jsonl or .parquet"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(tmp_path, name, content, told):
    (tmp_path / "a.png").touch()
    (tmp_path / name).write_text(content)
    with pytest.raises(InvalidInput, match=told):
        read(tmp_path / name)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(InvalidInput, match="no file"):
        read(tmp_path / "none.csv")


@pytest.mark.parametrize("pictures", [2, 9, 500])
def test_a_tenth_is_held_out(pictures):
    held = held_out(pictures, 0)
    assert held.sum() == max(1, round(pictures / 10))
    assert not np.array_equal(held_out(500, 0), held_out(500, 1))


def test_a_new_map_that_is_worse_is_told(tmp_path, caplog):
    figures = [{"map": "own", "recall@10": 0.3}, {"map": "shipped", "recall@10": 0.4}]
    warn_if_worse(figures, tmp_path / FILE)
    assert f"delete {tmp_path / FILE}" in caplog.text
    caplog.clear()
    warn_if_worse([figures[0], {"map": "chance", "recall@10": 0.1}], tmp_path / FILE)
    assert not caplog.messages
