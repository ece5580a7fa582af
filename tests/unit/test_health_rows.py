"""Rows that other programs have deleted, doubled or changed are found, and each cure cures."""

import os
import shutil
from pathlib import Path

import lancedb
import numpy as np
import pyarrow as pa
import pytest

from mediafm_store.embedding.embed import embed
from mediafm_store.errors import InvalidInput
from mediafm_store.health import doctor
from mediafm_store.indexing.build import build_index, build_indexes, refresh_index
from mediafm_store.indexing.directories import index_folder
from mediafm_store.indexing.nearest import nearest
from mediafm_store.indexing.space_index import _OPENED as OPENED
from mediafm_store.indexing.status import searchable
from mediafm_store.releases.spaces import promote
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.schema import vectors_schema
from mediafm_store.titles.editing import remove_titles
from mediafm_store.training.checkpoints import _checkpoints as checkpoints
from tests.conftest import random_vectors, rows_of, title_rows
from tests.helpers.command import mediafm
from tests.helpers.features import bring


@pytest.fixture
def films(imported, tmp_path):
    """A copy of the imported store, for each test to break."""
    shutil.copytree(imported.path, tmp_path / "store")
    return Storage(tmp_path / "store")


def foreign(store, name):
    """A table as another program opens it."""
    return lancedb.connect(str(store.path)).open_table(name)


def wrong(store):
    return {f.check: f for f in doctor(store) if f.state == "wrong"}


def nearest_to(store, vector):
    (found,) = nearest(store, store.live("fused"), vector[None], 3)
    return found.ids


def test_nothing_is_wrong_after_normal_updates(store, tmp_path):
    media = tmp_path / "film.mp4"
    media.write_bytes(b"")
    store.add_title(title_rows(store, "alpha", random_vectors(5), media=str(media)))
    build_index(store, store.live("fused"))
    store.add_title(title_rows(store, "beta", random_vectors(5, 1), media=str(media)))
    told = {"dim": 2304, "made_by": "checkpoint 1", "fused": "test"}
    context = store.registry.version("context", "c", **told)
    store.registry.promote(context)
    assert {f.check for f in doctor(store) if f.state == "due"} == {"stale indexes", "vectors"}
    done = mediafm("doctor", "--store", store.path)
    assert (done.returncode, done.stderr) == (0, "All is well; due: 2.\n")
    assert "mediafm index refresh" in done.stdout


@pytest.mark.parametrize("name", ["context_v1", "title_v1"])
def test_vectors_that_were_deleted_come_back_by_embed(films, name):
    before = films.vectors(films.live("context"))
    foreign(films, name).delete("title = 'f3' AND id NOT IN ('f3/00001', 'f3/00002')")
    finding = wrong(films)["vectors"] if name == "context_v1" else None
    if finding:
        assert "1 titles do not have a vector a shot in context_v1, as f3" in finding.said
        assert finding.cure == "mediafm embed"
        with pytest.raises(
            InvalidInput, match="holds 2 vectors of title 'f3', which should have 80"
        ):
            films.vectors(films.live("context"), "f3")
    embed(films, device="cpu")
    assert "vectors" not in wrong(films)
    after = films.vectors(films.live("context"))
    assert after.ids == before.ids
    assert np.allclose(after.vectors, before.vectors, atol=1e-3)


def test_vectors_of_films_that_were_deleted_come_back_by_import(films):
    before = films.vectors(films.live("fused"))
    foreign(films, "fused_v1").delete("id IN ('f2/00000', 'f2/00007')")
    finding = wrong(films)["vectors"]
    assert (finding.cure, "as f2" in finding.said) == ("mediafm import", True)
    (result,) = bring(films, Path(films.title("f2")["media"]))
    assert result.state == "ingested"
    assert films.vectors(films.live("fused")).ids == before.ids
    assert set(wrong(films)) == set()


@pytest.mark.parametrize("name", ["fused_v1", "title_v1", "shots", "thumbnails", "titles"])
def test_rows_that_are_there_twice_go(films, name):
    if name == "thumbnails":
        films.add_title(title_rows_of(films))
    table = foreign(films, name)
    rows = table.search().limit(None).to_arrow()
    table.add(rows)
    assert "once" in wrong(films)["rows"].said
    assert doctor(films, fix=True)
    assert wrong(films) == {}
    assert foreign(films, name).count_rows() == rows.num_rows


def title_rows_of(store):
    """A title with pictures, for a store that has none."""
    spaces = {
        store.live("fused"): random_vectors(3),
        store.live("described"): random_vectors(3),
        store.live("metadata"): np.zeros((1, 768), np.float32),
    }
    return rows_of("pictured", 3, spaces, media=store.title("f0")["media"])


def test_a_live_version_that_is_listed_twice(films):
    table = foreign(films, "spaces")
    table.add(table.search().where("name = 'fused'").limit(None).to_arrow())
    assert wrong(films)["rows"].said == "spaces: 1 rows are there more than once"
    assert mediafm("spaces", "list", "--store", films.path).returncode == 0
    doctor(films, fix=True)
    assert wrong(films) == {}
    assert [s.table for s in films.spaces()].count("fused_v1") == 1


def test_two_versions_of_a_space_that_are_live(films):
    table = foreign(films, "spaces")
    row = table.search().where("name = 'context'").limit(None).to_arrow().to_pylist()[0]
    films.tables.create("context_v2", vectors_schema(2304))
    table.add(
        pa.Table.from_pylist([row | {"version": 2, "fingerprint": "other"}], schema=table.schema)
    )
    finding = wrong(films)["rows"]
    assert finding.said == "several versions of context are live"
    assert finding.cure == "mediafm spaces promote context VERSION"
    promote(films, "context", 1)
    assert "rows" not in wrong(films)


def test_labels_of_titles_that_are_not_there(films):
    row = {"task": "t", "item": "x", "title": "x", "label": "l", "value": 1.0, "source": "file"}
    films.put("labels", [row | {"start_s": None, "end_s": None, "added_at": None}])
    assert wrong(films)["rows"].said == "labels: 1 rows are of titles that are not there"
    doctor(films, fix=True)
    assert wrong(films) == {}
    assert films.table("labels").count_rows() == 0


def test_a_training_that_nobody_goes_on_with(films):
    state = checkpoints(films) / "unfinished-0123"
    state.write_bytes(b"")
    assert wrong(films) == {}
    os.utime(state, (0, 0))
    assert "unfinished-0123" in wrong(films)["strays"].said
    doctor(films, fix=True)
    assert (wrong(films), state.exists()) == ({}, False)


def test_shots_that_were_deleted(films):
    foreign(films, "shots").delete("id = 'f1/00003'")
    finding = wrong(films)["rows"]
    assert "shots: 1 titles do not have a row a shot, as f1" in finding.said
    assert finding.cure == "mediafm titles remove TITLE, and mediafm import its file again"
    media = Path(films.title("f1")["media"])
    remove_titles(films, ["f1"])
    bring(films, media)
    assert "rows" not in wrong(films)


def test_an_index_of_another_space_is_not_used(films, caplog):
    query = films.vectors(films.live("fused")).vectors[7]
    right = nearest_to(films, query)
    one, other = (index_folder(films, films.live(name)) for name in ("fused", "described"))
    one.rename(one.with_name("aside"))
    other.rename(one)
    one.with_name("aside").rename(other)
    assert nearest_to(films, query) == right
    nearest_to(films, query)
    assert caplog.text.count("is of described_v1") == 1
    assert "is of described_v1" in wrong(films)["damage"].said
    doctor(films, fix=True)
    caplog.clear()
    assert (nearest_to(films, query), caplog.text) == (right, "")
    assert wrong(films) == {}


@pytest.mark.parametrize("mend", ["refresh", "doctor"])
def test_vectors_that_another_program_changed_are_not_answered_from_a_copy(films, mend):
    table = foreign(films, "fused_v1")
    rows = table.search().where("title = 'f4'").limit(None).to_arrow()
    flat = pa.array(random_vectors(80, 77).astype(np.float16).reshape(-1))
    changed = pa.FixedSizeListArray.from_arrays(flat, 2304)
    place = rows.schema.get_field_index("vector")
    rows = rows.set_column(place, rows.schema.field("vector"), changed)
    table.merge_insert("id").when_matched_update_all().execute(rows)
    finding = wrong(films)["stale indexes"]
    assert "80 of its vectors are not those of the table" in finding.said
    assert finding.cure == "mediafm index refresh"
    if mend == "refresh":
        refresh_index(films, films.live("fused"))
    else:
        doctor(films, fix=True)
    assert "stale indexes" not in wrong(films)
    OPENED.clear()
    for number in (0, 33, 79):
        assert nearest_to(films, random_vectors(80, 77)[number])[0] == f"f4/{number:05d}"


def test_an_index_that_holds_what_its_table_holds_stays_as_it_is(films):
    build_indexes(films, searchable(films))
    folder = index_folder(films, films.live("fused"))
    before = sorted(folder.iterdir())
    films.tables.compact("fused_v1")
    refresh_index(films, films.live("fused"))
    assert sorted(folder.iterdir()) == before
