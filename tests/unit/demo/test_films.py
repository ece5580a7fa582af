"""The sample catalogue: the files are what the truth says, and can be told apart as meant."""

import hashlib
import json
import subprocess
import sys
from collections import Counter
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pysubs2
import pytest

from mediafm_store.clips.write import write_video
from mediafm_store.demo.films import PHOTOS, QUERIES, SampleTitle, make_sample_catalogue
from mediafm_store.demo.films.camera import GRADES, SETUPS
from mediafm_store.demo.films.edit import plan_film
from mediafm_store.demo.films.films import FILMS
from mediafm_store.demo.films.mix import RATE, dialogue, scene_frames, soundtrack
from mediafm_store.demo.films.photos import load_photo
from mediafm_store.demo.films.script import Screenplay
from mediafm_store.demo.films.sounds import LOUDNESS, SOUNDS, synthesise
from mediafm_store.errors import InvalidInput, NotFound


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> list[SampleTitle]:
    return make_sample_catalogue(tmp_path_factory.mktemp("sample"), titles=2)


def grey_frames(path: Path) -> np.ndarray:
    with av.open(path) as container:
        return np.stack([f.to_ndarray(format="gray") for f in container.decode(video=0)])


@pytest.mark.slow
def test_files_agree_with_the_truth(catalogue: list[SampleTitle]) -> None:
    folder = catalogue[0].media.parent
    truth = json.loads((folder / "ground_truth.json").read_text())["titles"]
    assert list(truth) == [title.id for title in catalogue]
    for title in catalogue:
        told = truth[title.id]
        frames = grey_frames(title.media)
        assert len(frames) == told["frames"] == title.cutting.frames
        dark = np.flatnonzero(frames.max(axis=(1, 2)) < 24)
        black = [n for start, end in told["black"] for n in range(start, end)]
        assert set(black) <= set(dark)
        # A cut inside a scene changes the picture more than the camera does around it.
        change = np.abs(np.diff(frames.astype(np.int16), axis=0)).mean(axis=(1, 2))
        inside = [b.start for a, b in pairwise(title.cutting.shots) if a.scene == b.scene]
        found = [change[c - 1] > 2 * max(change[c - 2], change[c]) for c in inside]
        assert np.mean(found) == 1


@pytest.mark.slow
def test_each_title_brings_sound_words_and_metadata(catalogue: list[SampleTitle]) -> None:
    for title, film in zip(catalogue, FILMS, strict=False):
        with av.open(title.media) as container:
            assert container.streams.video[0].average_rate == title.fps == film.fps
            sound = np.concatenate([f.to_ndarray()[0] for f in container.decode(audio=0)])
        assert len(sound) == pytest.approx(title.cutting.frames / title.fps * RATE, abs=2048)
        assert sound.std() == pytest.approx(LOUDNESS, rel=0.3)
        lines = [event.text for event in pysubs2.load(str(title.subtitles))]
        assert lines == [line for scene in film.scenes for line in scene.lines]
        metadata = json.loads(title.metadata.read_text())
        assert metadata == {
            "title": film.name,
            "synopsis": film.synopsis,
            "genres": list(film.genres),
            "tags": list(film.tags),
        }


@pytest.mark.slow
def test_licences_name_every_photograph(catalogue: list[SampleTitle]) -> None:
    text = (catalogue[0].media.parent / "LICENCES.txt").read_text()
    for photo in PHOTOS.values():
        assert f"{photo.subject}\n    {photo.licence}; {photo.credit}\n" in text


@pytest.mark.slow
def test_a_film_depends_on_the_seed_alone(catalogue: list[SampleTitle], tmp_path: Path) -> None:
    done: list[str] = []
    (again,) = make_sample_catalogue(tmp_path / "again", titles=1, on_title=done.append)
    assert done == [again.id] == [catalogue[0].id]
    first, second = (
        hashlib.sha256(grey_frames(t.media).tobytes()).digest() for t in (catalogue[0], again)
    )
    assert first == second
    other = plan_film(FILMS[0], generator=np.random.default_rng([1, 0]))
    assert other.cuts != again.cutting.cuts


@pytest.mark.parametrize("film", FILMS, ids=lambda film: film.id)
def test_shots_and_black_fill_a_film_without_a_gap(film: Screenplay) -> None:
    cutting = plan_film(film, generator=np.random.default_rng(0))
    segments = sorted([(s.start, s.end) for s in cutting.shots] + list(cutting.black))
    assert segments[0][0] == 0
    assert all(a[1] == b[0] for a, b in pairwise(segments))
    assert 24 <= len(cutting.shots) <= 40
    assert 50 <= cutting.frames / film.fps <= 90
    assert all(1.15 <= (s.end - s.start) / film.fps <= 3.05 for s in cutting.shots)
    assert len(cutting.black) == 2
    for (start, end), (out, back) in zip(cutting.black, cutting.transitions, strict=True):
        assert out <= start < end <= back
        assert (end - start) / film.fps == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("film", FILMS, ids=lambda film: film.id)
def test_lines_stay_in_their_scene_and_apart(film: Screenplay) -> None:
    cutting = plan_film(film, generator=np.random.default_rng(0))
    cues = dialogue(film, cutting)
    assert all(a.end_s < b.start_s for a, b in pairwise(cues))
    said = iter(cues)
    for scene, (start, end) in zip(film.scenes, scene_frames(cutting), strict=True):
        for line in scene.lines:
            cue = next(said)
            assert cue.text == line
            assert start / film.fps <= cue.start_s < cue.end_s <= end / film.fps


def test_scripts_use_what_exists() -> None:
    for film in FILMS:
        for place in film.places.values():
            assert set(place.photos) <= set(PHOTOS)
            assert place.sound in SOUNDS
            assert place.grade in GRADES
        assert {scene.place for scene in film.scenes} == set(film.places)
        assert set("".join(scene.cutting for scene in film.scenes)) <= set(SETUPS)


def test_the_catalogue_is_as_varied_as_promised() -> None:
    assert [film.id for film in FILMS if not film.tags] == [film.id for film in FILMS[-2:]]
    assert {film.fps for film in FILMS} >= {24, 25, Fraction(30000, 1001), Fraction(24000, 1001)}
    assert {film.size for film in FILMS} == {(320, 180), (320, 136), (320, 240)}
    assert Counter(film.subtitles for film in FILMS) == {"srt": 8, "vtt": 2}
    assert any(place.sound == "silence" for film in FILMS for place in film.places.values())
    titles_of = Counter(
        photo
        for film in FILMS
        for photo in {p for place in film.places.values() for p in place.photos}
    )
    assert sorted(titles_of) == sorted(PHOTOS)
    assert sorted(query.photo for query in QUERIES) == sorted(PHOTOS)


def test_the_black_is_silent() -> None:
    film = FILMS[0]
    cutting = plan_film(film, generator=np.random.default_rng(0))
    track = soundtrack(film, cutting, generator=np.random.default_rng(0))
    for start, end in cutting.black:
        assert not track[round(start * RATE / film.fps) : round(end * RATE / film.fps)].any()
    assert track.std() > LOUDNESS / 2


@pytest.mark.parametrize("name", sorted(SOUNDS))
def test_sounds_are_of_one_loudness_and_repeatable(name: str) -> None:
    first, again = (
        synthesise(name, 5 * RATE, RATE, generator=np.random.default_rng(3)) for _ in range(2)
    )
    assert np.array_equal(first, again)
    assert np.isfinite(first).all()
    assert first.std() == pytest.approx(0 if name == "silence" else LOUDNESS, rel=0.35)


def test_photographs_are_colour_pictures_of_some_size() -> None:
    for name in ("astronaut", "grass", "retina", "flower"):
        photo = load_photo(name)
        assert photo.mode == "RGB"
        assert 300 < max(photo.size) <= 640
        assert np.asarray(photo).std() > 10


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for package in ("skimage", "sklearn"):
        with monkeypatch.context() as patch:
            for name in [package, *(m for m in sys.modules if m.startswith(f"{package}."))]:
                patch.setitem(sys.modules, name, None)
            with pytest.raises(NotFound, match=r"pip install 'mediafm-store\[demo\]'"):
                make_sample_catalogue(tmp_path / package)
        assert not (tmp_path / package).exists()


def test_importing_it_imports_neither_package() -> None:
    code = "import sys, mediafm_store.demo.films; print({'skimage', 'sklearn'} & {*sys.modules})"
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert out.stdout.strip() == "set()"


@pytest.mark.parametrize("titles", [0, -1, len(FILMS) + 1])
def test_an_impossible_number_of_titles_is_refused(titles: int, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=str(titles)):
        make_sample_catalogue(tmp_path, titles=titles)
    assert not list(tmp_path.iterdir())


def picture(value: int, *, height: int = 36, width: int = 64) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


@pytest.mark.parametrize("fps", [24, Fraction(30000, 1001)])
def test_a_written_video_keeps_frames_time_and_sound(fps: Fraction | int, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    wave = np.sin(2 * np.pi * 440 * np.arange(RATE * 2) / RATE).astype(np.float32) / 2
    values = [40, 200] * 24
    write_video(path, map(picture, values), fps=fps, audio=wave, audio_rate=RATE)
    assert [int(f.mean() > 120) for f in grey_frames(path)] == [0, 1] * 24
    with av.open(path) as container:
        times = [f.pts * f.time_base for f in container.decode(video=0)]
        container.seek(0)
        heard = np.concatenate([f.to_ndarray()[0] for f in container.decode(audio=0)])
    assert times == [n / Fraction(fps) for n in range(48)]
    assert heard[1024 : RATE * 2 - 1024].std() == pytest.approx(wave.std(), rel=0.05)
    assert np.abs(np.fft.rfft(heard[:RATE])).argmax() == 440
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]


def test_a_video_may_have_no_sound(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", [picture(9)], fps=24, audio=None, audio_rate=RATE)
    with av.open(tmp_path / "a.mp4") as container:
        assert [stream.type for stream in container.streams] == ["video"]


def test_a_failed_video_leaves_nothing(tmp_path: Path) -> None:
    def broken():
        yield picture(1)
        raise RuntimeError("out of film")

    with pytest.raises(RuntimeError, match="out of film"):
        write_video(tmp_path / "a.mp4", broken(), fps=24, audio=None, audio_rate=RATE)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([], "no frames"),
        ([picture(1, height=35)], "64x35"),
        ([picture(1), picture(1, height=38)], "frame 1"),
    ],
)
def test_frames_that_make_no_video_are_refused(
    frames: list[np.ndarray], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput, match=message):
        write_video(tmp_path / "a.mp4", frames, fps=24, audio=None, audio_rate=RATE)
    assert not list(tmp_path.iterdir())
