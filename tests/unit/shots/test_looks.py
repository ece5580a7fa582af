"""What shots look like: made-up pictures and rows, and films."""

import io
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mediafm_store.clips.write import write_video
from mediafm_store.features.looks import LOOKS
from mediafm_store.features.streams import see
from mediafm_store.ingestion.title_rows import _named as named
from mediafm_store.records import Span
from mediafm_store.shots import faces as finder
from mediafm_store.shots import looks, picture
from mediafm_store.shots.detectors import adaptive
from mediafm_store.shots.looks import _ramp as ramp
from mediafm_store.shots.looks import cuts_per_min, look_words
from mediafm_store.shots.picture import _measure_picture as measure_picture
from mediafm_store.shots.picture import _without_bars as without_bars
from mediafm_store.shots.shot_flags import is_black
from mediafm_store.shots.shot_list import listed
from mediafm_store.shots.shots import CutShot, LumaStats, read_shots
from mediafm_store.tables.schema import SHOTS
from tests.helpers.plain import PlainEncoder

UNKNOWN = dict.fromkeys(looks._COLUMNS)
BY_WORD = {look.word: look for look in LOOKS}


def row(**known):
    return UNKNOWN | known


def flat(height, width, rgb):
    return np.full((height, width, 3), rgb, np.uint8)


def blocks(seed, light=1.0):
    """A picture of coarse blocks."""
    coarse = np.random.default_rng(seed).integers(60, 255, (9, 16, 3)) * light
    return np.kron(coarse, np.ones((10, 10, 1))).astype(np.uint8)


def seen(path, frames, starts=None):
    """The shots of a film that is made of frames, and what its light is."""
    write_video(path, frames, fps=25, audio=None, audio_rate=16_000)
    light = LumaStats.unknown()
    shots = list(read_shots(path, listed(starts) if starts else adaptive, light=light))
    return [shot.span for shot in shots], light


def jpeg(image):
    out = io.BytesIO()
    Image.fromarray(image).save(out, "JPEG", quality=80)
    return out.getvalue()


@pytest.fixture(scope="module")
def portrait():
    """A face of half the height: Eileen Collins, by NASA (public domain)."""
    skimage = pytest.importorskip("skimage.data")
    return np.ascontiguousarray(skimage.astronaut()[:256, 96:352])


needs_faces = pytest.mark.skipif(finder._library() is None, reason="no package that finds faces")


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((200, 20, 20), "red"),
        ((240, 140, 20), "orange"),
        ((230, 220, 30), "yellow"),
        ((30, 160, 40), "green"),
        ((20, 200, 210), "blue"),
        ((20, 30, 90), "blue"),
        ((120, 40, 200), "purple"),
        ((240, 60, 170), "pink"),
        ((250, 170, 180), "pink"),
        ((100, 60, 25), "brown"),
        ((3, 3, 3), "black"),
        ((120, 122, 118), "grey"),
        ((250, 250, 248), "white"),
    ],
)
def test_colours_have_their_names(rgb, name):
    found = measure_picture(flat(90, 160, rgb))
    assert found.colours == [name]
    assert found.colour_shares == [1.0]
    assert found.saturation == pytest.approx((max(rgb) - min(rgb)) / 255)


def test_only_what_fills_a_good_part_is_a_colour():
    image = flat(90, 160, (120, 120, 120))
    image[:, :64] = (30, 60, 220)
    image[:, 64:70] = (220, 20, 20)
    found = measure_picture(image)
    assert found.colours == ["grey", "blue"]
    assert found.colour_shares == pytest.approx([0.5625, 0.4])


@pytest.mark.parametrize("turned", [False, True])
def test_bars_are_cut_off(turned):
    image = flat(90, 160, (30, 160, 40))
    image[:11] = image[-12:] = 3
    image = np.rot90(image) if turned else image
    assert measure_picture(np.ascontiguousarray(image)).colours == ["green"]
    assert measure_picture(np.ascontiguousarray(image)).bars == pytest.approx(24 / 90)


def test_what_is_dark_at_one_side_or_all_over_has_no_bars():
    one = flat(90, 160, (30, 160, 40))
    one[:12] = 0
    letters = flat(90, 160, (0, 0, 0))
    letters[30:60, 40:60] = 255
    for image in (one, letters, flat(90, 160, (0, 0, 0))):
        assert without_bars(image).shape == image.shape


@needs_faces
def test_a_face_is_measured_within_the_bars(portrait):
    plain = measure_picture(portrait)
    assert plain.faces == 1
    assert 0.3 < plain.face < 0.6
    bars = np.zeros((356, 256, 3), np.uint8)
    bars[50:-50] = portrait
    assert measure_picture(bars).face == pytest.approx(plain.face, abs=0.03)
    two = np.concatenate([portrait, portrait[:, ::-1]], axis=1)
    assert measure_picture(two).faces == 2
    assert measure_picture(flat(90, 160, (90, 80, 70)))[4:] == (0.0, 0)


def test_nobody_looks_for_faces_without_the_package(portrait, monkeypatch):
    monkeypatch.setattr(finder, "_library", lambda: None)
    assert measure_picture(portrait)[4:] == (None, None)
    assert "face" not in look_words(row(**measure_picture(portrait)._asdict()))


@needs_faces
def test_the_library_gets_no_picture_that_is_too_large(portrait):
    with pytest.raises(ValueError, match="2000x20"):
        finder.faces(np.zeros((20, 2000, 3), np.uint8))
    assert finder.faces(np.zeros((3, 200, 3), np.uint8)) == []
    assert len(finder.faces(portrait[:, ::-1])) == 1  # not contiguous


def test_a_picture_that_cannot_be_read_says_nothing():
    assert picture.columns(b"jpeg") == dict.fromkeys(picture.COLUMNS)
    assert picture.columns(jpeg(flat(9, 9, (1, 2, 3)))[:40]) == dict.fromkeys(picture.COLUMNS)


@settings(deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_measures_lie_in_their_ranges(height, width, seed):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, rng.integers(1, 256), (height, width, 3)).astype(np.uint8)
    found = measure_picture(image)
    assert 0 <= found.bars < 1
    assert 0 <= found.saturation <= 1
    assert len(found.colours) == len(found.colour_shares)
    assert sum(found.colour_shares) <= 1 + 1e-6
    assert found.colour_shares == sorted(found.colour_shares, reverse=True)
    assert found.face is None or 0 <= found.face <= 1


numbers = st.none() | st.floats(0, 1)
rows = st.fixed_dictionaries(
    {
        "black": st.none() | st.booleans(),
        **dict.fromkeys(("brightness", "saturation", "motion", "face"), numbers),
        "bars": st.none() | st.floats(0, 0.8),
        "colours": st.none() | st.just(["blue", "white"]),
        "colour_shares": st.just([0.5, 0.4]),
        "faces": st.none() | st.integers(0, 20),
        "cuts_per_min": st.none() | st.floats(0, 1000),
        "duration_s": st.floats(0, 1e5),
    }
)


@settings(deadline=None)
@given(rows)
def test_degrees_lie_in_their_range_and_give_the_words(row):
    degrees = {look.word: look.degree(row) for look in LOOKS}
    assert all(0 <= degree <= 1 for degree in degrees.values()), degrees
    assert look_words(row) == [word for word, degree in degrees.items() if degree >= 0.5]


@settings(deadline=None)
@given(st.lists(rows, max_size=4), st.sampled_from(LOOKS))
def test_many_shots_are_graded_as_one_is(some, look):
    columns = {name: [row[name] for row in some] for name in look.columns}
    assert look.degrees(columns).tolist() == pytest.approx([look.degree(row) for row in some])


def test_of_what_is_not_known_nothing_is_said():
    assert look_words(UNKNOWN) == []
    assert {look.degree(UNKNOWN) for look in LOOKS} == {0.0}


def test_every_look_follows_from_columns_of_shots_and_can_be_asked_for():
    for look in LOOKS:
        assert set(look.columns) <= set(SHOTS.names)
        assert 2 <= len(look.phrases) <= 6
    phrases = [phrase for look in LOOKS for phrase in look.phrases]
    assert len(set(phrases)) == len(phrases)


@pytest.mark.parametrize(
    ("word", "less", "more"),
    [
        ("black", {"black": False, "brightness": 0.3}, {"black": False, "brightness": 0.01}),
        ("black", {"black": False, "brightness": 0.0}, {"black": True, "brightness": 0.04}),
        ("dark", {"brightness": 0.3}, {"brightness": 0.1}),
        ("dark", {"brightness": 0.15, "bars": 0.4}, {"brightness": 0.15}),
        ("bright", {"brightness": 0.5}, {"brightness": 0.7}),
        ("close-up", {"face": 0.2}, {"face": 0.5}),
        ("small faces", {"face": 0.15, "faces": 1}, {"face": 0.1, "faces": 1}),
        ("small faces", {"face": 0.0, "faces": 0}, {"face": 0.1, "faces": 1}),
        ("several faces", {"faces": 1}, {"faces": 3}),
        ("moving", {"motion": 0.02}, {"motion": 0.05}),
        ("still", {"motion": 0.01}, {"motion": 0.001}),
        ("fast cutting", {"cuts_per_min": 8}, {"cuts_per_min": 30}),
        ("long take", {"duration_s": 8}, {"duration_s": 60}),
        (
            "black and white",
            {"saturation": 0.01, "brightness": 0.0},
            {"saturation": 0.01, "brightness": 0.4},
        ),
        ("colourful", {"saturation": 0.2}, {"saturation": 0.4}),
        (
            "red",
            {"colours": ["red", "blue"], "colour_shares": [0.4, 0.3]},
            {"colours": ["red"], "colour_shares": [0.8]},
        ),
    ],
)
def test_the_more_the_greater_the_degree(word, less, more):
    look = BY_WORD[word]
    assert look.degree(row(**less)) < look.degree(row(**more))
    assert word in look_words(row(**more)) or word == "black"


@settings(deadline=None)
@given(st.floats(0, 1), st.floats(0, 1))
def test_ramps_rise(a, b):
    low, high = sorted((a, b))
    assert ramp(low, 0.1, 0.3, 0.9) <= ramp(high, 0.1, 0.3, 0.9)
    assert ramp(low, 0.9, 0.3, 0.1) >= ramp(high, 0.9, 0.3, 0.1)
    assert ramp(0.3, 0.1, 0.3, 0.9) == 0.5


def test_cuts_are_counted_half_a_minute_either_side():
    starts = [float(s) for s in [*range(0, 100, 5), 100, 200]]
    found = cuts_per_min(starts, [*starts[1:], 300.0])
    assert found[8] == 12.0  # the middle of a segment of a cut every five seconds
    assert found[0] == pytest.approx(60 * 6 / 32.5)  # the beginning is no cut
    assert found[-1] == 0.0
    assert cuts_per_min([0.0], [0.0]) == [0.0]


def test_motion_is_that_within_a_shot(tmp_path):
    """A still, a cut, a picture that goes on changing: one frame of it is one shot."""
    frames = [blocks(1)] * 25 + [blocks(s) for s in range(2, 27)] + [blocks(30)]
    spans, light = seen(tmp_path / "film.mp4", frames, [0.0, 1.0, 2.0])
    still, moving, alone = (light.motion_in(span) for span in spans)
    assert still < 0.005
    assert moving > 0.1
    assert alone is None
    assert look_words(row(motion=still)) == ["still"]
    assert look_words(row(motion=moving)) == ["moving"]


def test_a_shot_is_black_though_a_fade_begins_or_ends_in_it(tmp_path):
    """Fades out and in, cut where they are nearly over, and once where they are not."""
    out, into = ([blocks(s, light / 24) for light in range(24)] for s in (1, 2))
    dark = flat(90, 160, (0, 0, 0))
    frames = [*[blocks(1)] * 26, *out[::-1], *[dark] * 75, *into, *[blocks(2)] * 26]
    for before, black in ((6, True), (20, False)):
        starts = [0.0, 2.0 - before / 25, 5.0 + before / 25]
        spans, light = seen(tmp_path / f"{before}.mp4", frames, starts)
        found = [is_black(light.lit, s.start_s, s.end_s) for s in spans]
        assert found == [False, black, False]


@pytest.mark.slow
def test_what_films_look_like(films):
    """Sintel's trailer begins with a fade from black and ends on a card of letters."""
    (film,) = (films / "sintel_trailer").glob("*.mp4")
    light = LumaStats.unknown()
    shots = list(read_shots(film, adaptive, light=light))
    assert all(0 <= light.motion_in(s.span) < 0.2 for s in shots)
    assert [is_black(light.lit, s.span.start_s, s.span.end_s) for s in shots[-2:]] == [False, True]
    found = [picture.columns(jpeg(shot.middle)) for shot in shots]
    assert {f["bars"] for f in found} == {0.0}
    assert found[-1]["colours"] == ["black"]


class Namer(PlainEncoder):
    """Names whatever it gets, as sure as the first of its pixels is bright."""

    tells = True

    def encode(self, items):
        likely = [(float(item[0, 0, 0]) / 255, 0.2) for item in items]
        named = super().encode(items)._replace(labels=[("a", "b")] * len(items))
        return named._replace(probabilities=likely) if self.tells else named


@pytest.mark.parametrize("tells", [True, False])
def test_names_are_kept_that_are_likely_to_be_right(tells):
    namer = Namer("visual")
    namer.tells = tells
    shots = [CutShot(Span(i, i + 1, Fraction(1)), [flat(9, 16, rgb)]) for i, rgb in enumerate(LIT)]
    encoded = see(namer, shots).encoded
    rows = [named("seen", encoded, i) for i in range(len(LIT))]
    if tells:
        assert [row["seen"] for row in rows] == [[], ["a"], ["a"]]
        assert [row["seen_p"] for row in rows] == [[], [pytest.approx(235 / 255)], [1.0]]
    else:
        assert rows == [{"seen": ["a", "b"], "seen_p": None}] * 3


LIT = (100, 235, 255)
