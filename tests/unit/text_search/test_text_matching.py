"""Texts: what they ask for, what they are compared with, and what is no answer to them."""

import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediafm_store import weights as shipped
from mediafm_store.arrays import BLOCK, FUSED, MODALITIES, block, unit_rows
from mediafm_store.errors import InvalidInput
from mediafm_store.features.fusion import describe, fingerprint, fuse
from mediafm_store.importing.importer import import_features
from mediafm_store.indexing.known import ReadCache
from mediafm_store.likeness.scale import PARTS
from mediafm_store.picture_text.caption_map import CaptionMap
from mediafm_store.retrieval import search as module
from mediafm_store.storage.storage import Storage
from mediafm_store.text_search.asked_for import _HEARD as HEARD
from mediafm_store.text_search.asked_for import _NAMED_SOUND as NAMED_SOUND
from mediafm_store.text_search.asked_for import _SEEN as SEEN
from mediafm_store.text_search.asked_for import SAID, content_words, quoted
from mediafm_store.text_search.asked_for import _asked_for as asked_for
from mediafm_store.text_search.captions import caption_map_of
from mediafm_store.text_search.spoken_words import _RANK_OFFSET as RANK_OFFSET
from mediafm_store.text_search.spoken_words import fused_by_rank
from mediafm_store.text_search.text_matching import _SPOKEN as SPOKEN
from mediafm_store.text_search.text_matching import text_matcher
from tests.conftest import rows_of
from tests.helpers.asking import search
from tests.helpers.features import film, save
from tests.helpers.plain import PlainEncoder
from tests.helpers.planted import ENCODERS, add_film, between, blocks, direction, put_in_context

ALONE = {part: dict.fromkeys(PARTS, 0.0) | {part: 1.0} for part in PARTS}


def found(store, text, **asked):
    """All shots by id, in order."""
    options = {"least": 0.0, "fold": False, "k": 400, "encoders": ENCODERS}
    return {h.shot: h for h in search(store, text=text, **options | asked)}


def fill(store, titles="abc", shots=20):
    """What is called as nothing else is."""
    for title in titles:
        add_film(
            store,
            title,
            *([f"{kind} {title}{i}" for i in range(shots)] for kind in ("view", "noise", "line")),
        )
    return store


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """Nothing changes it."""
    return fill(Storage(tmp_path_factory.mktemp("texts") / "store", create=True))


@pytest.fixture
def filled(template, tmp_path):
    """Made once, and copied for each test."""
    return Storage(shutil.copytree(template.path, tmp_path / "filled"))


def add_described(store, title, looks, called, **columns):
    """Shots whose pictures are not what is said of them."""
    version = store.registry.only_version
    told = {"made_by": "planted", "fused": fingerprint("fused", list(ENCODERS.values()))}
    made = {"fused": fuse(blocks(looks)), "described": describe(blocks(called))}
    spaces = {
        version(name, fingerprint(name, list(ENCODERS.values())), dim=FUSED, **told): rows
        for name, rows in made.items()
    }
    store.add_title(rows_of(title, len(looks), spaces, **columns))


# What a text asks for


@pytest.mark.parametrize(
    ("text", "weights"),
    [
        *[(text, SEEN) for text in ("a dog on grass", "castle", "a man talking", "SOUNDTRACKS")],
        *[(text, SEEN) for text in ("天安门", "", "a noisette pot", "hearth and home", "invoice")],
        *[(text, HEARD) for text in ("the sound of rain", "loud MUSIC", "Songs of birds")],
        *[(text, HEARD) for text in ("I hear wind", "silence", "two voices", "a noisy street")],
        *[(text, SAID) for text in ("she says goodbye", "Dialogue of lovers", "“my blade”")],
        *[(text, SAID) for text in ('"to be"', "talking about war", "he tells her that he left")],
        *[(text, SAID) for text in ("someone mentions music", "„Guten Tag“", "the line «bonjour»")],
        ('a 5" screen', SEEN),
        ('the "x" axis', SEEN),
    ],
)
def test_what_a_text_asks_for(text, weights):
    asked = asked_for(text)
    assert asked.weights == weights
    assert asked.reason.startswith("by what is ")


@pytest.mark.parametrize(
    ("sound", "sight", "audio"),
    [(0.5, 0.0, 0), (0.6, 0.0, 0), (0.75, 0.0, 0.5), (0.9, 0.0, 1), (1.0, 0.5, 1), (0.9, 0.95, 0)],
)
def test_the_name_of_a_sound_is_heard_too(sound, sight, audio):
    asked = asked_for("birds singing", near_sound=sound, near_sight=sight)
    expected = SEEN | {"audio": NAMED_SOUND * audio}
    assert asked.weights == pytest.approx(expected)
    assert ("heard" in asked.reason) == (audio > 0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        *[('he says "dark blade"', "dark blade"), ("“ dark blade ”", "dark blade")],
        *[
            ("no quotes", None),
            ('"', None),
            ('""', None),
            ('"x"', None),
            ("„ja, gut“ sagt", "ja, gut"),
        ],
    ],
)
def test_what_is_quoted(text, words):
    assert quoted(text) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        *[("someone says hello there", "hello"), ("the of and", ""), ("", ""), ("!?", "")],
        *[
            ("Don't GO, wolf-man", "Don't GO wolf-man"),
            ("我爱北京", "我爱北京"),
            ("a 5 km", "5 km"),
        ],
    ],
)
def test_words_to_look_for(text, words):
    assert content_words(text) == words


# Ranks


@given(st.lists(st.lists(st.integers(0, 9).map(str), unique=True, max_size=8), max_size=4))
def test_rankings_are_fused_by_rank(rankings):
    made = fused_by_rank(rankings)
    expected = {
        shot_id: sum(
            1 / (RANK_OFFSET + ranking.index(shot_id) + 1)
            for ranking in rankings
            if shot_id in ranking
        )
        for shot_id in {shot_id for ranking in rankings for shot_id in ranking}
    }
    best = max(expected.values(), default=1)
    assert made == pytest.approx({shot_id: score / best for shot_id, score in expected.items()})
    assert max(made.values(), default=1) == pytest.approx(1)


# Words


def test_words_count_by_what_they_are_and_not_by_being_there(filled):
    """Half of all shots say something that has nothing to do with the text."""
    lake = between(0.5, "lake", "boat")
    add_film(filled, "mute", [lake, "other"])
    add_film(filled, "loud", [lake, "other"], text=["line of talk", "more talk"])
    for weights in ({}, {"text": 1.0}):
        hits = found(filled, "lake", weights=weights)
        spoken, silent = hits["loud/00000"], hits["mute/00000"]
        assert spoken.score - silent.score == pytest.approx(spoken.shares["text"], abs=0.1)
        if not weights:
            assert spoken.shares["text"] == silent.shares["text"] == 0
    add_film(filled, "said", [lake, "other"], text=["a lake, at last", "talk"])
    hits = found(filled, "lake")
    assert hits["said/00000"].shares["text"] == pytest.approx(SEEN["text"] * SPOKEN)
    assert hits["said/00000"].score > hits["mute/00000"].score


def test_quoted_words_are_found_where_they_are_said(store):
    """Whatever else is like them, and however many shots there are."""
    fill(store, "abcdef", 25)
    add_film(store, "far", ["dark view"] * 3, text=["the dark blade", "a blade so dark", "Hello!"])
    unseen = {"visual": 0.0}
    for text in ('"dark blade"', "someone says “dark blade”"):
        hits = search(store, text=text, encoders=ENCODERS, least=1.0)
        (said,) = (h for h in hits if h.shot == "far/00000")
        assert (said.chance, hits.chance) == (0, 0)
        assert said.shares["text"] == pytest.approx(SAID["text"] * SPOKEN)
        assert {h.shares["text"] for h in hits if h is not said} <= {0}
        assert next(iter(found(store, text, weights=unseen))) == "far/00000"
        where = "title = 'far' OR title = 'a'"
        assert next(iter(found(store, text, weights=unseen, where=where))) == "far/00000"
        assert "far/00000" not in found(store, text, where="title = 'a'")
    nobody = search(store, text='"nobody said so"', encoders=ENCODERS, least=0.0)
    assert nobody.chance > 0
    assert all(h.shares["text"] <= SPOKEN for h in nobody)


def test_a_sentence_that_somebody_says_needs_no_quotes(filled):
    add_film(filled, "far", ["view a3"] * 2, text=["the dark blade of doom", "the blade"])
    hits = search(filled, text="dark blade of doom", encoders=ENCODERS, least=1.0)
    (said,) = (h for h in hits if h.shot == "far/00000")
    assert (said.chance, said.shares["text"]) == (0, pytest.approx(SPOKEN))
    assert "word for word" in hits.compared
    for text in ("doom of dark blade", "dark blade", "a blade of light and doom"):
        assert "word for word" not in search(filled, text=text, encoders=ENCODERS).compared
    weighed = search(filled, text="dark blade of doom", weights=ALONE["visual"], encoders=ENCODERS)
    assert "weights" in weighed.compared


def test_the_meaning_of_words_counts_where_a_text_is_about_words(filled):
    add_film(filled, "said", ["other"], text=[between(0.8, "she says goodbye", "noise")])
    hits = found(filled, "she says goodbye", weights={"visual": 0.0})
    assert next(iter(hits)) == "said/00000"
    assert hits["said/00000"].shares["text"] == pytest.approx(SPOKEN)


def test_words_alone_can_be_asked_for(filled):
    add_film(filled, "said", ["other", "lake"], text=["lake", "more"])
    hits = found(filled, "lake", weights=ALONE["text"])
    assert next(iter(hits)) == "said/00000"
    assert {p for h in hits.values() for p, share in h.shares.items() if share} == {"text"}
    half = found(filled, "lake", weights=dict.fromkeys(PARTS, 0.0) | {"text": 0.2})
    assert list(half) == list(hits)
    with pytest.raises(InvalidInput, match="all modalities of this query have weight 0"):
        found(filled, "lake", weights=dict.fromkeys(PARTS, 0.0))


# Pictures and sounds


@pytest.mark.parametrize("modality", ["visual", "audio"])
def test_evidence_is_as_by_hand(filled, modality):
    """Cosines in standard deviations above those of random shots that have the modality."""
    add_film(filled, "film", ["lake", None], [None, "lake"])
    matcher = text_matcher(
        filled, "lake", ENCODERS, None, weights=ALONE[modality], known=ReadCache(filled)
    )
    (evidence,) = matcher.evidence
    stored = filled.vectors(filled.live("described"))
    rows = unit_rows(stored.vectors[:, block(modality)])
    cosines = rows @ direction("lake")
    there = rows.any(axis=1)
    expected = (cosines - cosines[there].mean()) / cosines[there].std()
    scores = evidence.scores(ReadCache(filled), stored.ids)
    assert np.array_equal(np.isnan(scores), ~there)
    assert scores[there] == pytest.approx(expected[there], abs=0.02)
    absent = "film/00001" if modality == "visual" else "film/00000"
    hits = found(filled, "lake", weights=ALONE[modality])
    assert next(iter(hits)) == ("film/00000" if modality == "visual" else "film/00001")
    assert absent not in hits or hits[absent].shares[modality] == 0


def test_what_looks_like_the_first_answers_rises(filled):
    """Two shots of which as little is said: one looks like all that the text finds."""
    add_described(filled, "named", [between(0.8, "water", f"v{i}") for i in range(9)], ["lake"] * 9)
    looks = [between(0.8, "water", "seen"), "sand"]
    add_described(filled, "nameless", looks, ["nothing", "nothing"])
    hits = found(filled, "lake")
    alike, other = hits["nameless/00000"], hits["nameless/00001"]
    assert {h.title for h in list(hits.values())[:9]} == {"named"}
    assert alike.score > other.score + 1
    assert list(hits)[9] == "nameless/00000"


def test_what_the_text_does_not_find_at_all_feeds_nothing_back(store):
    """Where all shots fit the same there are no first answers, and no warnings either."""
    add_film(store, "film", ["lake"] * 12)
    hits = found(store, "lake")
    assert len(hits) == 12
    assert all(h.shares["visual"] > 0 for h in hits.values())
    add_film(store, "film", [None] * 3, ["rain"] * 3)
    assert list(found(store, "lake")) == []


def test_the_shots_around_one_say_what_is_likely_in_it(filled):
    lake = [between(0.5, "lake", f"l{i}") for i in range(7)]
    add_film(filled, "scene", ["x0", "x1", "x2", *lake[:5], "x3", "x4", "x5"])
    add_film(filled, "lone", ["y0", "y1", "y2", lake[5], "y3", "y4", "y5"])
    hits = found(filled, "lake")
    assert hits["scene/00005"].shares["context"] > hits["lone/00003"].shares["context"] + 0.5
    best = max(hits, key=lambda shot_id: hits[shot_id].score)
    assert best.startswith("scene/0000")
    none = found(filled, "lake", weights={"context": 0.0})
    assert {h.shares["context"] for h in none.values()} == {0}


def test_context_of_the_first_answers_counts_where_there_is_some(store):
    fill(store, "ab")
    add_film(store, "film", ["lake", "wood"])
    rng = np.random.default_rng(1)
    rows = {
        t: unit_rows(rng.normal(size=(n, FUSED)).astype("f4")) for t, n in (("a", 20), ("b", 20))
    }
    rows["film"] = unit_rows(rng.normal(size=(2, FUSED)).astype("f4"))
    rows["a"][7] = rows["film"][0]
    put_in_context(store, rows)
    hits = found(store, "lake")
    assert hits["a/00007"].shares["context"] > hits["a/00008"].shares["context"] + 0.2


@pytest.fixture
def caption_map(monkeypatch):
    """A map of which all that counts are the first twenty numbers of pictures and of texts."""
    keep = np.eye(BLOCK, 20, dtype=np.float32)
    made = CaptionMap(
        picture_mean=np.zeros(BLOCK, np.float32),
        picture_matrix=keep,
        text_mean=np.zeros(BLOCK, np.float32),
        text_matrix=keep,
        common=unit_rows(np.random.default_rng(0).normal(size=(30, 20)).astype(np.float32)),
        picture_encoder="planted visual",
        text_encoder="planted text",
    )
    monkeypatch.setattr(module, "caption_map_of", lambda store, encoders: made)
    return made


def test_a_caption_map_compares_pictures_themselves(filled, caption_map):
    """Not what could be said of them: here that is nothing."""
    near = direction("lake").copy()
    near[20:] = direction("wood")[20:]
    add_described(filled, "film", [near, "wood"], ["nothing", "lake"])
    hits = found(filled, "lake")
    assert next(iter(hits)) == "film/00000"
    assert hits["film/00000"].chance == 0
    (score,) = (
        e.scores(ReadCache(filled), ["film/00000"])[0]
        for e in text_matcher(
            filled, "lake", ENCODERS, caption_map, weights=ALONE["visual"], known=ReadCache(filled)
        ).evidence
    )
    ids, rows = filled.vectors(filled.live("fused"))
    seen = unit_rows(rows[:, :20])
    cosines = seen @ unit_rows(direction("lake")[None, :20])[0]
    expected = (cosines[ids.index("film/00000")] - cosines.mean()) / cosines.std()
    assert score == pytest.approx(expected, abs=0.02)


def test_without_a_fitting_map_descriptions_are_compared(store):
    assert caption_map_of(fill(store), ENCODERS) is None
    add_described(store, "film", ["wood", "lake"], ["lake", "nothing"])
    assert next(iter(found(store, "lake"))) == "film/00000"


# No good match


def test_nonsense_is_refused_where_everyday_texts_find_something(store, monkeypatch):
    """All that people ask for is there; what is asked is nowhere, and told as that."""
    common = shipped.lines("common_queries.txt")
    for number in range(3):
        some = common[3 * number :: 9]
        add_film(store, f"film{number}", [between(0.7, text, f"{text} seen") for text in some])
    monkeypatch.setattr(shipped, "lines", lambda name: common[::3])
    for text in ("qwertz", "zzz gibberish", "flurb the snork"):
        hits = search(store, text=text, encoders=ENCODERS)
        assert hits == []
        assert hits.chance > 0.9
        assert len(search(store, text=text, encoders=ENCODERS, least=0.0)) == 10
    add_film(store, "new", [between(0.8, "qwertz", "seen")])
    assert search(store, text="qwertz", encoders=ENCODERS)[0].shot == "new/00000"


def test_what_is_refused_does_not_depend_on_k(filled):
    """The best by its chance need not be the first."""
    for number in range(4):
        asked = {"text": f"nonsense {number}", "encoders": ENCODERS}
        many = search(filled, **asked, least=0.0)
        assert many.chance == min(h.chance for h in many)
        for least in (1 - many.chance, min(1.0, 1.01 - many.chance)):
            few = search(filled, **asked, least=least, k=1)
            assert few == (many[:1] if 1 - many.chance >= least else [])
            assert few.chance == many.chance


@pytest.mark.parametrize("text", ["\ud800", "a \udfff dog", '"\ud83d"'])
def test_halves_of_characters_are_bad_input(store, text):
    fill(store, "a", 3)
    for asked in ({"text": text}, {"said": text}, {"text": "lake", "where": f"title = '{text}'"}):
        with pytest.raises(InvalidInput, match="whole characters") as told:
            search(store, **asked, encoders=ENCODERS)
        assert "\n" not in str(told.value)
        str(told.value).encode()


@pytest.mark.parametrize(
    "text", ["🎬", "\0", "x" * 50_000, "a\nb", "'; DROP TABLE shots", '"' * 99]
)
def test_odd_texts_are_texts(store, text):
    fill(store, "a", 3)
    assert len(found(store, text)) == 3


# Beside other queries


def test_a_text_and_an_example_weigh_the_same(store):
    """Neither drowns the other: what fits either is found before all else."""
    fill(store, "abcd")
    add_film(store, "asked", ["boat"])
    lake_and_boat = between(0.7071, "lake", "boat")
    add_film(store, "film", ["lake", "boat", lake_and_boat])
    both = found(store, "lake", shot="asked/00000")
    text, example = found(store, "lake"), found(store, None, shot="asked/00000")
    assert set(list(both)[:3]) == {"film/00000", "film/00001", "film/00002"}
    assert both["film/00000"].score > 0.5
    assert both["film/00001"].score > 0.5
    assert both["film/00002"].chance == pytest.approx(
        text["film/00002"].chance * example["film/00002"].chance
    )


def test_everyday_texts_score_about_one_beside_others(filled):
    """That is what a score of several queries is measured in."""
    matcher = text_matcher(filled, "nonsense", ENCODERS, None, weights={}, known=ReadCache(filled))
    typical = matcher.typical()
    best = []
    for number in range(10):
        hits = found(filled, f"nonsense {number}", k=1)
        best.extend(h.score for h in hits.values())
    assert np.median(best) / typical == pytest.approx(1, abs=0.3)


# Stores of other kinds


def test_an_imported_store_is_searched_by_words(store, tmp_path):
    for seed in range(3):
        words = np.array([f"line {seed} {i}" if i % 2 else "" for i in range(12)])
        save(tmp_path / f"f{seed}.npz", **film(12, seed), words=words)
    import_features(store, sorted(tmp_path.glob("*.npz")), encoder=PlainEncoder("text"))
    encoders = {m: PlainEncoder(m) for m in MODALITIES}
    for asked in ({}, {"weights": {"visual": 1.0}}):
        hits = search(store, text="line 2 7", encoders=encoders, least=0.0, **asked)
        assert hits[0].shot == "f2/00007"
        assert all(h.shares["visual"] == h.shares["audio"] == 0 for h in hits)
    assert "nothing else is known" in search(store, text="line 2 7", encoders=encoders).compared
    assert search(store, text="a dog", encoders=encoders, least=1.0) == []


def test_a_store_that_cannot_be_written_is_searched_by_meaning(filled, monkeypatch):
    add_film(filled, "said", ["other"], text=["she says goodbye"])

    def closed(*names):
        raise InvalidInput("no")

    monkeypatch.setattr(type(filled.tables), "index_words", closed)
    goodbye = found(filled, "she says goodbye", weights={"visual": 0.0})
    assert next(iter(goodbye)) == "said/00000"
    assert next(iter(found(filled, "view a3"))) == "a/00003"
    with pytest.raises(InvalidInput, match="full-text index"):
        search(filled, said="goodbye")


def test_titles_and_scenes_are_found_by_a_text(store):
    fill(store, "abc", 10)
    add_film(store, "film", ["wood", "lake", "hill"])
    for unit in ("scene", "title"):
        hits = search(store, text="lake", unit=unit, encoders=ENCODERS, least=1.0)
        assert "film/00001" in hits[0].shots
        assert (hits[0].title, hits[0].chance) == ("film", 0)
        assert hits[0].shot == "film/00001"


def test_one_shot_alone(store):
    add_film(store, "only", ["lake"])
    (hit,) = found(store, "lake").values()
    assert (hit.shot, hit.chance) == ("only/00000", 0)
    assert hit.score > 0


def test_the_reason_is_told(store):
    fill(store, "a", 3)
    for text, reason in (
        ("a dog", "by what is seen"),
        ("the sound of rain", "by what is heard, as it is about sound"),
        ("she says so", "by what is said, as it is about words"),
    ):
        assert search(store, text=text, encoders=ENCODERS, least=0.0).compared == reason
    weighed = search(store, text="a dog", weights={"audio": 1.0}, encoders=ENCODERS, least=0.0)
    assert weighed.compared == "by the weights that were given"
