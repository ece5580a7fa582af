"""Frames as detectors see them."""

import numpy as np

from mediafm_store.shots.detectors import DetectorFrame
from tests.unit.shots.test_shots import striped

FPS = 24.0


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
