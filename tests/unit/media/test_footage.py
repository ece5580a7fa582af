"""What is read of a file for edit lists: rate, time code, sound."""

from fractions import Fraction

import numpy as np
import pytest

from mediafm_store.errors import InvalidMedia
from mediafm_store.media.footage import read_footage
from tests.helpers.timelines import NTSC, NTSC_60, NTSC_FILM, numbered_film


@pytest.mark.parametrize(
    ("rate", "code", "counted"),
    [
        (NTSC_FILM, "01:00:00:00", (86_400, False)),
        (Fraction(25), "10:00:00:12", (900_012, False)),
        (NTSC, "01:00:00;00", (107_892, True)),
        (NTSC, "01:00:00:00", (108_000, False)),
        (NTSC_60, "00:58:59;40", (212_168, True)),
        (Fraction(24), None, (0, None)),
    ],
)
@pytest.mark.parametrize("suffix", ["mov", "mxf"])
def test_rate_and_time_code(tmp_path, rate, code, counted, suffix):
    if suffix == "mxf" and code is None:
        pytest.skip("an MXF always has a time code")
    notes = {"timecode": code, "reel_name": "A001"} if code else {}
    film = numbered_film(tmp_path / f"a.{suffix}", 50, fps=rate, notes=notes)
    found = read_footage(film)
    assert (found.rate, found.variable) == (rate, False)
    assert (found.start, found.drop) == counted
    assert found.reel == ("A001" if code and suffix == "mov" else "")
    assert abs(found.length_s - 50 / rate) < Fraction(1, 500)


def test_a_code_that_the_rate_does_not_have_is_told(tmp_path):
    film = numbered_film(tmp_path / "a.mov", 10, fps=30, notes={"timecode": "01:00:00:28"})
    said: list[str] = []
    assert read_footage(film, said.append).start == 108_028
    assert said == []


def uneven(count: int, seed: int = 1) -> list[int]:
    """Times in milliseconds of a film from a telephone: 20 to 60 ms from frame to frame."""
    return [0, *np.cumsum(np.random.default_rng(seed).integers(20, 60, count - 1)).tolist()]


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_variable_rates_are_told(tmp_path, suffix):
    film = numbered_film(tmp_path / f"a.{suffix}", 100, times=uneven(100))
    found = read_footage(film)
    assert found.variable
    assert found.rate in {Fraction(24), Fraction(25), NTSC_FILM}


def test_a_film_that_becomes_uneven_late_is_variable(tmp_path):
    times = [40 * n for n in range(1100)]
    times += [times[-1] + 120 * n for n in range(1, 100)]
    assert read_footage(numbered_film(tmp_path / "a.mp4", len(times), times=times)).variable


def test_a_clock_of_milliseconds_is_not_variable(tmp_path):
    film = numbered_film(tmp_path / "a.mkv", 120, fps=NTSC)
    found = read_footage(film)
    assert (found.rate, found.variable) == (NTSC, False)


def test_real_films(films):
    rates = {
        "sintel/sintel.mp4": Fraction(24),
        "tears_of_steel_battle_clip/tears_of_steel_battle_clip.webm": Fraction(24),
        "elephants_dream_opening/elephants_dream_opening.mp4": Fraction(24),
        "clips/nasa_13013.mp4": NTSC,
        "clips/flower_closeup.mp4": NTSC,
        "clips/car_detection.mp4": Fraction(25, 2),
        "clips/city_cc0.mpg": Fraction(25),
    }
    for name, rate in rates.items():
        found = read_footage(films / name)
        assert (found.rate, found.variable, found.start) == (rate, False, 0), name


def test_sound_alone_is_no_footage(films):
    with pytest.raises(InvalidMedia, match="no picture"):
        read_footage(films / "clips" / "guitar.mp3")


@pytest.mark.parametrize(
    ("rotation", "aspect", "shown"),
    [
        (0, None, (96, 64, 1)),
        (90, None, (64, 96, 1)),
        (180, Fraction(4, 3), (96, 64, Fraction(4, 3))),
        (270, Fraction(4, 3), (64, 96, Fraction(3, 4))),
    ],
)
def test_the_shape_is_the_one_that_is_shown(tmp_path, rotation, aspect, shown):
    film = numbered_film(tmp_path / "a.mp4", 10, rotation=rotation, aspect=aspect)
    found = read_footage(film)
    assert (found.width, found.height, found.pixel_aspect) == shown
