"""What files are to search by: by their content, and never anything but files."""

import json
import os
import re
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from threading import Thread
from unittest.mock import patch

import av
import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from mediafm_store.clips.clip import cut_clip
from mediafm_store.clips.write import write_video
from mediafm_store.errors import InvalidInput, InvalidMedia, MediaFMError
from mediafm_store.examples.file_kinds import kind_of, require
from mediafm_store.media.decode import media_duration_s, open_media
from mediafm_store.media.sound import sound
from mediafm_store.media.streams import streams_of
from mediafm_store.serve.app import make_app
from mediafm_store.serve.library import SharedStore
from mediafm_store.shots.detectors import adaptive
from mediafm_store.shots.shots import read_shots
from mediafm_store.sources.change_detection import content
from mediafm_store.sources.videos import find_videos
from tests.conftest import random_vectors
from tests.helpers.command import mediafm
from tests.helpers.odd_films import hum, make_film, pictures
from tests.helpers.plain import search_all
from tests.helpers.planted import ENCODERS, add_film, grey, pitch, put_in_context

search = partial(search_all, encoders=ENCODERS, device="cpu")
HZ = 220
"""Of the first sound track of `make_film`, and of `make_sound`."""


def make_sound(path, codec, container=None):
    """A second of a tone."""
    with av.open(str(path), "w", format=container) as out:
        track = out.add_stream(codec, rate=48_000, layout="mono")
        out.mux(hum(track, 1, HZ))
    return path


def make_picture(path, brightness=120, form=None):
    Image.new("RGB", (32, 32), (brightness,) * 3).save(path, form)
    return path


def make_moving(path, *brightness):
    first, *others = (Image.new("RGB", (32, 32), (b,) * 3) for b in brightness)
    first.save(path, save_all=True, append_images=others)
    return path


def with_cover(mp3, folder):
    """An MP3 with a picture in its ID3 tag, as music comes."""
    jpeg = make_picture(folder / "cover.jpg").read_bytes()
    picture = b"\0image/jpeg\0\3\0" + jpeg
    frame = b"APIC" + len(picture).to_bytes(4, "big") + b"\0\0" + picture
    size = bytes((len(frame) >> shift) & 0x7F for shift in (21, 14, 7, 0))
    mp3.write_bytes(b"ID3\3\0\0" + size + frame + mp3.read_bytes())
    return mp3


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    """A file of each kind, by its name."""
    folder = tmp_path_factory.mktemp("media")
    make_film(folder / "film.mp4", sounds=["mono"])
    make_film(folder / "silent.mkv", images=list(pictures(5)))
    make_film(folder / "FILM.TS", sounds=["mono"], codec="mpeg2video", sound_codec="mp2")
    make_sound(folder / "s.au", "pcm_s16be", "au")
    make_sound(folder / "S.MP3", "libmp3lame")
    make_sound(folder / "s.opus", "libopus", "ogg")
    with_cover(make_sound(folder / "cover.mp3", "libmp3lame"), folder)
    for name, form in (("PIC.JPG", "JPEG"), ("p.png", "PNG"), ("p.tif", "TIFF"), ("p.bmp", "BMP")):
        make_picture(folder / name, form=form)
    make_moving(folder / "still.gif", 120)
    make_moving(folder / "moving.gif", 120, 20, 220)
    # Called as what they are not.
    make_picture(folder / "picture.mp4", form="PNG")
    make_film(folder / "film.jpg.mp4", images=list(pictures(5)))
    (folder / "film.jpg.mp4").rename(folder / "film.jpg")
    make_sound(folder / "sound.png", "pcm_s16le", "wav")
    make_picture(folder / "frame%03d.jpg")
    (folder / "text.txt").write_text("words\n" * 100)
    (folder / "words.srt").write_text("1\n00:00:00,100 --> 00:00:00,900\nWhere?\n")
    (folder / "empty.mp4").write_bytes(b"")
    for name in ("noise", "noise.png"):
        (folder / name).write_bytes(np.random.default_rng(0).bytes(3000))
    return folder


KINDS = {
    "visual": "PIC.JPG p.png p.tif p.bmp still.gif moving.gif picture.mp4 frame%03d.jpg cover.jpg",
    "audio": "s.au S.MP3 s.opus cover.mp3 sound.png",
    "clip": "film.mp4 silent.mkv FILM.TS film.jpg",
}
KINDS_BY_NAME = {name: kind for kind, names in KINDS.items() for name in names.split()}


@pytest.fixture
def films(store):
    """What looks and sounds like the files that tests make."""
    add_film(store, "grey", [grey(120), "lake"], ["rain", "wind"])
    add_film(store, "tone", ["wood", "hill"], [pitch(HZ), "rain"])
    return store


# Kinds


@pytest.mark.parametrize("name", KINDS_BY_NAME)
def test_the_content_tells_what_a_file_is(media, name):
    kind = KINDS_BY_NAME[name]
    assert kind_of(media / name) == kind
    require(media / name, kind)


REFUSED = [
    *[("visual", n, "is a video, not a picture", "--clip") for n in KINDS["clip"].split()],
    *[("visual", n, "is a sound, not a picture", "--sound") for n in KINDS["audio"].split()],
    *[("audio", n, "is a picture, not a sound", "--picture") for n in ("PIC.JPG", "picture.mp4")],
    *[("audio", "silent.mkv", "has no sound", "--clip"), ("audio", "moving.gif", "no sound", "")],
    *[("clip", n, "is a sound without a video", "--sound") for n in KINDS["audio"].split()],
    *[("clip", n, "is a picture, not a video", "--picture") for n in ("PIC.JPG", "still.gif")],
    *[("clip", n, "is a picture, not a video", "--picture") for n in ("p.tif", "picture.mp4")],
    *[("clip", "text.txt", "has no moving pictures", "give a video")],
    *[
        ("audio", "text.txt", "has no sound", "give a sound"),
        ("audio", "words.srt", "no sound", ""),
    ],
    *[("visual", n, "cannot be read as", "JPEG or PNG") for n in ("noise", "noise.png")],
    *[("visual", "empty.mp4", "cannot be read as a picture", "JPEG or PNG")],
    *[("clip", "empty.mp4", "is empty", ""), ("audio", "noise", "is not media", "")],
]


@pytest.mark.parametrize(("kind", "name", "told", "cure"), REFUSED)
def test_what_is_of_another_kind_is_refused_with_the_option_for_it(media, kind, name, told, cure):
    with pytest.raises(InvalidInput) as refused:
        require(media / name, kind)
    message = str(refused.value)
    assert message.startswith(str(media / name))
    assert told in message
    assert cure in message
    assert "\n" not in message


@pytest.mark.parametrize("name", ["text.txt", "words.srt"])
def test_what_has_nothing_to_see_or_hear_is_of_no_kind(media, name):
    with pytest.raises(InvalidInput, match="nothing to see or to hear"):
        kind_of(media / name)


def test_a_film_has_a_sound_and_a_moving_picture_is_a_clip_too(media):
    for name in ("film.mp4", "FILM.TS"):
        require(media / name, "audio")
    require(media / "moving.gif", "clip")
    require(media / "moving.gif", "visual")


def test_a_cover_is_not_seen(media):
    with av.open(str(media / "cover.mp3")) as container:
        assert container.streams.video
    assert streams_of(media / "cover.mp3") == (False, False, True)


@pytest.mark.parametrize("brand", [b"heic", b"mif1"])
def test_a_picture_that_pillow_does_not_know_is_no_film(tmp_path, brand):
    film = make_film(tmp_path / "film.mp4", images=list(pictures(2))).read_bytes()
    assert film[4:8] == b"ftyp"
    (tmp_path / "a.heic").write_bytes(film[:8] + brand + film[12:])
    for ask in (kind_of, partial(require, kind="visual")):
        with pytest.raises(
            InvalidInput, match="cannot be read as a picture; save it as JPEG or PNG"
        ):
            ask(tmp_path / "a.heic")
    with pytest.raises(InvalidInput, match="is a picture, not a video"):
        require(tmp_path / "a.heic", "clip")


# Searches


def test_pictures_alone_are_compared_of_a_picture(films, media):
    for name in ("PIC.JPG", "p.png", "picture.mp4", "moving.gif"):
        hits = search(films, picture=media / name)
        assert hits[0].shot == "grey/00000", name
        assert hits[0].score == pytest.approx(1, abs=1e-3)
        assert all(h.shares["audio"] == h.shares["text"] == 0 for h in hits)
        assert search(films, like=[str(media / name)]) == hits


def test_sound_alone_is_compared_of_a_film(films, media):
    for name in ("s.au", "S.MP3", "cover.mp3", "sound.png", "film.mp4", "FILM.TS"):
        hits = search(films, sound=media / name)
        assert hits[0].shot == "tone/00000", name
        assert hits[0].score > 0.9
        assert all(h.shares["visual"] == h.shares["text"] == 0 for h in hits)
    assert search(films, like=[str(media / "s.au")]) == search(films, sound=media / "s.au")
    assert search(films, like=[str(media / "film.mp4")]) == search(films, clip=media / "film.mp4")
    seen = {h.shot: h.shares["visual"] for h in search(films, clip=media / "film.mp4")}
    assert any(seen.values())


def test_a_moving_picture_is_looked_for_as_a_clip_if_it_is_given_as_one(films, media):
    hits = search(films, clip=media / "moving.gif")
    assert any(h.shares["visual"] for h in hits)
    assert search(films, clip=media / "film.jpg")


def test_what_has_no_context_is_compared_without(films, media, tmp_path, monkeypatch):
    put_in_context(films, {title: random_vectors(2, len(title)) for title in ("grey", "tone")})
    for name in ("picture.mp4", "sound.png"):
        assert all(h.shares["context"] == 0 for h in search(films, like=[str(media / name)]))
    assert all(h.shares["context"] == 0 for h in search(films, sound=media / "film.mp4"))
    with pytest.raises(InvalidInput, match="has no context, being no video"):
        search(films, sound=media / "film.mp4", space="context")
    # A title goes before a picture of its name: that is not even looked at.
    monkeypatch.chdir(tmp_path)
    make_picture(tmp_path / "grey", form="PNG")
    assert search(films, like=["grey"], space="context")


# Names that FFmpeg would take for addresses


@pytest.mark.parametrize(
    "name", ["take:1", "Mission: Impossible.mp4", "http:x.mp4", "concat:a.mp4", "-i.mp4", "a%d.mp4"]
)
def test_a_name_with_a_colon_is_a_file(films, media, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    path = Path(name)
    path.write_bytes((media / "film.mp4").read_bytes())
    assert kind_of(path) == "clip"
    assert media_duration_s(path) == pytest.approx(4, abs=0.1)
    shots = list(read_shots(path, adaptive))
    assert len(shots) == 4
    assert sum(map(len, sound(path))) > 0
    assert search(films, clip=path) == search(films, clip=media / "film.mp4")
    (folder := tmp_path / "cuts: 1").mkdir()
    clip = cut_clip(path, shots[0].span, Path(folder.name) / "one")
    assert clip.file.exists()
    assert clip.frames == 24


def test_a_film_is_written_to_a_name_with_a_colon(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_video(Path("a:b.mp4"), pictures(5), fps=24, audio=None, audio_rate=16_000)
    assert kind_of(Path("a:b.mp4")) == "clip"


# What is no file


def in_a_second(ask):
    """What comes of it, an error too; it fails the test that there is nothing yet."""
    done = []

    def run():
        try:
            done.append(ask())
        except MediaFMError as error:
            done.append(error)

    thread = Thread(target=run, daemon=True)
    began = time.monotonic()
    thread.start()
    thread.join(5)
    assert done, "it waits for ever"
    assert time.monotonic() - began < 1
    return done[0]


@pytest.fixture
def others(tmp_path):
    """Paths of what is no file, and what each is."""
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "link.mp4").symlink_to("pipe.mp4")
    return {
        tmp_path / "pipe.mp4": "is a named pipe",
        tmp_path / "link.mp4": "is a named pipe",
        tmp_path / "folder.mp4": "is a folder",
        Path("/dev/zero"): "is a device",
        Path("/dev/null"): "is a device",
        tmp_path / "gone.mp4": "does not exist",
        tmp_path / ("x" * 5000): "cannot be opened",
        tmp_path / "\0": "cannot be opened",
    }


def opened(path):
    with open_media(path) as container:
        return container


@pytest.mark.parametrize(
    "ask",
    [
        *[opened, kind_of, media_duration_s, streams_of, lambda path: list(sound(path))],
        *[partial(require, kind=kind) for kind in ("visual", "audio", "clip")],
        lambda path: content(path, "as it is", None),
    ],
)
def test_what_is_no_file_is_refused_at_once(others, ask):
    for path, told in others.items():
        error = in_a_second(partial(ask, path))
        assert isinstance(error, InvalidMedia), path
        assert f"{path} {told}" in str(error)


def test_it_is_refused_to_search_by_and_to_ingest(films, others, store, tmp_path):
    search(films, shot="grey/00000")  # what is loaded once
    for path in list(others)[:5]:
        for option in ("clip", "picture", "sound"):
            error = in_a_second(partial(search, films, **{option: path}))
            assert f"{path} is not a file; give a video" in str(error)
        error = in_a_second(partial(search, films, like=[str(path)]))
        assert f"{str(path)!r} is no shot, title or file" in str(error)
    for path in (tmp_path / "pipe.mp4", Path("/dev/zero")):
        assert "not a file" in str(in_a_second(partial(find_videos, [path])))


def test_a_link_to_a_file_is_one(media, tmp_path):
    (tmp_path / "link").symlink_to(media / "film.mp4")
    assert kind_of(tmp_path / "link") == "clip"


# The command


@pytest.mark.parametrize(
    ("option", "name", "cure"),
    [
        *[("--picture", "film.mp4", "--clip"), ("--picture", "S.MP3", "--sound")],
        *[("--clip", "PIC.JPG", "--picture"), ("--clip", "cover.mp3", "--sound")],
        *[("--sound", "silent.mkv", "--clip"), ("--sound", "p.png", "--picture")],
        *[("--picture", "noise.png", "JPEG or PNG"), ("--like", "text.txt", "give a video")],
        *[("--clip", "pipe", "give a video"), ("--picture", ".", "give a video")],
    ],
)
def test_the_command_says_what_to_use(films, media, option, name, cure):
    if name == "pipe" and not (media / name).exists():
        os.mkfifo(media / name)
    # No encoders are loaded, which takes longer than to look.
    with patch("mediafm_store.retrieval.search.load_encoders", side_effect=AssertionError):
        done = mediafm("search", option, media / name, "--store", films.path)
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    assert str(media / name) in done.stderr
    assert cure in done.stderr


def test_the_command_compares_what_the_option_says(films, media, tmp_path, monkeypatch):
    monkeypatch.setattr("mediafm_store.retrieval.search.load_encoders", lambda **_: ENCODERS)
    monkeypatch.chdir(tmp_path)
    Path("take:1").write_bytes((media / "film.mp4").read_bytes())

    def found(*asked):
        done = mediafm("search", *asked, "--least", 0, "--json", "--store", films.path)
        assert (done.returncode, done.stderr) == (0, "")
        return [json.loads(line) for line in done.stdout.splitlines()]

    assert found("--picture", media / "PIC.JPG")[0]["shot"] == "grey/00000"
    assert found("--picture", media / "moving.gif")[0]["shot"] == "grey/00000"
    assert found("--sound", media / "s.au")[0]["shot"] == "tone/00000"
    assert found("--sound", "take:1")[0]["shot"] == "tone/00000"
    assert found("--like", "take:1") == found("--clip", media / "film.mp4")


def test_a_file_that_is_sent_is_compared_as_what_it_is(films, media, monkeypatch):
    monkeypatch.setattr("mediafm_store.serve.library.load_encoders", lambda *_, **__: ENCODERS)

    def search_everything(store, query, options, **more):
        given = {name: value for name, value in asdict(query).items() if value}
        return search_all(store, **given, k=options.k, **more)

    monkeypatch.setattr("mediafm_store.serve.library.search", search_everything)
    with TestClient(
        make_app(SharedStore(films, device="cpu")), base_url="http://127.0.0.1"
    ) as client:

        def sent(name):
            return client.post("/search", files={"file": (name, (media / name).read_bytes())})

        for name, shot in (("PIC.JPG", "grey/00000"), ("s.au", "tone/00000"), ("film.mp4", "")):
            answer = sent(name)
            assert answer.status_code == 200
            first = re.search(r"(?:grey|tone)/0000\d", answer.text.partition("<main")[2])
            assert first is not None
            assert first[0].startswith(shot)
        refused = sent("text.txt")
        assert refused.status_code == 400
        assert "text.txt is not media" in refused.text
