"""Find the cuts of a film in its frames: what a detector is, and those of PySceneDetect."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import UInt8

Image = UInt8[np.ndarray, "h w 3"]


class Seen(NamedTuple):
    """A frame as a detector sees it."""

    seconds: float
    """When it is shown, from the start of the file."""
    image: Image
    """BGR, its longest side `DETECTION_SIZE` pixels at most."""


Detector = Callable[[Iterable[Seen], float], Iterator[int]]
"""Frames and their mean rate in; out, as soon as known, the number of each frame that starts a
new shot (never 0), ascending."""

DETECTION_SIZE = 160


def adaptive(frames: Iterable[Seen], fps: float) -> Iterator[int]:
    """PySceneDetect's AdaptiveDetector: a cut stands out from the motion around it."""
    from scenedetect.detectors import AdaptiveDetector

    return scenedetect_cuts(AdaptiveDetector(), frames, fps)


def content(frames: Iterable[Seen], fps: float) -> Iterator[int]:
    """PySceneDetect's ContentDetector: a cut changes colour and light by a fixed amount."""
    from scenedetect.detectors import ContentDetector

    return scenedetect_cuts(ContentDetector(), frames, fps)


def scenedetect_cuts(detector: Any, frames: Iterable[Seen], fps: float) -> Iterator[int]:
    """Run any detector of PySceneDetect over frames."""
    from scenedetect import FrameTimecode

    last = FrameTimecode(0, fps)
    for number, frame in enumerate(frames):
        last = FrameTimecode(number, fps)
        yield from (cut.frame_num for cut in detector.process_frame(last, frame.image))
    yield from (cut.frame_num for cut in detector.post_process(last))
