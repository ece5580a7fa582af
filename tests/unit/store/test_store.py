"""The public face: everything by methods of a store, its titles and what is found in it."""

import inspect
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

import mediafm_store as mfm
from mediafm_store.labels.labels import TaskLabels
from mediafm_store.store import groups
from tests.conftest import random_vectors, title_rows

GROUPS = (groups.Labels, groups.Probes, groups.Tags, groups.Spaces, groups.Indexes)


@pytest.fixture
def made(tmp_path):
    """A store of two titles with words and pictures of vectors."""
    opened = mfm.open(tmp_path / "store", create=True)
    for seed, title in enumerate(("alpha", "beta")):
        rows = title_rows(opened.storage, title, random_vectors(12, seed), name=title.title())
        opened.storage.add_title(rows)
    return opened


def test_a_store_is_opened_by_path_or_text(tmp_path):
    with pytest.raises(mfm.NotFound, match="no store at"):
        mfm.open(tmp_path / "store")
    made = mfm.open(str(tmp_path / "store"), create=True)
    assert (len(made), list(made), "alpha" in made) == (0, [], False)
    assert mfm.open(made.path).path == str(tmp_path / "store")
    assert repr(made).startswith("<Store ")


def test_titles_are_items(made):
    assert [title.id for title in made] == ["alpha", "beta"]
    assert (len(made), "alpha" in made, "gamma" in made) == (2, True, False)
    film = made["Alpha"]  # as people call it
    assert (film.id, film.name) == ("alpha", "Alpha")
    assert film.shots()["title"].unique().to_list() == ["alpha"]
    assert sum(len(scene.shots) for scene in film.scenes()) == 12
    assert film.cues().is_empty()
    assert film.tags() == []
    film.rename("A Film")
    assert made["a film"].name == "A Film"
    assert "A Film" in repr(film)
    film.remove()
    assert [title.id for title in made] == ["beta"]
    with pytest.raises(mfm.NotFound, match="alpha"):
        made["alpha"]


def test_hits_are_a_sequence_and_go_everywhere(made, tmp_path):
    hits = made.similar("alpha/00002", mfm.SearchOptions(k=3, least=0))
    assert isinstance(hits, mfm.Hits)
    assert len(hits) == len(list(hits)) == 3
    assert hits[0].score >= hits[1].score >= hits[-1].score
    assert [h.shot for h in hits[:2]] == [h.shot for h in hits][:2]
    assert hits.compared.startswith("by the picture") or hits.compared
    assert hits.origin is None
    frame = hits.to_polars()
    assert frame["shot"].to_list() == [h.shot for h in hits]
    assert frame["shares"].struct.unnest().sum_horizontal().to_list() == pytest.approx(
        [h.score for h in hits]
    )
    assert [s.label for s in hits.to_segments()] == [h.shot for h in hits]
    hits.to_timeline(tmp_path / "found.edl", fps=25)
    assert "FCM: NON-DROP FRAME" in (tmp_path / "found.edl").read_text()
    hits.to_html(str(tmp_path / "found.html"))
    assert hits[0].shot in (tmp_path / "found.html").read_text()
    shown = hits._repr_html_()
    assert shown.count("<tr>") == 4
    assert "alpha/00002" in repr(hits)


def test_a_shot_may_be_called_as_people_do(made, tmp_path):
    hits = made.search(mfm.SearchQuery(shot="Alpha/2"), mfm.SearchOptions(k=3, least=0))
    assert hits == [] or list(hits) == list(
        made.search(mfm.SearchQuery(shot="alpha/00002"), mfm.SearchOptions(k=3, least=0))
    )
    assert "alpha/00002" in repr(hits)
    hits.to_html(tmp_path / "found.html")
    assert "alpha/00002" in (tmp_path / "found.html").read_text()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("k=0", "k, the number of results, must be 1 or more, is 0"),
        ("unit='film'", "unit must be one of shot, scene, title, is 'film'"),
    ],
)
def test_options_that_mean_nothing_are_refused(made, options, told):
    """In a process where types are not checked, as users run it."""
    code = (
        f"import mediafm_store as mfm; store = mfm.open({made.path!r})\n"
        f"try: store.similar('alpha/00002', mfm.SearchOptions({options}))\n"
        "except mfm.InvalidInput as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == told


def test_what_an_ingest_cannot_use_is_told_before_encoders_are_loaded(made, monkeypatch):
    monkeypatch.setattr("mediafm_store.store.store.load_encoders", None)
    with pytest.raises(mfm.InvalidInput, match="does not exist"):
        made.ingest("nowhere/")


def test_pages_breaks_and_names_are_written(made, tmp_path):
    made.map_to_html(tmp_path / "map.html")
    assert "alpha" in (tmp_path / "map.html").read_text()
    film = made["alpha"]
    film.to_html(tmp_path / "alpha.html")
    assert "Alpha" in (tmp_path / "alpha.html").read_text()
    breaks = film.ad_breaks(mfm.BreakConstraints(min_gap_s=1, margin_s=1))
    film.write_ad_breaks(tmp_path / "breaks.vmap", breaks)
    assert (tmp_path / "breaks.vmap").read_text().count("<vmap:AdBreak ") == len(breaks) > 0
    with pytest.raises(mfm.InvalidInput, match="must have a name"):
        made.tags.apply_names([" "])


def test_no_hits_are_an_empty_table_of_the_same_columns(made):
    found = made.similar("alpha/00002", mfm.SearchOptions(k=3, least=0))
    none = made.similar("alpha/00002", mfm.SearchOptions(where="duration_s > 1e6"))
    assert len(none) == 0
    assert none.to_polars().schema == found.to_polars().schema
    assert "<tr>" in none._repr_html_()


def test_what_notebooks_show_is_escaped(made):
    evil = "<script>alert(1)</script>"
    rows = title_rows(made.storage, "gamma", random_vectors(12, 5))
    for shot in rows.shots:
        shot["words"] = evil
    made.storage.add_title(rows)
    hits = made.similar("alpha/00002", mfm.SearchOptions(where="title = 'gamma'", least=0))
    assert hits[0].words == evil
    assert evil not in hits._repr_html_()


def test_queries_are_words_or_a_query(made, monkeypatch):
    asked = []

    def search(storage, query, options, **more):
        asked.append((query, options))
        raise mfm.NotFound("nothing here")

    monkeypatch.setattr("mediafm_store.store.store.search", search)
    several = mfm.SearchQuery(like=["alpha/1"], unlike=["beta"], said="dragon")
    options = mfm.SearchOptions(k=2)
    for query in ("a snowy mountain", several):
        with pytest.raises(mfm.MediaFMError):
            made.search(query, options)
    assert asked == [(mfm.SearchQuery(text="a snowy mountain"), options), (several, options)]
    assert several.summary == "alpha/1 + “dragon”"


def test_groups_hold_what_belongs_to_a_store(made, tmp_path):
    (tmp_path / "genre.csv").write_text("title,label\nalpha,Drama\nbeta,Comedy\n")
    (added,) = made.labels.add(tmp_path / "genre.csv")
    assert isinstance(added, TaskLabels)
    assert [one.task for one in made.labels] == ["genre"]
    assert made.labels.remove("genre", ["alpha"]).titles == 1
    with pytest.raises(mfm.InvalidInput, match="too few titles"):
        made.probes.fit("genre")
    assert list(made.probes) == list(made.tags) == made.tags.uncertain() == []
    with pytest.raises(mfm.NotFound):
        made.probes.get("genre")
    assert {space.name for space in made.spaces} == {"fused", "described", "metadata"}
    assert made.spaces.live("fused").version == 1
    (built,) = made.indexes.build(mfm.IndexConfig("exact"), space="fused", device="cpu")
    assert built.recall_at_10 == 1
    assert made.indexes.status()["fused"].rows == 24


def test_tables_are_there_for_other_tools(made, tmp_path):
    assert made.titles()["id"].to_list() == ["alpha", "beta"]
    assert made.shots(["id"]).height == 24
    vectors = made.table("fused", where="title = 'alpha'").arrow()["vector"].to_pylist()
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(12), abs=1e-3)
    (written,) = made.export("shots", tmp_path / "shots.parquet")
    assert pl.read_parquet(written).height == 24
    assert all(found.state != "failed" for found in made.check())
    made.remove(["alpha", "beta"])
    assert len(made) == 0


def methods(cls):
    """The public methods of a class."""
    return [
        (f"{cls.__name__}.{name}", member)
        for name, member in inspect.getmembers(cls, inspect.isfunction)
        if not name.startswith("_") and member.__module__.startswith("mediafm_store")
    ]


@pytest.mark.parametrize("cls", [mfm.Store, mfm.StoredTitle, mfm.Hits, *GROUPS])
def test_methods_are_few_parameters_with_a_page_of_help(cls):
    for name, method in methods(cls):
        parameters = [p for p in inspect.signature(method).parameters if p != "self"]
        assert len(parameters) <= 8, name
        text = inspect.getdoc(method)
        assert text, name
        assert text.splitlines()[0].endswith((".", ":", "`.", "`")), name


@pytest.mark.parametrize("cls", [mfm.Store, mfm.StoredTitle, mfm.Hits, *GROUPS])
def test_every_path_may_be_a_text(cls):
    for name, method in methods(cls):
        for parameter in inspect.signature(method).parameters.values():
            annotation = str(parameter.annotation)
            if "Path" in annotation and "Callable" not in annotation:
                assert "str | pathlib" in annotation, f"{name}({parameter})"
