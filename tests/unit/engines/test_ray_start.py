"""Ray is started when there is something to do: that takes seconds."""

import pytest

from mediafm_store.embedding.embed import embed
from mediafm_store.engines import check_engine, engine_of
from mediafm_store.errors import InvalidInput
from mediafm_store.indexing.build import refresh_indexes
from mediafm_store.ingestion.backfill import backfill
from mediafm_store.ingestion.ingest import ingest
from mediafm_store.storage.storage import Storage
from mediafm_store.tags.apply import apply_tags
from tests.conftest import random_vectors, title_rows
from tests.helpers import stages
from tests.helpers.command import mediafm
from tests.helpers.odd_films import make_film, pictures
from tests.helpers.plain import PlainEncoder


@pytest.fixture
def starts(monkeypatch):
    """Whatever would start Ray, which is not there."""
    from mediafm_store.engines import cluster, ray

    begun = []

    def start(address, cores):
        begun.append((address, cores))
        raise RuntimeError("Ray is started")

    monkeypatch.setattr(ray, "start", start)
    monkeypatch.setattr(cluster.ray, "is_initialized", lambda: False)
    return begun


def test_the_first_item_starts_it(starts):
    with engine_of("ray", workers=3) as engine:
        assert list(engine.run(stages.double, iter([]))) == []
        assert starts == []
        with pytest.raises(RuntimeError, match="Ray is started"):
            list(engine.run(stages.double, iter([1])))
        assert starts == [(None, 3)]


def test_what_is_complete_is_left_alone(starts, imported):
    assert embed(imported, engine="ray").titles == 0
    spaces = [imported.live("fused")]
    assert refresh_indexes(imported, spaces, engine="ray")[0].new == 0
    assert starts == []


def test_tags_from_similar_titles_come_from_this_process(starts, store):
    for n, tags in enumerate((["space"], [])):
        store.add_title(title_rows(store, f"film{n}", random_vectors(4), tags=tags))
    assert [tag.tag for tag in apply_tags(store, engine="ray")] == ["space"]
    assert starts == []


def test_films_that_nobody_touched_are_left_alone(starts, plain_encoders, tmp_path):
    film = tmp_path / "film.mp4"
    make_film(film, images=list(pictures(24, size=(96, 64))), sounds=["mono"])
    store = Storage(tmp_path / "store", create=True)
    (made,) = ingest(store, [film], encoders=plain_encoders)
    by_ray = {"engine": "ray", "workers": 1}
    (again,) = ingest(store, [film], encoders=plain_encoders, **by_ray)
    assert (again.state, again.shots, again.film_s) == ("unchanged", made.shots, made.film_s)
    assert starts == []
    film.with_suffix(".srt").write_text("1\n00:00:00,000 --> 00:00:00,500\nHello\n\n")
    with pytest.raises(RuntimeError, match="Ray is started"):
        ingest(store, [film], encoders=plain_encoders, **by_ray)


@pytest.mark.parametrize(
    "name", ["Ray", "ray:", "ray://", "ray://:10001", "ray://a/b", "ray://a:b"]
)
def test_odd_names_are_told(name):
    with pytest.raises(InvalidInput, match="is not one of: threads, ray, ray://HOST:PORT"):
        check_engine(name)


@pytest.mark.parametrize(
    "name", ["threads", "ray", "ray://host", "ray://10.0.0.1:2", "ray://[::1]:3"]
)
def test_names(name):
    check_engine(name)


def test_an_odd_name_makes_no_store(tmp_path):
    make_film(tmp_path / "film.mp4", images=list(pictures(4, size=(96, 64))))
    done = mediafm("ingest", tmp_path, "--engine", "spark", "--store", tmp_path / "store")
    assert done.returncode == 1
    assert "engine 'spark' is not one of" in done.stderr
    assert not (tmp_path / "store").exists()


def test_what_is_backfilled_is_left_alone(starts, plain_encoders, tmp_path):
    make_film(tmp_path / "film.mp4", images=list(pictures(24, size=(96, 64))), sounds=["mono"])
    store = Storage(tmp_path / "store", create=True)
    ingest(store, [tmp_path / "film.mp4"], encoders=plain_encoders)
    text = PlainEncoder("text")
    text.fingerprint = "another"
    others = {**plain_encoders, "text": text}
    assert [r.state for r in backfill(store, others).results] == ["ingested"]
    assert backfill(store, others, engine="ray").results == []
    assert starts == []
