from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediafm_store import plugins
from mediafm_store.errors import BadMedia
from mediafm_store.media.decode import Frame
from mediafm_store.media.detectors import Seen, adaptive
from mediafm_store.media.levels import Levels
from mediafm_store.media.shots import PendingShot, read_shots
from mediafm_store.media.write import write_video

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


def seen(images):
    return (Seen(number / 24, image) for number, image in enumerate(images))


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp("video") / "striped.mp4"
    write_video(path, iter(striped()), fps=24, audio=None, audio_rate=16_000)
    return path


@pytest.mark.parametrize("name", plugins.names("detectors"))
def test_every_detector_finds_hard_cuts(name):
    small = striped()[:, ::2, ::2, ::-1]
    assert list(plugins.load("detectors", name)(seen(small), 24.0)) == CUTS


def test_shots_tile_the_film_and_keyframes_are_inside(video):
    brightness = Levels()
    shots = list(read_shots(video, adaptive, brightness=brightness))
    assert [round(s.span.start_s * 24) for s in shots] == [0, *CUTS]
    assert all(a.span.end == b.span.start for a, b in pairwise(shots))
    assert shots[-1].span.end_s == pytest.approx(200 / 24)
    assert len(brightness) == 200
    for shot, (start, end) in zip(shots, zip([0, *CUTS], [*CUTS, 200], strict=True), strict=True):
        middle = striped()[(start + end) // 2].astype(float)
        assert abs(shot.keyframe.mean() - middle.mean()) < 6


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
        with pytest.raises(BadMedia, match=name):
            list(read_shots(path, adaptive))
    with pytest.raises(BadMedia, match="does not exist"):
        list(read_shots(tmp_path / "missing.mp4", adaptive))


@given(st.lists(st.integers(1, 120), min_size=1, max_size=5), st.integers(0, 5))
def test_the_kept_picture_is_near_the_middle(lengths, delay):
    """Against keeping every frame; cuts become known `delay` frames late."""
    cuts = np.cumsum(lengths).tolist()
    pending, fed = PendingShot(), 0
    start, pictures = 0, []
    for cut in cuts:
        last = cut == cuts[-1]
        while fed < (cut if last else min(cut + 1 + delay, cuts[-1])):
            pictures.append(av.VideoFrame(2, 2))
            pending.add(Frame(10 * fed, 10, pictures[-1]))
            fed += 1
        end, kept = pending.close(cut)
        picture = next(n for n, p in enumerate(pictures) if p is kept)
        assert end == 10 * cut
        assert start <= picture < cut
        assert abs(picture - (start + cut - 1) / 2) <= 1 + (cut - start) / PendingShot.KEPT, (
            start,
            cut,
            picture,
        )
        start = cut


def test_pending_pictures_are_bounded():
    pending = PendingShot()
    for number in range(5000):
        pending.add(Frame(number, 1, av.VideoFrame(2, 2)))
        assert len(pending._pictures) <= 2 * PendingShot.KEPT + PendingShot.RECENT


def test_span_times_are_exact_at_ntsc_rates(tmp_path):
    path = tmp_path / "ntsc.mp4"
    write_video(path, iter(striped()), fps=Fraction(24000, 1001), audio=None, audio_rate=16_000)
    shots = list(read_shots(path, adaptive))
    exact = [Fraction(1001 * n, 24000) for n in [0, *CUTS]]
    assert [s.span.start * s.span.time_base for s in shots] == exact
