"""What every detector must do."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest

from mediafm_store import plugins
from mediafm_store.shots.detectors import DetectorFrame
from tests.helpers.frames import FPS, faded, noise, seen, small
from tests.unit.shots.test_shots import CUTS

NAMES = plugins.names("detectors")
FADES_ONLY = {"threshold"}


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
