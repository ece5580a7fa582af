"""Cut a video into shots in one pass over its frames."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import av

from mediafm_store.media.decode import Frame, Shrinker, Video, Warn, log_warning, open_media
from mediafm_store.media.detectors import DETECTION_SIZE, Detector, Image, Seen
from mediafm_store.media.levels import Levels
from mediafm_store.records import Span

KEYFRAME_SIZE = 512
"""Longest side in pixels of what encoders and pages get."""


class CutShot(NamedTuple):
    """A shot as it was found: where it lies, and the picture in its middle (RGB)."""

    span: Span
    keyframe: Image


def read_shots(
    path: Path,
    detector: Detector,
    *,
    brightness: Levels | None = None,
    on_progress: Callable[[float, float], None] = lambda done_s, total_s: None,
    warn: Warn = log_warning,
) -> Iterator[CutShot]:
    """Decode a video once and yield its shots in play order, without gaps or overlaps.

    `brightness` receives the mean of every frame, 0 (black) to 1. Raises BadMedia if the file
    has no picture that can be decoded.
    """
    with open_media(path) as container:
        video = Video(container, path)
        pending = PendingShot()
        shrink, to_keyframe = Shrinker(DETECTION_SIZE, "bgr24"), Shrinker(KEYFRAME_SIZE, "rgb24")

        def seen() -> Iterator[Seen]:
            for frame in video.frames(warn):
                pending.add(frame)
                image = shrink(frame.picture)
                seconds = float(frame.pts * video.time_base)
                if brightness is not None:
                    brightness.append(seconds, float(image.mean()) / 255)
                on_progress(seconds, video.duration_s)
                yield Seen(seconds, image)

        for cut in detector(seen(), video.fps):
            end, picture = pending.close(cut)
            yield CutShot(Span(pending.start, end, video.time_base), to_keyframe(picture))
            pending.start = end
        end, picture = pending.close(pending.count)
        yield CutShot(Span(pending.start, end, video.time_base), to_keyframe(picture))


class PendingShot:
    """The frames since the last cut, thinned out, until the next cut is known.

    Which frame lies in the middle of a shot is known only at its end, and a cut is known only
    some frames after it. So the time stamps of all frames since the last cut are kept, and of
    the pictures the `RECENT` last and at most 2 x `KEPT` older ones: when there are more, every
    second one goes. The one nearest to the middle is then about 1/KEPT of the shot away from it
    at most, and memory stays bounded.
    """

    KEPT, RECENT = 8, 16

    def __init__(self) -> None:
        self.start, self.count = 0, 0
        self._first, self._stride = 0, 1
        self._times: list[int] = []
        self._end = 0
        self._pictures: dict[int, av.VideoFrame] = {}

    def add(self, frame: Frame) -> None:
        """Take the next frame."""
        if self.count == 0:
            self.start = frame.pts
        self._times.append(frame.pts)
        self._end = frame.pts + frame.duration
        self._pictures[self.count] = frame.picture
        self.count += 1
        self._drop(self.count - 1 - self.RECENT)
        if len(self._pictures) > 2 * self.KEPT + self.RECENT:
            self._stride *= 2
            for number in list(self._pictures):
                self._drop(number)

    def close(self, cut: int) -> tuple[int, av.VideoFrame]:
        """End the shot before frame number `cut`: its end in ticks, and its middle picture.

        A detector that tells of a very short shot more than `RECENT` frames late gets the
        nearest picture that is left.
        """
        middle = (self._first + cut - 1) / 2
        inside = [n for n in self._pictures if n < cut] or self._pictures
        picture = self._pictures[min(inside, key=lambda n: abs(n - middle))]
        end = self._times[cut - self._first] if cut < self.count else self._end
        self._times = self._times[cut - self._first :]
        self._pictures = {n: p for n, p in self._pictures.items() if n >= cut}
        self._first, self._stride = cut, 1
        return end, picture

    def _drop(self, number: int) -> None:
        """Forget a picture that is neither recent nor on the stride."""
        recent = number >= self.count - self.RECENT
        if not recent and (number - self._first) % self._stride:
            self._pictures.pop(number, None)
