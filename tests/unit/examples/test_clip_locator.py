"""Where in a title of the store a clip was cut from."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.clips import write_clip
from mediafm_store.arrays import block
from mediafm_store.clips.clip import cut_clip
from mediafm_store.examples.clip_locator import _cosines as cosines
from mediafm_store.examples.clip_locator import _shotwise_likeness as shotwise_likeness
from mediafm_store.examples.clip_locator import _starts as starts
from mediafm_store.examples.clip_locator import origin_of
from mediafm_store.ingestion.ingest import ingest
from mediafm_store.media.sound import sound
from mediafm_store.records import Span
from mediafm_store.storage.storage import Storage
from tests.helpers.asking import search
from tests.helpers.planted import add_film, between, fused


def spans(*cuts: float) -> list[Span]:
    """Shots between cuts, in seconds."""
    return [Span(round(1000 * a), round(1000 * b), Fraction(1, 1000)) for a, b in pairwise(cuts)]


def clip(cuts, views, sounds=None):
    """Vectors and places of the shots of a clip."""
    return fused(views, sounds), spans(*cuts)


# Where it would start


def test_the_first_shot_has_its_end_the_last_its_beginning_those_between_both():
    cut = spans(0, 1, 3, 4.5)
    assert list(starts(cut, 0, 10, 14)) == [13]  # 14 is where its first cut is
    assert list(starts(cut, 1, 10, 12)) == [9, 9]
    assert list(starts(cut, 1, 10, 13)) == [9, 10]  # as long as it need not be
    assert list(starts(cut, 2, 10, 14)) == [7]


def test_one_shot_alone_lies_in_the_middle():
    assert list(starts(spans(0, 2), 0, 10, 16)) == [12]
    assert list(starts(spans(0, 9), 0, 1, 2)) == [0]  # never before the title begins


@given(
    lengths=st.lists(st.floats(0.5, 9), min_size=3, max_size=8),
    first=st.floats(0, 1),
    last=st.floats(0, 1),
    data=st.data(),
)
def test_the_true_start_is_among_those_of_every_pair(lengths, first, last, data):
    """Of a title cut at random, however much of the clip's first and last shot is gone."""
    cuts = np.cumsum([0, *lengths])
    begin = data.draw(st.integers(0, len(lengths) - 2))
    end = data.draw(st.integers(begin + 2, len(lengths)))
    start_s = cuts[begin] + 0.9 * first * lengths[begin]
    end_s = cuts[end] - 0.9 * last * lengths[end - 1]
    inner = cuts[begin + 1 : end] - start_s
    made = spans(0, *inner, end_s - start_s)
    for number in range(len(made)):
        shot = begin + number
        found = list(starts(made, number, cuts[shot], cuts[shot + 1]))
        assert min(abs(s - start_s) for s in found) < 0.01


# How alike


def test_longer_shots_count_for_more():
    asked, title = fused(["lake", "wood"]), fused(["lake", "moon"])
    picture, _ = shotwise_likeness(asked, title, spans(0, 3, 4))
    other, _ = shotwise_likeness(asked, title, spans(0, 1, 4))
    chance = float(fused(["wood"])[0] @ fused(["moon"])[0])
    assert picture == pytest.approx(0.75 + 0.25 * chance, abs=1e-3)
    assert other == pytest.approx(0.25 + 0.75 * chance, abs=1e-3)


def test_pictures_and_sounds_count_the_same_and_words_not_at_all():
    asked = fused(["lake"], ["rain"], ["hello"])
    for title, alike in (
        (fused(["lake"], ["rain"], ["good dragon"]), (1, 1)),
        (fused([between(0.6, "lake", "wood")], ["rain"]), (0.6, 0.8)),
        (fused(["lake"]), (1, 0.5)),
        (fused([None], ["rain"]), (0, 0.5)),
        (fused([None]), (0, 0)),
    ):
        assert shotwise_likeness(asked, title, spans(0, 1)) == pytest.approx(alike, abs=1e-3)


def test_cosines_are_row_by_row():
    a, b = fused(["lake", "wood", None]), fused(["lake", "moon", "lake"])
    part = block("visual")
    expected = [1, float(a[1, part] @ b[1, part]), 0]
    assert cosines(3 * a[:, part], b[:, part]) == pytest.approx(expected, abs=1e-5)


# Found, in what was planted


@pytest.fixture
def planted(store):
    """Twenty views of two seconds each, seen in two films in other orders, and another film."""
    views = [f"view {i}" for i in range(20)]
    add_film(store, "film", views, [f"sound {i}" for i in range(20)])
    add_film(store, "again", views[::-1], ["hum"] * 20)
    add_film(store, "other", [f"other {i}" for i in range(20)], ["hum"] * 20)
    return store


def test_a_clip_is_found_at_its_place(planted):
    views = [between(0.7, f"view {i}", f"noise {i}") for i in range(5, 9)]
    found = origin_of(planted, *clip([0, 1, 3, 5, 6.5], views, [f"sound {i}" for i in range(5, 9)]))
    assert (found.title, found.start_s, found.end_s) == ("film", 11, 17.5)
    assert found.shots == [f"film/{i:05d}" for i in range(5, 9)]
    assert found.likeness == pytest.approx(0.7, abs=0.02)


def test_the_order_and_the_sound_tell_which_film_it_is(planted):
    views = [f"view {i}" for i in (8, 7, 6)]
    found = origin_of(planted, *clip([0, 1, 3, 4], views, ["hum"] * 3))
    assert (found.title, found.start_s) == ("again", 23)
    one = clip([0, 1], ["view 3"], ["hum"])
    assert origin_of(planted, *one).title == "again"
    assert origin_of(planted, *clip([0, 1], ["view 3"], ["sound 3"])).title == "film"


@pytest.mark.parametrize(
    ("cuts", "views"),
    [
        *[([0, 2, 4], ["new", "newer"]), ([0, 1], ["new"]), ([0, 2, 4], [None, None])],
        # Too little of it, or it would go on after the end of the title.
        *[([0, 2, 8], ["view 3", "new"]), ([0, 2, 60], ["view 18", "view 19"])],
    ],
)
def test_a_clip_of_nothing_in_the_store(planted, cuts, views):
    assert origin_of(planted, *clip(cuts, views)) is None


def test_a_clip_that_is_black_in_between_is_found_all_the_same(planted):
    found = origin_of(planted, *clip([0, 2, 4, 6], ["view 4", None, "view 6"]))
    assert (found.title, found.start_s) == ("film", 8)


def test_a_store_that_holds_nothing_has_no_origins(store):
    add_film(store, "gone", ["lake"])
    store.tables.delete("titles", "id = 'gone'")
    assert origin_of(store, *clip([0, 2], ["lake"])) is None


# Found, in a real film

FIRST_S, LAST_S = 110, 190


@pytest.fixture(scope="module")
def real(films, encoders, tmp_path_factory):
    """A store with a segment of Sintel, the film, its sound, and where the segment begins in it."""
    folder = tmp_path_factory.mktemp("origin")
    film = films / "sintel" / "sintel.mp4"
    wanted = Span(FIRST_S, LAST_S, Fraction(1))
    made = cut_clip(film, wanted, folder / "sintel", fast=True)
    store = Storage(folder / "store", create=True)
    ingest(store, [made.file], encoders=encoders)
    return store, film, np.concatenate(list(sound(film))), made.start_s


@pytest.mark.slow
@pytest.mark.parametrize(("start_s", "length_s"), [(117.0, 12.0), (156.5, 4.0), (178.0, 9.5)])
def test_a_clip_of_a_film_is_found_where_it_was_cut(real, encoders, tmp_path, start_s, length_s):
    """Smaller, darker and encoded anew; of one shot alone, or of several."""
    store, film, heard, begins_s = real
    path = tmp_path / "clip.mp4"
    write_clip(film, path, start_s, length_s, heard)
    told = []
    asked = {"clip": path, "encoders": encoders, "least": 0.0}
    hits = search(store, **asked, on_origin=lambda *one: told.append(one))
    ((whose, origin),) = told
    place_s = start_s - begins_s
    assert (whose, origin.title) == (path, "sintel")
    shots = store.shots("sintel")
    length = shots["end_s"][-1]
    inside = shots.filter((shots["start_s"] < place_s + length_s) & (shots["end_s"] > place_s))[
        "id"
    ].to_list()
    assert set(origin.shots) <= set(inside)
    if len(inside) > 1:
        assert origin.start_s == pytest.approx(place_s, abs=0.3)
        assert origin.end_s == pytest.approx(place_s + length_s, abs=0.3)
    assert origin.likeness > 0.5
    assert hits.origin == origin
    assert set(origin.shots) <= set(hits.own_scene.shots)
    near = search(store, **asked, same_scene=True)
    assert near.own_scene is None
    for found, left_out in ((hits, hits.own_scene.shots), (near, origin.shots)):
        assert not {shot_id for h in found for shot_id in (h.shot, *h.alike)} & set(left_out)
    assert 0 <= near[0].start_s < near[0].end_s <= length


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bug_macro.mp4", "nasa_13013.mp4", "his_girl_friday_excerpt.mp4"])
def test_a_clip_of_another_film_has_no_origin(real, films, encoders, name):
    told = []
    clip = films / "clips" / name
    hits = search(
        real[0], clip=clip, encoders=encoders, least=0.0, on_origin=lambda *one: told.append(one)
    )
    assert (told, hits.origin, hits.own_scene) == ([], None, None)
    assert hits
