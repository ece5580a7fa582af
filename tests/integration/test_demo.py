"""The demo on films of one's own, and search by text on photographs with known subjects."""

import json

import pytest

from benchmarks.search import photos_at
from mediafm_store.demo.run import run_demo
from mediafm_store.errors import InvalidInput
from mediafm_store.storage.storage import Storage
from tests.helpers.asking import search

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def demo(sample_films, tmp_path_factory):
    """The whole road on two films."""
    stages = []
    folder = tmp_path_factory.mktemp("demo")
    result = run_demo(
        folder,
        media=sample_films,
        device="cpu",
        on_progress=lambda s, done, total: stages.append(s),
    )
    return result, stages


def test_every_stage_leaves_its_mark(demo):
    result, stages = demo
    store = Storage(result.store)
    assert (result.titles, result.shots) == (2, len(store.shots()))
    assert {s.name for s in store.spaces() if s.live} == {
        *("fused", "described", "metadata", "context", "title"),
    }
    for stage in ("ingest", "train", "embed", "index", "search"):
        assert any(stage in s for s in stages)
    assert store.shot(result.first_shot)["title"] in set(store.titles()["id"])
    page = result.report.read_text(encoding="utf-8")
    for name in store.titles()["name"]:
        assert name in page
    assert page.count("data:image/jpeg") >= result.shots


def test_words_find_the_photograph(demo, sample_films, encoders):
    """At least two thirds of the queries whose photograph is in these films."""
    truth = json.loads((sample_films / "ground_truth.json").read_text())
    shown = {shot["photo"] for title in truth["titles"].values() for shot in title["shots"]}
    store = Storage(demo[0].store)
    found = []
    for query in (q for q in truth["queries"] if q["photo"] in shown):
        hits = search(store, text=query["text"], k=5, encoders=encoders)
        photos = [photos_at(truth, h.title, h.start_s, h.end_s) for h in hits]
        found.append(any(query["photo"] in p for p in photos))
    assert len(found) >= 5
    assert sum(found) >= 2 / 3 * len(found)


def test_a_folder_without_videos_is_told(tmp_path):
    with pytest.raises(InvalidInput, match="no video in"):
        run_demo(tmp_path / "demo", media=tmp_path, device="cpu")
