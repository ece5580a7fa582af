"""Cut a video into shots in one pass over its frames."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from jaxtyping import UInt8

from mediafm_store.media.decode import Warn, log_warning, open_media
from mediafm_store.media.scale import Image, Shrinker, one_field
from mediafm_store.media.video import Frame, Video
from mediafm_store.parallel import ahead
from mediafm_store.records import Span
from mediafm_store.shots.detectors import DETECTION_SIZE, Detector, DetectorFrame
from mediafm_store.shots.levels import TimeSeries

_KEYFRAME_SIZE = 512
"""Longest side in pixels of what encoders and pages get."""
_LARGE = 2 * _KEYFRAME_SIZE
_AHEAD = 32
"""Frames that are decoded before the detector asks for them."""
_DARK = 32
"""Values up to this one, of 255, count as black (FFmpeg's blackdetect: a tenth)."""
_JUST_AFTER_S = 1e-4
"""Longer than rounding, shorter than a frame."""
_FADED = 0.25
"""Least contrast of a keyframe, as a share of that of the shot's clearest picture."""
OnFrame = Callable[[int, float, float], None]
"""Called with the frames and the seconds of film that are done, and the seconds in all."""


class CutShot(NamedTuple):
    """A detected shot: its span, and RGB pictures spread evenly over it."""

    span: Span
    keyframes: list[Image]

    @property
    def middle(self) -> Image:
        """The picture nearest to its middle."""
        return self.keyframes[len(self.keyframes) // 2]

    @property
    def cover(self) -> Image:
        """The picture that stands for the shot: its middle, unless a fade leaves little of that."""
        if len(self.keyframes) == 1:
            return self.middle
        clearest = max(self.keyframes, key=_contrast)
        return clearest if _contrast(self.middle) < _FADED * _contrast(clearest) else self.middle


class LumaStats(NamedTuple):
    """Brightness of every frame of a film, and how much of the frame changes."""

    brightness: TimeSeries
    """The mean, 0 (black) to 1."""
    lit: TimeSeries
    """The share of the picture that is not black."""
    motion: TimeSeries
    """The mean difference to the frame before, 0 to 1; not of the first."""

    @classmethod
    def unknown(cls) -> "LumaStats":
        """Statistics of a film that has not been decoded."""
        return cls(TimeSeries(), TimeSeries(), TimeSeries())

    def append(
        self, seconds: float, image: Image, before: UInt8[np.ndarray, "_ _ 3"] | None
    ) -> None:
        """Take a frame and the one before it, which may be of another size."""
        self.brightness.append(seconds, _mean(image))
        self.lit.append(seconds, np.count_nonzero(image > _DARK) / image.size)
        if before is not None and before.shape == image.shape:
            self.motion.append(seconds, _change(before, image))

    def motion_in(self, span: Span) -> float | None:
        """Mean change within a shot, without its first frame, whose change is the cut."""
        return self.motion.mean(span.start_s + _JUST_AFTER_S, span.end_s)


def read_shots(
    path: Path,
    detector: Detector,
    *,
    keyframes: int = 1,
    light: LumaStats | None = None,
    on_frame: OnFrame = lambda frames, done_s, total_s: None,
    warn: Warn = log_warning,
) -> Iterator[CutShot]:
    """Decode a video once and yield its shots in play order, without gaps or overlaps.

    Args:
        path: Video file.
        detector: Function that finds the cuts.
        keyframes: Pictures per shot; fewer if the shot has fewer frames.
        light: Statistics that are filled in while decoding.
        on_frame: Called with the frames so far, and the seconds done and in total.
        warn: Called with a message for damage that is skipped.

    Raises:
        InvalidMedia: If no picture of the file can be decoded.
    """
    with open_media(path) as container, ExitStack() as stack:
        video = Video(container, path)
        frames = stack.enter_context(closing(ahead(_as_kept(video.frames(warn)), size=_AHEAD)))
        pending = PendingShot(keyframes, video.pixel_aspect)
        shrink = Shrinker(DETECTION_SIZE, "bgr24", video.pixel_aspect)
        tick_s = float(video.time_base)

        def seen() -> Iterator[DetectorFrame]:
            before = None
            for number, frame in enumerate(frames):
                pending.add(frame)
                image = shrink(frame.picture)
                seconds = frame.pts * tick_s
                if light is not None:
                    light.append(seconds, image, before)
                    before = image
                on_frame(number + 1, seconds, video.duration_s)
                yield DetectorFrame(seconds, image)

        for cut in detector(seen(), video.fps):
            yield pending.close(cut, video.time_base)
        yield pending.close(pending.count, video.time_base)


def _as_kept(frames: Iterable[Frame]) -> Iterator[Frame]:
    """Frames that are larger than `_LARGE` at the size of keyframes: memory stays bounded."""
    shrink = Shrinker(_KEYFRAME_SIZE, "yuv420p")
    for frame in frames:
        picture = frame.picture
        large = max(picture.width, picture.height) > _LARGE
        yield frame._replace(picture=shrink.frame(picture)) if large else frame


def _mean(image: Image) -> float:
    """The mean of an image, 0 to 1; NumPy's own takes ten times as long."""
    import cv2

    return sum(cv2.sumElems(image)) / (255 * image.size)


def _contrast(image: Image) -> float:
    """Contrast of an image: the largest standard deviation of a channel."""
    import cv2

    return float(cv2.meanStdDev(image)[1].max())


def _change(before: Image, image: Image) -> float:
    """The mean absolute difference of two images of one size, 0 to 1."""
    import cv2

    return cv2.norm(before, image, cv2.NORM_L1) / (255 * image.size)


class PendingShot:
    """The frames since the last cut, thinned out, until the next cut is known.

    Which frames stand for a shot is known only at its end, and a cut is known only some frames
    after it. So the time stamps of all frames since the last cut are kept, and of the pictures
    the `RECENT` last and at most 2 x `KEPT` older ones: when there are more, every second one
    goes. The one nearest to a place in the shot is then about 1/KEPT of the shot away from it at
    most.
    """

    KEPT, RECENT = 8, 192

    def __init__(self, keyframes: int = 1, pixel_aspect: Fraction = Fraction(1)) -> None:
        self.count = 0
        self._wanted, self._kept, self._aspect = keyframes, max(self.KEPT, keyframes), pixel_aspect
        self._start, self._end = 0, 0
        self._first, self._stride = 0, 1
        self._times: list[int] = []
        self._pictures: dict[int, av.VideoFrame] = {}
        self._to_keyframe = Shrinker(_KEYFRAME_SIZE, "rgb24", pixel_aspect)
        self._field_to_keyframe = Shrinker(_KEYFRAME_SIZE, "rgb24", pixel_aspect / 2)

    def add(self, frame: Frame) -> None:
        """Take the next frame."""
        if self.count == 0:
            self._start = frame.pts
        self._times.append(frame.pts)
        self._end = frame.pts + frame.duration
        self._pictures[self.count] = frame.picture
        self.count += 1
        self._drop(self.count - 1 - self.RECENT)
        if len(self._pictures) > 2 * self._kept + self.RECENT:
            self._stride *= 2
            for number in list(self._pictures):
                self._drop(number)

    def close(self, cut: int, time_base: Fraction) -> CutShot:
        """End the shot before frame number `cut`.

        If a detector reports a very short shot more than `RECENT` frames late, the shot gets the
        nearest picture that is left.
        """
        end = self._times[cut - self._first] if cut < self.count else self._end
        shot = CutShot(Span(self._start, end, time_base), self._keyframes(cut))
        self._times = self._times[cut - self._first :]
        self._pictures = {n: p for n, p in self._pictures.items() if n >= cut}
        self._first, self._stride, self._start = cut, 1, end
        return shot

    def _keyframes(self, cut: int) -> list[Image]:
        """The pictures in the middle of equal parts of the frames before `cut`."""
        inside = [n for n in self._pictures if n < cut] or list(self._pictures)
        length = cut - self._first
        parts = min(self._wanted, length)
        middles = [self._first + (part + 0.5) * length / parts - 0.5 for part in range(parts)]
        nearest = {min(inside, key=lambda n: abs(n - middle)): None for middle in middles}
        return [self._keyframe(self._pictures[n]) for n in nearest]

    def _keyframe(self, picture: av.VideoFrame) -> Image:
        if picture.interlaced_frame and max(picture.width, picture.height) > _KEYFRAME_SIZE:
            return self._field_to_keyframe(one_field(picture))
        return self._to_keyframe(picture)

    def _drop(self, number: int) -> None:
        """Forget a picture that is neither recent nor on the stride."""
        recent = number >= self.count - self.RECENT
        if not recent and (number - self._first) % self._stride:
            self._pictures.pop(number, None)
