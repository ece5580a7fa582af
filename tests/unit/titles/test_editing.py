"""Titles are removed with all that is theirs, or shown under another name."""

import json
from datetime import UTC, datetime

import pytest

from mediafm_store.errors import InvalidInput, NotFound
from mediafm_store.health import doctor
from mediafm_store.indexing.build import build_index
from mediafm_store.indexing.nearest import nearest
from mediafm_store.ingestion.ingest import ingest
from mediafm_store.labels.labels import import_labels, labelled, remove_labels
from mediafm_store.storage.storage import Storage
from mediafm_store.titles.editing import remove_titles, rename_title
from mediafm_store.titles.naming import find_title
from tests.conftest import random_vectors, title_rows
from tests.helpers.command import mediafm
from tests.helpers.odd_films import make_film, pictures


class Killed(BaseException):
    """As SIGKILL: no handler of the program may see it."""


@pytest.fixture
def films(store, tmp_path):
    """Two titles with vectors in context, tags, labels, subtitles, and an index."""
    for seed, title in enumerate(["alpha", "beta"]):
        rows = title_rows(store, title, random_vectors(4, seed))
        rows.cues.append({"start_s": 0.0, "end_s": 1.0, "text": "Hello"})
        store.add_title(rows)
    told = {"dim": 2304, "made_by": "checkpoint 1", "fused": "test"}
    context = store.registry.version("context", "c", **told)
    for title in ("alpha", "beta"):
        ids = store.shot_ids(title)
        store.add_vectors(context, store.title(title), ids, random_vectors(4, 9))
    store.registry.promote(context)
    build_index(store, store.live("fused"))
    labels = tmp_path / "genre.csv"
    labels.write_text("title,label\nalpha,Drama\nbeta,Crime\n")
    import_labels(store, labels)
    store.put("tags", [tag("alpha"), tag("beta")])
    return store


def tag(title, **columns):
    told = {"task": "genre", "tag": "x", "score": 0.5, "threshold": 0.3, "applies": True}
    made = {"source": "text", "evidence": [], "proposed_at": datetime.now(UTC)}
    return {"title": title, **told, **made, **columns}


def rows_of(store, title):
    """How many rows of a title lie in every table, whoever may see them."""
    own = f"title = '{title}'"
    return {n: store.table(n).count_rows(own) for n in sorted(store.tables_of_titles())}


def test_a_title_goes_with_all_that_is_its(films):
    before = rows_of(films, "beta")
    assert set(rows_of(films, "alpha").values()) == {4, 1}
    (going,) = remove_titles(films, ["Alpha"], dry_run=True)
    assert (going.title, {**going.rows}) == ("alpha", {"titles": 1} | rows_of(films, "alpha"))
    assert "alpha" in films.revisions()
    assert remove_titles(films, ["Alpha", "alpha"]) == [going]
    assert set(rows_of(films, "alpha").values()) == {0}
    assert rows_of(films, "beta") == before
    assert films.titles()["id"].to_list() == ["beta"]
    query = films.vectors(films.live("fused")).vectors[:1]
    assert {shot_id[:4] for shot_id in nearest(films, films.live("fused"), query, 8)[0].ids} == {
        "beta"
    }
    assert [f.check for f in doctor(films) if f.state == "wrong"] == ["media"]
    with pytest.raises(NotFound, match="alpha"):
        remove_titles(films, ["beta", "alpha"])
    assert films.titles()["id"].to_list() == ["beta"]


@pytest.mark.parametrize("kept", ["titles", "labels", "tags", "context_v1", "cues", "shots"])
def test_a_removal_that_is_cut_off_leaves_a_title_or_none(films, monkeypatch, kept):
    deleted = films.tables.delete

    def killed(name, condition):
        if name == kept:
            raise Killed
        deleted(name, condition)

    with monkeypatch.context() as patched:
        patched.setattr(films.tables, "delete", killed)
        with pytest.raises(Killed):
            remove_titles(films, ["alpha"])
    again = Storage(films.path)
    there = kept == "titles"
    assert ("alpha" in again.revisions()) == there
    assert (not again.shots("alpha").is_empty()) == there
    assert ("alpha" in again.rows("labels")["title"].to_list()) == there
    assert ("alpha" in again.tags()["title"].to_list()) == there
    if not there:
        again.add_title(title_rows(again, "alpha", random_vectors(2, 5)))
        assert again.lacking(again.live("context")) == ["alpha"]
        assert "alpha" not in again.rows("labels")["title"].to_list()
        assert rows_of(again, "alpha") | {"fused_v1": 2, "shots": 2, "cues": 0} == rows_of(
            again, "alpha"
        )


def test_a_title_is_shown_under_another_name_and_keeps_its_id(films):
    revision = films.title("alpha")["revision"]
    assert rename_title(films, "alpha", " Sintel (2010) ") == "alpha"
    row = films.title("alpha")
    assert (row["name"], row["revision"]) == ("Sintel (2010)", revision)
    assert find_title(films, "sintel (2010)") == "alpha"
    assert films.rows("labels", "title = 'alpha'")["label"].to_list() == ["Drama"]
    for bad in ("", "  ", "a\nb", "\ud83d", "x" * 501):
        with pytest.raises(InvalidInput, match="no name for a title"):
            rename_title(films, "alpha", bad)


@pytest.mark.parametrize("metadata", [{}, {"title": "By its file"}], ids=str)
def test_a_given_name_stays_when_the_film_is_ingested_again(
    store, tmp_path, plain_encoders, metadata
):
    film = make_film(tmp_path / "film.mp4", images=list(pictures(48)))
    film.with_suffix(".json").write_text(json.dumps(metadata))
    ingest(store, [film], encoders=plain_encoders)
    rename_title(store, "film", "Given")
    revision = store.title("film")["revision"]
    assert ingest(store, [film], encoders=plain_encoders)[0].state == "unchanged"
    assert store.title("film")["revision"] == revision
    film.with_suffix(".json").write_text(json.dumps(metadata | {"synopsis": "A dragon."}))
    assert ingest(store, [film], encoders=plain_encoders)[0].state == "updated"
    row = store.title("film")
    assert (row["name"], row["synopsis"]) == ("Given", "A dragon.")
    assert ingest(store, [film], encoders=plain_encoders)[0].state == "unchanged"


def test_labels_are_removed_with_the_answers_that_made_them(films):
    films.put("tags", [tag("alpha", tag="Drama", source="review", score=1.0)])
    assert remove_labels(films, "genre", ["alpha"], dry_run=True).rows == 1
    before = labelled(films)
    assert remove_labels(films, "genre", ["alpha"]).titles == 1
    assert films.rows("labels")["title"].to_list() == ["beta"]
    assert set(films.tags()["tag"]) == {"x"}
    old = films.view("labels", version=before[0].version).arrow()
    assert sorted(old["title"].to_pylist()) == ["alpha", "beta"]
    with pytest.raises(NotFound, match="no labels of task 'genre' of these titles"):
        remove_labels(films, "genre", ["alpha"])
    remove_labels(films, "genre")
    assert labelled(films) == []


def test_the_commands(films):
    at = ("--store", films.path)
    listed = mediafm("titles", "list", "--json", *at).stdout.splitlines()
    assert [json.loads(line)["id"] for line in listed] == ["alpha", "beta"]
    told = json.loads(mediafm("titles", "remove", "alpha", "--dry-run", "--json", *at).stdout)
    assert told["rows"]["shots"] == 4
    assert "4 shots" in mediafm("titles", "show", "alpha", *at).stdout
    renamed = json.loads(mediafm("titles", "rename", "alpha", "Sintel", "--json", *at).stdout)
    assert (renamed["id"], renamed["name"]) == ("alpha", "Sintel")
    for wrong in (("rename", "alpha"), ("remove",), ("list", "alpha"), ("show", "a", "--dry-run")):
        assert mediafm("titles", *wrong, *at).returncode == 2
    assert mediafm("labels", "remove", "genre", "--title", "Sintel", *at).returncode == 0
    assert mediafm("labels", "list", "--dry-run", *at).returncode == 2
    assert mediafm("titles", "remove", "Sintel", *at).returncode == 0
    assert mediafm("titles", "remove", "Sintel", *at).returncode == 1
