"""What is looked for: names, times, weights, several examples at once, what is not wanted."""

import wave
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mediafm_store.arrays import FUSED, MODALITIES, block, unit_rows, weigh
from mediafm_store.errors import InvalidInput, NotFound, SpaceMismatch
from mediafm_store.examples.example import Example
from mediafm_store.examples.resolver import (
    UNLIKE,
    ExampleResolver,
    VectorQuery,
    parse_clock,
    vector_query,
)
from mediafm_store.features.fusion import fingerprint
from mediafm_store.likeness.scale import PARTS
from mediafm_store.media.sound import SAMPLE_RATE
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.spaces import Space
from tests.conftest import random_vectors
from tests.helpers.odd_films import make_film, pictures
from tests.helpers.plain import search_all
from tests.helpers.planted import (
    ENCODERS,
    Planted,
    add_film,
    between,
    fused,
    grey,
    pitch,
    put_in_context,
)

search = partial(search_all, encoders=ENCODERS, device="cpu")
PICTURE_ALONE = {"audio": 0.0, "text": 0.0}
SPACE = Space("fused", 1, "f", FUSED, "a test", "f", "live")


def with_films(store) -> Storage:
    """Ten seconds of alpha, four of beta."""
    add_film(store, "alpha", ["lake", "wood", "hill", "lake", "cave"], ["rain"] * 5)
    add_film(store, "beta", ["lake", "wood"], ["wind", "rain"])
    return store


@pytest.fixture
def films(store):
    """A store of its own for each test."""
    return with_films(store)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """The same for all tests that change nothing."""
    return with_films(Storage(tmp_path_factory.mktemp("world") / "store", create=True))


def examples(store, space="fused") -> ExampleResolver:
    return ExampleResolver(
        store, store.live(space), lambda: ENCODERS, "cpu", lambda path, origin: None
    )


def tone(path, hz, length_s=2):
    """A sound of one pitch."""
    samples = np.sin(2 * np.pi * hz * np.arange(length_s * SAMPLE_RATE) / SAMPLE_RATE)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        file.writeframes((20_000 * samples).astype("<i2").tobytes())
    return path


def picture(path, brightness):
    """A picture of one grey."""
    Image.new("RGB", (32, 32), (brightness,) * 3).save(path)
    return path


# Times


@pytest.mark.parametrize(
    ("clock", "value"),
    [
        *[("0", 0), ("190.5", 190.5), ("2:03", 123), ("0:03:10", 190), ("1:02:03.5", 3723.5)],
        *[("3:10,25", 190.25), ("100:00", 6000), ("1e3", 1000), (".5", 0.5)],
    ],
)
def test_times(clock, value):
    assert parse_clock(clock) == value


@pytest.mark.parametrize(
    "clock",
    ["", " ", "x", "-1", "-0:01", "nan", "inf", "1e400", "1:2", "1:2:3:04", ":", "5s", "\0"],
)
def test_what_is_no_time(clock):
    with pytest.raises(InvalidInput, match="is not a time; give"):
        parse_clock(clock)


@given(st.integers(0, 999), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999))
def test_a_clock_and_its_seconds_are_the_same_time(hours, minutes, whole, thousandths):
    total = 3600 * hours + 60 * minutes + whole + thousandths / 1000
    assert parse_clock(f"{hours}:{minutes:02}:{whole:02}.{thousandths:03}") == pytest.approx(total)
    assert parse_clock(f"{total:.3f}") == pytest.approx(total)


# Names


@pytest.mark.parametrize(
    ("name", "shots"),
    [
        *[("alpha/00003", [3]), ("alpha", [0, 1, 2, 3, 4])],
        *[("alpha@0:00:02-0:00:05", [1, 2]), ("alpha@2-5", [1, 2]), ("alpha@0:02-5.0", [1, 2])],
        *[("alpha@2-4", [1]), ("alpha@3.9-4.1", [1, 2]), ("alpha@2.5-2.6", [1])],
        *[("alpha@0-10", [0, 1, 2, 3, 4]), ("alpha@9-1:00:00", [4])],
    ],
)
def test_a_name_stands_for_shots(world, name, shots):
    found = examples(world).of(name)
    ids = [f"alpha/{i:05d}" for i in shots]
    assert (found.ids, found.title) == (set(ids), "alpha")
    assert np.array_equal(found.rows, world.vectors_by_id(world.live("fused"), ids).vectors)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        *[("alpha@5-2", "no shots from 5 to 2 s"), ("alpha@2-2", "no shots from 2 to 2 s")],
        *[("alpha@10-11", "it is 10.0 s long"), ("alpha@x-5", "'x' is not a time")],
        *[("alpha@2-x", "'x' is not a time"), ("alpha@-5", "'' is not a time")],
        *[("alpha@1-2-3", "'2-3' is not a time"), ("alpha@nan-5", "'nan' is not a time")],
    ],
)
def test_a_segment_that_is_none(world, name, told):
    for side in ({"like": [name]}, {"like": ["beta"], "unlike": [name]}):
        with pytest.raises(InvalidInput, match=told):
            search(world, **side)


@pytest.mark.parametrize(
    "name",
    [
        *[
            "",
            " ",
            "nope",
            "alpha/",
            "alpha/00005",
            "alpha@",
            "alpha@-",
            "@1-2",
        ],
        *["nope@1-2", "@", "a@b", "..", "/", "/nonexistent.mp4", "%", "*", "' OR ''='", "a\nb"],
        *["\0", "alpha\0", "x" * 100_000, "alpha@" + "1" * 5000, "🎬", "é" * 300],
    ],
)
def test_a_name_that_is_nothing(world, name):
    for side in ({"like": [name]}, {"like": ["alpha"], "unlike": [name]}):
        with pytest.raises(NotFound, match=r"is no shot, title or file; (give|did)|alpha has 5"):
            search(world, **side)
    with pytest.raises(NotFound, match="no shot"):
        search(world, shot=name)
    with pytest.raises(NotFound, match="no title"):
        search(world, title=name)


@pytest.mark.parametrize(
    "title", ["it's", "a@b", "a/b", "a b", "alpha@", "%_", '"', "天安门", "-1"]
)
def test_titles_of_odd_names_are_found_by_them(films, title):
    add_film(films, title, ["moon", "hill"])
    assert examples(films).of(title).ids == {f"{title}/00000", f"{title}/00001"}
    assert examples(films).of(f"{title}/00001").ids == {f"{title}/00001"}
    assert examples(films).of(f"{title}@0-2").ids == {f"{title}/00000"}
    best = search(films, like=[f"{title}@2-4"], exclude_same_title=True, weights=PICTURE_ALONE)[0]
    assert best.shot == "alpha/00002"
    assert search(films, title=title, start_s=2, weights=PICTURE_ALONE, k=1)[0].shot == best.shot


def test_a_title_that_is_called_like_a_segment_is_meant_itself(films):
    add_film(films, "alpha@2-4", ["moon"])
    assert examples(films).of("alpha@2-4").ids == {"alpha@2-4/00000"}
    assert examples(films).of("alpha@2-5").ids == {"alpha/00001", "alpha/00002"}


def test_a_shot_and_a_title_go_before_a_file_of_their_name(world, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    picture(tmp_path / "lake.png", 120)
    (tmp_path / "lake.png").rename(tmp_path / "beta")
    assert examples(world).of("beta").ids == {"beta/00000", "beta/00001"}


@settings(max_examples=40, deadline=None)
@given(start=st.floats(0, 12), end=st.floats(0, 12))
def test_a_segment_is_the_shots_that_overlap_it(world, start, end):
    shots = world.shots("alpha")
    inside = shots.filter((shots["start_s"] < end) & (shots["end_s"] > start))["id"].to_list()
    if inside and start < end:
        assert examples(world).segment("alpha", start, end).ids == set(inside)
        assert examples(world).of(f"alpha@{start:f}-{end + 1e-6:f}").ids >= set(inside)
    else:
        with pytest.raises(InvalidInput, match="has no shots from"):
            examples(world).segment("alpha", start, end)


def test_a_segment_is_the_same_however_it_is_told(world):
    told = search(world, title="alpha", start_s=2, end_s=5)
    assert told == search(world, like=["alpha@0:00:02-0:00:05"])
    assert not {h.shot for h in told} & {"alpha/00001", "alpha/00002"}
    assert search(world, title="alpha", start_s=2) == search(world, like=["alpha@2-10"])
    assert search(world, title="alpha", end_s=5) == search(world, like=["alpha@0-5"])
    assert search(world, title="alpha") == search(world, like=["alpha"])
    for times in ({"start_s": 1.0}, {"end_s": 1.0}):
        with pytest.raises(InvalidInput, match="name that too"):
            search(world, shot="alpha/00000", **times)


# Modalities


def test_a_picture_is_as_like_a_silent_shot_as_a_speaking_one(store, tmp_path):
    same = grey(120)
    add_film(
        store,
        "film",
        [same, same, same, "lake"],
        [None, "rain", "rain", None],
        [None, None, "hello", None],
    )
    hits = search(store, picture=picture(tmp_path / "grey.png", 120))
    assert {h.shot for h in hits[:3]} == {"film/00000", "film/00001", "film/00002"}
    assert [h.score for h in hits[:3]] == pytest.approx([1] * 3, abs=1e-3)
    assert len({h.chance for h in hits[:3]}) == 1
    assert all(h.shares["audio"] == h.shares["text"] == 0 for h in hits)


def test_a_sound_is_as_like_black_as_a_picture(store, tmp_path):
    same = pitch(440)
    add_film(
        store,
        "film",
        [None, "lake", "wood", "wood"],
        [same, same, same, "rain"],
        [None, None, "hello", None],
    )
    hits = search(store, sound=tone(tmp_path / "a.wav", 440))
    assert {h.shot for h in hits[:3]} == {"film/00000", "film/00001", "film/00002"}
    assert [h.score for h in hits[:3]] == pytest.approx([1] * 3, abs=1e-3)
    assert all(h.shares["visual"] == h.shares["text"] == 0 for h in hits)


def test_a_picture_with_a_sound_leave_out_words_alone(store, tmp_path):
    files = {"picture": picture(tmp_path / "a.png", 120), "sound": tone(tmp_path / "a.wav", 440)}
    add_film(
        store,
        "film",
        [grey(120), grey(120), "lake"],
        [pitch(440), "rain", pitch(440)],
        ["hello", None, None],
    )
    first, *others = search(store, **files)
    assert first.shot == "film/00000"
    assert first.score == pytest.approx(1, abs=1e-3)
    halves = {"visual": 0.5, "audio": 0.5, "text": 0, "context": 0}
    assert first.shares == pytest.approx(halves, abs=1e-3)
    assert [h.score for h in others] == pytest.approx([0.5, 0.5], abs=0.05)


def test_weights_of_nothing_are_of_what_is_not_compared(films):
    add_film(films, "gamma", ["lake", "wood"], [None, "rain"], ["hello", None])
    hits = search(films, shot="alpha/00000", weights=PICTURE_ALONE, k=20)
    best = {h.shot: h.score for h in hits if h.score > 0.9}
    assert best == pytest.approx(
        dict.fromkeys(["alpha/00003", "beta/00000", "gamma/00000"], 1), abs=1e-3
    )
    heard = search(films, shot="alpha/00000", weights={"visual": 0}, k=20)
    assert all(h.shares["visual"] == 0 for h in heard)
    assert {h.shot for h in heard if h.score > 0.9} >= {"alpha/00001", "beta/00001", "gamma/00001"}


@pytest.mark.parametrize(
    "weights", [{"visual": 0, "audio": 0}, {"visual": 0, "audio": 0, "text": 5}]
)
def test_nothing_is_left_of_what_has_no_words(world, weights):
    with pytest.raises(InvalidInput, match="weight 0; raise at least one"):
        search(world, shot="alpha/00000", weights=weights)


def test_nothing_is_left_of_a_picture_that_does_not_count(world, tmp_path):
    file = picture(tmp_path / "a.png", 120)
    with pytest.raises(InvalidInput, match="weight 0; raise at least one"):
        search(world, picture=file, weights={"visual": 0})
    nothing = dict.fromkeys(PARTS, 0.0)
    for asked in ({"text": "lake"}, {"picture": file, "space": None}):
        with pytest.raises(InvalidInput, match="all modalities of this query have weight 0"):
            search(world, **asked, weights=nothing)


@given(
    weights=st.fixed_dictionaries({m: st.sampled_from([0, 0.25, 1, 3]) for m in MODALITIES}).filter(
        lambda w: any(w.values())
    ),
    seed=st.integers(0, 1000),
)
def test_the_score_is_the_cosine_of_what_is_compared(weights, seed):
    """Left out is what weighs nothing; it does not count for the length of a vector either."""
    query, found = random_vectors(2, seed), random_vectors(5, seed + 1)
    found[0, block("audio")] = found[1, block("text")] = 0
    found = unit_rows(found)
    rows = weigh(query, weights)
    shares = VectorQuery(SPACE, rows, weights).shares(found)
    kept = np.concatenate([np.arange(FUSED)[block(m)] for m in MODALITIES if weights[m]])
    assert np.allclose(shares.sum(axis=0), rows[:, kept] @ unit_rows(found[:, kept]).T, atol=1e-5)
    assert not shares[[not weights[m] for m in MODALITIES]].any()
    assert shares.sum(axis=0).max() <= 1 + 1e-5


def test_a_text_asks_every_modality_by_itself(store):
    """A shot in which nobody speaks is no better for it, whatever weighs nothing."""
    add_film(store, "film", ["lake", "lake", "wood"], [None, "rain", None], [None, "lake", None])
    for weights in ({}, {"text": 0}, {"text": 1}, PICTURE_ALONE):
        told = {h.shot: h.shares for h in search(store, text="lake", weights=weights)}
        assert told["film/00000"]["visual"] > 0
        assert told["film/00001"]["visual"] == pytest.approx(told["film/00000"]["visual"], abs=1e-3)
        assert told["film/00000"]["text"] == 0
        assert (told["film/00001"]["text"] > 0) == (weights.get("text") != 0)


# Several


def test_what_is_not_wanted_changes_the_order(store):
    add_film(store, "asked", ["lake"], ["rain"])
    add_film(store, "film", ["lake", "wood"], ["wind", "rain"])
    add_film(store, "lakes", ["lake"], ["birds"])
    add_film(store, "rains", ["moon"], ["rain"])

    def order(**more):
        hits = search(store, like=["asked"], **more)
        return [h.shot for h in hits if h.title == "film"], {h.shot: h.score for h in hits}

    plain = order()[1]
    lakes, without_lakes = order(unlike=["lakes"])
    rains, without_rains = order(unlike=["rains/00000"])
    assert lakes == ["film/00001", "film/00000"]
    assert rains == ["film/00000", "film/00001"]
    assert without_lakes["film/00000"] < plain["film/00000"] - 0.1
    assert without_rains["film/00001"] < plain["film/00001"] - 0.1
    assert without_lakes["lakes/00000"] < without_rains["lakes/00000"]


def test_what_is_not_wanted_is_taken_off_each_row_by_half():
    like, unlike = random_vectors(3, 1), random_vectors(4, 2)
    off = unit_rows(unlike.mean(axis=0, keepdims=True))
    made = vector_query(SPACE, [Example(like, like)], [Example(unlike, unlike)], {})
    assert np.allclose(made.rows, unit_rows(like - UNLIKE * off), atol=1e-6)
    assert np.allclose(np.linalg.norm(made.rows, axis=1), 1, atol=1e-5)


def test_the_same_wanted_and_not_wanted_is_as_if_wanted(world):
    """No vector of nothing: half of it is left."""
    told = search(world, like=["beta/00000"], unlike=["beta/00000"])
    plain = search(world, like=["beta/00000"])
    assert [h.shot for h in told] == [h.shot for h in plain]
    assert [h.score for h in told] == pytest.approx([h.score for h in plain], abs=1e-5)


def test_what_is_not_wanted_may_itself_be_found(world):
    hits = search(world, like=["alpha/00000"], unlike=["beta/00000"], k=20)
    assert {h.shot for h in hits} == set(world.shots()["id"]) - {"alpha/00000"}


def test_several_examples_find_what_is_like_all(store):
    add_film(store, "one", ["lake"])
    add_film(store, "two", ["wood"])
    both = between(0.7071, "lake", "wood")
    add_film(store, "film", ["lake", "wood", both, "moon"])
    hits = search(store, like=["one", "two"])
    assert hits[0].shot == "film/00002"
    assert hits[0].score == pytest.approx(1, abs=0.01)
    assert [h.score for h in hits[1:3]] == pytest.approx([0.7071] * 2, abs=0.05)
    assert hits[-1].shot == "film/00003"
    assert not {"one/00000", "two/00000"} & {h.shot for h in hits}


def test_the_order_and_the_number_of_the_same_examples_do_not_matter(world):
    told = {h.shot: h.score for h in search(world, like=["alpha/00001", "beta/00000"], k=20)}
    for like in (["beta/00000", "alpha/00001"], ["beta/00000", "alpha/00001"] * 2):
        again = {h.shot: h.score for h in search(world, like=like, k=20)}
        assert again == pytest.approx(told, abs=1e-5)
    mixed = search(world, shot="alpha/00001", like=["beta/00000"], k=20)
    assert {h.shot: h.score for h in mixed} == pytest.approx(told, abs=1e-5)


def test_no_title_that_was_asked_with_is_an_answer(films):
    add_film(films, "gamma", ["lake", "wood"], ["rain", "rain"])

    def titles(**asked):
        hits = search(films, exclude_same_title=True, k=20, **asked)
        assert len(hits) == sum(len(films.shots(t)) for t in {h.title for h in hits})
        return {h.title for h in hits}

    assert titles(shot="alpha/00000") == {"beta", "gamma"}
    assert titles(like=["alpha@0-2", "beta/00001"]) == {"gamma"}
    assert titles(title="alpha", like=["gamma"], text="lake") == {"beta"}
    assert titles(shot="alpha/00000", unlike=["beta/00000"]) == {"beta", "gamma"}
    with pytest.raises(InvalidInput, match="own title"):
        search(films, said="hello", exclude_same_title=True)
    assert search(films, like=["alpha", "beta", "gamma"], exclude_same_title=True) == []


# Spaces


@pytest.mark.parametrize("kind", ["text", "picture", "sound", "clip"])
def test_vectors_of_other_encoders_are_refused_with_both_fingerprints(world, tmp_path, kind):
    class Other(Planted):
        def __init__(self, modality):
            super().__init__(modality)
            self.fingerprint = "other"

    others = {m: Other(m) for m in MODALITIES}
    clip = make_film(tmp_path / "a.mp4", images=list(pictures(5)))
    asked = {
        "text": "lake",
        "picture": picture(tmp_path / "a.png", 120),
        "sound": tone(tmp_path / "a.wav", 440),
        "clip": clip,
    }[kind]
    space = world.live("described" if kind == "text" else "fused")
    with pytest.raises(SpaceMismatch) as told:
        search_all(world, encoders=others, **{kind: asked})
    ours = fingerprint(space.name, list(others.values()))
    assert ours != space.fingerprint
    assert all(f in str(told.value) for f in (ours, space.fingerprint, str(world.path)))
    assert "\n" not in str(told.value)


def test_examples_are_compared_in_context_and_alone(films):
    """In context, lakes are as different as may be; by themselves, two are the same."""
    contexts = {"alpha": random_vectors(5, 1), "beta": random_vectors(2, 2)}
    put_in_context(films, contexts)
    in_context = {h.shot: h.score for h in search(films, shot="alpha/00000")}
    alone = {h.shot: h.score for h in search(films, shot="alpha/00000", space="fused")}
    assert in_context.keys() == alone.keys()
    for name, stored in contexts.items():
        for i, row in enumerate(stored):
            if (shot := f"{name}/{i:05d}") in in_context:
                expected = float(contexts["alpha"][0] @ row)
                assert in_context[shot] == pytest.approx(expected, abs=2e-3)
    assert alone["alpha/00003"] == pytest.approx(1, abs=1e-3)
    both = {h.shot: h.shares for h in search(films, shot="alpha/00000", space=None)}
    assert both.keys() == alone.keys()
    assert max(both, key=lambda shot: both[shot]["visual"]) in {"alpha/00003", "beta/00000"}
    order = sorted(in_context, key=in_context.__getitem__)
    assert both[order[-1]]["context"] > both[order[0]]["context"]


def test_a_picture_among_examples_leaves_the_others_their_context(films, tmp_path):
    put_in_context(films, {"alpha": random_vectors(5, 1), "beta": random_vectors(2, 2)})
    file = str(picture(tmp_path / "a.png", 120))
    for side in ({"like": [file]}, {"unlike": [file]}):
        hits = search(films, shot="alpha/00000", **side, space=None)
        assert hits
        assert all(h.shares["context"] != 0 for h in hits)
    hits = search(films, like=[file], space=None)
    assert hits
    assert all(h.shares["context"] == 0 for h in hits)
    with pytest.raises(InvalidInput, match="--space fused"):
        search(films, shot="alpha/00000", like=[file], space="context")


def test_what_came_after_the_last_embedding_is_asked_with_alone(films):
    put_in_context(films, {"alpha": random_vectors(5, 1)})
    with pytest.raises(
        InvalidInput, match=r"beta/0000\d' has no context vector yet; run `mediafm em"
    ):
        search(films, like=["beta"])
    for space in (None, "fused"):
        hits = search(films, like=["beta"], space=space)
        assert {h.title for h in hits} == {"alpha"}
        assert all(h.shares["context"] == 0 for h in hits)


def test_vectors_have_the_names_that_were_planted():
    """What these tests stand on."""
    lake, wood = fused(["lake", "wood"])
    assert abs(lake @ wood) < 0.2
    assert between(0.7, "lake", "wood") @ lake[block("visual")] == pytest.approx(0.7, abs=1e-3)
