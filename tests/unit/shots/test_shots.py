from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediafm_store.clips.write import write_video
from mediafm_store.errors import InvalidMedia
from mediafm_store.media.video import Frame
from mediafm_store.records import Span
from mediafm_store.shots.detectors import adaptive
from mediafm_store.shots.shots import CutShot, LumaStats, PendingShot, read_shots
from mediafm_store.shots.shots import _as_kept as as_kept

CUTS = [40, 90, 150]


def striped(frames: int = 200) -> np.ndarray:
    """Four shots of different colours, each a soft gradient that moves a little."""
    x = (np.arange(160)[None, :, None] + np.arange(90)[:, None, None]) / 250
    colours = np.array([[160, 200, 40], [40, 120, 250], [200, 60, 180], [90, 240, 200]])
    number = np.searchsorted(CUTS, np.arange(frames), side="right")
    drift = 0.02 * np.sin(np.arange(frames) / 9)
    return np.stack(
        [
            ((0.4 + 0.5 * x + d) * colours[n]).clip(0, 255)
            for d, n in zip(drift, number, strict=True)
        ]
    ).astype(np.uint8)


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp("video") / "striped.mp4"
    write_video(path, iter(striped()), fps=24, audio=None, audio_rate=16_000)
    return path


def test_shots_tile_the_film_and_keyframes_are_inside(video):
    light = LumaStats.unknown()
    shots = list(read_shots(video, adaptive, light=light))
    assert [round(s.span.start_s * 24) for s in shots] == [0, *CUTS]
    assert all(a.span.end == b.span.start for a, b in pairwise(shots))
    assert shots[-1].span.end_s == pytest.approx(200 / 24)
    assert len(light.brightness) == len(light.lit) == 200
    for shot, (start, end) in zip(shots, zip([0, *CUTS], [*CUTS, 200], strict=True), strict=True):
        middle = striped()[(start + end) // 2].astype(float)
        assert abs(shot.middle.mean() - middle.mean()) < 6


def test_same_cuts_as_the_package_itself(films):
    from scenedetect import AdaptiveDetector, SceneManager, open_video

    path = films / "tears_of_steel_battle_clip" / "tears_of_steel_battle_clip.webm"
    manager = SceneManager()
    manager.add_detector(AdaptiveDetector())
    manager.detect_scenes(open_video(str(path), backend="pyav"))
    theirs = [start.frame_num for start, _ in manager.get_scene_list()][1:]
    ours = [round(s.span.start_s * 24) for s in read_shots(path, adaptive)][1:]
    # They scale frames in another way, so a weak cut may fall on either side of the threshold.
    assert len(set(ours) ^ set(theirs)) <= 2


def test_bad_files_are_one_clear_error(tmp_path):
    for name, data in {"empty.mp4": b"", "text.mp4": b"not a film\n" * 99}.items():
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(InvalidMedia, match=name):
            list(read_shots(path, adaptive))
    with pytest.raises(InvalidMedia, match="does not exist"):
        list(read_shots(tmp_path / "missing.mp4", adaptive))


def frame(number):
    """A grey frame that says its number: NUMBER = 16 a + b as the luma of its halves."""
    pixels = np.zeros((2, 4), np.uint8)
    pixels[:, :2], pixels[:, 2:] = number // 250, number % 250
    return Frame(10 * number, 10, av.VideoFrame.from_ndarray(pixels, format="gray"))


def number_of(keyframe):
    return int(keyframe[0, 0, 0]) * 250 + int(keyframe[0, 3, 0])


@settings(deadline=None)
@given(
    st.lists(st.integers(1, 400), min_size=1, max_size=4), st.integers(0, 100), st.integers(1, 5)
)
def test_the_kept_pictures_are_spread_over_the_shot(lengths, delay, keyframes):
    """Against keeping every frame; cuts become known `delay` frames late."""
    cuts = np.cumsum(lengths).tolist()
    pending, fed, start = PendingShot(keyframes), 0, 0
    for cut in cuts:
        while fed < min(cut + 1 + delay, cuts[-1]):
            pending.add(frame(fed))
            fed += 1
        shot = pending.close(cut, Fraction(1, 250))
        length = cut - start
        assert (shot.span.start, shot.span.end) == (10 * start, 10 * cut)
        numbers = [number_of(k) for k in shot.keyframes]
        assert numbers == sorted(set(numbers))
        assert all(start <= n < cut for n in numbers)
        assert len(numbers) == min(keyframes, length)
        for part, n in enumerate(numbers):
            wanted = start + (part + 0.5) * length / len(numbers) - 0.5
            assert abs(n - wanted) <= 1 + length / PendingShot.KEPT
        start = cut


def test_pending_pictures_are_bounded():
    pending = PendingShot()
    for number in range(5000):
        pending.add(frame(number))
        assert len(pending._pictures) <= 2 * PendingShot.KEPT + PendingShot.RECENT


def test_a_picture_in_a_fade_does_not_stand_for_a_shot():
    span = Span(0, 3, Fraction(1, 24))
    clear = striped(1)[0]
    black, half = np.zeros_like(clear), (clear // 2)
    assert CutShot(span, [black, black, clear]).cover is clear
    assert CutShot(span, [clear, np.full_like(clear, 255), black]).cover is clear
    assert CutShot(span, [black, half, clear]).cover is half
    assert CutShot(span, [black]).cover is black
    assert CutShot(span, [black, black]).cover is black


def test_large_pictures_are_kept_small():
    large = av.VideoFrame.from_ndarray(np.full((1080, 1920, 3), 99, np.uint8), format="rgb24")
    [(_, _, kept)] = as_kept([Frame(0, 1, large)])
    assert (kept.width, kept.height) == (512, 288)
    pending = PendingShot()
    pending.add(Frame(0, 1, kept))
    (keyframe,) = pending.close(1, Fraction(1, 25)).keyframes
    assert keyframe.shape == (288, 512, 3)
    assert abs(keyframe.mean() - 99) < 2


def test_span_times_are_exact_at_ntsc_rates(tmp_path):
    path = tmp_path / "ntsc.mp4"
    write_video(path, iter(striped()), fps=Fraction(24000, 1001), audio=None, audio_rate=16_000)
    shots = list(read_shots(path, adaptive))
    exact = [Fraction(1001 * n, 24000) for n in [0, *CUTS]]
    assert [s.span.start * s.span.time_base for s in shots] == exact
