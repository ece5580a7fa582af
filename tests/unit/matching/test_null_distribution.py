"""What a score is worth in a store: how often a random query finds something as good."""

import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mediafm_store.examples.example import Example
from mediafm_store.examples.resolver import ExampleResolver
from mediafm_store.likeness.sampling import _ANSWERED as ANSWERED
from mediafm_store.likeness.sampling import _MOST_ANSWERS as MOST_ANSWERS
from mediafm_store.likeness.sampling import _PASSAGES as PASSAGES
from mediafm_store.likeness.sampling import _SAMPLED as SAMPLED
from mediafm_store.likeness.sampling import LENGTH, cached, likeness_from, passages
from mediafm_store.matching import null_distribution as module
from mediafm_store.matching.matcher import NullDistribution
from mediafm_store.matching.null_distribution import QUERIES
from mediafm_store.matching.scorer import Scorer
from mediafm_store.matching.vector_matchers import ExampleMatcher
from mediafm_store.scenes.own_scene import surroundings
from mediafm_store.storage.storage import Storage
from tests.conftest import random_vectors, title_rows
from tests.helpers.asking import search
from tests.helpers.plain import search_all
from tests.helpers.planted import ENCODERS, add_film, between, grey, put_in_context

PICTURE_ALONE = {"audio": 0.0, "text": 0.0, "context": 0.0}
SOUND_ALONE = {"visual": 0.0, "text": 0.0, "context": 0.0}


def forget():
    SAMPLED.clear()
    ANSWERED.clear()


def all_of(store, **asked):
    """In order, with their chances."""
    return search(store, least=0.0, fold=False, encoders=ENCODERS, **asked)


def fill(store, titles, shots=20, seed=0) -> Storage:
    """Titles at random."""
    for number in range(titles):
        vectors = random_vectors(shots, 1000 * seed + number)
        store.add_title(title_rows(store, f"film{number}", vectors))
    return store


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """Nine titles of 20 shots at random, of which a shot is shown again in another, nearly."""
    store = fill(Storage(tmp_path_factory.mktemp("nulls") / "store", create=True), 8)
    vectors = random_vectors(20, 99)
    vectors[7] = (random_vectors(20, 0)[0] + 0.3 * vectors[7]) / np.float32(np.sqrt(1.09))
    store.add_title(title_rows(store, "twin", vectors))
    return store


@pytest.fixture
def catalogue(template, tmp_path):
    """The same, for each test to change."""
    return Storage(shutil.copytree(template.path, tmp_path / "catalogue"))


# Chances


@given(st.lists(st.floats(-1, 1, width=32), min_size=1), st.floats(-3, 3, width=32))
def test_a_chance_is_the_share_of_random_queries_that_find_as_good(best, score):
    null = NullDistribution(np.sort(np.array(best, np.float32)))
    assert null.chance(score) == pytest.approx(np.mean(np.array(best) >= score))
    assert 1 >= null.chance(score) >= null.chance(score + 0.1) >= 0
    assert null.chance(-2) == 1
    assert min(best) <= null.typical <= max(best)


def test_of_several_queries_all_would_have_to(catalogue):
    def matchers(*names):
        asked = ExampleResolver(catalogue, catalogue.live("fused"), dict, "cpu", lambda *_: None)
        return [ExampleMatcher.of(catalogue, [asked.shots([n])], weights={}) for n in names]

    one, other = matchers("film1/00000", "film2/00000")
    known = module.ReadCache(catalogue)
    for shot in ("film3/00001", "film4/00002", "film1/00000"):
        alone = [
            Scorer(catalogue, [m], {}, known).chances(known, [[shot]])[0] for m in (one, other)
        ]
        assert alone[0] == one.null().chance(one.strengths(known, [[shot]])[0])
        (both,) = Scorer(catalogue, [one, other], {}, known).chances(known, [[shot]])
        assert both == pytest.approx(alone[0] * alone[1])
    words = Scorer(catalogue, [], {"film1/00000": 1.0}, known)
    assert words.chances(known, [["film1/00000"]]) == [None]


@pytest.mark.parametrize("space", [None, "fused"])
def test_a_better_answer_never_has_a_greater_chance(catalogue, space):
    hits = search_all(catalogue, shot="film0/00000", k=200, space=space)
    told = [h.chance for h in hits]
    assert told == sorted(told)
    assert (told[0], told[-1]) == (hits.chance, 1)
    assert told[0] < 0.1
    assert len(set(told)) > 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "tried"),
    [({}, 24), ({"weights": {"visual": 0.0, "audio": 2.0}}, 12), ({"space": "fused"}, 12)],
)
def test_chances_of_random_queries_are_uniform(tmp_path, asked, tried):
    """Of u of them the best answer is as good as only u have one, whatever the store."""
    chances = []
    for seed in range(2):
        store = fill(Storage(tmp_path / str(seed), create=True), 6, seed=seed)
        rng = np.random.default_rng(seed)
        for _ in range(tried // 2):
            shot = f"film{rng.integers(6)}/{rng.integers(20):05d}"
            chances.append(search(store, shot=shot, k=1, least=0.0, fold=False, **asked).chance)
    assert uniform(chances)


def uniform(chances) -> bool:
    """By Kolmogorov and Smirnov, such that one in thousands is not; a little more for steps."""
    ordered = np.sort(chances)
    steps = np.arange(1, len(ordered) + 1) / len(ordered)
    return bool(np.abs(ordered - steps).max() < 2 / np.sqrt(len(ordered)) + 1 / QUERIES)


def test_a_picture_stands_beside_random_pictures(store, tmp_path):
    """It has no sound, words and context to match, so those that are asked at random have none."""
    for title in "abcd":
        views = [between(0.7, f"view {i}", f"noise {title}{i}") for i in range(20)]
        names = [[f"{kind} {i}" for i in range(20)] for kind in ("sound", "line")]
        add_film(store, title, views, *names)  # each sounds and says what others do
    put_in_context(store, {t: random_vectors(20, 1) for t in "abcd"})
    chances = []
    for brightness in range(0, 250, 25):
        Image.new("RGB", (8, 8), (brightness,) * 3).save(path := tmp_path / "a.png")
        chances.append(all_of(store, picture=path, k=1).chance)
    assert chances == [1] * len(chances)  # everything in the store has something like it
    add_film(store, "found", [between(0.6, grey(120), "other"), "another"])
    Image.new("RGB", (8, 8), (120,) * 3).save(path)
    (hit, *_) = search(store, picture=path, encoders=ENCODERS, least=1.0)
    assert (hit.shot, hit.chance) == ("found/00000", 0)


def test_what_is_planted_stands_out(catalogue):
    hits = search(catalogue, shot="film0/00000", least=0.95)
    assert hits[0].shot == "twin/00007"
    assert hits[0].chance < 0.05
    assert hits[1].chance > 0.2
    assert hits.chance == hits[0].chance
    others = [search(catalogue, shot=f"film{i}/00003", least=0.99) for i in range(1, 8)]
    assert sum(map(bool, others)) <= 1


def test_chances_are_of_what_is_compared(store):
    """Everything sounds the same, so that the same sound is nothing special."""
    for title in "abcd":
        add_film(store, title, [f"{title}{i}" for i in range(10)], ["rain"] * 10)
    add_film(store, "e", ["a1", "e1"], ["rain", "rain"])

    def chance(shot, weights):
        hits = all_of(store, shot="a/00001", k=50, weights=weights)
        return next(h.chance for h in hits if h.shot == shot)

    assert chance("e/00000", PICTURE_ALONE) < 0.1
    assert chance("e/00001", PICTURE_ALONE) > 0.1
    for shot in ("e/00000", "e/00001"):
        assert chance(shot, SOUND_ALONE) > 0.9


def test_random_queries_have_what_is_compared(store):
    """Every second shot is silent, every third is black, and titles have no context."""
    for title in "abcd":
        views = [None if i % 3 == 0 else f"view {title}{i}" for i in range(12)]
        sounds = [None if i % 2 == 0 else f"sound {title}{i}" for i in range(12)]
        add_film(store, title, views, sounds)
    put_in_context(store, {"a": random_vectors(12, 1), "b": random_vectors(12, 2)})
    add_film(store, "again", ["view a1"], ["sound b5"])
    for shot, weights in (
        *(("a/00001", w) for w in (PICTURE_ALONE, SOUND_ALONE, {})),
        ("a/00001", {"visual": 0.0, "audio": 0.0, "text": 0.0}),
        ("b/00005", SOUND_ALONE),
        ("c/00002", {}),
    ):
        hits = all_of(store, shot=shot, weights=weights, k=50)
        assert all(0 <= h.chance <= 1 for h in hits)
    for weights in (SOUND_ALONE, {"visual": 0.0, "audio": 0.0, "text": 0.0}):
        hits = all_of(store, like=["a@2-6"], weights=weights, unit="scene", k=20)
        assert all(0 <= h.chance <= 1 for h in hits)
    plain = {part: weight for part, weight in SOUND_ALONE.items() if part != "context"}
    for space, weights in ((None, SOUND_ALONE), ("fused", plain)):
        hits = all_of(store, shot="b/00005", weights=weights, space=space)
        assert hits[0].shot == "again/00000"
        assert hits.chance <= 2.1 / 25  # it and what is asked with are such queries, too


def test_texts_stand_beside_everyday_texts(store):
    for title in "abcd":
        views = [f"{title}{i}" for i in range(12)]
        add_film(store, title, views, text=[f"line {v}" for v in views])
    add_film(store, "e", ["castle", "moat"])
    hits = all_of(store, text="castle", k=60)
    assert (hits[0].shot, hits[0].chance) == ("e/00000", 0)
    assert all(0 <= h.chance <= 1 for h in hits)
    sure = search(store, text="castle", encoders=ENCODERS, least=1.0)
    assert sure[0].shot == "e/00000"
    nonsense = [all_of(store, text=f"nonsense {i}", k=1).chance for i in range(16)]
    assert uniform(nonsense)


@pytest.mark.slow
def test_context_scenes_and_what_is_not_wanted_have_chances(catalogue):
    fused = catalogue.live("fused")
    alone = {t: catalogue.vectors(fused, t).vectors for t in catalogue.revisions()}
    put_in_context(catalogue, alone)
    asked = {"like": ["film0/00000", "film1/00001"], "unlike": ["film2/00002"]}
    for space, units in ((None, ("shot", "scene", "title")), ("context", ("scene",))):
        for unit in units:
            hits = all_of(catalogue, **asked, unit=unit, space=space, k=20)
            assert hits
            assert all(0 <= h.chance <= 1 for h in hits), unit
            scores = [h.score for h in hits]
            assert sorted(scores, reverse=True) == scores or (space, unit) == (None, "shot")


# Few


def test_several_shots_are_asked_of_short_titles_too(store):
    """No passage of the store is as long as the query; still there is something to compare."""
    for number in range(8):
        store.add_title(title_rows(store, f"spot{number:02d}", random_vectors(3, number)))
    for unit in ("shot", "scene", "title"):
        for space in (None, "fused"):
            hits = all_of(store, like=["spot00", "spot01"], unit=unit, space=space, k=40)
            assert hits[-1].chance > 0.5, (unit, space)


def test_in_one_title_a_shot_is_no_answer_to_itself(store):
    """Else every random query had a perfect answer, and no twin were as good."""
    views = [between(0.8, f"look {i // 10}", f"view {i}") for i in range(80)]
    views[75] = views[2]
    add_film(store, "only", views)
    hits = search(store, shot="only/00002", fold=False)
    assert (hits[0].shot, hits[0].chance) == ("only/00075", pytest.approx(2 / QUERIES, abs=0.05))
    assert hits[0].chance < hits[1].chance
    assert len(hits.own_scene.shots) == 10


def test_of_a_title_that_is_all_around_itself_nothing_is_known(store):
    views = [f"view {i}" for i in range(12)]
    add_film(store, "only", views)
    assert all_of(store, shot="only/00003") == []
    hits = all_of(store, shot="only/00003", same_scene=True, k=20)
    assert len(hits) == 11
    assert {hits.chance, *(h.chance for h in hits)} == {None}
    for unit in ("scene", "title"):
        assert all_of(store, shot="only/00003", unit=unit) == []


@pytest.mark.parametrize("names", [["castle"], ["castle", "moat"], ["castle"] * 3])
def test_a_handful_of_shots(store, names):
    add_film(store, "only", names, ["rain"] * len(names))
    assert all_of(store, shot="only/00000") == []
    near = all_of(store, shot="only/00000", same_scene=True)
    assert {h.shot for h in near} == {f"only/{i:05d}" for i in range(1, len(names))}
    hits = all_of(store, text="castle")
    castles = {f"only/{i:05d}" for i, name in enumerate(names) if name == "castle"}
    assert {h.shot for h in hits[: len(castles)]} == castles
    assert all(h.shares["visual"] > 0 for h in hits[: len(castles)])
    assert all(0 <= h.chance <= 1 for h in hits)
    assert search(store, text="castle", encoders=ENCODERS)[0].shot in castles


def test_a_store_of_nothing(store):
    add_film(store, "nothing", ["castle"])
    store.tables.delete("titles", "id = 'nothing'")
    rows = random_vectors(1)
    asked = ExampleMatcher.of(store, [Example(rows, rows)], weights={})
    assert asked.null().best.tolist() == []
    assert (asked.null().chance(0.5), asked.null().typical) == (None, 1)
    assert all_of(store, text="castle") == []
    assert all_of(store, said="castle") == []


# Kept


@pytest.mark.slow
def test_random_queries_are_asked_once_for_those_of_one_kind(catalogue, monkeypatch):
    asked = []
    for name in ("_best_of_shots", "_best_of_passages"):
        real = getattr(module, name)
        monkeypatch.setattr(
            module,
            name,
            lambda *args, real=real, name=name, **options: (
                asked.append(name) or real(*args, **options)
            ),
        )
    for number in range(3):
        search_all(catalogue, shot=f"film0/0000{number}", space=None)
    assert len(asked) == 1
    search_all(catalogue, shot="film0/00000", space="fused")
    search_all(catalogue, shot="film0/00000", weights=PICTURE_ALONE, space=None)
    assert len(asked) == 3
    for _ in range(2):
        search_all(catalogue, like=["film0@0-6"], unit="scene", space=None)
    assert asked[3:] == ["_best_of_passages"]
    fill(catalogue, 1, seed=5)
    search_all(catalogue, shot="film0/00000", space=None)
    assert len(asked) == 5


def told(store, **asked):
    return [h.chance for h in all_of(store, shot="film0/00000", k=60, **asked)]


def test_two_stores_and_one_that_was_made_anew_share_nothing(tmp_path):
    """At the same place, and after as many writes."""
    path = tmp_path / "store"
    stores = []
    for seed in range(2):
        for where in (path, tmp_path / f"other {seed}"):
            shutil.rmtree(where, ignore_errors=True)
            stores.append(fill(Storage(where, create=True), 2, seed=seed))
            stores.append(told(stores[-1]))
    (_, first, _, other, _, anew, _, last) = stores
    assert first == other
    assert anew == last != first


@pytest.mark.slow
def test_what_is_kept_is_of_the_context_that_is_live(store):
    fill(store, 4)
    alone = told(store)
    for seed in (1, 2):
        space = store.registry.version(
            "context", f"c{seed}", dim=2304, made_by="a checkpoint", fused="test"
        )
        for number in range(4):
            title = f"film{number}"
            ids = store.shots(title)["id"].to_list()
            rows = random_vectors(1, 100) + (seed - 1) * random_vectors(20, 10 * seed + number)
            rows /= np.linalg.norm(rows, axis=1, keepdims=True)
            store.add_vectors(space, store.title(title), ids, rows)
        store.registry.promote(space)
        kept = told(store)
        forget()
        assert kept == told(store)
    assert kept != alone


def test_no_more_is_kept_than_there_is_room_for():
    sample = []
    for number in range(3 * MOST_ANSWERS):
        assert cached(sample, number, lambda n=number: n) == number
    assert len(ANSWERED) == MOST_ANSWERS


def test_random_queries_leave_out_what_lies_around_them(catalogue):
    """As those that people ask do; else a scene of many like shots were what is usual."""
    space = catalogue.live("fused")
    asked = module._random_shots(passages(catalogue, space), [slice(0, space.dim)])
    example = Example(asked.rows, asked.rows, ids=frozenset(asked.ids))
    query = ExampleMatcher.of(catalogue, [example], weights={}, whole=True)
    near = module._candidates(catalogue, asked, query, module.ReadCache(catalogue))
    assert len(near) == len(set(asked.ids)) == QUERIES
    for own, ids in zip(asked.ids, near, strict=True):
        assert 0 < len(ids) <= module._DEPTH
        assert not set(ids) & surroundings([own])


# Passages


def test_passages_are_the_same_until_the_table_changes(catalogue):
    forget()
    space = catalogue.live("fused")
    before = passages(catalogue, space)
    assert passages(Storage(catalogue.path), space) is before
    forget()
    again = passages(catalogue, space)
    assert [p.title for p in again] == [p.title for p in before]
    assert all(np.array_equal(a.vectors, b.vectors) for a, b in zip(again, before, strict=True))
    catalogue.add_title(title_rows(catalogue, "new", random_vectors(20, 77)))
    assert "new" in {p.title for p in passages(catalogue, space)}
    assert passages(catalogue, catalogue.live("described")) is not passages(catalogue, space)


def test_a_passage_is_shots_of_one_title_in_a_row(catalogue):
    fused_space = catalogue.live("fused")
    rng = np.random.default_rng(5)
    found = catalogue.sample(fused_space, 10, LENGTH, rng=rng)
    for title, ids, rows in found:
        assert {shot_id.rpartition("/")[0] for shot_id in ids} == {title}
        own = catalogue.vectors_by_id(fused_space, ids)
        assert own.ids == list(ids)
        assert np.array_equal(own.vectors.astype(np.float16), rows)
        stored = catalogue.vectors(fused_space, title).vectors
        first = int((stored @ rows[0].astype(np.float32)).argmax())
        assert np.array_equal(stored[first : first + len(rows)].astype(np.float16), rows)
        assert 0 < len(rows) <= LENGTH
    assert sum(len(p.vectors) for p in found) <= 10 * LENGTH
    other = catalogue.sample(fused_space, 10, LENGTH, rng=np.random.default_rng(6))
    assert [p.vectors.tobytes() for p in other] != [p.vectors.tobytes() for p in found]


def test_a_small_store_is_taken_whole(catalogue):
    space = catalogue.live("fused")
    found = catalogue.sample(space, PASSAGES, LENGTH, rng=np.random.default_rng(0))
    rows = np.concatenate([p.vectors for p in found]).astype(np.float32)
    stored = catalogue.vectors(space).vectors
    assert sorted(map(bytes, rows)) == sorted(map(bytes, stored))


def test_no_passage_is_of_a_revision_that_was_replaced(store):
    """The rows before are in the table yet: readers of then may need them."""
    for seed in range(3):
        store.add_title(title_rows(store, "a", random_vectors(30, seed)))
        store.add_title(title_rows(store, "b", random_vectors(5, 10 + seed)))
    space = store.live("fused")
    assert store.table(space.table).count_rows() == 2 * 30 + 2 * 5
    found = store.sample(space, PASSAGES, LENGTH, rng=np.random.default_rng(0))
    now = {t: store.vectors(space, t).vectors.astype(np.float16) for t in "ab"}
    for title, _, rows in found:
        assert {r.tobytes() for r in rows} <= {r.tobytes() for r in now[title]}
    assert sum(len(p.vectors) for p in found) == 35
    sampled = passages(store, space)
    assert {p.title for p in sampled} == {"a", "b"}


def test_a_sample_that_was_taken_while_a_title_was_written_is_not_kept(store, monkeypatch):
    """The vectors of a title are there before the title is."""
    store.add_title(title_rows(store, "a", random_vectors(5)))
    space, taken = store.live("fused"), []
    replace = type(store.tables).replace

    def looking(tables, name, *rest):
        taken.append(passages(Storage(store.path), space))
        return replace(tables, name, *rest)

    monkeypatch.setattr(type(store.tables), "replace", looking)
    store.add_title(title_rows(store, "b", random_vectors(5)))
    assert [{p.title for p in sample} for sample in taken] == [{"a"}]
    assert {p.title for p in passages(store, space)} == {"a", "b"}


def test_one_view_lies_a_quarter_of_the_way_from_identical_to_usual(store):
    add_film(store, "film", [f"view {i}" for i in range(30)], ["rain"] * 30)
    assert likeness_from(store, 0.25) == pytest.approx(0.75, abs=0.02)
    add_film(store, "film", ["lake"] * 30)
    assert likeness_from(store, 0.25) == pytest.approx(1, abs=1e-3)
    add_film(store, "film", ["lake"])
    add_film(store, "film", ["lake"])
    assert likeness_from(store, 0.25) == 1
