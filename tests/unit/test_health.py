"""What may be wrong with a store is found, told with its cure, and mended."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from mediafm_store.health import _MANY_FILES as MANY_FILES
from mediafm_store.health import CHECKS, doctor
from mediafm_store.indexing.build import build_index
from mediafm_store.indexing.directories import index_folder, new_generation, newest_build
from mediafm_store.indexing.space_index import _OPENED as OPENED
from mediafm_store.indexing.status import index_status
from mediafm_store.labels.labels import table_version
from mediafm_store.storage.maintenance import tidy
from mediafm_store.storage.storage import Storage
from mediafm_store.tables import lancedb_tables
from mediafm_store.tables.schema import vectors_schema
from tests.conftest import random_vectors, title_rows


@pytest.fixture
def films(store, tmp_path):
    media = tmp_path / "film.mp4"
    media.write_bytes(b"")
    for seed, title in enumerate(["alpha", "beta"]):
        rows = title_rows(store, title, random_vectors(5, seed), media=str(media))
        store.add_title(rows)
    return store


def wrong(store):
    return {f.check: f for f in doctor(store) if f.state in ("wrong", "due")}


def mended(store, check):
    """That the check finds something, that it is fixed, and that the store is as it was."""
    shots, vectors = store.shots(), store.vectors(store.live("fused"))
    finding = wrong(store)[check]
    assert finding.said
    assert finding.cure
    assert {f.check for f in doctor(store, fix=True) if f.state == "fixed"} == {check}
    assert wrong(store) == {}
    again = Storage(store.path)
    assert again.shots().equals(shots)
    assert again.vectors(again.live("fused")).ids == vectors.ids
    assert (again.vectors(again.live("fused")).vectors == vectors.vectors).all()


def test_a_healthy_store_has_nothing_wrong(films):
    build_index(films, films.live("fused"))
    findings = doctor(films)
    assert [f.check for f in findings] == list(CHECKS)
    assert {f.state for f in findings} == {"fine"}


def test_rows_of_replaced_titles(films):
    media = films.title("alpha")["media"]
    films.add_title(title_rows(films, "alpha", random_vectors(6, 3), media=media))
    shots = films.shots()
    found = [f for f in doctor(films, fix=True) if f.check == "tables" and f.said]
    assert any("shots: 5 of 16 rows" in f.said for f in found)
    assert films.table("shots").count_rows() == len(shots) == 11
    assert wrong(films) == {}


def test_many_small_files(films, monkeypatch):
    monkeypatch.setattr("mediafm_store.tables.lancedb_tables._COMPACTED", 10_000)
    for seed in range(MANY_FILES):
        media = films.title("alpha")["media"]
        films.add_title(title_rows(films, f"t{seed:02d}", random_vectors(1, seed), media=media))
    mended(films, "tables")
    assert films.tables.files("fused_v1")[0] <= 1


def test_labels_keep_their_versions(films, monkeypatch):
    for value in range(3):
        row = {"task": "t", "item": "alpha", "title": "alpha", "label": "x", "source": "file"}
        added = {"start_s": None, "end_s": None, "added_at": datetime.now(UTC)}
        films.put("labels", [row | added | {"value": float(value)}])
    first = table_version(films) - 2
    monkeypatch.setattr(lancedb_tables, "_KEPT", timedelta(milliseconds=1))
    for name in ("labels", "titles"):
        tidy(films, name)
    assert films.tables.versions("titles")[0][0] > 1
    assert films.rows("labels")["value"].to_list() == [2.0]
    old = films.view("labels", version=first).arrow().to_pylist()
    assert [row["value"] for row in old] == [0.0]


def test_a_table_without_a_space(films):
    films.tables.create("context_v7", vectors_schema(4))
    mended(films, "strays")


def test_tables_of_others_are_left_alone(films):
    films.tables.create("my_notes", vectors_schema(4))
    assert wrong(films) == {}


def test_an_index_that_is_being_built_is_left_alone(films):
    fused = films.live("fused")
    with new_generation(films, fused) as generation:
        assert wrong(films) == {}
        assert generation.folder.is_dir()


def test_an_index_without_a_space_and_half_an_index(films):
    build_index(films, films.live("fused"))
    (films.path / "indexes" / "fused_v1@3_4").mkdir()
    (films.path / "indexes" / "fused_v1" / ".building-x").mkdir()
    mended(films, "strays")
    assert newest_build(index_folder(films, films.live("fused")))


@pytest.mark.parametrize("name", ["vectors.f16", "ids.arrow", "facts.json"])
def test_a_damaged_index(films, name):
    build_index(films, films.live("fused"))
    path = newest_build(index_folder(films, films.live("fused"))) / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)
    OPENED.clear()
    mended(films, "damage")


def test_a_stale_index(films):
    build_index(films, films.live("fused"))
    media = films.title("alpha")["media"]
    films.add_title(title_rows(films, "gamma", random_vectors(2, 8), media=media))
    mended(films, "stale indexes")
    assert index_status(films, films.live("fused")).rows == 12


def test_vectors_that_are_missing(films):
    told = {"dim": 2304, "made_by": "checkpoint 1", "fused": "test"}
    films.registry.version("context", "c", **told)
    finding = wrong(films)["vectors"]
    assert "2 titles have no vectors in context_v1, as alpha" in finding.said
    films.registry.promote(films.live("fused"), films.registry.version("context", "c", **told))
    assert wrong(films)["vectors"].cure == "mediafm embed"


def test_media_that_are_gone(films):
    films.update_title("beta", media="/nowhere/beta.mp4")
    assert "1 titles are not where they were, as beta" in wrong(films)["media"].said


def test_few_titles_with_words(films):
    media = films.title("alpha")["media"]
    for title in ("gamma", "delta"):
        rows = title_rows(films, title, random_vectors(1, 4), media=media)
        if title == "gamma":
            rows.shots[0]["words"] = "Hello"
        films.add_title(rows)
    assert "only 1 of 4 titles have words" in wrong(films)["words"].said


def test_the_command_says_whether_all_is_well(films):
    def mediafm(*arguments):
        command = [sys.executable, "-m", "mediafm_cli", "doctor", *arguments]
        return subprocess.run(
            [*command, "--store", films.path], capture_output=True, text=True, check=False
        )

    assert mediafm().returncode == 0
    (films.path / "indexes" / "odd").mkdir(parents=True)
    found = mediafm("--json")
    assert found.returncode == 1
    rows = [json.loads(line) for line in found.stdout.splitlines()]
    assert {r["check"] for r in rows if r["state"] == "wrong"} == {"strays"}
    assert mediafm("--fix").returncode == 0
    assert "All is well." in mediafm().stderr
