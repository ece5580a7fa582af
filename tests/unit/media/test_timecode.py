"""Time code: both ways, at every rate, over a day and beyond."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentimelineio import opentime

from mediafm_store.media.timecode import (
    STANDARD,
    can_drop,
    exact_rate,
    frame_of,
    nearest,
    timecode_of,
    timecode_rate,
)

WAYS = [
    (rate, drop) for rate in STANDARD for drop in ([False, True] if can_drop(rate) else [False])
]
NTSC = Fraction(30_000, 1001)


def day(rate: Fraction, drop: bool) -> int:
    """Frames of 24 hours of time code."""
    return frame_of("23:59:59:00", rate, drop=drop) + round(rate)


@settings(max_examples=500)
@given(way=st.sampled_from(WAYS), share=st.floats(0, 1, exclude_max=True))
def test_frames_come_back_from_time_code(way, share):
    rate, drop = way
    frame = int(share * day(rate, drop))
    text = timecode_of(frame, rate, drop=drop)
    assert frame_of(text, rate) == frame
    assert timecode_of(frame + day(rate, drop), rate, drop=drop) == text
    assert (";" in text) == drop


@settings(max_examples=500)
@given(way=st.sampled_from(WAYS), share=st.floats(0, 0.99))
def test_opentimelineio_says_the_same(way, share):
    rate, drop = way
    frame = int(share * day(rate, drop))
    theirs = opentime.to_timecode(opentime.RationalTime(frame, float(rate)), float(rate), drop)
    assert timecode_of(frame, rate, drop=drop) == theirs


@pytest.mark.parametrize(("rate", "skips"), [(NTSC, 2), (2 * NTSC, 4)])
def test_every_minute_but_each_tenth_skips_numbers(rate, skips):
    nominal = round(rate)
    for minute in range(1, 60):
        first = f"00:{minute:02}:00;{skips if minute % 10 else 0:02}"
        frame = frame_of(first, rate)
        assert timecode_of(frame, rate, drop=True) == first
        before = f"00:{minute - 1:02}:59;{nominal - 1:02}"
        assert timecode_of(frame - 1, rate, drop=True) == before
    hour = frame_of("01:00:00;00", rate) / rate
    assert abs(hour - 3600) < Fraction(1, 100)


def test_measured_rates_stand_for_exact_ones():
    assert exact_rate(23.98) == exact_rate(23.976) == Fraction(24_000, 1001)
    assert exact_rate(29.97) == NTSC
    assert exact_rate(25.0001) == 25
    assert exact_rate(12.5) == Fraction(25, 2)


@pytest.mark.parametrize(
    ("rate", "counted"),
    [
        *((rate, rate) for rate in STANDARD),
        (Fraction(25, 2), 25),
        (Fraction(15), 30),
        (Fraction(12), 24),
        (Fraction(100), 50),
        (Fraction(120), 60),
        (4 * NTSC, 2 * NTSC),
        (Fraction(117, 5), Fraction(24_000, 1001)),
    ],
)
def test_what_time_code_does_not_know_is_counted_at_what_it_does(rate, counted):
    assert timecode_rate(rate) == counted


def test_halves_go_to_the_later_frame():
    assert [nearest(Fraction(n, 4)) for n in range(-2, 8)] == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2]
