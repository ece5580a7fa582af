"""What real files are like: the picture and the sound of each are read where they lie in time."""

from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest

from mediafm_store.errors import InvalidMedia
from mediafm_store.media.clock import Clock
from mediafm_store.media.decode import decoded, open_media
from mediafm_store.media.sound import SAMPLE_RATE, sound
from mediafm_store.shots.detectors import adaptive
from mediafm_store.shots.shots import read_shots
from tests.helpers.odd_films import make_film, pictures

CUTS_S = [0, 1, 2, 3]


def shots_of(path, **options):
    warnings = []
    shots = list(read_shots(path, adaptive, warn=warnings.append, **options))
    assert all(a.span.end == b.span.start for a, b in pairwise(shots))
    return shots, warnings


def starts(shots):
    return [s.span.start * s.span.time_base for s in shots]


LISTS = {
    "concat": "ffconcat version 1.0\nfile film.mp4\n",
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfilm.mp4\n#EXT-X-ENDLIST\n",
}


@pytest.mark.parametrize("name", ["list.mp4", "list.m3u8", "list.ffconcat"])
@pytest.mark.parametrize("kind", LISTS)
def test_a_list_of_other_files_is_no_film_and_opens_none(kind, name, tmp_path):
    make_film(tmp_path / "film.mp4", images=list(pictures(24)))
    (tmp_path / name).write_text(LISTS[kind])
    told = rf"{name} is not media: it is a list of other files; give those$"
    with pytest.raises(InvalidMedia, match=told), open_media(tmp_path / name):
        pass


CODECS = {
    "h264 in mp4": ("film.mp4", "libx264", "yuv420p", {}),
    "10-bit hevc": ("film.mp4", "libx265", "yuv420p10le", {"x265-params": "log-level=none"}),
    "10-bit av1": ("film.mkv", "libsvtav1", "yuv420p10le", {"preset": "12"}),
    "vp9": ("film.webm", "libvpx-vp9", "yuv420p", {"deadline": "realtime", "cpu-used": "8"}),
    "prores 4:2:2 10-bit": ("film.mov", "prores_ks", "yuv422p10le", {}),
    "dnxhr": ("film.mxf", "dnxhd", "yuv422p", {"profile": "dnxhr_lb"}),
    "mpeg-2 in ts": ("film.ts", "mpeg2video", "yuv420p", {}),
    "ffv1 4:4:4": ("film.mkv", "ffv1", "yuv444p", {}),
    "grey": ("film.mkv", "ffv1", "gray", {}),
    "with alpha": ("film.mov", "qtrle", "argb", {}),
}


@pytest.mark.parametrize("kind", CODECS)
def test_codecs_and_pixels(kind, tmp_path):
    name, codec, pixels, options = CODECS[kind]
    if codec not in av.codecs_available:
        pytest.skip(f"this FFmpeg cannot write {codec}")
    size = (256, 144) if codec == "dnxhd" else (160, 96)
    path = make_film(
        tmp_path / name,
        images=list(pictures(size=size)),
        codec=codec,
        pixels=pixels,
        options=options,
    )
    shots, warnings = shots_of(path)
    assert warnings == []
    assert [float(s) for s in starts(shots)] == pytest.approx(CUTS_S, abs=0.001)
    assert shots[-1].span.end_s == pytest.approx(4, abs=0.05)
    wanted = list(pictures(size=size))[36].astype(float)
    if pixels == "gray":
        wanted[:] = (wanted @ (0.299, 0.587, 0.114))[..., None]
    assert np.abs(shots[1].middle - wanted).mean() < 16


@pytest.mark.parametrize("fps", [Fraction(24000, 1001), 25, Fraction(30000, 1001), 50])
def test_times_are_exact(fps, tmp_path):
    shots, _ = shots_of(make_film(tmp_path / "film.mp4", fps=fps))
    assert starts(shots) == [24 * n / Fraction(fps) for n in range(4)]
    assert shots[-1].span.end * shots[-1].span.time_base == 96 / Fraction(fps)


def test_variable_frame_rate(tmp_path):
    """Telephones and screen recordings: the second shot at a quarter of the rate of the first."""
    steps = [40] * 24 + [160] * 24 + [20] * 24 + [40] * 24
    times = np.cumsum([0, *steps])[:-1].tolist()
    shots, _ = shots_of(make_film(tmp_path / "film.mkv", times=times))
    assert [float(s) for s in starts(shots)] == [times[n] / 1000 for n in (0, 24, 48, 72)]


def test_edit_lists(tmp_path):
    """An MP4 that starts late says so in an edit list; all tracks keep their distance."""
    times = [500 + 40 * n for n in range(96)]
    path = make_film(tmp_path / "film.mp4", times=times, sounds=["mono"], sound_s=4)
    shots, _ = shots_of(path)
    assert [float(s) for s in starts(shots)] == pytest.approx([0.5, 1.46, 2.42, 3.38], abs=0.002)
    heard = np.concatenate(list(sound(path)))
    assert np.abs(heard[: SAMPLE_RATE // 2]).max() > 0.1


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_rotated_film_is_the_right_way_up(degrees, tmp_path):
    path = make_film(tmp_path / "film.mp4", rotation=degrees)
    (first, *_), _ = shots_of(path)
    unturned = list(pictures())[12]
    assert first.middle.shape == np.rot90(unturned, degrees // 90).shape
    difference = np.abs(first.middle - np.rot90(unturned, degrees // 90).astype(float))
    assert difference.mean() < 12


def test_anamorphic_film_gets_square_pixels(tmp_path):
    images = list(pictures(size=(720, 576)))
    path = make_film(tmp_path / "film.mkv", images=images, aspect=Fraction(64, 45))
    (first, *_), _ = shots_of(path)
    assert first.middle.shape == (288, 512, 3)  # 16:9


def test_interlaced_film_shows_one_moment(tmp_path):
    """Two fields that differ must not be seen as a comb."""
    images = []
    for image in pictures(size=(720, 576)):
        comb = image.copy()
        comb[1::2] = 255
        images.append(comb)
    flags = {"flags": "+ildct+ilme", "x264-params": "tff=1", "crf": "10"}
    path = make_film(tmp_path / "film.mkv", images=images, options=flags, pixels="yuv422p")
    with av.open(str(path)) as container:
        assert next(container.decode(video=0)).interlaced_frame
    (first, *_), _ = shots_of(path)
    wanted = list(pictures(size=(720, 576)))[12]
    height, width, _ = first.middle.shape
    assert width / height == pytest.approx(720 / 576, rel=0.01)
    for y, x in ((100, 100), (300, 400)):
        colour = first.middle[y * height // 576, x * width // 720].astype(float)
        assert np.abs(colour - wanted[y, x]).max() < 30


@pytest.mark.parametrize("layout", ["mono", "stereo", "5.1", "7.1"])
def test_any_number_of_channels(layout, tmp_path):
    path = make_film(tmp_path / "film.mkv", sounds=[layout], sound_codec="pcm_s16le")
    heard = np.concatenate(list(sound(path)))
    assert len(heard) == pytest.approx(4 * SAMPLE_RATE, rel=0.02)
    assert np.sqrt(np.mean(heard**2)) > 0.05


def test_the_default_sound_track_is_heard(tmp_path):
    heard = np.concatenate(list(sound(make_film(tmp_path / "film.mp4", sounds=["mono", "mono"]))))
    spectrum = np.abs(np.fft.rfft(heard[SAMPLE_RATE : 2 * SAMPLE_RATE]))
    assert spectrum.argmax() == pytest.approx(220, abs=2)


@pytest.mark.parametrize("sound_s", [0.5, 9.0])
def test_sound_shorter_and_longer_than_the_picture(sound_s, tmp_path):
    path = make_film(tmp_path / "film.mp4", sounds=["mono"], sound_s=sound_s)
    shots, warnings = shots_of(path)
    assert warnings == []
    assert shots[-1].span.end_s == pytest.approx(4, abs=0.05)
    assert sum(map(len, sound(path))) / SAMPLE_RATE == pytest.approx(sound_s, abs=0.1)


def test_one_pixel(tmp_path):
    images = list(pictures(size=(1, 1)))
    path = make_film(tmp_path / "film.mkv", images=images, codec="ffv1", pixels="yuv444p")
    shots, _ = shots_of(path)
    assert shots[0].middle.shape == (1, 1, 3)
    assert shots[-1].span.end_s == pytest.approx(4, abs=0.05)


def test_one_frame(tmp_path):
    (shot,), _ = shots_of(make_film(tmp_path / "film.mp4", images=list(pictures(1))))
    assert shot.span.end > shot.span.start == 0
    assert len(shot.keyframes) == 1


def test_frames_that_all_have_one_time(tmp_path):
    """Zero duration: a file whose clock stands still."""
    path = make_film(tmp_path / "film.nut", codec="rawvideo", pixels="rgb24", times=list(range(96)))
    shots, _ = shots_of(path)
    assert sum(s.span.end - s.span.start for s in shots) >= 96


def test_several_pictures_a_shot(tmp_path):
    shots, _ = shots_of(make_film(tmp_path / "film.mp4"), keyframes=3)
    assert [len(s.keyframes) for s in shots] == [3] * 4
    wanted = list(pictures())
    for part, number in enumerate((3, 11, 19)):
        assert np.abs(shots[0].keyframes[part] - wanted[number].astype(float)).mean() < 12


def damage(path, share, start=0.3, end=0.7, seed=0):
    """Overwrite a share of the bytes in the middle of a file."""
    raw = np.frombuffer(path.read_bytes(), np.uint8).copy()
    rng = np.random.default_rng(seed)
    places = rng.integers(int(len(raw) * start), int(len(raw) * end), int(len(raw) * share))
    raw[places] = rng.integers(0, 256, len(places))
    path.write_bytes(raw.tobytes())


def test_damaged_packets_in_the_middle_are_left_out_with_a_warning(tmp_path):
    path = make_film(tmp_path / "film.mkv", codec="ffv1", pixels="yuv420p", sounds=["mono"])
    damage(path, 0.002)
    shots, warnings = shots_of(path)
    assert shots[-1].span.end_s == pytest.approx(4, abs=0.1)
    assert warnings


def test_a_file_without_an_index_is_one_clear_error(tmp_path):
    """A recording that was never finished: MP4 keeps its index at the end."""
    path = make_film(tmp_path / "film.mp4")
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(InvalidMedia, match=r"film\.mp4 is not media"):
        shots_of(path)


def test_a_truncated_file_is_read_as_far_as_it_goes(tmp_path):
    path = make_film(tmp_path / "film.mkv", codec="mpeg4")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    shots, _ = shots_of(path)
    assert 1 < shots[-1].span.end_s < 3.5


def test_recordings_that_were_joined(tmp_path):
    """The clock starts anew in the middle; pictures and sound go on behind what was there."""
    parts = []
    for name, count in (("a.ts", 96), ("b.ts", 48)):
        part = make_film(
            tmp_path / name,
            images=list(pictures(count)),
            codec="mpeg2video",
            sounds=["mono"],
            sound_codec="mp2",
        )
        parts.append(part.read_bytes())
    path = tmp_path / "c.ts"
    path.write_bytes(b"".join(parts))
    shots, _ = shots_of(path)
    assert [float(s) for s in starts(shots)] == pytest.approx([0, 1, 2, 3, 4, 5], abs=0.1)
    assert shots[-1].span.end_s == pytest.approx(6, abs=0.1)
    assert sum(map(len, sound(path))) / SAMPLE_RATE == pytest.approx(6, abs=0.2)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ([0, 1, 2, 3], [0, 1, 2, 3]),
        ([0, None, 2, None], [0, 1, 2, 3]),
        ([0, 9_999, 2, 3], [0, 1, 2, 3]),  # one beyond the end
        ([50, 51, 2, 53], [50, 51, 52, 53]),  # one far back
        ([50, 51, 0, 1, 2], [50, 51, 52, 53, 54]),  # a new beginning
        ([50, 49, 52, 53], [50, 49, 52, 53]),  # a little back: the caller's
        ([0, 80, 81], [0, 80, 81]),  # a long picture
    ],
)
def test_time_stamps_that_can_be_believed(given, wanted):
    clock, following, found = Clock(10.0, Fraction(1, 10)), 0, []
    for stamp in given:
        found.append(clock.place(stamp, following))
        following = found[-1] + 1
    assert found == wanted


def test_a_disk_that_fails_in_the_middle(tmp_path):
    """What was read until then is used, the frames in the decoder too."""
    path = make_film(tmp_path / "film.mp4")

    class Failing:
        def __init__(self, container):
            self.container = container

        def demux(self, stream):
            for number, packet in enumerate(self.container.demux(stream)):
                if number == 60:
                    raise av.error.OSError(5, "Input/output error")
                yield packet

    warnings = []
    with open_media(path) as container:
        stream = container.streams.video[0]
        frames = list(decoded(Failing(container), stream, "film.mp4: video", warnings.append))
    assert 50 < len(frames) <= 60
    (warning,) = warnings
    assert warning.startswith("film.mp4: video cannot be read beyond 2.")
