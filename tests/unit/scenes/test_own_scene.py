"""What lies around a query, its own scene, and pages of answers that no scene fills."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediafm_store.records import index_of, title_of
from mediafm_store.scenes.own_scene import _CLOSE as CLOSE
from mediafm_store.scenes.own_scene import _MOST_CLOSE as MOST_CLOSE
from mediafm_store.scenes.own_scene import NEAR, PAGE, in_pages, own_scene, surroundings
from mediafm_store.scenes.scenes import find_scenes
from mediafm_store.storage.storage import Storage
from tests.helpers.asking import search
from tests.helpers.planted import ENCODERS, add_film, between, put_in_context


def place(shot):
    return title_of(shot), index_of(shot)


TITLES = st.sampled_from(["a", "b", "it's", "a/b", "天安门", " ", "x@0-5", "%"])
SHOTS = st.tuples(TITLES, st.integers(0, 120)).map(lambda at: f"{at[0]}/{at[1]:05d}")
LOOKS = 8
"""Scenes of ten shots in the film below."""


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """A film of scenes of ten shots, and another with a shot like each of its scenes."""
    store = Storage(tmp_path_factory.mktemp("scenes") / "store", create=True)
    views = [between(0.8, f"look {i // 10}", f"view {i}") for i in range(10 * LOOKS)]
    add_film(store, "film", views)
    add_film(store, "other", [between(0.8, f"look {i}", f"another {i}") for i in range(LOOKS)])
    return store


# Around


@given(st.lists(SHOTS, max_size=4), st.integers(0, 40))
def test_surroundings_are_the_shots_within_reach(shots, reach):
    expected = {
        f"{title}/{index:05d}"
        for title, own in map(place, shots)
        for index in range(200)
        if abs(index - own) <= reach
    }
    assert surroundings(shots, reach) == expected
    assert set(shots) <= surroundings(shots)
    assert all(len(surroundings([shot])) <= 2 * NEAR + 1 for shot in shots)


@given(TITLES, st.integers(0, 99_999))
def test_a_place_is_what_an_id_says(title, index):
    assert place(f"{title}/{index:05d}") == (title, index)


# The own scene


def test_the_own_scene_is_that_of_the_shot(films):
    scenes = find_scenes(films, "film")
    assert len(scenes) == LOOKS
    for scene in scenes:
        for shot in (scene.shots[0], scene.shots[-1]):
            found = own_scene(films, [shot])
            assert found == (scene.title, scene.start_s, scene.end_s, tuple(scene.shots))


def test_of_several_shots_it_is_all_of_their_scenes(films):
    found = own_scene(films, ["film/00012", "film/00035"])
    assert found.shots == tuple(f"film/{i:05d}" for i in [*range(10, 20), *range(30, 40)])
    assert (found.title, found.start_s, found.end_s) == ("film", 20, 80)
    assert own_scene(films, []) is None
    assert own_scene(films, ["film/99999"]) is None


def found_by(store, **asked):
    return search(store, least=0.0, fold=False, k=200, encoders=ENCODERS, **asked)


@pytest.mark.parametrize("space", [None, "fused"])
def test_what_lies_around_a_query_is_left_out_and_its_scene_told(films, space):
    hits = found_by(films, shot="film/00042", space=space)
    indices = sorted(place(h.shot)[1] for h in hits if h.title == "film")
    assert indices == [*range(42 - NEAR), *range(42 + NEAR + 1, 80)]
    assert {h.shot for h in hits if h.title == "other"} == {f"other/0000{i}" for i in range(LOOKS)}
    assert hits.own_scene == own_scene(films, ["film/00042"])
    near = found_by(films, shot="film/00042", space=space, same_scene=True)
    assert {h.shot for h in near} == set(films.shots()["id"]) - {"film/00042"}
    assert near.own_scene is None
    assert near[0].title == "film"  # of the own scene, but for a page that is full of it


@pytest.mark.parametrize("unit", ["scene", "title"])
def test_scenes_and_titles_that_lie_around_the_query_are_left_out(films, unit):
    hits = found_by(films, shot="film/00042", unit=unit)
    around = surroundings(f"film/{i:05d}" for i in range(40, 50))
    if unit == "title":
        around = {"film/00000"}  # it is in the title that was asked with
    assert hits
    assert all(around.isdisjoint(h.shots) for h in hits)
    assert hits[0].title == "other"


def test_of_a_title_its_shots_are_no_answers_and_none_is_its_scene(films):
    hits = found_by(films, title="other")
    assert {h.title for h in hits} == {"film"}
    assert len(hits) == 10 * LOOKS
    assert hits.own_scene is None
    segment = found_by(films, title="film", start_s=0, end_s=20)
    assert min(place(h.shot)[1] for h in segment if h.title == "film") == 10 + NEAR
    assert segment.own_scene.shots == tuple(f"film/{i:05d}" for i in range(10))


def test_without_an_example_there_is_no_own_scene(films):
    assert found_by(films, text="look 3").own_scene is None
    assert found_by(films, said="nothing").own_scene is None


@pytest.mark.slow
def test_a_condition_and_surroundings_leave_as_many_as_there_are(store):
    """More is left out than is looked at first, and the condition leaves few."""
    views = [between(0.8, "lake", f"view {i}") for i in range(300)]
    add_film(store, "long", views)
    add_film(store, "short", [between(0.8, "lake", f"other {i}") for i in range(20)])
    put_in_context(
        store, {"long": store.vectors(store.live("fused"), "long").vectors}
    )  # and of one title alone there is context
    for where, count in (
        ("title = 'short' OR index > 290", 29),
        ("title = 'short'", 20),
        ("index BETWEEN 150 AND 200", 0),
    ):
        asked = {"title": "long", "start_s": 200.0, "end_s": 520.0, "where": where}
        for k in (1, 19, 20, 60):
            hits = search(store, **asked, least=0.0, fold=False, k=k)
            assert len(hits) == min(k, count)


# Pages


def slow_pages(answers, shots):
    """Page after page, each from the best that are left."""
    rest, ordered = list(range(len(answers))), []
    while rest:
        page = []
        for i in list(rest):
            title, index = place(shots[i])
            close = [
                j
                for j in page
                if place(shots[j])[0] == title and abs(place(shots[j])[1] - index) <= CLOSE
            ]
            if len(page) < PAGE and len(close) < MOST_CLOSE:
                page.append(i)
                rest.remove(i)
        ordered += page
    return [answers[i] for i in ordered]


@settings(max_examples=60)
@given(st.lists(SHOTS, max_size=60))
def test_pages_are_as_by_hand_and_lose_nothing(shots):
    answers = list(range(len(shots)))
    paged = in_pages(answers, shots)
    assert paged == slow_pages(answers, shots)
    assert sorted(paged) == answers
    assert paged[:1] == answers[:1]
    again = in_pages([shots[i] for i in paged], [shots[i] for i in paged])
    assert len(again) == len(shots)


@settings(max_examples=60)
@given(st.lists(SHOTS, max_size=60))
def test_answers_far_from_each_other_keep_their_order(shots):
    """Nothing is moved but what is close to several better answers of its page."""
    apart = [s for i, s in enumerate(shots) if not surroundings([s], CLOSE) & set(shots[:i])]
    assert in_pages(apart, apart) == apart
    paged = in_pages(shots, shots)
    for title in {place(s)[0] for s in shots}:
        of = [s for s in shots if place(s)[0] == title]
        if len(of) <= MOST_CLOSE:
            ranks = [shots.index(s) for s in of]
            assert all(paged.index(s) <= rank for s, rank in zip(of, ranks, strict=True))


def test_a_scene_fills_no_page_while_others_are_left():
    assert MOST_CLOSE < PAGE / 2
    few, rest = MOST_CLOSE, PAGE - MOST_CLOSE
    one = [f"a/{i:05d}" for i in range(2 * few + 1)]
    others = [f"{title}/00000" for title in "bcdefghijklmnopqrstu"[: 2 * rest + 2]]
    paged = in_pages([*one, *others], [*one, *others])
    assert paged[:PAGE] == [*one[:few], *others[:rest]]
    assert paged[PAGE : 2 * PAGE] == [*one[few : 2 * few], *others[rest : 2 * rest]]
    assert paged[2 * PAGE :] == [*one[2 * few :], *others[2 * rest :]]
    assert in_pages(one, one) == one  # there is nothing else


def test_many_answers_are_paged_at_once():
    """Tags by name ask for all shots of a store."""
    shots = [f"t{i % 100}/{i // 100:05d}" for i in range(60_000)]
    paged = in_pages(shots, shots)
    assert Counter(paged) == Counter(shots)


def test_the_first_page_of_a_search_shows_several_scenes(films):
    def scenes(**more):
        hits = search(films, shot="other/00003", least=0.0, fold=False, **more)
        return [h.title == "film" and place(h.shot)[1] // 10 == 3 for h in hits]

    assert scenes() == [True] * MOST_CLOSE + [False] * (PAGE - MOST_CLOSE)
    assert scenes(k=20)[: PAGE + MOST_CLOSE] == [*scenes(), *[True] * MOST_CLOSE]
    for more in ({"same_scene": True}, {"space": "fused"}):
        assert scenes(**more) == [True] * PAGE
