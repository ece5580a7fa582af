"""Stores that were written by each earlier version, opened by this one.

`tests/stores/format_N.tar.gz` hold two titles of three and four shots, one of them replaced once,
with contextual vectors and a proposed tag, written by the last version that had the format.
That of format 5 has pictures: one colour each, a ramp of grey between bars, and a face (Eileen
Collins, by NASA, public domain); one cannot be read, as in all the others.
"""

import tarfile
from pathlib import Path

import pytest

from mediafm_store.errors import InvalidInput
from mediafm_store.shots.faces import _library as library
from mediafm_store.storage.storage import Storage
from mediafm_store.tables import migrations
from mediafm_store.tables.lancedb_tables import Tables
from mediafm_store.tables.location import StoreLocation
from mediafm_store.tables.schema import FORMAT, TABLES
from tests.conftest import random_vectors, title_rows
from tests.helpers.plain import search_all as search

STORES = sorted((Path(__file__).parents[2] / "stores").glob("*.tar.gz"))


def unpacked(archive, folder):
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder / archive.name.partition(".")[0]


def check(store):
    """What was written is there, in the tables of now."""
    assert store.titles()["id"].to_list() == ["alpha", "beta"]
    assert store.titles()["genres"].to_list() == [["Drama"], ["Comedy"]]
    assert store.shots()["id"].to_list() == [
        *(f"alpha/{i:05d}" for i in range(3)),
        *(f"beta/{i:05d}" for i in range(4)),
    ]
    for name, expected in (("alpha", random_vectors(3, 0)), ("beta", random_vectors(4, 7))):
        for space in ("fused", "described", "context"):
            assert abs(store.vectors(store.live(space), name).vectors - expected).max() < 1e-3
        assert store.vectors(store.live("metadata"), name).vectors.shape == (1, 768)
        assert store.vectors(store.live("title"), name).ids == [name]
    assert {s.name: s.state for s in store.spaces()} == dict.fromkeys(
        ("context", "described", "fused", "metadata", "title"), "live"
    )
    assert {s.fused for s in store.spaces()} == {"test"}
    assert all(row["history"] == [row["promoted_at"]] for row in store.registry.rows())
    assert store.tags()["tag"].to_list() == ["z"]
    for name, schema in TABLES.items():
        columns = {field.name: field.type for field in store.table(name).schema}
        assert columns == {field.name: field.type for field in schema}, name


@pytest.mark.parametrize("archive", STORES, ids=lambda a: a.name.partition(".")[0])
def test_a_store_of_an_earlier_version_is_brought_up_to_date(archive, tmp_path):
    path = unpacked(archive, tmp_path)
    check(Storage(path))
    store = Storage(path)
    check(store)
    assert [h.title for h in search(store, shot="alpha/00001", k=9)].count("beta") == 4
    store.add_title(title_rows(store, "gamma", random_vectors(2, 5)))
    assert len(Storage(path).shots("gamma")) == 2


@pytest.mark.parametrize("archive", STORES, ids=lambda a: a.name.partition(".")[0])
def test_a_store_of_an_earlier_version_can_be_ingested_into(archive, tmp_path):
    path = unpacked(archive, tmp_path)
    for _ in range(2):
        store = Storage(path, create=True)
    store.add_title(title_rows(store, "gamma", random_vectors(2, 5)))
    assert len(Storage(path, create=True).titles()) == 3


def test_an_older_store_without_titles_is_brought_up_to_date(tmp_path):
    path = unpacked(STORES[-1], tmp_path)
    tables = Tables(StoreLocation.of(path))
    for name in ("titles", "spaces"):
        tables.open(name).delete("true")
    store = Storage(path)
    store.add_title(title_rows(store, "gamma", random_vectors(2, 5)))
    assert store.titles()["id"].to_list() == ["gamma"]


@pytest.mark.parametrize("archive", STORES, ids=lambda a: a.name.partition(".")[0])
def test_bringing_up_to_date_can_be_cut_off_anywhere(archive, tmp_path, monkeypatch):
    """A write that fails half way is done by the next who opens the store."""
    for stop in range(30):
        path = unpacked(archive, tmp_path / str(stop))
        writes = 0

        def counted(do, stop=stop):
            def write(*arguments, **options):
                nonlocal writes
                writes += 1
                if writes > stop:
                    raise KeyboardInterrupt
                return do(*arguments, **options)

            return write

        with monkeypatch.context() as patched:
            for name in ("create", "add", "replace", "rewrite"):
                patched.setattr(Tables, name, counted(getattr(Tables, name)))
            patched.setattr(migrations, "_add_columns", counted(migrations._add_columns))
            try:
                Storage(path)
            except KeyboardInterrupt:
                pass
            else:
                break
        check(Storage(path))
    assert 0 < stop < 29


def test_what_stored_pictures_look_like_is_measured(tmp_path):
    (archive,) = [a for a in STORES if a.name.startswith("format_5")]
    shots = Storage(unpacked(archive, tmp_path)).shots()
    colours = [["black"], None, ["red"], ["white"], ["grey"], ["blue"], None]
    found = shots["colours"].to_list()
    assert [c if i not in (1, 6) else None for i, c in enumerate(found)] == colours
    assert shots["bars"].to_list() == pytest.approx([0, 0, 0, 0, 2 / 9, 0, None], abs=0.03)
    assert shots["looks"].to_list()[0][:2] == ["black", "dark"]
    for number, word in ((2, "red"), (3, "white"), (4, "black and white"), (5, "blue")):
        assert word in shots["looks"][number]
    assert shots["motion"].is_null().all()
    assert shots["cuts_per_min"].is_not_null().all()
    if library() is not None:
        face = shots["face"].to_list()
        assert [*face[:1], *face[2:]] == [0, 0, 0, 0, 0, None]
        assert 0.2 < face[1] < 0.6


def test_every_format_has_its_step():
    assert sorted(migrations._MIGRATIONS) == list(range(1, FORMAT))
    assert len(STORES) == FORMAT - 1


def test_a_store_of_a_later_version_is_refused(store, monkeypatch):
    monkeypatch.setattr("mediafm_store.storage.title_reader.FORMAT", FORMAT - 1)
    with pytest.raises(InvalidInput, match=f"has format {FORMAT}, this version reads up to"):
        Storage(store.path)


def test_a_store_of_an_earlier_version_that_is_read_only_is_refused(tmp_path, monkeypatch):
    path = unpacked(STORES[-1], tmp_path)
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(InvalidInput, match="cannot be written"):
        Storage(path)
