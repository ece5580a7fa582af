"""Find the cuts of a film in its frames: what a detector is, and those of PySceneDetect."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from mediafm_store.media.scale import Image


class DetectorFrame(NamedTuple):
    """A frame as a detector sees it."""

    seconds: float
    """When it is shown, from the start of the file."""
    image: Image
    """BGR, its longest side `DETECTION_SIZE` pixels at most."""


Detector = Callable[[Iterable[DetectorFrame], float], Iterator[int]]
"""Frames and their mean rate in; out, as soon as known, the number of each frame that starts a
new shot (never 0), ascending."""

DETECTION_SIZE = 160

_AROUND, _SHORTEST = 2, 15
"""Frames on either side that a change is compared with, and the shortest shot, in frames."""
_LEAST_CHANGE, _LEAST_RATIO, _STILL = 15.0, 3.0, 1e-5
"""Least change of a cut, and its least ratio to the changes around it; changes below STILL count as
none."""


def adaptive(frames: Iterable[DetectorFrame], _fps: float) -> Iterator[int]:
    """Cut where a change stands out from the motion around it.

    The cuts of PySceneDetect 0.7's AdaptiveDetector with its default parameters, to the frame: it
    finds no dissolves, and cuts at flashes (docs/decisions/0034-flashes-and-dissolves.md).
    """
    scores: deque[float] = deque(maxlen=2 * _AROUND + 1)
    last = 0
    for number, score in enumerate(_changes(frames)):
        scores.append(score)
        middle = number - _AROUND
        if middle - last >= _SHORTEST and _stands_out(*scores):
            last = middle
            yield middle


def _changes(frames: Iterable[DetectorFrame]) -> Iterator[float]:
    """Difference of each frame from the one before it: hue, saturation and value, 0 to 255.

    Each channel is divided before they are added, as PySceneDetect does: its rounding decides on
    which side of a threshold a score lies.
    """
    import cv2

    before = None
    for _, image in _of_one_size(frames):
        now = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
        pixels = now.shape[0] * now.shape[1]
        hue, saturation, value, _ = cv2.sumElems(
            cv2.absdiff(now, now if before is None else before)
        )
        yield (hue / pixels + saturation / pixels + value / pixels) / 3
        before = now


def _stands_out(first: float, second: float, score: float, fourth: float, fifth: float) -> bool:
    """True if the middle one of five changes is a cut."""
    around = (first + second + fourth + fifth) / (2 * _AROUND)
    return score >= _LEAST_CHANGE and (around < _STILL or score / around >= _LEAST_RATIO)


def content(frames: Iterable[DetectorFrame], fps: float) -> Iterator[int]:
    """PySceneDetect's ContentDetector: a cut changes colour and light by a fixed amount."""
    from scenedetect.detectors import ContentDetector

    return _scenedetect_cuts(ContentDetector(), frames, fps)


def threshold(frames: Iterable[DetectorFrame], fps: float) -> Iterator[int]:
    """PySceneDetect's ThresholdDetector: a shot starts in the middle of each black segment.

    Finds fades through black and nothing else. A cut is known only when the picture comes back.
    """
    from scenedetect.detectors import ThresholdDetector

    return _scenedetect_cuts(ThresholdDetector(), frames, fps)


def _scenedetect_cuts(detector: Any, frames: Iterable[DetectorFrame], fps: float) -> Iterator[int]:
    """Run any detector of PySceneDetect over frames."""
    from scenedetect import FrameTimecode

    last = FrameTimecode(0, fps)
    for number, frame in enumerate(_of_one_size(frames)):
        last = FrameTimecode(number, fps)
        yield from (cut.frame_num for cut in detector.process_frame(last, frame.image))
    yield from (cut.frame_num for cut in detector.post_process(last))


def _of_one_size(frames: Iterable[DetectorFrame]) -> Iterator[DetectorFrame]:
    """Frames at the size of the first: broadcasts change shape midway, and sizes must agree."""
    import cv2

    size = None
    for frame in frames:
        height, width, _ = frame.image.shape
        size = size or (width, height)
        if (width, height) == size:
            yield frame
        else:
            image = cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA)
            yield frame._replace(image=image)
