"""The whole road on real films: ingest, train, embed, index, search, tags, ad breaks, pages."""

import json
import logging

import numpy as np
import pytest

from benchmarks.scenes import scene_figures
from benchmarks.search import same_scene, scenes_of
from mediafm_store.ad_breaks.rank import rank_breaks
from mediafm_store.embedding.embed import embed
from mediafm_store.indexing.build import build_index
from mediafm_store.ingestion.ingest import ingest
from mediafm_store.report.pages import write_search_page
from mediafm_store.storage.storage import Storage
from mediafm_store.tags.apply import apply_tags
from mediafm_store.training.train import train
from tests.helpers.asking import search

pytestmark = pytest.mark.slow
TITLES = ["elephants_dream_opening", "sintel", "sintel_trailer", "tears_of_steel_battle_clip"]


@pytest.fixture(scope="module")
def road(films, encoders, tmp_path_factory):
    """A store that has gone the whole road, and the warnings on the way."""
    said: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record):
            said.append(record.getMessage())

    logging.getLogger("mediafm_store").addHandler(ear := Ear())
    store = Storage(tmp_path_factory.mktemp("real") / "store", create=True)
    folders = [films / title for title in TITLES]
    results = ingest(store, folders, encoders=encoders)
    trained = train(store, preset="tiny", device="cpu")
    embed(store, device="cpu")
    for space in store.spaces():
        build_index(store, space, device="cpu")
    logging.getLogger("mediafm_store").removeHandler(ear)
    return store, results, trained, said


def test_all_titles_without_a_warning(road):
    store, results, _, said = road
    assert [(r.title, r.state, r.warnings) for r in results] == [
        (t, "ingested", ()) for t in TITLES
    ]
    assert said == []
    assert store.titles()["name"].to_list()[1] == "Sintel"
    assert store.titles()["genres"].list.len().min() > 0


def test_cuts_of_sintel(road, films):
    store = road[0]
    truth = json.loads((films / "sintel" / "ground_truth.json").read_text())
    found = np.round(store.shots("sintel")["start_s"].to_numpy()[1:] * truth["fps"])
    labelled = np.array([s["start"] for s in truth["shots"][1:]])
    hits = sum(np.abs(found - cut).min() <= 2 for cut in labelled)
    assert 2 * hits / (len(found) + len(labelled)) > 0.8


@pytest.mark.parametrize("space", ["fused", "context"])
def test_shots_of_the_same_scene_rank_first(road, films, space):
    store = road[0]
    truth = json.loads((films / "sintel" / "ground_truth.json").read_text())
    shots = store.shots("sintel")
    middle = ((shots["start_s"] + shots["end_s"]) / 2 * truth["fps"]).to_numpy()
    vectors = store.vectors(store.live(space), "sintel").vectors
    figures = same_scene(vectors, scenes_of(middle, truth["scenes"]))
    assert figures["auc"] > 0.65
    assert figures["top 5"] > 2 * figures["by chance"]


def test_scenes_are_those_that_people_see(road, films):
    figures = scene_figures(road[0], films)
    (sintel,) = [row for row in figures["scenes"] if row["film"] == "sintel"]
    assert sintel["f1 near"] > 0.6
    assert sintel["cf"] > 0.7
    assert 7 <= sintel["found"] <= 18
    assert figures["scene_ap"] > 0.5


def test_words_are_found_where_they_are_said(road, encoders):
    store = road[0]
    line = "This blade has a dark past."
    for text in (line, f"“{line}”", "someone says that the blade has a dark past"):
        hits = search(store, text=text, k=3, encoders=encoders)
        assert any("blade has a dark past" in hit.words for hit in hits)
        assert hits[0].title == "sintel"


def test_a_clip_finds_its_film(road, films, encoders):
    store = road[0]
    clip = films / "sintel_trailer" / "sintel_trailer.mp4"
    hits = search(store, clip=clip, k=10, encoders=encoders)
    assert {h.title for h in hits} <= {"sintel", "sintel_trailer"}
    assert len(hits) == 10


def test_training_is_told_beside_its_baselines(road):
    result = road[2].result
    assert result.validation <= result.baselines["untrained"]
    assert {"title mean", "mean of 4 neighbours"} <= set(result.baselines)


def test_tags_and_breaks_with_reasons(road):
    store = road[0]
    found = apply_tags(store, ["sintel_trailer"])
    assert found
    assert all(tag.evidence for tag in found)
    breaks = rank_breaks(store, "sintel", k=5)
    assert len(breaks) == 5
    assert all(b.reasons and 0 < b.score <= 1 for b in breaks)
    cues = store.cues("sintel")
    for place in breaks:
        inside = (cues["start_s"] < place.seconds) & (cues["end_s"] > place.seconds)
        assert not inside.any()


def test_a_page_of_hits(road, tmp_path):
    store = road[0]
    shot = store.shots("sintel")["id"][42]
    page = tmp_path / "hits.html"
    write_search_page(
        page,
        store=store,
        query=shot,
        hits=search(store, shot=shot, k=8),
        query_shot=shot,
    )
    text = page.read_text(encoding="utf-8")
    assert text.count("data:image/jpeg") == 9 + 1  # of the shots around them, one sheet
    assert "http://" not in text
    assert "https://" not in text


def test_odd_files(films, encoders, tmp_path):
    """Two video streams, MPEG-1, Theora with empty packets, and sound without a picture."""
    store = Storage(tmp_path / "store", create=True)
    clips = films / "clips"
    names = ["nasa_13013.mp4", "city_cc0.mpg", "popcorn_closeup.ogv", "guitar.mp3"]
    results = ingest(store, [clips / n for n in names], encoders=encoders)
    assert [r.state for r in results] == ["ingested", "ingested", "ingested", "failed"]
    assert results[1].warnings == ("city_cc0.mpg has no sound",)
    assert results[2].warnings == ()
    assert "guitar.mp3 has no picture" in results[3].error
