"""From a ranking to answers: shares, scenes and titles, near duplicates, what is no good match."""

import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediafm_store.arrays import FUSED, MODALITIES, block, unit_rows, weigh
from mediafm_store.errors import InvalidInput
from mediafm_store.examples.resolver import ExampleResolver
from mediafm_store.indexing.build import build_index
from mediafm_store.likeness.alignment import in_order
from mediafm_store.likeness.scale import PARTS
from mediafm_store.matching.scorer import _SAID as SAID
from mediafm_store.retrieval import search as module
from mediafm_store.retrieval.selection import LEAST_DEPTH
from mediafm_store.scenes.scenes import find_scenes
from mediafm_store.storage.storage import Storage
from tests.conftest import random_vectors, title_rows
from tests.helpers.asking import search
from tests.helpers.command import mediafm
from tests.helpers.plain import search_all
from tests.helpers.planted import ENCODERS, add_film, between, put_in_context

PICTURE_ALONE = {"audio": 0.0, "text": 0.0}
TITLES = {"north": 6, "south": 9, "east": 4, "west": 12}


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    """Four titles of views, sounds and words from a few of each, in context; nothing changes it."""
    store = Storage(tmp_path_factory.mktemp("catalogue") / "store", create=True)
    rng = np.random.default_rng(7)
    for title, count in TITLES.items():
        views = [f"view {i}" for i in rng.integers(9, size=count)]
        sounds = [["rain", "wind", None][i] for i in rng.integers(3, size=count)]
        words = [["hello there", "good dragon", None][i] for i in rng.integers(3, size=count)]
        add_film(store, title, views, sounds, words, genres=["Drama"] if count > 5 else [])
    put_in_context(store, {t: random_vectors(n, n) for t, n in TITLES.items()})
    return store


# Shares

ASKED = st.fixed_dictionaries(
    {},
    optional={
        "shot": st.just("north/00002"),
        "text": st.sampled_from(["view 3", "rain"]),
        "said": st.sampled_from(["dragon", "hello dragon", '"good dragon"']),
        "like": st.sampled_from([["south"], ["east@0-4", "west/00003"]]),
    },
).filter(bool)


@settings(max_examples=15, deadline=None)
@given(
    asked=ASKED,
    unit=st.sampled_from(["shot", "scene", "title"]),
    space=st.sampled_from([None, "fused", "context"]),
    weights=st.fixed_dictionaries(
        {}, optional={m: st.sampled_from([0.5, 2.0]) for m in MODALITIES}
    ),
)
def test_shares_add_up_to_the_score(catalogue, asked, unit, space, weights):
    hits = search_all(
        catalogue, **asked, unit=unit, space=space, weights=weights, k=40, encoders=ENCODERS
    )
    for hit in hits:
        assert sum(hit.shares.values()) == pytest.approx(hit.score, rel=1e-5, abs=1e-5)
        if space is not None and asked.keys() <= {"shot", "like"}:
            assert hit.score <= 1 + 1e-3
        assert hit.shares.keys() == set(PARTS)
        assert hit.shot in hit.shots
        assert {s.rpartition("/")[0] for s in hit.shots} == {hit.title}
        assert (hit.chance is None) == (asked.keys() == {"said"})
        if space is not None and "text" not in asked:
            assert hit.shares["context"] == 0
    assert [h.score for h in hits] == sorted((h.score for h in hits), reverse=True)
    assert len({h.shots for h in hits}) == len(hits)


def test_words_that_are_said_weigh_as_much_as_all_else(catalogue):
    """As much as the best answer to a random query of the kind of the other."""
    both = search_all(catalogue, shot="north/00002", said="dragon", k=40)
    alone = {h.shot: h.shares for h in search_all(catalogue, shot="north/00002", k=40)}
    spoken = catalogue.said("dragon", 40)
    asked = ExampleResolver(catalogue, catalogue.live("context"), dict, "cpu", lambda *_: None)
    how = module.Comparing("context", {}, whole=False)
    example = asked.shots(["north/00002"])
    known = module.ReadCache(catalogue)
    matcher, _ = module._by_example(catalogue, [example], [], how, known, alone=False)
    typical = matcher.null().typical
    for hit in both:
        literal = SAID * spoken.get(hit.shot, 0) / max(spoken.values())
        expected = {m: (1 - SAID) / typical * share for m, share in alone[hit.shot].items()}
        assert hit.shares == pytest.approx(
            expected | {"text": expected["text"] + literal}, abs=1e-5
        )
    assert {h.shot for h in both} == alone.keys()


# Scenes


def copied(store, tmp_path) -> Storage:
    """To be changed."""
    return Storage(shutil.copytree(store.path, tmp_path / "copy"))


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """The sequence moon, sea, fire as it is heard, in several forms.

    A scene has one look throughout, so that it is one scene.
    """

    store = Storage(tmp_path_factory.mktemp("planted") / "store", create=True)

    def scene(base, inside):
        return [between(0.97, base, f"{base} {i}") for i in range(len(inside))], inside

    films = {
        "asked": [("a", ["moon", "sea", "fire"]), ("z", ["dull"] * 4)],
        "same": [("b", ["dull"] * 4), ("c", ["moon", "sea", "fire"]), ("d", ["dull"] * 4)],
        "within": [("e", ["dull", "moon", "dull", "sea", "fire", "dull"]), ("f", ["dull"] * 4)],
        "backwards": [("g", ["fire", "sea", "moon"]), ("h", ["dull"] * 4)],
        "one": [("i", ["moon", "dull", "dull"]), ("j", ["dull"] * 4)],
        "none": [("k", ["dull"] * 4), ("l", ["dull"] * 4)],
    }
    for title, scenes in films.items():
        made = [scene(*s) for s in scenes]
        views, sounds = ([one for s in made for one in s[i]] for i in (0, 1))
        add_film(store, title, views, sounds)
    return store


HEARD_ALONE = {"visual": 0.0, "text": 0.0}


@pytest.mark.parametrize("indexed", [False, True])
def test_a_sequence_is_found_before_parts_of_it_and_before_the_reverse(planted, indexed, tmp_path):
    if indexed:
        planted = copied(planted, tmp_path)
        build_index(planted, planted.live("fused"), device="cpu")
    hits = search_all(
        planted, title="asked", start_s=0, end_s=6, unit="scene", weights=HEARD_ALONE, k=20
    )
    best = {}
    for hit in hits:
        best.setdefault(hit.title, hit)
    assert set(list(best)[:2]) == {"same", "within"}
    assert list(best).index("backwards") > 1
    assert best["same"].score == pytest.approx(1, abs=1e-2)
    assert best["within"].score == pytest.approx(1, abs=1e-2)
    assert best["backwards"].score == pytest.approx(1 / 3, abs=0.1)
    assert best["one"].score == pytest.approx(1 / 3, abs=0.1)
    assert best["same"].shots == tuple(f"same/{i:05d}" for i in (4, 5, 6))
    assert (best["same"].start_s, best["same"].end_s) == (8, 14)
    assert len(best["within"].shots) == 6


def test_the_scene_that_is_asked_with_is_no_answer(planted):
    whole = search_all(planted, title="asked", start_s=0, end_s=6, unit="scene", k=40)
    own = next(s for s in find_scenes(planted, "asked") if "asked/00001" in s.shots)
    assert own.shots == ("asked/00000", "asked/00001", "asked/00002")
    assert own.shots not in [h.shots for h in whole]
    assert "asked" in {h.title for h in whole}
    assert search_all(planted, shot="asked/00001", unit="scene", k=40) == whole
    others = search_all(planted, shot="asked/00001", unit="scene", k=40, exclude_same_title=True)
    assert others == [h for h in whole if h.title != "asked"]


def test_an_answer_is_laid_along_as_by_hand(planted):
    weights = {"visual": 0.5}
    ids = [f"asked/{i:05d}" for i in range(3)]
    rows = weigh(planted.vectors_by_id(planted.live("fused"), ids).vectors, weights)
    hits = search_all(planted, like=["asked@0-6"], unit="scene", weights=weights, k=40)
    assert len(hits) >= 10
    for hit in hits:
        found = planted.vectors_by_id(planted.live("fused"), hit.shots).vectors
        similar = rows @ found.T
        at = in_order(similar)
        assert hit.score == pytest.approx(float(similar[np.arange(3), at].mean()), abs=1e-4)
        for m in MODALITIES:
            part = (rows[:, block(m)] * found[at][:, block(m)]).sum(axis=1).mean()
            assert hit.shares[m] == pytest.approx(float(part), abs=1e-4)
        assert hit.shot == hit.shots[at[similar[np.arange(3), at].argmax()]]


def test_titles_are_found_whole(planted):
    hits = search_all(
        planted, title="asked", start_s=0, end_s=6, unit="title", weights=HEARD_ALONE, k=20
    )
    assert {h.title for h in hits[:2]} == {"same", "within"}
    assert "asked" not in {h.title for h in hits}
    for hit in hits:
        assert list(hit.shots) == planted.shots(hit.title)["id"].to_list()
        assert (hit.start_s, hit.end_s) == (0, planted.title(hit.title)["duration_s"])


# Titles by their own vectors


@pytest.fixture(scope="module")
def titles(tmp_path_factory):
    """Five titles of which `near` is most like `asked` as a whole, and no shot of it."""
    store = Storage(tmp_path_factory.mktemp("titles") / "store", create=True)
    rng = np.random.default_rng(3)
    whole = random_vectors(5, 11)
    whole[1] = unit_rows(whole[:1] + 0.5 * whole[1:2])[0]
    names = ["asked", "near", "far", "twin", "short"]
    shots = {n: random_vectors(7 if n != "short" else 2, i) for i, n in enumerate(names)}
    shots["twin"] = shots["asked"] + 0.01 * rng.normal(size=(7, FUSED)).astype(np.float32)
    for name in names:
        store.add_title(title_rows(store, name, shots[name], genres=[name]))
    put_in_context(store, {n: unit_rows(rows) for n, rows in shots.items()})
    space = store.live("title")
    store.tables.delete(space.table, "true")
    for name, row in zip(names, whole, strict=True):
        store.add_vectors(space, store.title(name), [name], row[None])
    return store, dict(zip(names, whole, strict=True))


@pytest.mark.parametrize("indexed", [False, True])
@pytest.mark.parametrize("weights", [{}, {"audio": 0.0}, {"visual": 3.0, "text": 0.5}])
def test_a_whole_title_is_compared_by_title_vectors(titles, indexed, weights, tmp_path):
    store, whole = titles
    if indexed:
        store = copied(store, tmp_path)
        build_index(store, store.live("title"), device="cpu")
    hits = search_all(store, title="asked", unit="title", weights=weights)
    asked = weigh(whole["asked"][None], weights)[0]
    kept = np.concatenate([np.arange(FUSED)[block(m)] for m in MODALITIES if weights.get(m, 1)])
    scores = {
        name: float(asked[kept] @ row[kept] / np.linalg.norm(row[kept]))
        for name, row in whole.items()
        if name != "asked"
    }
    assert {h.title: h.score for h in hits} == pytest.approx(scores, abs=1e-3)
    assert [h.title for h in hits] == sorted(scores, key=scores.__getitem__, reverse=True)
    assert hits[0].title == "near"
    for hit in hits:
        shots = store.shots(hit.title)
        assert list(hit.shots) == shots["id"].to_list()
        assert hit.shot == f"{hit.title}/{len(shots) // 2:05d}"
        assert (hit.start_s, hit.end_s) == (0, 2 * len(shots))
        assert sum(hit.shares.values()) == pytest.approx(hit.score, abs=1e-5)
        assert 0 <= hit.chance <= 1
    assert hits.compared == "as whole titles"


def test_anything_more_than_a_title_lays_its_shots_along(titles):
    """Shot by shot it is the twin that is most alike."""
    store, _ = titles
    by_name = search_all(store, like=["asked"], unit="title")
    assert by_name == search_all(store, title="asked", unit="title")
    for asked in (
        {"title": "asked", "start_s": 0.0},
        {"title": "asked", "end_s": 14.0},
        {"title": "asked", "space": "fused"},
        {"title": "asked", "unlike": ["far"]},
        {"like": ["asked", "short"]},
        {"like": ["asked@0-14"]},
    ):
        hits = search_all(store, **asked, unit="title", encoders=ENCODERS)
        assert hits[0].title == "twin", asked
        assert hits[0].score > hits[1].score + 0.3
        assert hits.compared.startswith("shot by shot" if "space" in asked else "as the trained")
    scenes = search_all(store, title="asked", unit="scene", k=40)
    assert scenes[0].title == "twin"
    assert scenes.compared == hits.compared


def test_titles_of_shots_that_match_alone_are_found(titles):
    store, _ = titles
    found = search_all(store, title="asked", unit="title", where="index = 5")
    assert [h.title for h in found if h.title == "short"] == []
    assert {h.title for h in found} == {"near", "far", "twin"}
    assert {len(h.shots) for h in found} == {7}
    genre = "array_contains(genres, 'far') OR array_contains(genres, 'asked')"
    assert [h.title for h in search_all(store, title="asked", unit="title", where=genre)] == ["far"]
    assert search_all(store, title="asked", unit="title", where="index = 99") == []
    assert [h.title for h in search_all(store, title="asked", unit="title", k=1)] == ["near"]
    assert [h.title for h in search(store, title="asked", unit="title", least=1.0)] in (
        [],
        ["near"],
    )


def test_a_title_without_a_vector_cannot_be_asked_with(titles, caplog, tmp_path):
    store = copied(titles[0], tmp_path)
    store.add_title(title_rows(store, "new", random_vectors(3, 44)))
    with pytest.raises(InvalidInput, match="run `mediafm embed`"):
        search_all(store, title="new", unit="title")
    assert "new" not in {h.title for h in search_all(store, title="asked", unit="title")}
    assert "1 of 6 titles have no context vectors" in caplog.text
    with pytest.raises(InvalidInput, match="weight 0; raise at least one"):
        search_all(store, title="asked", unit="title", weights=dict.fromkeys(MODALITIES, 0.0))
    with pytest.raises(InvalidInput, match="leave out its weight, or the space fused"):
        search_all(store, title="asked", space="fused", weights={"context": 0.5})


def test_titles_of_a_store_that_was_never_trained(planted):
    hits = search_all(planted, title="asked", unit="title", weights=HEARD_ALONE)
    assert hits[0].title in {"same", "within"}
    assert "asked" not in {h.title for h in hits}


# How many, and which


def test_nothing_good_is_no_answer(catalogue):
    """Of the whole query: either it has a good answer, and the others stand beside it, or none."""
    kept = refused = 0
    for unit in ("shot", "scene", "title"):
        for number in range(6):
            asked = {"shot": f"north/{number:05d}", "unit": unit, "k": 99}
            every = search_all(catalogue, **asked)
            assert every.chance == min(h.chance for h in every[:10])
            for least in (0.5, 1 - every.chance, min(1.0, 1.01 - every.chance)):
                some = search_all(catalogue, **asked, least=least)
                assert some.chance == every.chance
                assert some == (every if 1 - every.chance >= least else [])
                kept, refused = kept + bool(some), refused + (not some)
    assert min(kept, refused) >= 3
    assert search(catalogue, shot="north/00002", least=1.0) == []
    for wrong in (-0.1, 1.1, float("nan")):
        with pytest.raises(InvalidInput, match="between 0 and 1"):
            search(catalogue, shot="north/00002", least=wrong)


@pytest.mark.parametrize("indexed", [False, True])
def test_as_many_as_match_a_condition_are_found(store, indexed):
    """Far more shots are nearer than those that match."""
    store.add_title(title_rows(store, "many", random_vectors(150, 1)))
    store.add_title(title_rows(store, "rare", random_vectors(40, 2), genres=["Rare"]))
    if indexed:
        build_index(store, store.live("fused"), device="cpu")
    where = "array_contains(genres, 'Rare') AND index >= 10"
    for k in (1, 30, 31):
        hits = search_all(store, shot="many/00000", where=where, k=k)
        assert len(hits) == min(k, 30)
        assert {h.title for h in hits} == {"rare"}
    every = [h.shot for h in search_all(store, shot="many/00000", k=189)]
    assert len(set(every)) == 189 > LEAST_DEPTH
    hits = search_all(store, shot="many/00000", where=where, k=30)
    assert [h.shot for h in hits] == [shot_id for shot_id in every if shot_id >= "rare/00010"]
    assert search_all(store, shot="many/00000", where="index > 1000") == []
    own = search_all(store, shot="rare/00012", where=where, k=99)
    assert len(own) == 29
    assert search_all(store, shot="rare/00012", where=where, exclude_same_title=True) == []
    scenes = search_all(store, like=["many@0-6"], where=where, unit="scene", k=9)
    assert {h.title for h in scenes} == {"rare"}


# Near duplicates


@pytest.fixture
def doubles(store):
    """Ten views, each seen three times over: once in each of three titles, and 20 others."""
    for title in ("first", "second", "third"):
        views = [f"view {i}" for i in range(10)]
        add_film(store, title, views, [f"{title} {i}" for i in range(10)])
    add_film(store, "rest", [f"other {i}" for i in range(20)], ["hum"] * 20)
    add_film(store, "asked", [between(0.6, "view 4", "view 7")])
    return store


def test_near_duplicates_are_with_their_answer_and_nowhere_else(doubles):
    flat = search_all(doubles, shot="asked/00000", k=99, weights=PICTURE_ALONE)
    hits = search_all(doubles, shot="asked/00000", k=99, weights=PICTURE_ALONE, fold=True)
    named = [shot_id for h in hits for shot_id in (h.shot, *h.alike)]
    assert len(named) == len(set(named))
    assert set(named) == {h.shot for h in flat}
    assert len(hits) == 30
    order = [h.shot for h in flat]
    for hit in hits:
        if hit.title != "rest":
            number = hit.shot[-1]
            group = {f"{t}/0000{number}" for t in ("first", "second", "third")}
            assert {hit.shot, *hit.alike} == group
            assert [hit.shot, *hit.alike] == sorted(group, key=order.index)
        else:
            assert hit.alike == ()
    assert all(h.alike == () for h in flat)
    assert [h.shot for h in hits] == sorted((h.shot for h in hits), key=order.index)


@pytest.mark.parametrize("k", [1, 2, 7, 11, 29, 30, 31])
def test_folding_leaves_as_many_answers_as_are_wanted(doubles, k):
    hits = search(doubles, shot="asked/00000", k=k, weights=PICTURE_ALONE, least=0.0)
    assert len(hits) == min(k, 30)
    assert hits == search(doubles, shot="asked/00000", k=99, weights=PICTURE_ALONE, least=0.0)[:k]


def test_more_is_looked_at_where_the_best_are_all_one(store):
    """More near duplicates than are looked at first."""
    for title in ("a", "b"):
        add_film(store, title, ["lake"] * LEAST_DEPTH)
    add_film(store, "c", [f"view {i}" for i in range(30)])
    hits = search(store, shot="a/00000", k=5, least=0.0, same_scene=True)
    assert len(hits) == 5
    assert len(hits[0].alike) == 2 * LEAST_DEPTH - 2
    assert {h.title for h in hits[1:]} == {"c"}


def test_diverse_answers_keep_apart(store):
    """The best is first all the same; then something else before more of it."""
    reeds, wood = between(0.8, "lake", "reeds"), between(0.7, "lake", "wood")
    add_film(store, "film", [reeds, reeds, reeds, wood, "moon"])
    add_film(store, "asked", ["lake"])
    plain = search_all(store, shot="asked/00000", k=3)
    apart = search_all(store, shot="asked/00000", k=3, diverse=True)
    assert [h.shot for h in plain] == ["film/00000", "film/00001", "film/00002"]
    assert [h.shot for h in apart] == ["film/00000", "film/00003", "film/00004"]
    every = search_all(store, shot="asked/00000", k=99, diverse=True)
    told = search_all(store, shot="asked/00000", k=99)
    assert {h.shot: h for h in every} == {h.shot: h for h in told}


@pytest.mark.parametrize("space", [None, "fused"])
def test_replaced_in_the_middle_of_a_search(store, monkeypatch, space):
    """Another program makes a title shorter after its shots were found: they are no answers."""
    add_film(store, "asked", ["lake"])
    add_film(store, "film", ["lake"] * 3 + ["wood"])
    add_film(store, "other", ["wood", "moon"])
    by_example = module._by_example

    def then_replaced(*asked, **options):
        made = by_example(*asked, **options)
        shots_by_id, calls = store.shots_by_id, []

        def replacing(ids):
            if not calls:
                calls.append(ids)
                add_film(Storage(store.path), "film", ["lake"])
            return shots_by_id(ids)

        monkeypatch.setattr(store, "shots_by_id", replacing)
        return made

    monkeypatch.setattr(module, "_by_example", then_replaced)
    hits = search(store, shot="asked/00000", least=0.0, space=space)
    named = {shot_id for h in hits for shot_id in (h.shot, *h.alike)}
    assert named <= {"film/00000", "other/00000", "other/00001"}
    assert "film/00000" in named


def test_scenes_of_one_shot_and_of_several_share_a_table(store):
    views = ["a", *[between(0.97, "b", f"b {i}") for i in range(4)]]
    for title in ("asked", "other"):
        add_film(store, title, views)
    done = mediafm("search", "--shot", "asked/00001", "--unit", "scene", "--least", 0,
                   "--store", store.path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    lengths = {len(hit.shots) for hit in search(store, shot="asked/00001", unit="scene", least=0)}
    assert len(lengths) > 1
    assert 1 in lengths
    assert " to " in done.stdout.splitlines()[0]
