"""Clips: the same pictures as in the film, from the first to the last, and their sound."""

import io
import json
from fractions import Fraction
from itertools import islice

import av
import numpy as np
import pytest

from mediafm_cli.commands import clips as command
from mediafm_store.clips.clip import cut_clip
from mediafm_store.clips.cut import _file_names as file_names
from mediafm_store.clips.cut import cut
from mediafm_store.errors import InvalidInput, InvalidMedia
from mediafm_store.media.decode import decoded
from mediafm_store.records import Span
from mediafm_store.segments import segments_of_shots
from mediafm_store.timelines.segment import Segment
from tests.helpers.timelines import NTSC, add_film, frame_times, numbered, numbered_film, numbers
from tests.integration.test_cli import mediafm
from tests.unit.media.test_footage import uneven

KEYS = 48
"""Of `numbered_film` every 48th picture is a key frame."""


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return numbered_film(tmp_path_factory.mktemp("film") / "film.mp4", sounds=("stereo",))


def span(film, first: int, end: int) -> Span:
    times, tick = frame_times(film)
    return Span(times[first], times[end], tick)


def lengths(path) -> tuple[float, float]:
    """Seconds of picture and of sound, as they are decoded."""
    with av.open(str(path)) as container:
        pictures = len(list(container.decode(video=0)))
        rate = container.streams.video[0].average_rate
    with av.open(str(path)) as container:
        heard = sum(f.samples / f.sample_rate for f in container.decode(audio=0))
    return pictures / float(rate), heard


@pytest.mark.parametrize(
    ("first", "end", "copied"),
    [
        (48, 96, True),
        (0, 240, True),
        (96, 97, True),
        (50, 96, False),
        (48, 59, False),  # picture 58 needs one that comes after it
        (100, 101, False),
        (239, 240, False),
    ],
)
def test_clips_have_exactly_the_frames_asked_for(tmp_path, film, first, end, copied):
    clip = cut_clip(film, span(film, first, end), tmp_path / "clip")
    assert numbers(clip.file) == list(range(first, end))
    assert (clip.copied, clip.frames, clip.early) == (copied, end - first, 0)
    assert (clip.start_s, clip.end_s) == pytest.approx((first / 24, end / 24))
    shown, heard = lengths(clip.file)
    assert shown == pytest.approx((end - first) / 24)
    assert shown - 1 / 24 < heard < shown + 0.08  # packets of sound are whole
    assert [p.name for p in tmp_path.iterdir()] == ["clip.mp4"]


@pytest.mark.parametrize(("first", "end", "early"), [(50, 96, 2), (100, 101, 4), (47, 60, 47)])
def test_quick_copies_begin_at_a_key_frame_and_have_no_holes(tmp_path, film, first, end, early):
    clip = cut_clip(film, span(film, first, end), tmp_path / "clip", fast=True)
    found = numbers(clip.file)
    assert (clip.copied, clip.early, clip.frames) == (True, early, len(found))
    assert found == list(range(first - early, first - early + len(found)))
    assert end - 1 <= found[-1] < end + 4
    assert clip.start_s == pytest.approx((first - early) / 24)
    assert clip.end_s == pytest.approx((found[-1] + 1) / 24)


def test_copies_are_bit_for_bit(tmp_path, film):
    clip = cut_clip(film, span(film, 48, 96), tmp_path / "clip")
    for mine, theirs in zip(decode(clip.file), decode(film, 48), strict=False):
        assert np.array_equal(mine, theirs)


def decode(path, skip: int = 0):
    """The pictures of a film in RGB."""
    with av.open(str(path)) as container:
        frames = decoded(container, container.streams.best("video"), path.name, lambda text: None)
        for frame in islice(frames, skip, None):
            yield frame.to_ndarray(format="rgb24")


def test_sound_stays_in_step(tmp_path):
    """A film whose sound is heard while it is bright, and is not while it is dark."""
    from tests.helpers.odd_films import make_film

    images = [np.full((64, 96, 3), 220 if n % 48 >= 24 else 20, np.uint8) for n in range(192)]
    silent = make_film(tmp_path / "picture.mp4", images=images, options={"g": "24"})
    film = tmp_path / "film.mov"
    beep(silent, film)
    for first, end in [(24, 72), (30, 100), (61, 131)]:
        clip = cut_clip(film, span(film, first, end), tmp_path / f"clip{first}")
        bright = [image.mean() > 100 for image in decode(clip.file)]
        loud = loudness(clip.file, len(bright))
        agree = np.mean([b == (level > 0.05) for b, level in zip(bright, loud, strict=True)])
        assert agree > 0.93, (first, clip.copied)


def beep(silent, film):
    """The film with a tone in every second second."""
    with av.open(str(silent)) as source, av.open(str(film), "w") as out:
        video = source.streams.video[0]
        made = out.add_stream_from_template(video)
        sound = out.add_stream("aac", rate=48_000, layout="mono")
        for packet in source.demux(video):
            if packet.dts is not None:
                packet.stream = made
                out.mux(packet)
        for start in range(0, 8 * 48_000, 1024):
            n = np.arange(start, start + 1024)
            tone = np.where(n // 48_000 % 2, 0.4 * np.sin(2 * np.pi * 440 * n / 48_000), 0)
            frame = av.AudioFrame.from_ndarray(np.float32(tone)[None], "fltp", "mono")
            frame.sample_rate, frame.pts, frame.time_base = 48_000, start, Fraction(1, 48_000)
            out.mux(sound.encode(frame))
        out.mux(sound.encode(None))


def loudness(path, frames: int) -> list[float]:
    """How loud it is during each picture (24 a second); 0 where there is no sound."""
    levels = np.zeros(frames * 2000)
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            at = round(frame.time * 48_000)
            part = np.abs(frame.to_ndarray()[0])
            start, end = max(0, at), min(len(levels), at + len(part))
            if end > start:
                levels[start:end] = part[start - at : end - at]
    return levels.reshape(frames, 2000).max(1).tolist()


def test_variable_rates_keep_their_times(tmp_path):
    times = uneven(120)
    film = numbered_film(tmp_path / "phone.mp4", 120, times=times)
    clip = cut_clip(film, span(film, 30, 70), tmp_path / "clip")
    assert numbers(clip.file) == list(range(30, 70))
    found, tick = frame_times(clip.file)
    seconds = [float(t * tick) for t in found[:-1]]
    assert seconds == pytest.approx([(t - times[30]) / 1000 for t in times[30:70]], abs=0.001)


def test_odd_shapes_and_turned_films(tmp_path):
    odd = numbered_film(
        *(tmp_path / "odd.mkv", 60),
        images=list(numbered(60, size=(97, 65))),
        codec="mpeg4",
    )
    clip = cut_clip(odd, span(odd, 5, 25), tmp_path / "a")
    assert numbers(clip.file) == list(range(5, 25))
    turned = numbered_film(tmp_path / "turned.mp4", 60, rotation=90)
    for first in (0, 7):
        clip = cut_clip(turned, span(turned, first, 30), tmp_path / f"b{first}")
        with av.open(str(clip.file)) as container:
            assert next(container.decode(video=0)).rotation == 90


REAL = {
    "sintel/sintel.mp4": (1000, 1040),
    "tears_of_steel_battle_clip/tears_of_steel_battle_clip.webm": (300, 340),
    "clips/nasa_13013.mp4": (100, 140),
    "clips/city_cc0.mpg": (50, 80),
    "clips/popcorn_closeup.ogv": (100, 130),
    "clips/car_detection.mp4": (101, 121),
}


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("fast", [False, True])
def test_real_films(tmp_path, films, name, fast):
    first, end = REAL[name]
    clip = cut_clip(films / name, span(films / name, first, end), tmp_path / "clip", fast=fast)
    mine = list(decode(clip.file))
    if name.endswith(".ogv"):  # it repeats pictures that a decoder does not give again
        assert (clip.frames, clip.copied) == (end - first + clip.early, fast)
        return
    assert len(mine) == clip.frames
    assert clip.copied == fast
    least = 99 if fast else 30
    for theirs, image in zip(decode(films / name, first - clip.early), mine, strict=False):
        height, width, _ = image.shape
        assert psnr(theirs[:height, :width], image) >= least
    with av.open(str(films / name)) as container:
        sounds = bool(container.streams.audio)
        rate = float(container.streams.best("video").average_rate)
    with av.open(str(clip.file)) as container:
        assert bool(container.streams.audio) == sounds
        assert container.duration / 1e6 == pytest.approx(clip.frames / rate, abs=1.5 / rate)


def psnr(a, b) -> float:
    error = np.mean((a.astype(np.float64) - b) ** 2)
    return 99.0 if error == 0 else 10 * np.log10(255**2 / error)


def segment(film, label: str, first: int = 48, end: int = 96) -> Segment:
    return Segment("f", "F", film, span(film, first, end), label)


@pytest.mark.parametrize(
    "label", ["../../x", "/etc/passwd", "..", "a\x00b\nc", "", "é" * 400, "C:\\x"]
)
def test_clips_stay_in_their_folder(tmp_path, film, label):
    folder = tmp_path / "deep" / "clips"
    clips = cut([segment(film, label), segment(film, label)], folder)
    assert all(clip.file.parent == folder for clip in clips)
    assert len({clip.file for clip in clips}) == 2
    assert sorted(folder.iterdir()) == sorted(clip.file for clip in clips)
    assert [p.name for p in tmp_path.iterdir()] == ["deep"]


def test_names_are_those_of_shots():
    assert file_names(["sintel/00042", "sintel/00042", "Sintel/00042", "a b"]) == [
        *("sintel_00042", "sintel_00042_2", "Sintel_00042_3", "a_b"),
    ]


def test_what_cannot_be_cut_is_told(tmp_path, film):
    with pytest.raises(InvalidMedia, match="does not exist"):
        cut_clip(tmp_path / "gone.mp4", Span(0, 1, Fraction(1)), tmp_path / "a")
    with pytest.raises(InvalidInput, match=r"no picture from 20\.000 s to 30\.000 s"):
        cut_clip(film, Span(20, 30, Fraction(1)), tmp_path / "a")
    with pytest.raises(InvalidInput, match="is the film itself"):
        cut([segment(film, "film")], film.parent)
    with pytest.raises(InvalidInput, match="is a file"):
        cut([segment(film, "film")], film)
    assert list(tmp_path.iterdir()) == []
    assert [p.name for p in film.parent.iterdir()] == ["film.mp4"]


@pytest.fixture(scope="module")
def shown_store(tmp_path_factory, film):
    from mediafm_store.storage.storage import Storage

    store = Storage(tmp_path_factory.mktemp("cut") / "store", create=True)
    add_film(store, "film", film, [0, 48, 60, 96, 240])
    return store


def test_the_command_cuts_shots(tmp_path, shown_store):
    into = tmp_path / "clips"
    done = mediafm(
        *("clips", "cut", "film/00000", "film/00002", "--into", into, "--json"),
        *("--store", shown_store.path),
    )
    assert (done.returncode, done.stderr) == (0, "")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(row["frames"], row["copied"]) for row in rows] == [(48, True), (36, False)]
    assert numbers(into / "film_00002.mp4") == list(range(60, 96))


def test_the_command_cuts_segments_and_what_search_found(tmp_path, shown_store):
    store = ("--store", shown_store.path)
    done = mediafm("clips", "cut", "film", "--from", 2, "--to", 2.5, "--into", tmp_path, *store)
    assert done.returncode == 0
    assert numbers(tmp_path / "film_2-2.5s.mp4") == list(range(48, 60))
    found = mediafm(
        "search", "--shot", "film/00000", "--same-scene", "--least", 0, "--json", *store
    ).stdout
    done = mediafm("clips", "cut", "-", "--into", tmp_path / "found", "--fast", *store, input=found)
    assert done.returncode == 0
    assert "clips begin early, by up to 12 frames" in done.stderr
    assert {p.stem for p in (tmp_path / "found").iterdir()} == {f"film_{n:05}" for n in (1, 2, 3)}
    assert numbers(tmp_path / "found" / "film_00001.mp4") == list(range(48, 60 + 1))


@pytest.mark.parametrize(
    ("arguments", "given", "told"),
    [
        (["film/00009"], "", (1, "no shot 'film/00009'")),
        (["nope", "--from", "1"], "", (1, "no title 'nope'")),
        (["film", "film", "--to", "3"], "", (2, "one title")),
        (["film", "--from", "30"], "", (1, "it is 10.000 s long")),
        (["-"], "no json", (1, "no JSON")),
        (["-"], '{"score": 1}', (1, "names no shot")),
        (["-"], "[1]", (1, "no objects")),
        (["-"], '{"title": "film", "start_s": "x", "end_s": 1}', (1, "are seconds")),
        (["-", "film/00001"], "", (2, "stands alone")),
    ],
)
def test_errors_of_the_command(tmp_path, shown_store, arguments, given, told):
    status, words = told
    done = mediafm(
        *("clips", "cut", *arguments, "--into", tmp_path / "x", "--store", shown_store.path),
        input=given,
    )
    assert done.returncode == status
    assert words in " ".join(done.stderr.split())
    assert done.stdout == ""
    assert not (tmp_path / "x").exists()


def test_rows_come_in_lines_or_in_an_array():
    assert list(command.json_rows('{"shot": "a"}\n\n{"shot": "b"}\n')) == [
        {"shot": "a"},
        {"shot": "b"},
    ]
    assert list(command.json_rows(' [{"shot": "a"}]')) == [{"shot": "a"}]
    assert list(command.json_rows("")) == []


def test_what_out_wrote_can_be_cut(tmp_path, shown_store):
    from mediafm_store.timelines.writers import write_timeline

    segments = segments_of_shots(shown_store, ["film/00001"])
    write_timeline(tmp_path / "x.json", segments)
    with io.StringIO((tmp_path / "x.json").read_text()) as text:
        done = mediafm(
            *("clips", "cut", "-", "--into", tmp_path / "c", "--store", shown_store.path),
            input=text.read(),
        )
    assert done.returncode == 0
    assert numbers(tmp_path / "c" / "film_00001.mp4") == list(range(48, 60))


def test_adbreaks_are_written_out(tmp_path, shown_store):
    base = ("breaks", "rank", "film", "--min-gap", 0, "--margin", 1, "--store", shown_store.path)
    files = [tmp_path / name for name in ("a.edl", "a.vtt")]
    done = mediafm(*base, *(part for file in files for part in ("--out", file)))
    assert done.returncode == 0
    assert [f"Wrote {file}" for file in files] == done.stderr.splitlines()[:-1]
    assert done.stderr.endswith("Scored by default weights.\n")
    assert files[0].read_text().count("* LOC:") == 3
    done = mediafm(*base, "--out", tmp_path / "a.doc")
    assert (done.returncode, done.stdout) == (1, "")
    assert "must end in .edl" in done.stderr


def test_other_rates(tmp_path):
    film = numbered_film(tmp_path / "film.mkv", 100, fps=NTSC, sounds=("mono",))
    clip = cut_clip(film, span(film, 10, 40), tmp_path / "clip")
    with av.open(str(clip.file)) as container:
        assert container.streams.video[0].average_rate == NTSC
    assert numbers(clip.file) == list(range(10, 40))


@pytest.mark.parametrize("fast", [False, True])
def test_a_transport_stream_is_cut_before_its_second_key_frame(tmp_path, fast):
    film = numbered_film(tmp_path / "film.ts", sounds=("mono",))
    for first, end in ((0, 48), (10, 40), (60, 100)):
        clip = cut_clip(film, span(film, first, end), tmp_path / f"clip{first}", fast=fast)
        assert numbers(clip.file)[clip.early :][: end - first] == list(range(first, end))


@pytest.mark.parametrize("layout", ["mono", "stereo", "5.1", "hexagonal"])
def test_sound_that_does_not_say_where_its_channels_are(tmp_path, layout):
    """Matroska says only how many PCM has."""
    film = numbered_film(tmp_path / "film.mkv", sounds=(layout,), sound_codec="pcm_s16le")
    clip = cut_clip(film, span(film, 50, 100), tmp_path / "clip")
    assert not clip.copied
    assert lengths(clip.file)[1] == pytest.approx(50 / 24, abs=0.1)
    with av.open(str(clip.file)) as container, av.open(str(film)) as source:
        channels = [c.streams.audio[0].codec_context.channels for c in (container, source)]
    assert channels[0] == channels[1]


def test_pictures_that_stay_are_shown_as_long_as_the_segment(tmp_path):
    """Slides: five seconds each; the last one is not shown for longer than was asked for."""
    film = numbered_film(tmp_path / "film.mp4", 8, times=[5000 * n for n in range(8)])
    for start_s, end_s in ((5, 15), (5, 13)):
        clip = cut_clip(film, Span(start_s, end_s, Fraction(1)), tmp_path / f"{end_s}")
        assert (clip.start_s, clip.end_s) == pytest.approx((start_s, end_s))
        assert numbers(clip.file)[0] == 1
