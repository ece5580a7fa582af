"""The detectors of PySceneDetect against the package itself."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from tests.helpers.frames import FPS, faded, seen, small
from tests.unit.shots.test_shots import CUTS


def film_frames(path: Path) -> list[DetectorFrame]:
    with open_media(path) as container:
        video = Video(container, path)
        shrink = Shrinker(DETECTION_SIZE, "bgr24", video.pixel_aspect)
        return seen([shrink(frame.picture) for frame in video.frames()])


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
