"""What every detector must do, and those of PySceneDetect against the package itself."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediafm_store import plugins
from mediafm_store.media.decode import open_media
from mediafm_store.media.scale import Shrinker
from mediafm_store.media.video import Video
from mediafm_store.shots.detectors import (
    DETECTION_SIZE,
    DetectorFrame,
    adaptive,
    content,
    threshold,
)
from mediafm_store.shots.detectors import _scenedetect_cuts as scenedetect_cuts
from tests.unit.shots.test_shots import CUTS, striped

FPS = 24.0
NAMES = plugins.names("detectors")
FADES_ONLY = {"threshold"}


def seen(images) -> list[DetectorFrame]:
    return [DetectorFrame(number / FPS, image) for number, image in enumerate(images)]


def small(frames: int = 200) -> np.ndarray:
    return np.ascontiguousarray(striped(frames)[:, ::2, ::2, ::-1])


def noise(frames: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (frames, height, width, 3), np.uint8)


def faded(frames: int = 200, black_from: int = 96, black_to: int = 104) -> np.ndarray:
    """A film that fades to black and comes back as another shot."""
    number = np.arange(frames)
    distance = np.maximum(black_from - number, number - (black_to - 1)).clip(0)
    light = (distance / 20).clip(0, 1)[:, None, None, None]
    colours = np.where(number < black_from, 90, 160)[:, None, None, None]
    return (light * colours * np.ones((1, 27, 48, 3))).astype(np.uint8)


def film_frames(path: Path) -> list[DetectorFrame]:
    with open_media(path) as container:
        video = Video(container, path)
        shrink = Shrinker(DETECTION_SIZE, "bgr24", video.pixel_aspect)
        return seen([shrink(frame.picture) for frame in video.frames()])


@pytest.fixture(params=NAMES)
def detector(request):
    return plugins.load("detectors", request.param)


def cases() -> dict[str, np.ndarray]:
    return {
        "no frame": noise(0, 9, 16),
        "one frame": noise(1, 9, 16),
        "two frames": noise(2, 9, 16),
        "fewer than a window": noise(30, 9, 16),
        "all black": np.zeros((60, 9, 16, 3), np.uint8),
        "all white": np.full((60, 9, 16, 3), 255, np.uint8),
        "one pixel": noise(60, 1, 1),
        "odd sizes": noise(60, 7, 13),
        "a column": noise(60, 160, 1),
        "a row": noise(60, 1, 160),
        "noise": noise(60, 27, 48),
        "hard cuts": small(),
        "a fade": faded(),
    }


@pytest.mark.parametrize("case", cases())
def test_cuts_ascend_and_lie_inside(detector, case):
    images = cases()[case]
    cuts = list(detector(iter(seen(images)), FPS))
    assert all(type(cut) is int for cut in cuts)
    assert all(a < b for a, b in pairwise([0, *cuts, max(len(images), 1)]))


@pytest.mark.parametrize("case", ["all black", "all white"])
def test_nothing_is_cut_where_nothing_changes(detector, case):
    assert list(detector(seen(cases()[case]), FPS)) == []


@pytest.mark.parametrize("name", sorted(set(NAMES) - FADES_ONLY))
def test_hard_cuts_are_found(name):
    assert list(plugins.load("detectors", name)(seen(small()), FPS)) == CUTS


def test_frames_are_taken_one_by_one_and_cuts_told_as_soon_as_known(detector):
    """A long film with six black frames around 150, which any detector takes for a cut."""
    images = np.full((1200, 27, 48, 3), (90, 60, 200), np.uint8)
    images[147:153], images[153:] = 0, (40, 200, 120)
    taken = 0

    def frames() -> Iterator[DetectorFrame]:
        nonlocal taken
        for frame in seen(images):
            taken += 1
            yield frame

    cuts = detector(frames(), FPS)
    assert taken == 0
    assert 140 <= next(cuts) <= 160
    assert taken < 700


def test_a_film_may_change_its_shape(detector):
    wide, high = noise(40, 9, 16), noise(40, 12, 16)
    cuts = list(detector(seen([*wide, *high, *wide]), FPS))
    assert all(0 < cut < 120 for cut in cuts)


def test_two_runs_agree(detector):
    frames = seen(small())
    assert list(detector(frames, FPS)) == list(detector(frames, FPS))


# --- parity ---------------------------------------------------------------------------------


def packaged(frames: list[DetectorFrame]) -> list[int]:
    from scenedetect.detectors import AdaptiveDetector

    return list(scenedetect_cuts(AdaptiveDetector(), frames, FPS))


@given(
    shots=st.lists(
        st.tuples(st.integers(1, 40), st.integers(0, 255), st.integers(0, 40)), max_size=8
    ),
    flashes=st.lists(st.integers(0, 200), max_size=4),
    shape=st.sampled_from([(1, 1), (5, 7), (18, 32)]),
    seed=st.integers(0, 2**32 - 1),
)
def test_adaptive_cuts_as_the_package_does(shots, flashes, shape, seed):
    """Shots of (frames, grey level, noise), among them some shorter than the shortest."""
    rng = np.random.default_rng(seed)
    images = [
        (level + rng.integers(-grain, grain + 1, (*shape, 3))).clip(0, 255).astype(np.uint8)
        for length, level, grain in shots
        for _ in range(length)
    ]
    for flash in flashes:
        if flash < len(images):
            images[flash] = np.full((*shape, 3), 255, np.uint8)
    frames = seen(images)
    assert list(adaptive(frames, FPS)) == packaged(frames)


@given(st.lists(st.integers(0, 6), min_size=1, max_size=120))
def test_adaptive_rounds_as_the_package_does(steps):
    """Changes of exactly 15 (and 3 times those around) are on the thresholds."""
    values = np.cumsum([15 * step for step in steps]) % 256
    images = np.broadcast_to(values[:, None, None, None], (len(values), 3, 7, 3))
    frames = seen(images.astype(np.uint8))
    assert list(adaptive(frames, FPS)) == packaged(frames)


@pytest.mark.parametrize("where", [1, 2, 14, 15, 16, 96, 97, 98, 99])
def test_cuts_near_both_ends_are_those_of_the_package(where):
    images = np.full((100, 5, 5, 3), 40, np.uint8)
    images[where:] = (200, 90, 20)
    frames = seen(images)
    cuts = list(adaptive(frames, FPS))
    assert cuts == packaged(frames)
    assert cuts == ([where] if 15 <= where <= 97 else [])


@pytest.mark.slow
@pytest.mark.parametrize(
    "film",
    [
        "tears_of_steel_battle_clip/tears_of_steel_battle_clip.webm",
        "elephants_dream_opening/elephants_dream_opening.mp4",
    ],
)
def test_adaptive_cuts_real_films_as_the_package_does(films, film):
    frames = film_frames(films / film)
    cuts = list(adaptive(frames, FPS))
    assert cuts == packaged(frames)
    assert len(cuts) > 3


# --- fades ----------------------------------------------------------------------------------


def test_threshold_cuts_in_the_middle_of_the_black():
    (cut,) = threshold(seen(faded()), FPS)
    assert cut == pytest.approx(100, abs=1)


def test_threshold_does_not_see_hard_cuts_and_content_does():
    assert list(threshold(seen(small()), FPS)) == []
    assert list(content(seen(small()), FPS)) == CUTS


def test_threshold_takes_a_film_that_starts_or_ends_in_black():
    images = np.full((200, 9, 16, 3), 90, np.uint8)
    images[:40], images[170:] = 0, 0
    assert list(threshold(seen(images), FPS)) == [20]
