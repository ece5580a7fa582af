"""JSON of other programs: read within bounds, and every error is one line."""

import json
from functools import partial

import pytest

from mediafm_cli.commands.clips import json_rows
from mediafm_store.ads.ads import read_ads
from mediafm_store.errors import InvalidInput
from mediafm_store.judgements.labels import read_judgements
from mediafm_store.labels.labels import import_labels
from mediafm_store.sources.videos import _read_metadata as read_metadata
from mediafm_store.sources.videos import metadata_of
from mediafm_store.text_files import json_text
from mediafm_store.text_files.json_text import _DEEPEST as DEEPEST
from mediafm_store.text_files.json_text import parse_json

WRONG = {
    "deep": '{"id": ' + "[" * 100_000 + "]" * 100_000 + "}",
    "rather deep": '{"id": ' + "[" * 200 + "]" * 200 + "}",
    "many digits": '{"id": ' + "1" * 5000 + "}",
    "no float holds it": '{"id": ' + "1" * 400 + "}",
    "large": '{"id": 1e999}',
    "half a character": '{"id": "\\ud83d"}',
    "half a name": '{"\\uDC4d": 1}',
    "no JSON": "{id: 1}",
    "not UTF-8": b'{"id": "caf\xff"}',
}


@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told_by_every_reader(store, tmp_path, content):
    raw = content if isinstance(content, bytes) else content.encode()
    for name in ("file.jsonl", "film.json"):
        (tmp_path / name).write_bytes(raw)
    lines, whole = tmp_path / "file.jsonl", tmp_path / "film.json"
    readers = [partial(read_ads, lines), partial(import_labels, store, lines)]
    readers += [partial(read_metadata, whole), partial(read_judgements, whole)]
    if isinstance(content, str):
        readers += [lambda: list(json_rows(content)), lambda: list(json_rows(f"[{content}]"))]
    for read in readers:
        with pytest.raises(InvalidInput, match=r"JSON|UTF|cannot be read") as told:
            read()
        assert "\n" not in str(told.value)
        assert len(str(told.value)) < 300


def test_a_foreign_file_beside_a_film_is_none_of_its_business(tmp_path):
    (tmp_path / "metadata.json").write_text("[" * 100_000)
    assert metadata_of(tmp_path / "film.mp4") == {}


@pytest.mark.parametrize("name", ["file.jsonl", "film.json"])
def test_a_file_without_end_is_not_read_to_its_end(tmp_path, monkeypatch, name):
    monkeypatch.setattr(json_text, "_LARGEST", 1000)
    (path := tmp_path / name).write_text('{"id": "a"}\n' * 1000)
    with pytest.raises(InvalidInput, match=r"cannot be read.*more than"):
        read_ads(path) if name == "file.jsonl" else read_metadata(path)


def test_what_is_right_is_read_as_it_is():
    value = {
        "a": [1, -2.5, 1e300, None, True, "\U0001f600 é"],
        "b": {"c": "\ud83d".encode("utf-16-be", "surrogatepass").hex()},
    }
    assert parse_json(json.dumps(value)) == value
    assert parse_json(json.dumps(value, ensure_ascii=False)) == value
    nested = "[" * DEEPEST + "]" * DEEPEST
    assert json.dumps(parse_json(nested)) == nested
    assert parse_json('"no \\\\ud83d escape"') == "no \\ud83d escape"
