"""Indexes of a store: always current, filtered by SQL, brought up to date, in place at once."""

import threading

import numpy as np
import pytest

from mediafm_store import IndexConfig
from mediafm_store.arrays import unit_rows
from mediafm_store.errors import InvalidInput
from mediafm_store.indexing.build import build_index, refresh_index
from mediafm_store.indexing.directories import index_folder, newest_build, shard_folders
from mediafm_store.indexing.nearest import nearest
from mediafm_store.indexing.space_index import _OPENED as OPENED
from mediafm_store.indexing.space_index import RUNS, open_index
from mediafm_store.indexing.status import index_status
from mediafm_store.storage.storage import Storage
from tests.conftest import random_vectors, title_rows
from tests.helpers.plain import search_all as search


def near(vectors, seed):
    """Other vectors close to these."""
    noise = np.random.default_rng(seed).normal(size=vectors.shape).astype(np.float32)
    return unit_rows(vectors + 0.01 * noise)


@pytest.fixture
def films(store):
    for seed, title in enumerate(["alpha", "beta", "gamma"]):
        genres = ["Drama"] if title == "beta" else ["Comedy"]
        store.add_title(title_rows(store, title, random_vectors(20, seed), genres=genres))
    return store


def by_sorting(store, query, k, wanted=lambda shot_id: True):
    """The answers that a store has to give, the slow way."""
    ids, vectors = store.vectors(store.live("fused"))
    order = np.argsort(-(vectors @ query), kind="stable")
    return [ids[i] for i in order if wanted(ids[i])][:k]


def answers(store, query, k, **options):
    return nearest(store, store.live("fused"), query[None], k, **options)[0].ids


def test_answers_are_those_of_the_table_as_it_is_now(films):
    """Whatever was added, replaced or deleted since the index was built."""
    fused = films.live("fused")
    query = films.vectors(fused, "beta").vectors[3]
    build_index(films, fused)
    assert answers(films, query, 5) == by_sorting(films, query, 5)

    films.add_title(title_rows(films, "delta", near(films.vectors(fused, "beta").vectors, 7)))
    found = answers(films, query, 5)
    assert "delta/00003" in found
    assert found == by_sorting(films, query, 5)

    films.add_title(title_rows(films, "beta", random_vectors(4, 99)))
    found = answers(films, query, 50)
    assert found == by_sorting(films, query, 50)
    assert [i for i in found if i.startswith("beta/")]
    assert "beta/00007" not in found  # of the revision before

    status = index_status(films, fused)
    assert (status.rows, status.replaced, status.new) == (40, 20, 24)
    refreshed = refresh_index(films, fused)
    assert (refreshed.rows, refreshed.replaced, refreshed.new) == (64, 0, 0)  # built anew
    assert answers(films, query, 50) == by_sorting(films, query, 50)


def test_refresh_adds_what_is_new_and_keeps_the_rest(films):
    fused = films.live("fused")
    build_index(films, fused)
    first = newest_build(index_folder(films, fused))
    assert refresh_index(films, fused).rows == 60
    assert newest_build(index_folder(films, fused)) == first  # nothing to do

    films.add_title(title_rows(films, "delta", random_vectors(5, 5)))
    assert refresh_index(films, fused).rows == 65
    second = newest_build(index_folder(films, fused))
    assert second.name > first.name
    assert not first.exists()
    opened = open_index(films, fused)
    assert [run.title for run in opened.runs] == ["alpha", "beta", "gamma", "delta"]
    query = random_vectors(1, 77)[0]
    assert answers(films, query, 20) == by_sorting(films, query, 20)


def test_refresh_without_an_index_builds_one(films):
    status = refresh_index(films, films.live("fused"))
    assert (status.kind, status.rows) == ("exact", 60)


@pytest.mark.parametrize("indexed", [False, True])
@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        ("array_contains(genres, 'Drama')", lambda shot, title: "Drama" in title["genres"]),
        (
            "title = 'alpha' AND start_s >= 30",
            lambda shot, title: shot["title"] == "alpha" and shot["start_s"] >= 30,
        ),
        ("title_duration_s < 1", lambda shot, title: False),
        ("name ILIKE 'GAMMA'", lambda shot, title: title["name"].lower() == "gamma"),
        ('"index" = 4', lambda shot, title: shot["index"] == 4),
    ],
)
def test_a_condition_is_kept_to_before_scoring(films, indexed, where, wanted):
    if indexed:
        build_index(films, films.live("fused"))
    films.add_title(title_rows(films, "delta", random_vectors(20, 9), genres=["Drama"]))
    titles = {row["id"]: row for row in films.titles().to_dicts()}
    matching = {s["id"] for s in films.shots().to_dicts() if wanted(s, titles[s["title"]])}
    query = films.vectors(films.live("fused"), "alpha").vectors[2]
    expected = by_sorting(films, query, 15, matching.__contains__)
    assert answers(films, query, 15, ids=films.matching(where)) == expected


def test_a_search_with_a_condition_finds_as_many_as_match(films):
    hits = search(
        films, shot="alpha/00002", where="title IN ('alpha', 'beta') AND start_s < 10", k=9
    )
    assert len(hits) == 9  # of ten, one of which is the shot itself
    assert {h.title for h in hits} == {"alpha", "beta"}
    assert all(h.start_s < 10 for h in hits)
    assert search(films, shot="alpha/00002", where="title = 'nobody'") == []


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("duration_s >", "cannot be understood"),
        ("nonsense = 1", "no column 'nonsense' to filter by; there are id, title"),
        ("duration_s", "cannot be understood"),
        ("id > 5", "cannot be understood"),
        ("true; drop table titles", "cannot be understood"),
        ("id IN (SELECT id FROM shots)", "cannot be understood"),
        ("", "cannot be understood"),
        ("count(*) > 1", "names no column"),
        ("max(duration_s) > 1", "on all shots together"),
    ],
)
def test_bad_conditions_are_told(films, where, told):
    with pytest.raises(InvalidInput, match=told):
        films.matching(where)


def test_a_reader_keeps_its_index_while_another_is_put_in_place(films):
    fused = films.live("fused")
    build_index(films, fused)
    opened = open_index(films, fused)
    query = random_vectors(1, 5)
    before = opened.indexed.search(query, 5)[0].rows.tolist()
    build_index(films, fused)
    assert not opened.folder.exists()
    assert opened.indexed.search(query, 5)[0].rows.tolist() == before


def test_searches_go_on_while_indexes_are_built(films):
    fused, query = films.live("fused"), random_vectors(1, 5)[0]
    wanted = by_sorting(films, query, 5)
    done = threading.Event()
    wrong = []

    def keep_searching():
        while not done.is_set():
            found = answers(Storage(films.path), query, 5)
            if found != wanted:
                wrong.append(found)

    thread = threading.Thread(target=keep_searching)
    thread.start()
    for _ in range(10):
        build_index(films, fused)
    done.set()
    thread.join()
    assert wrong == []


def test_left_overs_of_a_killed_build_are_cleared(films):
    fused = films.live("fused")
    left_over = index_folder(films, fused) / ".building" / "half-x"
    left_over.mkdir(parents=True)
    (left_over / "vectors.f16").write_bytes(b"half")
    assert index_status(films, fused).kind == "none"
    build_index(films, fused)
    assert not left_over.exists()


def test_only_the_newest_index_is_kept(films):
    fused = films.live("fused")
    build_index(films, fused)
    first = newest_build(index_folder(films, fused))
    (first.parent / "000000").mkdir()  # left by a kill between two steps
    build_index(films, fused)
    assert [f.name for f in first.parent.glob("0*")] == ["000002"]


@pytest.mark.parametrize("kind", ["flat", "ivf-pq", "hnsw-sq8"])
def test_a_shot_or_two_can_be_indexed_by_any_kind(store, kind):
    store.add_title(title_rows(store, "one", random_vectors(1)))
    status = build_index(store, store.live("fused"), IndexConfig(kind))
    assert (status.kind, status.rows, status.recall_at_10) == ("exact", 1, 1.0)


def test_an_empty_space_and_odd_wishes_are_told(store, films):
    empty = store.registry.version("context", "c", dim=2304, made_by="checkpoint 1", fused="test")
    with pytest.raises(InvalidInput, match="nothing to index"):
        build_index(store, empty)
    with pytest.raises(InvalidInput, match="no index kind 'odd'; there are exact, flat"):
        build_index(films, films.live("fused"), IndexConfig("odd"))
    with pytest.raises(InvalidInput, match="between 0 and 1"):
        build_index(films, films.live("fused"), IndexConfig(target=1.5))
    with pytest.raises(InvalidInput, match="is a path, and an index is opened again by the name"):
        build_index(films, films.live("fused"), IndexConfig("mediafm_indexes.exact:Exact"))


def test_a_large_space_gets_an_index_that_is_tuned(store, monkeypatch):
    monkeypatch.setattr("mediafm_indexes.factories.EXACT_UP_TO", 100)
    directions = random_vectors(12, 1)
    rng = np.random.default_rng(3)
    for title in ("one", "two", "three"):
        mixed = (rng.normal(size=(200, 12)) @ directions).astype(np.float32)
        store.add_title(title_rows(store, title, unit_rows(mixed)))
    fused = store.live("fused")
    status = build_index(store, fused)
    assert status.kind == "pca-ivf-sq8"
    assert status.recall_at_10 >= 0.99
    assert min(status.recall_filtered.values()) >= 0.99
    assert status.memory_mb < status.disk_mb
    query = store.vectors(fused, "two").vectors[10]
    assert answers(store, query, 10) == by_sorting(store, query, 10)
    hits = search(store, shot="two/00010", exclude_same_title=True, k=30)
    assert len(hits) == 30
    assert "two" not in {h.title for h in hits}


def test_an_index_that_cannot_be_read_at_all_is_told_once(films, caplog):
    fused = films.live("fused")
    build_index(films, fused, device="cpu")
    (folder,) = shard_folders(newest_build(index_folder(films, fused)))
    (folder / RUNS).write_text("{", encoding="utf-8")
    OPENED.clear()  # as in a process of its own
    for _ in range(3):
        assert search(films, shot="alpha/00007")
    assert caplog.text.count("cannot be used") == 1
