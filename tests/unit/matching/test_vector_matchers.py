"""How shots are compared with examples by default, beside numpy over all shots of a store."""

from dataclasses import replace

import numpy as np
import pytest

from mediafm_store.arrays import FUSED, unit_rows
from mediafm_store.errors import InvalidInput
from mediafm_store.examples.resolver import UNLIKE, ExampleResolver
from mediafm_store.indexing.build import build_index
from mediafm_store.likeness.alignment import mean_in_order
from mediafm_store.likeness.scale import PARTS, scale_of
from mediafm_store.matching.vector_matchers import _WEIGHTS as WEIGHTS
from mediafm_store.scenes.own_scene import in_pages, surroundings
from mediafm_store.storage.storage import Storage
from tests.conftest import random_vectors, rows_of, shot_row, title_rows
from tests.helpers.asking import search
from tests.helpers.planted import ENCODERS, add_film, between, fused, put_in_context

TITLES = {"north": 45, "it's a/b": 12, "east": 7, "west": 25}
"""And one that came after the last embedding, and one whose shots have gaps."""


def fill(store) -> Storage:
    """Views that are alike in several degrees; sounds and words here and there; a black shot."""
    rng = np.random.default_rng(11)

    def views(count):
        looks = rng.integers(6, size=count)
        return [between(rng.uniform(0.3, 0.9), f"look {n}", f"{rng.random()}") for n in looks]

    def names(kind, count):
        return [None if n == 0 else f"{kind} {n}" for n in rng.integers(4, size=count)]

    for title, count in TITLES.items():
        add_film(store, title, views(count), names("sound", count), names("line", count))
    put_in_context(store, {t: random_vectors(n, n) for t, n in TITLES.items()})
    new = [*views(2), None]
    add_film(store, "new", new, ["sound 1", None, None], [None, "line 2", None])
    made = fused(views(7), names("sound", 7))
    spaces = {store.live(name): made for name in ("fused", "described")}
    ids = [f"gaps/{9 * i + 4:05d}" for i in range(7)]
    rows = rows_of("gaps", 7, spaces)
    shots = [
        shot_row(shot_id, 9 * i + 4, start_s=2.0 * i, end_s=2.0 * i + 2)
        for i, shot_id in enumerate(ids)
    ]
    thumbnails = [{"id": shot_id, "jpeg": b"jpeg"} for shot_id in ids]
    store.add_title(replace(rows, shots=shots, thumbnails=thumbnails))
    return store


@pytest.fixture(scope="module")
def worlds(tmp_path_factory):
    """The same store without an index and with."""
    made = [
        Storage(tmp_path_factory.mktemp("world") / n, create=True) for n in ("plain", "indexed")
    ]
    for store in made:
        fill(store)
    for space in ("fused", "context"):
        build_index(made[1], made[1].live(space), device="cpu")
    return made


def vectors_of(store, space, ids):
    """Zeros for those that have none."""
    stored = store.vectors(store.live(space))
    rows = dict(zip(stored.ids, stored.vectors, strict=True))
    return np.stack([rows.get(shot_id, np.zeros(FUSED, np.float32)) for shot_id in ids])


def slow_scores(store, like, unlike=(), weights=None):
    """Part by part of every shot of the store: what search says it does."""
    ids = store.shots()["id"].to_list()
    parts = {}
    for space in ("fused", "context"):
        scale = scale_of(store, store.live(space))
        every = scale.standardised(vectors_of(store, space, ids))

        def rows(names, scale=scale, space=space):
            return scale.standardised(vectors_of(store, space, names))

        wanted = np.concatenate([rows(names) for names in like])
        for names in unlike:
            mean = rows(names).mean(axis=0)
            for (_, at), spread in zip(scale.blocks, scale.spread, strict=True):
                length = np.linalg.norm(mean[at]) or 1
                wanted[:, at] -= UNLIKE * mean[at] / length / np.sqrt(spread)
        for (part, at), spread in zip(scale.blocks, scale.spread, strict=True):
            one = unit_rows(wanted[:, at]).mean(axis=0, keepdims=True)
            one = unit_rows(one)[0] / np.sqrt(spread)
            weight = WEIGHTS[part] * (weights or {}).get(part, 1.0)
            parts[part] = weight * (every[:, at] @ one)
    return {shot_id: {p: float(parts[p][i]) for p in PARTS} for i, shot_id in enumerate(ids)}


def slow_search(store, like, *, unlike=(), weights=None, among=None, without=(), same_scene=False):
    """Ids in order, with their shares."""
    shares = slow_scores(store, like, unlike, weights)
    asked = {shot_id for names in like for shot_id in names}
    near = asked if same_scene else surroundings(asked)
    left = [
        shot_id
        for shot_id, parts in shares.items()
        if shot_id not in near
        and any(parts.values())
        and (among is None or shot_id in among)
        and shot_id.rpartition("/")[0] not in without
    ]
    left.sort(key=lambda shot_id: -sum(shares[shot_id].values()))
    return (left if same_scene else in_pages(left, left)), shares


CASES = {
    "a shot": ({"shot": "north/00040"}, [["north/00040"]], {}),
    "with its scene": ({"shot": "north/00040", "same_scene": True}, [["north/00040"]], {}),
    "of an odd name": ({"shot": "it's a/b/00003"}, [["it's a/b/00003"]], {}),
    "without context": ({"shot": "new/00000"}, [["new/00000"]], {}),
    "several": (
        {"like": ["north/00003", "west@8-14", "new/00001"]},
        [["north/00003"], [f"west/{i:05d}" for i in (4, 5, 6)], ["new/00001"]],
        {},
    ),
    "unlike": (
        {"shot": "west/00001", "unlike": ["north/00003", "new"]},
        [["west/00001"]],
        {"unlike": [["north/00003"], [f"new/0000{i}" for i in range(3)]]},
    ),
    "elsewhere": (
        {"shot": "west/00001", "exclude_same_title": True},
        [["west/00001"]],
        {"without": {"west"}},
    ),
    **{
        f"{part} {weight}": (
            {"shot": "west/00001", "weights": {part: weight}},
            [["west/00001"]],
            {"weights": {part: weight}},
        )
        for part in PARTS
        for weight in ((0.01, 5.0) if part == "visual" else (0.0,))  # without views there are ties
    },
}


@pytest.mark.parametrize(
    ("case", "indexed"), [*((case, False) for case in CASES), ("several", True), ("unlike", True)]
)
def test_answers_are_those_of_a_slow_search(worlds, case, indexed):
    store = worlds[indexed]
    asked, like, slow = CASES[case]
    expected, shares = slow_search(store, like, same_scene=asked.get("same_scene", False), **slow)
    hits = search(store, **asked, least=0.0, fold=False, k=999)
    assert [h.shot for h in hits] == expected
    for hit in hits:
        assert hit.shares == pytest.approx(shares[hit.shot], abs=2e-3)
        assert hit.score == pytest.approx(sum(hit.shares.values()), abs=1e-4)


@pytest.mark.parametrize("indexed", [False, True])
@pytest.mark.parametrize("where", ["index % 3 = 0", "title = 'west' OR title = 'new'"])
def test_a_condition_leaves_the_order_of_the_rest(worlds, where, indexed):
    store = worlds[indexed]
    among = set(store.matching(where))
    expected, _ = slow_search(store, [["north/00040"]], among=among)
    hits = search(store, shot="north/00040", where=where, least=0.0, fold=False, k=50)
    assert [h.shot for h in hits] == expected[:50]


def test_context_counts_where_there_is_some(worlds):
    hits = search(worlds[0], shot="north/00040", least=0.0, fold=False, k=999)
    assert {h.title for h in hits if h.shares["context"] == 0} == {"new", "gaps"}
    hits = search(worlds[0], shot="new/00000", least=0.0, fold=False, k=999)
    assert all(h.shares["context"] == 0 for h in hits)


def test_a_part_that_weighs_nothing_is_left_out(worlds):
    for part in PARTS:
        hits = search(worlds[0], shot="west/00001", weights={part: 0}, least=0.0, k=99)
        assert {h.shares[part] for h in hits} == {0}
    alone = dict.fromkeys(PARTS, 0.0) | {"context": 1.0}
    hits = search(worlds[0], shot="west/00001", weights=alone, least=0.0, fold=False, k=999)
    assert {h.title for h in hits} == {*TITLES} - {"west"}
    assert all(h.score == h.shares["context"] for h in hits)


def test_a_shot_that_has_nothing_is_neither_asked_with_nor_found(worlds):
    """new/00002 is black, and silent."""
    for space in (None, "fused"):
        with pytest.raises(InvalidInput, match="nothing to compare") as told:
            search(worlds[0], shot="new/00002", space=space)
        assert "\n" not in str(told.value)
        hits = search(worlds[0], shot="west/00001", space=space, least=0.0, fold=False, k=999)
        assert "new/00002" not in {h.shot for h in hits}
    with pytest.raises(InvalidInput, match="all modalities of this query have weight 0"):
        search(worlds[0], shot="west/00001", weights=dict.fromkeys(PARTS, 0.0))
    together = search(worlds[0], like=["new"], least=0.0, fold=False, k=999)
    alone = search(worlds[0], like=["new/00000", "new/00001"], least=0.0, fold=False, k=999)
    assert [h.shot for h in together] == [h.shot for h in alone]


def test_the_same_wanted_and_not_wanted_is_as_if_wanted(worlds):
    asked = {"least": 0.0, "fold": False, "k": 99}
    plain = search(worlds[0], like=["west/00001"], **asked)
    both = search(worlds[0], like=["west/00001"], unlike=["west/00001"], **asked)
    assert [h.shot for h in both] == [h.shot for h in plain]
    assert [h.score for h in both] == pytest.approx([h.score for h in plain], rel=1e-3)


def test_what_is_not_wanted_sinks(store):
    add_film(store, "asked", [between(0.7, "lake", "boat")])
    add_film(store, "film", [between(0.9, "lake", "hill"), between(0.9, "boat", "hill")])
    add_film(store, "boats", ["boat"])
    add_film(store, "rest", [f"view {i}" for i in range(30)])

    def order(**more):
        hits = search(store, shot="asked/00000", least=0.0, fold=False, k=99, **more)
        return [h.shot for h in hits if h.title == "film"], {h.shot: h.score for h in hits}

    plain, scores = order()
    unlike, sunk = order(unlike=["boats/00000"])
    assert plain == unlike or plain == unlike[::-1]
    assert unlike == ["film/00000", "film/00001"]
    assert sunk["film/00001"] < scores["film/00001"] - 1
    assert sunk["boats/00000"] < scores["boats/00000"] - 1


@pytest.mark.parametrize("unit", ["scene", "title"])
def test_a_sequence_scores_as_by_hand(worlds, unit):
    store = worlds[0]
    asked = [f"west/{i:05d}" for i in (4, 5, 6)]
    hits = search(store, like=["west@8-14"], unit=unit, least=0.0, k=40)
    assert hits
    for hit in hits:
        similar = np.zeros((3, len(hit.shots)), np.float32)
        for space in ("fused", "context"):
            scale = scale_of(store, store.live(space))
            rows = scale.standardised(vectors_of(store, space, asked))
            found = scale.standardised(vectors_of(store, space, hit.shots))
            for part, at in scale.blocks:
                similar += np.float32(WEIGHTS[part]) * (rows[:, at] @ found[:, at].T)
        assert hit.score == pytest.approx(float(mean_in_order(similar)), abs=1e-3)


def test_what_is_asked_with_is_what_it_is_in_the_store(worlds):
    """Examples bring their vectors by themselves, and find those in context by their ids."""
    store = worlds[0]
    made = ExampleResolver(store, store.live("fused"), lambda: ENCODERS, "cpu", lambda *_: None)
    example = made.of("west@8-14")
    ids = [f"west/{i:05d}" for i in (4, 5, 6)]
    assert example.ids == set(ids)
    assert np.array_equal(example.alone, vectors_of(store, "fused", ids))


@pytest.mark.slow
@pytest.mark.parametrize("indexed", [False, True])
def test_in_a_larger_store_the_best_are_found_among_candidates(store, indexed):
    """The index is asked with vectors that are not centred; what it finds is scored exactly."""
    rng = np.random.default_rng(5)
    bases = random_vectors(12, 77)
    for number in range(15):
        which = rng.integers(12, size=40)
        rows = unit_rows(bases[which] + 0.8 * random_vectors(40, number))
        store.add_title(title_rows(store, f"film{number:02d}", rows))
    if indexed:
        build_index(store, store.live("fused"), device="cpu")
    space = store.live("fused")
    scale = scale_of(store, space)
    stored = store.vectors(space)
    made = scale.standardised(stored.vectors)
    weights = np.repeat([WEIGHTS[part] for part, _ in scale.blocks], 768).astype(np.float32)
    reached = []
    for number in range(5):
        asked = stored.ids.index(f"film{number:02d}/00020")
        scores = made @ (weights * made[asked])
        own = surroundings([stored.ids[asked]])
        best = [stored.ids[i] for i in np.argsort(-scores) if stored.ids[i] not in own]
        hits = search(store, shot=stored.ids[asked], least=0.0, fold=False)
        reached.append(len({h.shot for h in hits} & set(in_pages(best, best)[:10])))
        for hit in hits:
            assert hit.score == pytest.approx(float(scores[stored.ids.index(hit.shot)]), abs=2e-3)
    assert np.mean(reached) >= 9.5


@pytest.mark.parametrize("more", [{}, {"fold": True}, {"space": "fused"}, {"unit": "scene"}])
def test_fewer_answers_are_the_first_of_more(worlds, more):
    """And are refused as those are."""
    asked = {"shot": "north/00040", "fold": False} | more
    many = search(worlds[0], **asked, least=0.0, k=25)
    for k in (1, 10, 24):
        few = search(worlds[0], **asked, least=0.0, k=k)
        assert few == many[:k]
        assert few.chance == many.chance
    for least in (1 - many.chance, min(1.0, 1.01 - many.chance)):
        few = search(worlds[0], **asked, least=least, k=1)
        assert few == (many[:1] if 1 - many.chance >= least else [])


def test_diverse_answers_keep_apart_on_the_common_scale(store):
    """The best is first all the same; then something else before more of it."""
    reeds, wood = between(0.8, "lake", "reeds"), between(0.7, "lake", "wood")
    add_film(store, "film", [reeds, reeds, reeds, wood, "moon"])
    add_film(store, "rest", [f"view {i}" for i in range(30)])
    add_film(store, "asked", ["lake"])
    asked = {"shot": "asked/00000", "least": 0.0, "fold": False, "k": 3}
    plain = search(store, **asked)
    apart = search(store, **asked, diverse=True)
    assert [h.shot for h in plain] == ["film/00000", "film/00001", "film/00002"]
    assert [h.shot for h in apart[:2]] == ["film/00000", "film/00003"]


def test_titles_come_and_go_and_nothing_is_kept_of_them(store):
    add_film(store, "one", ["lake", "wood"])
    add_film(store, "two", ["lake", "hill"])

    def found():
        return {h.shot for h in search(store, shot="one/00000", least=0.0, fold=False)}

    assert found() == {"two/00000", "two/00001"}
    add_film(store, "three", ["lake"])
    assert found() == {"two/00000", "two/00001", "three/00000"}
    add_film(store, "two", ["lake"])
    assert found() == {"two/00000", "three/00000"}
    store.tables.delete("titles", "id = 'two'")
    assert found() == {"three/00000"}
