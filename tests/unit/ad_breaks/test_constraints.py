"""Guard constraints are never broken, whatever is ranked; sentences, credits, words to avoid."""

import io
from math import inf

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from mediafm_store import AdBreak, BreakConstraints
from mediafm_store.ad_breaks.constraints import _HOUR_S as HOUR_S
from mediafm_store.ad_breaks.constraints import ForbiddenInterval, closed, within_constraints
from mediafm_store.ad_breaks.constraints import _why_not as why_not
from mediafm_store.ad_breaks.context import BreakContext
from mediafm_store.ad_breaks.credits import credit_shots
from mediafm_store.ad_breaks.mentions import mentions
from mediafm_store.ad_breaks.speech import _RUNS_ON_S as RUNS_ON_S
from mediafm_store.ad_breaks.speech import _runs_on as runs_on
from mediafm_store.ad_breaks.speech import sentences
from mediafm_store.records import Cue
from mediafm_store.shots.picture import columns
from tests.conftest import random_vectors, shot_row

TIMES = st.lists(st.floats(0, 9000) | st.integers(0, 60).map(lambda n: 150.0 * n), max_size=60)
# As plain values: type checks draw random numbers, which strategies must not.
RAILS = st.fixed_dictionaries(
    {
        "min_gap_s": st.floats(0, 900) | st.sampled_from([0.0, 150.0, 300.0]),
        "margin_s": st.none() | st.floats(0, 4000),
        "per_hour": st.integers(1, 8),
        "credits": st.booleans(),
        "avoid": st.lists(st.sampled_from(["gun", "blood", "wind"]), max_size=2).map(tuple),
    }
)
CLOSED = st.lists(st.tuples(st.floats(-10, 9000), st.floats(0, 900)), max_size=6)


def place(seconds: float) -> AdBreak:
    return AdBreak("a", "b", seconds, 0.5, {}, ())


def allowed(
    times: list[float], constraints: BreakConstraints, off: list[ForbiddenInterval]
) -> bool:
    """The constraints as they are told, the slow way."""
    ordered = sorted(times)
    return (
        not any(c.start_s < t < c.end_s for t in times for c in off)
        and all(
            abs(a - b) >= constraints.min_gap_s
            for i, a in enumerate(ordered)
            for b in ordered[i + 1 :]
        )
        and all(sum(t <= u < t + HOUR_S for u in ordered) <= constraints.per_hour for t in ordered)
    )


busy = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For machines that do other things as well."""


@busy
@given(TIMES, RAILS, CLOSED)
def test_rails_are_never_broken_and_nothing_is_left_out_without_need(times, given_rails, spans):
    constraints = BreakConstraints(**given_rails)
    off = [ForbiddenInterval(start, start + length, "why") for start, length in spans]
    kept = [b.seconds for b in within_constraints([place(t) for t in times], constraints, off)]
    assert allowed(kept, constraints, off)
    slow: list[float] = []
    for time in times:
        if allowed([*slow, time], constraints, off):
            slow.append(time)
    assert kept == slow


@busy
@given(TIMES, CLOSED)
def test_the_first_reason_is_told(times, spans):
    off = [
        ForbiddenInterval(start, start + length, f"why {i}")
        for i, (start, length) in enumerate(spans)
    ]
    assert why_not(times, off) == [
        next((c.why for c in off if c.start_s < t < c.end_s), None) for t in times
    ]


def title(durations, cues=(), changed=None) -> BreakContext:
    """A title of shots of such lengths."""
    shots, at = [], 0.0
    for i, length in enumerate(durations):
        times = {"start_s": at, "end_s": at + length, "duration_s": length}
        shots.append(shot_row(f"film/{i:05d}", i, **times | (changed or {}).get(i, {})))
        at += length
    count = len(durations)
    return BreakContext(
        "film", at, shots, cues, random_vectors(count), random_vectors(1)[0, : count - 1]
    )


SHOTS = st.lists(
    st.tuples(
        st.floats(0.5, 90),
        st.sampled_from(["", "A gun.", "Hello"]),
        st.sampled_from([[], ["Speech"], ["Wind"], ["Music"]]),
        st.booleans(),
    ),
    min_size=2,
    max_size=40,
)
CUES = st.lists(
    st.tuples(
        st.floats(0, 1200), st.floats(0.5, 5), st.sampled_from(["No.", "and then", "[sighs]"])
    ),
    max_size=12,
)


@busy
@given(SHOTS, CUES, RAILS)
def test_all_rails_hold_in_any_title(shots, said, given_rails):
    constraints = BreakConstraints(**given_rails)
    cues = [Cue(start, start + length, text) for start, length, text in sorted(said)]
    changed = {
        i: {"words": words, "heard": heard, "black": black}
        for i, (_, words, heard, black) in enumerate(shots)
    }
    facts = title([s[0] for s in shots], cues, changed)
    ranked = [place(shot["start_s"]) for shot in facts.shots[1:]]
    kept = [b.seconds for b in within_constraints(ranked, constraints, closed(facts, constraints))]
    margin = constraints.margin_s
    if margin is None:
        margin = min(0.05 * facts.duration_s, 180)
    opening, closing = credit_shots(facts) if constraints.credits else (0, 0)
    for at in kept:
        assert margin <= at <= facts.duration_s - margin
        assert not any(c.start_s < at < c.end_s for c in cues)
        assert at >= sum(s["duration_s"] for s in facts.shots[:opening]) - 1e-9
        assert not closing or at < facts.shots[len(shots) - closing]["start_s"]
        for shot in facts.shots:
            if mentions(constraints.avoid, [shot]):
                assert at <= shot["start_s"] - 30 or at >= shot["end_s"] + 30
    assert allowed(kept, constraints, [])


def test_margins_grow_with_the_title_up_to_three_minutes():
    off = [
        closed(title([length / 2] * 2), BreakConstraints()) for length in (60, 1200, 7200, 36000)
    ]
    assert [(o[0].end_s, o[1].start_s) for o in off] == [
        (3.0, 57.0),
        (60.0, 1140.0),
        (180.0, 7020.0),
        (180.0, 35820.0),
    ]
    assert off[0][0].start_s == -inf


# Sentences


@pytest.mark.parametrize(
    ("text", "goes_on"),
    [
        ("I was about to", True),
        ("I was about to,", True),
        ("and then -", True),
        ("Never.", False),
        ("“Never!”", False),
        ("Well…", False),
        ("Really?)", False),
        ("何ですか\uff1f", False),
        ("今日は", True),
        ("[door slams]", False),
        ("(sighs)", False),
        ("♪", False),
        ("[man] We were", True),
        ("", False),
    ],
)
def test_which_subtitles_run_on(text, goes_on):
    assert runs_on(text) is goes_on


def test_sentences_over_several_subtitles():
    cues = [
        Cue(1, 2, "I was"),
        Cue(2.5, 4, "on my way"),
        Cue(4.2, 5, "home."),
        Cue(5.2, 6, "She said"),
        Cue(6 + RUNS_ON_S, 9, "nothing"),
        Cue(8, 12, "[wind]"),
        Cue(20, 21, "Yes."),
    ]
    assert sentences(cues) == [(1, 5), (5.2, 6), (7.5, 12), (20, 21)]
    assert sentences([]) == []


def test_no_break_where_a_sentence_goes_on():
    cues = [Cue(3, 3.8, "I was"), Cue(4.4, 5.5, "going home.")]
    off = closed(title([2.0] * 10, cues), BreakConstraints(margin_s=0, credits=False))
    assert why_not([2.0, 4.0, 5.5, 6.0], off) == [
        None,
        "inside a sentence",
        None,
        None,
    ]
    cues = [Cue(3, 3.8, "I was."), Cue(4.4, 5.5, "going home.")]
    off = closed(title([2.0] * 10, cues), BreakConstraints(margin_s=0, credits=False))
    assert why_not([4.0], off) == [None]


# Credits


def test_credits_are_long_or_black_and_without_words():
    lengths = [2, 9, *[3.0] * 30, 2, 9]
    spoken = {i: {"words": "Yes."} for i in range(2, 32)}
    assert credit_shots(title(lengths, changed=spoken)) == (0, 1)
    black = {0: {"black": True}, 32: {"black": True}}
    assert credit_shots(title(lengths, changed=spoken | black)) == (2, 2)
    assert credit_shots(title(lengths, changed=spoken | black | {1: {"words": "Hi."}})) == (1, 2)
    assert credit_shots(title(lengths)) == (0, 0)  # nothing tells whether somebody speaks
    heard = {i: {"heard": ["Speech"]} for i in range(2, 32)}
    assert credit_shots(title(lengths, changed=heard | {32: {"heard": ["Music"]}})) == (0, 1)


def test_credits_are_a_small_part_of_a_title():
    lengths = [*[2.0] * 10, *[60.0] * 3]
    found = credit_shots(title(lengths, changed={0: {"words": "Go!"}}))
    assert found == (0, 0)


def picture(*, ground=(0, 0, 0), letters=(255, 255, 255)) -> dict:
    """What is measured of a picture with words on a ground."""
    drawn = Image.new("RGB", (320, 180), ground)
    pen = ImageDraw.Draw(drawn)
    for line in range(8):
        pen.text((60, 10 + 20 * line), "Directed by a number of people", fill=letters)
    out = io.BytesIO()
    drawn.save(out, "JPEG", quality=80)
    return columns(out.getvalue())


CARD, DARK = picture(), picture(ground=(20, 22, 30), letters=(60, 50, 40))
STORY = {i: {"words": "Yes."} for i in range(60)}


@pytest.mark.parametrize(
    ("ending", "count"),
    [
        ([(2, CARD)], 1),
        ([(3, CARD)] * 8, 8),  # cards of usual length, one after the other
        ([(55, CARD)], 1),  # a roll that is more of a short film than MOST
        ([(3, CARD), (40, CARD | {"words": "La la"}), (2, CARD)], 3),  # a song has words
        ([(5, CARD), (2, {}), (5, CARD), (2, {})], 4),  # pictures between, a logo at the end
        ([(4, picture(letters=(140, 140, 140)))] * 2, 2),
        ([(4, DARK)] * 3, 0),  # a dark scene
        ([(2, {}), (2, {})], 0),
        ([(2, CARD), *[(2, {})] * 6], 0),  # a black shot in the story, and more of that
        ([(4, CARD), (2, {"words": "And then?"}), (4, CARD)], 1),  # a chapter's title
        ([(200, CARD)], 0),
    ],
)
def test_closing_credits_begin_with_their_first_card(ending, count):
    changed = STORY | {60 + i: what for i, (_, what) in enumerate(ending)}
    facts = title([3.0] * 60 + [float(length) for length, _ in ending], changed=changed)
    assert credit_shots(facts) == (0, count)
    first = facts.shots[len(facts.shots) - max(1, count)]["start_s"]
    reason = "in the closing credits" if count else None  # nor between the story and them
    assert why_not([first], closed(facts, BreakConstraints(margin_s=0))) == [reason]


def test_cards_are_not_told_from_dark_scenes_without_colour():
    grey = picture(ground=(90, 90, 90))
    changed = {i: grey | {"words": "Yes."} for i in range(60)} | {60: CARD, 61: CARD}
    assert credit_shots(title([3.0] * 62, changed=changed)) == (0, 0)
    assert credit_shots(title([3.0] * 62, changed={**STORY, 60: CARD, 61: CARD})) == (0, 2)


def test_no_break_in_credits():
    facts = title([9, 2, *[3.0] * 60, 9, 12], changed={i: {"words": "Y."} for i in range(1, 62)})
    off = closed(facts, BreakConstraints(margin_s=0))
    assert why_not([9.0], off) == [None]  # after the opening
    assert why_not([95.0], off) == [None]
    assert why_not([facts.shots[-2]["start_s"]], off) == ["in the closing credits"]
    assert why_not([facts.shots[-1]["start_s"]], off) == ["in the closing credits"]
    assert why_not([facts.shots[-3]["start_s"]], off) == [None]
    off = closed(facts, BreakConstraints(margin_s=0, credits=False))
    assert why_not([facts.shots[-1]["start_s"]], off) == [None]


# Words to avoid


def test_words_are_found_whole_in_any_case():
    shots = [
        shot_row("film/00000", 0, words="The GUN was his own", seen=["machine gun"]),
        shot_row("film/00001", 1, words="He has begun", heard=["Gunshot, gunfire"]),
    ]
    found = [(m.word, m.how, m.shot) for m in mentions(["gun", "gunfire", "machine  gun"], shots)]
    assert found == [
        ("gun", "said", "film/00000"),
        ("gun", "seen", "film/00000"),
        ("machine  gun", "seen", "film/00000"),
        ("gunfire", "heard", "film/00001"),
    ]
    assert mentions([], shots) == []


def test_words_are_found_however_they_are_written():
    shots = [shot_row("film/00000", 0, words="Don\u2019t stop at the Cafe\u0301")]
    found = [m.word for m in mentions(["don't", "don\u2019t", "caf\u00e9", "do"], shots)]
    assert found == ["don't", "don\u2019t", "caf\u00e9"]


def test_no_break_near_what_is_to_be_avoided():
    facts = title([10.0] * 20, changed={10: {"heard": ["Gunshot, gunfire"]}})
    off = closed(facts, BreakConstraints(margin_s=0, avoid=("gunshot",)))
    kept = [
        b.seconds
        for b in within_constraints(
            [place(10.0 * i) for i in range(1, 20)], BreakConstraints(min_gap_s=0, per_hour=99), off
        )
    ]
    assert kept == [10, 20, 30, 40, 50, 60, 70, 140, 150, 160, 170, 180, 190]
    assert why_not([100.0], off) == ["“gunshot” is heard in film/00010"]
