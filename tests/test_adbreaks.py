import numpy as np
import pytest

from mediafm_store import rank_breaks
from mediafm_store.arrays import unit_rows
from mediafm_store.errors import BadInput, NotFound
from mediafm_store.store.store import TitleRows
from tests.conftest import random_vectors, shot_row, title_rows


@pytest.fixture
def two_scenes(store):
    """Shots 0-9 alike, 10-19 alike; a dark quiet cut between them."""
    scenes, noise = random_vectors(2), random_vectors(20, 1)
    vectors = unit_rows(np.repeat(scenes, 10, axis=0) + 0.3 * noise)
    rows = title_rows(store, "film", vectors, duration_s=40.0)
    shots = [
        shot_row(
            f"film/{i:05d}",
            i,
            **({"cut_brightness": 0.0, "cut_loudness_db": -70.0} if i == 10 else {}),
        )
        for i in range(20)
    ]
    cues = [{"start_s": 13.5, "end_s": 14.5, "text": "Not here."}]
    store.add_title(TitleRows(rows.title, shots, cues, rows.thumbnails, rows.vectors))
    return store


def test_the_change_of_scene_comes_first_with_its_reasons(two_scenes):
    best, *_ = rank_breaks(two_scenes, "film", min_gap_s=4, margin_s=3)
    assert (best.before, best.after, best.seconds) == ("film/00009", "film/00010", 20.0)
    assert best.score > 0.9
    assert len(best.reasons) == 4
    assert "dark" in " ".join(best.reasons)


def test_guard_rails(two_scenes):
    breaks = rank_breaks(two_scenes, "film", min_gap_s=5, margin_s=6, k=99)
    times = sorted(b.seconds for b in breaks)
    assert all(6 <= t <= 34 for t in times)
    assert 14.0 not in times  # inside a subtitle
    assert min(np.diff(times)) >= 5
    assert [b.score for b in breaks] == sorted((b.score for b in breaks), reverse=True)
    assert len(rank_breaks(two_scenes, "film", min_gap_s=0, margin_s=0, k=99)) == 18


def test_bad_input(two_scenes):
    with pytest.raises(NotFound, match="nope"):
        rank_breaks(two_scenes, "nope")
    with pytest.raises(BadInput, match="0 or more"):
        rank_breaks(two_scenes, "film", min_gap_s=-1)


def test_without_subtitles_nothing_is_claimed_about_words(store):
    store.add_title(title_rows(store, "mute", random_vectors(8)))
    for place in rank_breaks(store, "mute", min_gap_s=0, margin_s=0, k=9):
        assert place.signs["pause"] == 0
        assert "words" not in " ".join(place.reasons)


def test_a_title_of_one_shot_has_no_breaks(store):
    store.add_title(title_rows(store, "one", random_vectors(1)))
    assert rank_breaks(store, "one", margin_s=0) == []
