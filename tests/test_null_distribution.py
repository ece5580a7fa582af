"""What a score is worth in a store, and the random passages that say so."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mediafm_store.tasks.background import Background, background

from mediafm_store import Store
from mediafm_store.arrays import MODALITIES, unit_rows
from mediafm_store.tasks import background as backgrounds
from mediafm_store.tasks import ranking as module
from mediafm_store.tasks.queries import Query
from mediafm_store.tasks.ranking import DRAWS, Ranking
from mediafm_store.tasks.sampling import (
    ANSWERED,
    LENGTH,
    MOST_ANSWERS,
    PASSAGES,
    SAMPLED,
    likeness_from,
    once,
    passages,
)
from mediafm_store.tasks.search import LEAST, search
from tests.conftest import random_vectors, title_rows
from tests.plain import search_all
from tests.planted import ENCODERS, add_film, fused, put_in_context

EVEN = dict.fromkeys(MODALITIES, 1.0)
SILENT = {"visual": 1.0, "audio": 0.0, "text": 0.0}


@pytest.fixture
def catalogue(store):
    """Eight titles of 20 shots; the first shot of alpha is shown again in theta, nearly."""
    for seed in range(8):
        store.add_title(title_rows(store, "abcdefgh"[seed], random_vectors(20, seed)))
    vectors = random_vectors(20, 99)
    vectors[7] = unit_rows(random_vectors(20, 0)[:1] + 0.3 * vectors[7:8])[0]
    store.add_title(title_rows(store, "twin", vectors))
    return store


def query(store, vectors, weights=EVEN, space="fused") -> Query:
    return Query(store.live(space), vectors, weights)


# Percentiles


@given(st.lists(st.floats(-1, 1, width=32), min_size=1), st.floats(-3, 3, width=32))
def test_a_percentile_is_the_share_of_pairs_that_score_lower(scores, score):
    chance = Background(np.sort(np.array(scores, np.float32)), 0.0)
    assert chance.percentile(score) == pytest.approx(np.mean(np.array(scores) < score))
    assert 0 <= chance.percentile(score) <= chance.percentile(score + 0.1) <= 1
    assert chance.spread > 0


@pytest.mark.parametrize("pairs", [1, 3, 70_000, DRAWS, 262_144])
def test_one_query_alone_has_the_percentiles_of_its_own_pairs(store, monkeypatch, pairs):
    """However many pairs were drawn, none of them counts more than others."""
    rng = np.random.default_rng(pairs)
    own = Background(np.sort(rng.normal(size=pairs).astype(np.float32)), 0.25)
    monkeypatch.setattr(module, "background", lambda *args, **kwargs: own)
    add_film(store, "alpha", ["lake"])
    ranking = Ranking(store, [query(store, fused(["lake"]))], {}, whole=False)
    for score in np.linspace(-3, 3, 25):
        assert ranking.percentile(score) == pytest.approx(own.percentile(score), abs=1e-4)


def test_pairs_of_several_queries_are_drawn_independently(store, monkeypatch):
    """The mean of two of the same spread varies less than either."""
    pairs = np.sort(np.random.default_rng(0).normal(size=50_000).astype(np.float32))
    monkeypatch.setattr(module, "background", lambda *a, **k: Background(pairs, 0.5))
    add_film(store, "alpha", ["lake"])
    ranking = Ranking(store, [query(store, fused(["lake"]))] * 2, {}, whole=False)
    assert ranking.weights == pytest.approx([0.5, 0.5])
    assert ranking.chance.spread == pytest.approx(np.sqrt(0.5), abs=0.01)
    assert ranking.percentile(0.5) == pytest.approx(0.5, abs=0.01)


def test_a_better_answer_is_never_of_a_lower_percentile(catalogue):
    hits = search_all(catalogue, shot="a/00000", k=200)
    told = [h.percentile for h in hits]
    assert told == sorted(told, reverse=True)
    assert all(0 <= p <= 1 for p in told)
    assert told[-1] < 0.2


def test_percentiles_are_shares_of_random_pairs(catalogue):
    """Of shots at random about a tenth is better than nine tenths of pairs of them."""
    shares = []
    for name in "bcdefgh":
        hits = search_all(catalogue, shot=f"{name}/00003", k=200, exclude_same_title=True)
        shares.append(np.mean([h.percentile > 0.9 for h in hits]))
    assert np.mean(shares) == pytest.approx(0.1, abs=0.03)


def test_what_is_planted_stands_out(catalogue):
    best, second = search_all(catalogue, shot="a/00000", k=2)
    assert best.shot == "twin/00007"
    assert second.percentile < 0.9999 < best.percentile
    assert [h.shot for h in search(catalogue, shot="a/00000", least=0.9999)] == ["twin/00007"]


def test_percentiles_are_of_what_is_compared(store):
    """Everything sounds the same, so that the same sound is nothing special."""
    for title in "abcd":
        views = [f"{title}{i}" for i in range(10)]
        add_film(store, title, views, ["rain"] * 10)
    add_film(store, "e", ["a1", "e1"], ["rain", "rain"])

    def percentile(shot, weights):
        hits = search_all(store, shot="a/00001", k=50, weights=weights)
        return next(h.percentile for h in hits if h.shot == shot)

    assert percentile("e/00000", {"audio": 0, "text": 0}) > 0.99
    assert percentile("e/00001", {"audio": 0, "text": 0}) < 0.99
    for shot in ("e/00000", "e/00001"):
        assert percentile(shot, {"visual": 0, "text": 0}) < LEAST


def test_descriptions_have_their_own_percentiles(store):
    for title in "abcd":
        views = [f"{title}{i}" for i in range(12)]
        add_film(store, title, views, text=[f"line {v}" for v in views])
    add_film(store, "e", ["castle", "moat"])
    hits = search_all(store, text="castle", k=60, encoders=ENCODERS)
    assert (hits[0].shot, hits[0].percentile) == ("e/00000", 1.0)
    assert all(0 <= h.percentile <= 1 for h in hits)
    assert [h.shot for h in search(store, text="castle", encoders=ENCODERS, least=1.0)] == [
        "e/00000"
    ]


def test_context_scenes_and_what_is_not_wanted_have_percentiles(catalogue):
    put_in_context(
        catalogue,
        {t: catalogue.vectors(catalogue.live("fused"), t).vectors for t in catalogue.revisions()},
    )
    asked = {"like": ["a/00000", "b/00001"], "unlike": ["c/00002"]}
    for unit in ("shot", "scene", "title"):
        hits = search_all(catalogue, **asked, unit=unit, k=50)
        assert hits
        assert all(0 <= h.percentile <= 1 for h in hits), unit
        assert [h.score for h in hits] == sorted((h.score for h in hits), reverse=True)


def test_several_shots_are_asked_of_short_titles_too(store):
    """No passage of the store is as long as the query; still there is something to compare."""
    for number in range(12):
        store.add_title(title_rows(store, f"spot{number:02d}", random_vectors(3, number)))
    for unit in ("shot", "title"):
        hits = search_all(store, like=["spot00", "spot01"], unit=unit, k=40)
        assert hits[-1].percentile < 0.5, unit


def test_in_one_title_a_shot_is_no_pair_with_itself(store):
    """Else a twelfth of all pairs were alike, and no twin better than those."""
    views = [f"view {i}" for i in range(12)]
    views[11] = "view 2"
    add_film(store, "only", views)
    assert next(h.shot for h in search(store, shot="only/00002", fold=False)) == "only/00011"
    assert all(0 <= h.percentile <= 1 for h in search_all(store, shot="only/00003", k=20))


def test_a_store_of_one_shot_and_an_empty_one(store, tmp_path):
    add_film(store, "only", ["castle"])
    assert search_all(store, shot="only/00000") == []
    (hit,) = search_all(store, text="castle", encoders=ENCODERS)
    assert 0 <= hit.percentile <= 1
    empty = Store(tmp_path / "empty", create=True)
    add_film(empty, "nothing", ["castle"])
    empty.tables.delete("titles", "id = 'nothing'")
    chance = background(empty, query(empty, fused(["castle"])), whole=False)
    assert (chance.scores.tolist(), chance.usual, chance.spread) == ([0.0], 0.0, 1.0)
    assert search_all(empty, text="castle", encoders=ENCODERS) == []
    assert search(empty, said="castle") == []


def test_what_has_nothing_of_what_is_compared_has_no_background(store):
    add_film(store, "silent", ["lake", "wood"])
    asked = query(store, fused([None], ["rain"]), {"visual": 0.0, "audio": 1.0, "text": 0.0})
    chance = background(store, asked, whole=False)
    assert chance.percentile(0.5) == 1
    assert chance.spread == 1


def test_pairs_are_drawn_once_for_queries_of_one_kind(catalogue, monkeypatch):
    drawn = []
    real = backgrounds.by_chance
    monkeypatch.setattr(backgrounds, "by_chance", lambda *a: drawn.append(a) or real(*a))
    rows = random_vectors(4, 5)
    one, other = (background(catalogue, query(catalogue, r[None]), whole=False) for r in rows[:2])
    assert len(drawn) == 1
    assert one.scores is other.scores
    assert one.usual != other.usual
    background(catalogue, query(catalogue, rows[:1], SILENT), whole=False)
    background(catalogue, query(catalogue, rows), whole=True)
    assert len(drawn) == 3
    catalogue.add_title(title_rows(catalogue, "new", random_vectors(20, 77)))
    anew = background(catalogue, query(catalogue, rows[:1]), whole=False)
    assert len(drawn) == 4
    forget()
    assert np.array_equal(
        background(catalogue, query(catalogue, rows[:1]), whole=False).scores, anew.scores
    )


def test_no_more_is_kept_than_there_is_room_for():
    sample = []
    for number in range(3 * MOST_ANSWERS):
        assert once(sample, number, lambda n=number: n) == number
    assert len(ANSWERED) == MOST_ANSWERS


# Passages


def forget():
    SAMPLED.clear()


def test_passages_are_the_same_until_the_table_changes(catalogue):
    forget()
    space = catalogue.live("fused")
    before = passages(catalogue, space)
    assert passages(Store(catalogue.path), space) is before
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
    for title, rows in found:
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
    for title, rows in found:
        assert {r.tobytes() for r in rows} <= {r.tobytes() for r in now[title]}
    assert sum(len(p.vectors) for p in found) == 35
    sampled = passages(store, space)
    assert {p.title for p in sampled} == {"a", "b"}


def test_one_view_lies_a_quarter_of_the_way_from_identical_to_usual(store):
    add_film(store, "film", [f"view {i}" for i in range(30)], ["rain"] * 30)
    assert likeness_from(store, 0.25) == pytest.approx(0.75, abs=0.02)
    add_film(store, "film", ["lake"] * 30)
    assert likeness_from(store, 0.25) == pytest.approx(1, abs=1e-3)
    add_film(store, "film", ["lake"])
    add_film(store, "film", ["lake"])
    assert likeness_from(store, 0.25) == 1
