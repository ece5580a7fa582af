"""Label files, what an answer counts for, and searches of a store judged by them."""

import copy
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mediafm_store import Hit
from mediafm_store.errors import InvalidInput, NotFound
from mediafm_store.judgements import judged as judging
from mediafm_store.judgements.judged import judge
from mediafm_store.judgements.judgements import Judgements, LabelledShot, ShotPosition, SimilarQuery
from mediafm_store.judgements.labels import _LARGEST as LARGEST
from mediafm_store.judgements.labels import read_judgements
from mediafm_store.judgements.matching import (
    StoredShot,
    at_best,
    by_chance,
    condensed,
    holder,
    judged,
    places_of,
)
from mediafm_store.judgements.matching import _is_near as is_near
from mediafm_store.judgements.outcomes import JudgedReport, QueryOutcome
from mediafm_store.retrieval.query import LEAST, SearchOptions, SearchQuery
from mediafm_store.storage.storage import Storage
from tests.conftest import random_vectors, title_rows
from tests.helpers.asking import keywords, search
from tests.helpers.command import mediafm


def shot(start_s, end_s, **more):
    return {"start_s": start_s, "end_s": end_s, **more}


def segment(film, start_s, end_s, *grade):
    named = {"film": film, "start_s": start_s, "end_s": end_s}
    return named | ({"grade": grade[0]} if grade else {})


LABELS = {
    "about": {"made": "up"},
    "films": {
        # The store cuts it every two seconds: its first two shots are one here, the fifth is tiny,
        # the sixth lies in a gap.
        "alpha": {
            "fps": 25.0,
            "shots": [
                shot(0, 4, scene=1),
                shot(4, 6, scene="a"),
                shot(6, 8),
                shot(8.9, 9.1, tiny=True),
                *(shot(i, i + 2, scene=1 if i == 36 else 2) for i in range(12, 40, 2)),
            ],
        },
        "beta": {"shots": [shot(2 * i, 2 * i + 2, scene=1) for i in range(4)]},
    },
    "similar_queries": [
        {**segment("alpha", 0, 4), "id": "S1", "relevant": [
            segment("beta", 0, 2, 2), segment("beta", 2, 4, 1), segment("alpha", 36, 38, 1)]},
        {**segment("beta", 6, 8), "id": "S2", "relevant": [segment("alpha", 4.2, 5.7, 2)]},
        {**segment("alpha", 4, 6), "id": "S3", "relevant": [segment("beta", 6, 8, 2)]},
    ],
    "text_queries": [
        {"id": "T1", "text": "a dragon", "kind": "subject", "relevant": [segment("beta", 4, 6, 1)]},
        {"id": "T2", "text": "a submarine", "kind": "none", "relevant": []},
    ],
}  # fmt: skip
"""A label file of two films."""


def at(film, number):
    return ShotPosition(film, number)


def written(folder, labels) -> Path:
    path = folder / "labels.json"
    path.write_text(json.dumps(labels), encoding="utf-8")
    return path


def changed(keys, value):
    """The labels with one value in place of another."""
    labels = copy.deepcopy(LABELS)
    *path, last = keys
    within = labels
    for key in path:
        within = within[key]
    within[last] = value
    return labels


@pytest.fixture(scope="module")
def labels(tmp_path_factory) -> Judgements:
    return read_judgements(written(tmp_path_factory.mktemp("labels"), LABELS))


# Label files


def test_a_label_file_is_read(labels):
    assert list(labels.films) == ["alpha", "beta"]
    assert labels.films["alpha"][3] == LabelledShot(8.9, 9.1, tiny=True)
    assert labels.films["alpha"][1].scene == "a"
    first, second, third = labels.similar
    assert (first.id, first.place, first.middle_s) == ("S1", at("alpha", 0), 2.0)
    assert first.relevant == {at("beta", 0): 2, at("beta", 1): 1, at("alpha", 16): 1}
    assert second.relevant == {at("alpha", 1): 2}
    assert [query.kept for query in (first, second, third)] == [False, False, True]
    dragon, nothing = labels.text
    assert (dragon.text, dragon.kind, dragon.relevant) == (
        "a dragon",
        "subject",
        {at("beta", 2): 1},
    )
    assert nothing.relevant == {}
    assert [query.id for query in labels.queries] == ["S1", "S2", "S3", "T1", "T2"]


ALPHA = ("films", "alpha", "shots")
S1, T1 = ("similar_queries", 0), ("text_queries", 0)
WRONG = {
    "films": (("films",), [], "films must be an object, is "),
    "film": (("films", "alpha"), [1], "films 'alpha' must be an object, is .1."),
    "no shots": (ALPHA, [], "films 'alpha': shots is empty"),
    "shots": (ALPHA, "many", "films 'alpha': shots must be a list, is 'many'"),
    "a shot": ((*ALPHA, 1), None, r"films 'alpha' shots\[1\] must be an object, is None"),
    "no start": ((*ALPHA, 1), {"end_s": 5}, r"shots\[1\]: start_s must be .*, is missing"),
    "nan": ((*ALPHA, 1, "start_s"), float("nan"), "start_s must be a number of seconds, is nan"),
    "infinite": ((*ALPHA, 2, "end_s"), float("inf"), r"shots\[2\]: end_s must be .*, is inf"),
    "huge": ((*ALPHA, 2, "end_s"), 10**400, "as JSON: 1000.* has more than 300 digits"),
    "text time": ((*ALPHA, 1, "start_s"), "4", "start_s must be a number of seconds, is '4'"),
    "true time": ((*ALPHA, 1, "start_s"), True, "start_s must be a number of seconds, is True"),
    "negative": ((*ALPHA, 0, "start_s"), -1, "it must be 0 <= start_s < end_s, is -1.0 and 4.0"),
    "backwards": ((*ALPHA, 1, "end_s"), 4, "it must be 0 <= start_s < end_s, is 4.0 and 4.0"),
    "overlap": ((*ALPHA, 1, "start_s"), 3.9, r"shots\[1\]: start_s 3.9 lies before the end"),
    "tiny": ((*ALPHA, 1, "tiny"), 1, r"shots\[1\]: tiny must be true or false, is 1"),
    "scene": ((*ALPHA, 1, "scene"), [2], r"shots\[1\]: scene must be .*, is \[2\]"),
    "similar": (("similar_queries",), {}, "similar_queries must be a list, is {}"),
    "a query": ((*S1,), "q", r"similar_queries\[0\] must be an object, is 'q'"),
    "id": ((*S1, "id"), 7, r"similar_queries\[0\]: id must be a text, is 7"),
    "unknown film": ((*S1, "film"), "nope", r"film 'nope' is not among the films"),
    "tiny query": ((*S1,), {"id": "S", **segment("alpha", 8.9, 9.1)}, "the shot at 8.9 s is tiny"),
    "in a gap": ((*S1, "relevant", 1), segment("alpha", 9.5, 11, 1), "no labelled shot holds"),
    "relevant": ((*S1, "relevant"), None, r"similar_queries\[0\]: relevant must be a list"),
    "no relevant": ((*S1, "relevant"), [], r"similar_queries\[0\]: relevant is empty"),
    "itself": ((*S1, "relevant", 0), segment("alpha", 0, 3, 1), "relevant to itself"),
    "twice": ((*S1, "relevant", 1), segment("beta", 0, 1.5, 1), "the shot at 0 s was listed"),
    "other film": ((*S1, "relevant", 0, "film"), "nope", r"relevant\[0\]: film 'nope' is not"),
    "grade 3": ((*S1, "relevant", 0, "grade"), 3, r"relevant\[0\]: grade must be 1 or 2, is 3"),
    "grade 1.0": ((*S1, "relevant", 0, "grade"), 1.0, "grade must be 1 or 2, is 1.0"),
    "grade true": ((*S1, "relevant", 0, "grade"), True, "grade must be 1 or 2, is True"),
    "no grade": ((*S1, "relevant", 0), segment("beta", 0, 2), "grade must be 1 or 2, is missing"),
    "no text": ((*T1, "text"), " ", r"text_queries\[0\]: text must be a text that can be read"),
    "half a letter": ((*T1, "text"), "\ud800", "cannot be read as JSON: half a character"),
    "kind": ((*T1, "kind"), "none", "1 shots are relevant and kind is 'none'"),
    "not none": (("text_queries", 1, "kind"), "action", "0 shots are .* kind is 'action'"),
    "same id": ((*T1, "id"), "S1", "two queries have the id 'S1'"),
}  # fmt: skip
"""Name -> which value is another, what it is, and what is said."""


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_in_a_label_file_is_told_in_one_line(tmp_path, name):
    keys, value, message = WRONG[name]
    path = written(tmp_path, changed(keys, value))
    with pytest.raises(InvalidInput, match=message) as told:
        read_judgements(path)
    assert str(told.value).startswith(f"{path}: ")
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("key", ["films", "similar_queries", "text_queries"])
def test_a_part_that_is_missing_is_told(tmp_path, key):
    path = written(tmp_path, {k: v for k, v in LABELS.items() if k != key})
    with pytest.raises(InvalidInput, match=f"{key} must be .*, is missing"):
        read_judgements(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is empty"),
        (b"{", "it cannot be read as JSON: Expecting"),
        (b"\xff\xfe\x00", "it cannot be read as JSON: .* can't decode"),
        (b"[" * 100_000, "it cannot be read as JSON: .*recursion"),
        (b"1" * 5000, "it cannot be read as JSON"),
        (b"[]", r"it must be an object, is \[\]"),
        (b'{"films": {}, "similar_queries": [], "text_queries": []}', "it has no queries"),
    ],
)
def test_a_file_that_holds_no_labels_is_told(tmp_path, content, message):
    path = tmp_path / "labels.json"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=message) as told:
        read_judgements(path)
    assert str(told.value).startswith(f"{path}: ")
    assert "\n" not in str(told.value)


def test_no_file_and_one_that_is_far_too_large_are_told(tmp_path):
    with pytest.raises(InvalidInput, match="there is no such file"):
        read_judgements(tmp_path / "nope.json")
    with pytest.raises(InvalidInput, match="there is no such file"):
        read_judgements(tmp_path)
    large = tmp_path / "large.json"
    with large.open("wb") as file:
        file.truncate(LARGEST + 1)
    with pytest.raises(InvalidInput, match="50,000,001 bytes are too many"):
        read_judgements(large)


def paths_in(value, path=()):
    """Where every value stands."""
    yield path
    if isinstance(value, list):
        value = dict(enumerate(value))
    for key, inner in value.items() if isinstance(value, dict) else ():
        yield from paths_in(inner, (*path, key))


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


@given(st.sampled_from([path for path in paths_in(LABELS) if path]), ANYTHING)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_other_value_is_read_or_told(tmp_path, path, value):
    file = written(tmp_path, changed(path, value))
    found, told = None, f"{file}: "
    try:
        found = read_judgements(file)
    except InvalidInput as error:
        told = str(error)
    assert told.startswith(f"{file}: ")
    assert "\n" not in told
    for query in found.queries if found else ():
        assert all(found.labelled(place) for place in query.relevant)


def test_the_labels_of_the_films_are_read(films):
    path = films / "labels.json"
    if not path.is_file():
        pytest.skip("these films have no labels.json")
    raw, found = json.loads(path.read_text(encoding="utf-8")), read_judgements(path)
    asked = raw["similar_queries"] + raw["text_queries"]
    assert [query.id for query in found.queries] == [query["id"] for query in asked]
    for query, row in zip(found.queries, asked, strict=True):
        listed = {(r["film"], r["start_s"]): r["grade"] for r in row["relevant"]}
        assert listed == {
            (place.film, found.films[place.film][place.at].start_s): grade
            for place, grade in query.relevant.items()
        }


# What an answer counts for


SHOTS = [
    *(StoredShot(f"alpha/{i}", "alpha", 2.0 * i, 2.0 * i + 2) for i in range(20)),
    *(StoredShot(f"beta/{i}", "beta", 2.0 * i, 2.0 * i + 2) for i in range(4)),
    *(StoredShot(f"gamma/{i}", "gamma", 2.0 * i, 2.0 * i + 2) for i in range(4)),
]
"""As a store cuts the films."""
GAP = ShotPosition("alpha", 3, "alpha/5")


def test_a_shot_counts_for_the_labelled_one_that_holds_its_middle(labels):
    places = places_of(SHOTS, labels)
    assert places["alpha/0"] == places["alpha/1"] == at("alpha", 0)
    assert places["alpha/2"] == at("alpha", 1)
    assert "alpha/4" not in places, "it is tiny"
    assert places["alpha/5"] == GAP
    assert places["alpha/6"] == at("alpha", 4)
    assert places["beta/3"] == at("beta", 3)
    assert not any(shot_id.startswith("gamma") for shot_id in places), "nobody labelled it"
    edge = [StoredShot("at its start", "alpha", 3, 5), StoredShot("after all", "beta", 50, 52)]
    assert places_of(edge, labels) == {
        "at its start": at("alpha", 1),
        "after all": ShotPosition("beta", 3, "after all"),
    }
    late = Judgements(labels.path, {"late": [LabelledShot(5, 6)]}, (), ())
    before = [StoredShot("before", "late", 0, 2)]
    assert places_of(before, late) == {"before": ShotPosition("late", -1, "before")}


def test_a_ranked_list_is_without_what_nobody_judged(labels):
    found = ["gamma/1", "alpha/5", "alpha/1", "alpha/4", "alpha/0", "beta/0", "alpha/1"]
    ranked = condensed(found, places_of(SHOTS, labels))
    assert ranked == [GAP, at("alpha", 0), at("beta", 0)]


def test_the_shot_that_is_searched_for_is_on_screen_at_the_middle():
    assert holder(SHOTS, "alpha", 1.9) == "alpha/0"
    assert holder(SHOTS, "alpha", 2.0) == "alpha/1"
    assert holder(SHOTS, "beta", 2.0) == "beta/1"
    assert holder(SHOTS, "alpha", 40.0) is None
    assert holder(SHOTS, "nope", 2.0) is None


def test_near_is_within_ten_labelled_shots_or_in_the_scene(labels):
    query = at("alpha", 0)
    assert is_near(query, at("alpha", 10), labels)
    assert not is_near(query, at("alpha", 11), labels)
    assert is_near(query, at("alpha", 16), labels), "it is of the same scene"
    assert not is_near(query, at("beta", 0), labels), "it is of another film"
    assert is_near(query, GAP, labels)
    assert is_near(at("alpha", 17), at("alpha", 7), labels)
    unknown = at("alpha", 2)
    assert not is_near(unknown, ShotPosition("alpha", 17, "x"), labels), "neither has a scene"


def test_near_is_of_the_first_ten_answers(labels):
    (query, *_) = labels.similar
    far = [at("alpha", n) for n in (13, 14)] + [at("beta", n) for n in range(4)]
    close = [at("alpha", n) for n in (1, 2, 4, 5, 6, 7, 8, 9, 10)]
    assert judged(query, [*far, *close], [], labels)["near"] == 4 / 10
    assert judged(query, [*close[:1], *far[:2]], [], labels)["near"] == 1 / 3
    assert "near" not in judged(query, [], [], labels)
    assert "near" not in judged(labels.text[0], close, [], labels)


def test_first_answers_and_all_answers_are_judged_apart(labels):
    (query, *_) = labels.similar
    seen = [at("beta", 1), at("alpha", 5)]
    deep = [at("alpha", 5), at("beta", 0), at("alpha", 6), at("beta", 1)]
    values = judged(query, seen, deep, labels)
    assert values["p5"] == 1 / 5
    assert values["ndcg10"] == pytest.approx(1 / (3 + 1 / np.log2(3) + 1 / 2))
    assert values["ap"] == pytest.approx((1 / 2 + 2 / 4) / 3)


def test_chance_is_what_is_to_be_expected(labels):
    """Of shots that are all labelled, and each in one of its own."""
    (query, *_) = labels.similar
    places = places_of(SHOTS, labels)
    pool = [shot_id for shot_id in places if shot_id not in {"alpha/0", "alpha/1"}]
    rng = np.random.default_rng(0)
    found = [by_chance(query, pool, places, labels, rng) for _ in range(15)]
    mean = {measure: np.mean([one[measure] for one in found]) for measure in found[0]}
    right = sum(places[shot_id] in query.relevant for shot_id in pool)
    close = sum(is_near(query.place, places[shot_id], labels) for shot_id in pool)
    assert right == 3
    assert mean["p5"] == pytest.approx(right / len(pool), abs=0.015)
    assert mean["near"] == pytest.approx(close / len(pool), abs=0.015)
    discounts = 1 / np.log2(np.arange(2, 12))
    gained = (3 + 1 + 1) / len(pool) * discounts.sum()
    assert mean["ndcg10"] == pytest.approx(gained / (3 + discounts[1:3].sum()), abs=0.03)


def test_the_best_order_lacks_what_the_store_does_not_cut_out(labels):
    (query, *_) = labels.similar
    places = places_of(SHOTS, labels)
    assert at_best(query, list(places), places, labels) == pytest.approx(
        {"p5": 3 / 5, "ndcg10": 1, "ap": 1}
    )
    pool = [shot_id for shot_id in places if shot_id != "beta/0"]
    values = at_best(query, pool, places, labels)
    discounts = 1 / np.log2(np.arange(2, 5))
    assert values["ap"] == pytest.approx(2 / 3)
    assert values["ndcg10"] == pytest.approx(discounts[:2].sum() / (3 + discounts[1:].sum()))


# What queries come to


def outcome(query, of="default", *, sort="text", kind="subject", kept=False, **values):
    return QueryOutcome(query, sort, kind, kept, of, values)


def test_a_report_is_of_all_queries_of_parts_and_of_kinds():
    report = JudgedReport(
        ["alpha"],
        9,
        [],
        [
            outcome("T1", p5=0.2),
            outcome("T1", "chance", p5=0.1),
            outcome("T2", kept=True, p5=0.6, near=1.0),
            outcome("T3", kind="action", p5=1.0),
            outcome("T4", sort="nothing", kind="none", refused=1.0),
        ],
    )
    assert report.text["default"]["p5"].value == pytest.approx(0.6)
    assert report.text["default"]["near"].value == 1.0
    assert report.text["chance"]["p5"] == (0.1, 0.1, 0.1)
    assert set(report.text["default"]) == {"p5", "near"}
    assert report.nothing == {"default": {"refused": (1.0, 1.0, 1.0)}}
    assert report.similar == {}
    assert report.table("text", part="kept") == {
        "default": {"p5": (0.6, 0.6, 0.6), "near": (1.0, 1.0, 1.0)}
    }
    assert report.table("text", part="tuned", kind="action")["default"]["p5"].value == 1.0
    assert report.kinds == ["subject", "action"]
    counts = [report.queries("text", part=part) for part in ("all", "tuned", "kept")]
    assert counts == [3, 2, 1]


# Searches of a store


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Storage:
    """The two labelled films, and nothing else."""
    store = Storage(tmp_path_factory.mktemp("judged") / "store", create=True)
    store.add_title(title_rows(store, "alpha", random_vectors(20, 0)))
    store.add_title(title_rows(store, "beta", random_vectors(4, 1)))
    return store


def hit(shot_id, *alike):
    title = shot_id.partition("/")[0]
    return Hit(
        shot=shot_id,
        title=title,
        start_s=0,
        end_s=0,
        score=0.5,
        chance=1.0,
        shares={},
        words="",
        seen=(),
        heard=(),
        shots=(shot_id,),
        alike=alike,
    )


class Script:
    """Stands for `search`: says what it is told to, and what it was asked."""

    def __init__(self, answers):
        self.answers, self.calls = answers, []

    def __call__(self, _, query, options, **more):
        self.calls.append(asked := keywords(query, options, **more))
        found = self.answers.get(asked.get("shot") or asked["text"], [])
        return found[: asked["k"]] if asked.get("fold", True) else list(reversed(found))


@pytest.fixture
def scripted(monkeypatch):
    def script(**answers):
        made_up = Script({key.replace("_", "/"): found for key, found in answers.items()})
        monkeypatch.setattr(judging, "search", made_up)
        return made_up

    return script


def values_of(report, query, of="default"):
    return next(o.values for o in report.outcomes if (o.query, o.of) == (query, of))


def test_each_query_is_searched_for_as_a_user_does_it_and_to_the_end(
    made, labels, scripted, plain_encoders
):
    script = scripted()
    told = []
    chosen = {"similar": {"near": {"space": "fused"}}, "text": {"a": {}, "b": {"least": 0.5}}}
    report = judge(
        made,
        labels,
        settings=chosen,
        encoders=plain_encoders,
        device="cpu",
        on_query=lambda *now: told.append(now),
    )
    first, deep, *_ = script.calls
    asked, options = SearchQuery(shot="alpha/00001"), SearchOptions(k=10, space="fused")
    user = keywords(asked, options, encoders=None, device="cpu")
    assert first == user
    assert deep == user | {"k": 24, "least": 0.0, "fold": False}
    by_text = [call for call in script.calls if call.get("text") == "a dragon"]
    assert [call["k"] for call in by_text] == [10, 24, 10, 24]
    assert [call.get("least") for call in by_text] == [LEAST, 0.0, 0.5, 0.0]
    assert all(call["encoders"] is plain_encoders for call in by_text)
    assert len([call for call in script.calls if call.get("text") == "a submarine"]) == 2
    assert told == [
        (query_id, n, 5) for n, query_id in enumerate(["S1", "S2", "S3", "T1", "T2"], start=1)
    ]
    assert (report.titles, report.shots, report.skipped) == (["alpha", "beta"], 24, [])
    assert {o.of for o in report.outcomes if o.sort == "similar"} == {"near", "chance", "best"}
    assert report.queries("nothing") == 1


def test_answers_are_judged_a_line_each_and_all_of_them_to_the_end(
    made, labels, scripted, plain_encoders
):
    scripted(
        alpha_00001=[hit("alpha/00000"), hit("beta/00001", "beta/00000"), hit("alpha/00005")],
        beta_00003=[],
        alpha_00002=[hit("alpha/00018"), hit("beta/00003")],
        **{"a dragon": [hit("beta/00002")], "a submarine": []},
    )
    report = judge(made, labels, encoders=plain_encoders, device="cpu")
    # As it is seen: the shot itself again, one of grade 1 with a near duplicate below it, a gap.
    first = values_of(report, "S1")
    assert first["p5"] == 1 / 5
    discounts = 1 / np.log2(np.arange(2, 5))
    assert first["ndcg10"] == pytest.approx(discounts[1] / (3 + discounts[1:].sum()))
    assert first["near"] == pytest.approx(2 / 3)
    assert first["unanswered"] == 0
    # To the end, the other way about: a gap, grade 1, then the near duplicate.
    assert first["ap"] == pytest.approx((1 / 2 + 2 / 3) / 3)
    assert values_of(report, "S2") == {"p5": 0, "ndcg10": 0, "ap": 0, "unanswered": 1}
    assert report.similar["default"]["unanswered"].value == pytest.approx(1 / 3)
    assert report.similar["default"]["near"].value == pytest.approx((2 / 3 + 0 / 2) / 2)
    assert values_of(report, "T1")["ap"] == 1
    assert report.nothing["default"]["refused"].value == 1
    assert report.table("similar", part="kept")["default"]["p5"].value == 1 / 5


def test_answers_to_what_is_in_no_shot_are_not_refused(made, labels, scripted, plain_encoders):
    scripted(**{"a submarine": [hit("beta/00002")]})
    report = judge(made, labels, encoders=plain_encoders, device="cpu")
    assert report.nothing["default"]["refused"].value == 0


def slow_judged(store, labels, query, **setting):
    """The same answer by answer, as it is told."""
    places = {}
    for row in store.shots().to_dicts():
        middle = (row["start_s"] + row["end_s"]) / 2
        for number, labelled in enumerate(labels.films.get(row["title"], ())):
            if labelled.start_s <= middle < labelled.end_s:
                places[row["id"]] = (row["title"], number, labelled.tiny)
    own = next(
        row["id"]
        for row in store.shots(query.place.film).to_dicts()
        if row["start_s"] <= query.middle_s < row["end_s"]
    )
    ranked = []
    for found in search(store, shot=own, **setting):
        for shot_id in (found.shot, *found.alike):
            place = places.get(shot_id, shot_id)
            if place in ranked or (place != shot_id and place[2]):
                continue
            ranked.append(place)
    right = [place in {(p.film, p.at, False) for p in query.relevant} for place in ranked]
    precisions = [sum(right[: i + 1]) / (i + 1) for i in range(len(right)) if right[i]]
    return sum(right[:5]) / 5, sum(precisions) / len(query.relevant)


@pytest.mark.parametrize("setting", [{}, {"space": "fused", "weights": {"audio": 0.0}}])
def test_searches_are_judged_as_the_slow_way_says(made, labels, setting):
    whole = {"similar": {"all": {"least": 0.0, "fold": False} | setting}}
    report = judge(made, labels, settings=whole, device="cpu")
    assert {outcome.sort for outcome in report.outcomes} == {"similar"}
    for query in labels.similar:
        values = values_of(report, query.id, "all")
        p5, _ = slow_judged(made, labels, query, k=10, least=0.0, fold=False, **setting)
        _, ap = slow_judged(made, labels, query, k=24, least=0.0, fold=False, **setting)
        assert (values["p5"], values["ap"]) == pytest.approx((p5, ap))
        assert ap > 0


def test_a_store_with_other_titles_is_searched_in_the_labelled_ones(store, labels, scripted):
    for seed, title in enumerate(["alpha", "beta", "o'hara"]):
        store.add_title(title_rows(store, title, random_vectors(20, seed)))
    whole = {"similar": {"all": {"least": 0.0, "fold": False}}}
    before = judge(store, labels, settings=whole, device="cpu")
    twins = store.vectors(store.live("fused"), "alpha").vectors
    store.add_title(title_rows(store, "twin", twins))
    after = judge(store, labels, settings=whole, device="cpu")
    assert after.outcomes == before.outcomes
    assert after.shots == 40
    script = scripted()
    judge(store, labels, settings={"similar": {"long": {"where": "duration_s > 1"}}})
    assert script.calls[0]["where"] == "(duration_s > 1) AND (title IN ('alpha', 'beta'))"


def test_films_that_the_store_lacks_are_told_and_left_out(store, labels, scripted, caplog):
    store.add_title(title_rows(store, "beta", random_vectors(4)))
    scripted(beta_00003=[hit("beta/00000")])
    settings = {"similar": {"default": {}}}
    other = Judgements(labels.path, {"alpha": labels.films["alpha"]}, labels.similar, ())
    with pytest.raises(NotFound, match=r"no film of .*labels.json is a title of .*: alpha;"):
        judge(store, other, settings=settings)
    few = Judgements(labels.path, labels.films, labels.similar, ())
    with pytest.raises(NotFound, match=r"no query of .*labels.json is about .* lacks alpha"):
        judge(store, few, settings=settings)
    assert caplog.text == ""
    both = copy.deepcopy(LABELS)
    both["similar_queries"][1]["relevant"].append(segment("beta", 0, 2, 1))
    path = written(store.path.parent, both)
    report = judge(store, read_judgements(path), settings=settings)
    assert "labelled films that the store lacks are not judged: alpha" in caplog.text
    assert "2 of 5 queries are left out" in caplog.text
    assert caplog.text.rstrip().endswith("S1, S3")
    assert report.skipped == ["S1", "S3"]
    assert report.queries("similar") == 1
    # Only what is relevant in the films that are there can be asked for.
    assert values_of(report, "S2")["ap"] == values_of(report, "S2", "best")["ap"] == 1


def test_a_query_in_a_gap_of_the_store_is_left_out(made, labels, scripted):
    scripted()
    (first, second, third) = labels.similar
    beyond = SimilarQuery("S9", third.place, 1000.0, third.relevant, kept=True)
    few = Judgements(labels.path, labels.films, [first, second, beyond], ())
    report = judge(made, few)
    assert report.skipped == ["S9"]


def test_a_setting_may_not_be_called_as_what_stands_beside_it(made, labels):
    with pytest.raises(InvalidInput, match="no setting may be called 'chance'"):
        judge(made, labels, settings={"similar": {"chance": {}}})


def test_figures_are_kept(store, labels, scripted, plain_encoders):
    for title, count in (("alpha", 20), ("beta", 4)):
        store.add_title(title_rows(store, title, random_vectors(count)))
    scripted(alpha_00001=[hit("beta/00000")])
    report = judge(store, labels, encoders=plain_encoders, device="cpu")
    rows = store.rows("evaluations").to_dicts()
    found = {(r["name"], r["measure"], r["of"]): r for r in rows}
    assert {r["what"] for r in rows} == {"search"}
    assert {r["version"] for r in rows} == {"fused_v1", "described_v1"}
    p5 = found["judged similar", "p5", "default"]
    assert (p5["value"], p5["low"], p5["high"]) == report.similar["default"]["p5"]
    assert (p5["better"], p5["own"]) == ("higher", True)
    detail = json.loads(p5["detail"])
    assert detail.pop("labels") == "labels.json"
    assert detail == pytest.approx({"queries": 3, "tuned": 0.1, "kept": 0.0})
    assert found["judged similar", "near", "default"]["better"] == "lower"
    assert found["judged similar", "unanswered", "default"]["better"] == "lower"
    assert not found["judged similar", "ap", "best"]["own"]
    assert not found["judged text", "ap", "chance"]["own"]
    assert found["judged text", "refused", "default"]["value"] == 1


# The command line


@pytest.fixture
def by_shot(tmp_path) -> Path:
    """Labels without queries by words: the store was made with other encoders."""
    return written(tmp_path, LABELS | {"text_queries": []})


def test_judging_from_the_command_line(made, by_shot):
    command = ("evaluate", "search", "--labels", by_shot, "--store", made.path, "--device", "cpu")
    done = mediafm(*command)
    assert done.returncode == 0, done.stderr
    header, *lines = done.stdout.splitlines()
    assert header.split() == [
        "search", "queries", "count", "measure", "value", "low", "high", "chance", "best", "better"
    ]  # fmt: skip
    assert [line.split()[3] for line in lines] == ["p5", "ndcg10", "ap", "near", "unanswered"]
    assert "24 shots of 2 titles were searched" in done.stderr

    report = judge(made, read_judgements(by_shot), device="cpu")
    rows = [json.loads(line) for line in mediafm(*command, "--json").stdout.splitlines()]
    assert {row["queries"] for row in rows} == {"all", "tuned", "kept"}
    (ap,) = (r for r in rows if (r["queries"], r["measure"]) == ("tuned", "ap"))
    table = report.table("similar", part="tuned")
    assert (ap["value"], ap["low"], ap["high"]) == table["default"]["ap"]
    assert (ap["chance"], ap["best"]) == (table["chance"]["ap"].value, table["best"]["ap"].value)
    assert (ap["search"], ap["count"], ap["better"]) == ("similar", 2, "higher")


def test_errors_on_the_command_line(made, by_shot, tmp_path):
    def refused(*arguments):
        done = mediafm("evaluate", *arguments, "--store", made.path)
        assert done.stdout == ""
        return done.returncode, done.stderr

    status, told = refused("model", "--labels", by_shot)
    assert status == 2
    assert "Error: No such option: --labels" in told
    missing = tmp_path / "nope.json"
    status, told = refused("search", "--labels", missing)
    assert status == 1
    assert told.startswith(f"Error: {missing}: there is no such file")
    assert told.count("\n") == 1
    by_shot.write_text("{")
    assert refused("search", "--labels", by_shot)[0] == 1


def test_without_labels_searches_are_judged_by_scenes(made):
    done = mediafm("evaluate", "search", "--store", made.path)
    assert done.returncode == 1
    assert "two labelled scenes" in done.stderr
