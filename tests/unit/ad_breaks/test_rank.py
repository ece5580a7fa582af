"""Signs, scores, labels: which cuts are good places for an ad break, and why."""

import shutil
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediafm_store import BreakConstraints
from mediafm_store.ad_breaks import learned_weights
from mediafm_store.ad_breaks.context import read_break_context
from mediafm_store.ad_breaks.cut_features import _PAUSE_S as PAUSE_S
from mediafm_store.ad_breaks.cut_features import SIGNS, signs_of
from mediafm_store.ad_breaks.cut_features import _pauses_s as pauses_s
from mediafm_store.ad_breaks.learned_weights import LabelledCuts, weights_of
from mediafm_store.ad_breaks.learned_weights import _nearest_cuts as nearest_cuts
from mediafm_store.ad_breaks.learned_weights import _weights_for as weights_for
from mediafm_store.ad_breaks.rank import _rank_cuts as rank_cuts
from mediafm_store.ad_breaks.rank import rank_breaks, why_none
from mediafm_store.ad_breaks.score import DEFAULT
from mediafm_store.arrays import unit_rows
from mediafm_store.errors import InvalidInput, NotFound
from mediafm_store.records import Cue
from mediafm_store.storage.storage import Storage, TitleRows
from tests.conftest import random_vectors, shot_row, title_rows

FREE = BreakConstraints(min_gap_s=0, margin_s=0, per_hour=999, credits=False)


def add_title(store, title, vectors, changed=None, cues=(), **columns):
    """A title of shots of two seconds, some of them changed."""
    rows = title_rows(store, title, vectors, **columns)
    shots = [
        shot_row(f"{title}/{i:05d}", i, **(changed or {}).get(i, {})) for i in range(len(vectors))
    ]
    cues = [{"start_s": start, "end_s": end, "text": text} for start, end, text in cues]
    store.add_title(TitleRows(rows.title, shots, cues, rows.thumbnails, rows.vectors))
    return store


@pytest.fixture
def two_scenes(store):
    """Shots 0-9 alike, 10-19 alike; a dark quiet cut between them."""
    scenes, noise = random_vectors(2), random_vectors(20, 1)
    vectors = unit_rows(np.repeat(scenes, 10, axis=0) + 0.3 * noise)
    changed = {10: {"cut_brightness": 0.0, "cut_loudness_db": -70.0}}
    return add_title(store, "film", vectors, changed, [(13.5, 14.5, "Not here.")])


def test_the_change_of_scene_comes_first_with_its_reasons(two_scenes):
    best, *_ = rank_breaks(
        two_scenes, "film", constraints=BreakConstraints(min_gap_s=4, margin_s=3)
    )
    assert (best.before, best.after, best.seconds) == ("film/00009", "film/00010", 20.0)
    assert best.score > 0.85
    assert best.signs.keys() == SIGNS.keys() == DEFAULT.of.keys()
    assert len(best.reasons) == 6
    assert best.reasons[0] == "the greatest change"
    assert {"the sound drops to -70 dB", "no words within 3.0 s"} <= set(best.reasons)
    assert best.weighed == "default weights"


def test_rails_hold(two_scenes):
    breaks = rank_breaks(
        two_scenes, "film", constraints=BreakConstraints(min_gap_s=5, margin_s=6), k=99
    )
    times = sorted(b.seconds for b in breaks)
    assert all(6 <= t <= 34 for t in times)
    assert 14.0 not in times  # inside a subtitle
    assert min(np.diff(times)) >= 5
    assert [b.score for b in breaks] == sorted((b.score for b in breaks), reverse=True)
    assert len(rank_breaks(two_scenes, "film", constraints=FREE, k=99)) == 18
    assert len(rank_cuts(two_scenes, "film")) == 19
    assert why_none(two_scenes, "film", BreakConstraints(margin_s=18, credits=False)) == {
        "within 18 s of an end": 16
    }


def test_bad_input(two_scenes):
    with pytest.raises(NotFound, match="nope"):
        rank_breaks(two_scenes, "nope")
    with pytest.raises(InvalidInput, match="0 or more"):
        BreakConstraints(min_gap_s=-1)
    with pytest.raises(InvalidInput, match="0 or more"):
        BreakConstraints(margin_s=float("nan"))
    with pytest.raises(InvalidInput, match="1 or more"):
        BreakConstraints(per_hour=0)
    with pytest.raises(InvalidInput, match="to avoid is empty"):
        BreakConstraints(avoid=("gun", " "))


def test_without_subtitles_and_names_nothing_is_claimed_about_words(store):
    store.add_title(title_rows(store, "mute", random_vectors(8)))
    for place in rank_breaks(store, "mute", constraints=FREE, k=9):
        assert place.signs["pause"] == place.signs["voiceless"] == 0
        assert "words" not in " ".join(place.reasons)
        assert "speaking" not in " ".join(place.reasons)


def test_imported_shots_are_not_known_to_be_dark_or_quiet(store):
    unknown = dict.fromkeys(
        ("brightness", "loudness_db", "cut_brightness", "cut_loudness_db", "black", "silent")
    )
    add_title(store, "given", random_vectors(6), {i: unknown for i in range(6)})
    for place in rank_cuts(store, "given"):
        assert not any(place.signs[name] for name in ("dark", "fade", "quiet"))


@pytest.mark.parametrize("shots", [0, 1])
def test_a_title_of_one_shot_has_no_breaks(store, shots):
    store.add_title(title_rows(store, "one", random_vectors(shots)))
    assert rank_breaks(store, "one", constraints=FREE) == []


def test_signs_of_sound_and_picture(store):
    changed = {
        0: {"heard": ["Music", "Speech"]},
        1: {"heard": ["Background music"]},
        2: {"heard": ["Wind"], "cut_brightness": 0.1, "brightness": 0.6},
        3: {"black": True, "brightness": 0.0, "cut_brightness": 0.0},
        4: {"heard": ["Child speech, kid speaking"], "cut_loudness_db": -35.0},
    }
    add_title(store, "film", random_vectors(5), changed)
    signs = signs_of(read_break_context(store, "film"))
    assert signs["music_ends"].tolist() == [0, 1, 0, 0]
    assert signs["voiceless"].tolist() == [0, 1, 1, 0]
    assert signs["quiet"].tolist() == [0, 0, 0, 0.5]
    assert signs["dark"] == pytest.approx([0, 1 / 3, 1, 1])
    assert signs["fade"] == pytest.approx([0, 0.6, 0, 0])
    assert all((v >= 0).all() and (v <= 1).all() for v in signs.values())


# Labels


def marked(store, seed, *, by="dark"):
    """A title in which every sixth cut is dark, or quiet; the times of those cuts."""
    title = f"t{seed}"
    good = range(3 + seed % 3, 30, 6)
    changes = {"dark": {"cut_brightness": 0.0}, "quiet": {"cut_loudness_db": -80.0}}
    add_title(store, title, random_vectors(30, seed), {i: changes[by] for i in good})
    return title, [2.0 * i for i in good]


def label(store, moments, value=1.0):
    rows = [
        {
            "task": "break",
            "item": f"{title}@{at:g}",
            "title": title,
            "start_s": at,
            "end_s": at,
            "label": "",
            "value": value,
            "source": "file",
            "added_at": datetime.now(UTC),
        }
        for title, times in moments
        for at in times
    ]
    store.put("labels", rows)


def test_labels_decide_the_weights(store):
    moments = [marked(store, seed) for seed in range(4)]
    assert weights_of(store) == DEFAULT
    label(store, [(title, [at + 0.4 for at in times]) for title, times in moments[:3]])
    weights = weights_of(store)
    assert weights.said.startswith("fitted to 15 labels in 3 titles: average precision 1.00")
    assert max(weights.of, key=lambda name: weights.of[name]) in {"dark", "fade"}
    found = rank_breaks(store, "t3", constraints=FREE, k=len(moments[3][1]))
    assert sorted(b.seconds for b in found) == moments[3][1]
    assert all(0 < b.score < 1 and b.weighed == weights.said for b in found)
    assert all("the picture is black or dark" in b.reasons for b in found)


def test_a_series_is_one_title_to_the_folds(store):
    moments = [marked(store, seed) for seed in range(4)]
    label(store, moments)
    assert "in 4 titles" in weights_of(store).said
    for title, _ in moments[:2]:
        store.update_title(title, series="Noir")
    assert "in 4 titles" in weights_of(store).said
    store.update_title("t2", series="Noir")
    assert weights_of(store) == DEFAULT


def test_weights_are_fitted_once(store, monkeypatch):
    label(store, [marked(store, seed) for seed in range(4)])
    weights = weights_of(store)
    monkeypatch.setattr(learned_weights, "_titles_with_breaks", None)
    assert weights_of(store) is weights


def test_weights_are_of_one_store_wherever_one_works(tmp_path, monkeypatch):
    one = Storage(tmp_path / "one" / "store", create=True)
    moments = [marked(one, seed) for seed in range(4)]
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    label(one, moments)
    label(Storage(tmp_path / "two" / "store"), moments[:1])
    monkeypatch.chdir(tmp_path / "one")
    assert "fitted to" in weights_of(Storage("store")).said
    monkeypatch.chdir(tmp_path / "two")
    assert weights_of(Storage("store")) == DEFAULT


def test_few_or_senseless_labels_leave_the_default(store):
    moments = [marked(store, seed) for seed in range(4)]
    label(store, [(t, times[:1]) for t, times in moments])  # too few
    assert weights_of(store) == DEFAULT
    label(store, moments[:2])  # of too few titles
    store.put("labels", [], instead_of="task = 'break'")
    label(store, moments[:2])
    assert weights_of(store) == DEFAULT
    store.put("labels", [], instead_of="task = 'break'")
    rng = np.random.default_rng(5)
    label(store, [(t, (2.0 * rng.choice(np.arange(1, 30), 4, False)).tolist()) for t, _ in moments])
    weights = weights_of(store)
    assert weights.of == DEFAULT.of
    assert weights.bias is None
    assert weights.said.startswith("default weights; fitted ones are no better")


@pytest.mark.parametrize("others", [0, 1])
def test_where_all_cuts_are_good_nothing_is_fitted(others, recwarn):
    """Not even if one title has others: without it there are none to fit to."""
    signs = np.random.default_rng(0).random((4, len(SIGNS)), np.float32)
    good = np.ones((4, 4), bool)
    good[0, :others] = False
    weights = weights_for([LabelledCuts(signs, each, group) for group, each in enumerate(good)])
    assert weights.of == DEFAULT.of
    assert weights.said.startswith("default weights; to fit weights, cuts without a good label")
    assert not recwarn.list


def test_bad_labels_are_no_good_ones(store):
    moments = [marked(store, seed) for seed in range(4)]
    label(store, moments, value=0.0)
    assert weights_of(store) == DEFAULT


def test_labels_of_titles_without_vectors_are_left_out(store, monkeypatch):
    moments = [marked(store, seed) for seed in range(4)]
    label(store, moments)
    read = learned_weights.read_break_context

    def refuse(store, title):
        if title == "t0":
            raise InvalidInput("title 't0' has no vectors")
        return read(store, title)

    monkeypatch.setattr(learned_weights, "read_break_context", refuse)
    assert "in 3 titles" in weights_of(store).said


TIMES = st.integers(0, 60).map(lambda tenths: tenths / 10)


@given(st.lists(st.tuples(TIMES, TIMES), max_size=8), st.lists(TIMES, max_size=8))
def test_pauses_are_those_to_the_nearest_subtitle(cue_times, at):
    cues = [Cue(start, start + length, "") for start, length in sorted(cue_times)]
    slow = [min((max(c.start_s - t, t - c.end_s) for c in cues), default=0.0) for t in at]
    found = pauses_s(cues, np.array(at, np.float64))
    assert found.tolist() == [min(max(0.0, pause), PAUSE_S) for pause in slow]


def test_a_label_means_the_nearest_cut_within_a_second():
    at = np.array([1.0, 2.0, 3.5])
    assert nearest_cuts(at, [1.4, 9.0]).tolist() == [True, False, False]
    assert nearest_cuts(at, [2.5, 4.5]).tolist() == [False, True, True]
    assert nearest_cuts(at, []).tolist() == [False, False, False]
