import numpy as np

from mediafm_store.shots.levels import TimeSeries
from mediafm_store.shots.shot_flags import Repeats, is_black, is_silent


def levels(values):
    made = TimeSeries()
    for i, value in enumerate(values):
        made.append(i / 10, value)
    return made


def test_black_is_black_in_every_frame():
    lit = levels([0.0, 0.01, 0.02, 0.5, 0.0])
    assert is_black(lit, 0, 0.3)
    assert not is_black(lit, 0, 0.4)
    assert is_black(lit, 0.4, 0.5)
    assert not is_black(lit, 5, 6)  # nothing is known


def test_black_may_have_the_end_of_a_fade_at_either_side():
    lit = levels([0.9, *[0.0] * 18, 0.4])
    assert is_black(lit, 0, 2)
    assert not is_black(lit, 0, 0.5)  # it would be more than a tenth
    assert not is_black(lit, 1.5, 2)
    assert not is_black(levels([*[0.0] * 9, 0.9, *[0.0] * 10]), 0, 2)
    long = [*[0.0] * 194, *[0.1] * 6]
    assert not is_black(levels(long), 0, 20)  # a tenth, but more than half a second
    assert is_black(levels([*[0.0] * 196, *[0.1] * 4]), 0, 20)


def test_silent_is_quiet_all_the_time_or_without_sound():
    loudness = levels([-90.0, -61.0, -59.0])
    assert is_silent(loudness, 0, 0.2)
    assert not is_silent(loudness, 0, 0.3)
    assert is_silent(loudness, 5, 6)
    assert is_silent(TimeSeries(), 0, 1)


def picture(seed, light=1.0):
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (9, 16, 3)) * light
    return np.kron(coarse, np.ones((20, 20, 1))).astype(np.uint8)


def test_repeats_name_the_latest_of_the_near_ones():
    before = Repeats()
    noise = np.random.default_rng(9).integers(0, 4, picture(1).shape).astype(np.uint8)
    found = [before.add(p) for p in (picture(1), picture(2), picture(1) // 2 * 2 | noise % 2)]
    assert found == [None, None, 0]
    assert before.add(picture(1)) == 2
    for seed in range(10, 18):
        assert before.add(picture(seed)) is None
    assert before.add(picture(1)) is None  # too long ago


def test_dark_pictures_are_not_alike_for_being_dark():
    before = Repeats()
    assert [before.add(picture(s, light=0.05)) for s in (1, 2, 1)] == [None, None, 0]
