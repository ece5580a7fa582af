"""Damaged films and subtitles: never a traceback, never half a title."""

import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mediafm_store.ingestion.ingest import ingest
from mediafm_store.storage.storage import Storage
from tests.helpers.odd_films import make_film, pictures

pytestmark = pytest.mark.slow

FILMS = {
    "film.mp4": {"sounds": ["stereo"]},
    "film.mkv": {"sounds": ["mono"], "codec": "mpeg4"},
    "film.ts": {"sounds": ["stereo"], "codec": "mpeg2video", "sound_codec": "mp2"},
    "film.avi": {"codec": "mjpeg", "pixels": "yuvj420p"},
    "film.webm": {
        "codec": "libvpx",
        "options": {"deadline": "realtime", "cpu-used": "8"},
        "sounds": ["mono"],
        "sound_codec": "libopus",
    },
}
SUBTITLES = {
    "film.srt": "1\n00:00:00,100 --> 00:00:00,900\nWhere are you?\n\n"
    "2\n00:00:01,000 --> 00:00:01,900\n<i>Là-bas</i> {\\an8}[door]\n",
    "film.vtt": "WEBVTT\n\nNOTE a note\n\n1\n00:00.100 --> 00:00.900 align:start\n<v Ann>Where?\n\n"
    "00:01.000 --> 00:01.900\nThere &amp; here\n",
    "film.ass": "[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name, Fontname\n"
    "Style: Default,Arial\n\n[Events]\nFormat: Layer, Start, End, Style, Name, Text\n"
    "Dialogue: 0,0:00:00.10,0:00:00.90,Default,,{\\i1}Where{\\i0}, are\\Nyou?\n",
}


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """A folder with two seconds of each kind of film."""
    folder = tmp_path_factory.mktemp("sources")
    images = list(pictures(48, size=(96, 64), shot=16))
    for name, options in FILMS.items():
        make_film(folder / name, images=images, **options)
    return folder


class Damage(NamedTuple):
    """What happens to the bytes of a file; places and sizes are shares of it."""

    kind: str
    place: float
    size: float
    seed: int
    count: int

    def of(self, raw: bytes) -> bytes:
        first = int(self.place * len(raw))
        last = min(len(raw), first + int(self.size * len(raw)))
        rng = np.random.default_rng(self.seed)
        match self.kind:
            case "truncate":
                return raw[:first]
            case "zero":
                return raw[:first] + bytes(last - first) + raw[last:]
            case "cut out":
                return raw[:first] + raw[last:]
            case "insert":
                return raw[:first] + rng.bytes(self.count) + raw[first:]
        flipped = np.frombuffer(raw, np.uint8).copy()
        places = rng.integers(0, len(raw), self.count)
        flipped[places] ^= (1 << rng.integers(0, 8, self.count)).astype(np.uint8)
        return flipped.tobytes()


damages = st.builds(
    Damage,
    kind=st.sampled_from(["truncate", "flip", "zero", "cut out", "insert"]),
    place=st.floats(0, 1),
    size=st.floats(0, 0.3),
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(1, 200),
)


def ingest_one(folder: Path, film: Path, encoders):
    """Ingest one film and check that the store holds all of it or nothing."""
    store = Storage(folder / "store", create=True)
    (result,) = ingest(store, [film], encoders=encoders)
    assert result.state in {"ingested", "failed"}
    told = (*result.warnings, *([result.error] if result.error else []))
    for line in told:
        assert "film" in line
        assert "\n" not in line
        assert "cannot be ingested:" not in line, line  # what nobody foresaw
    shots = store.shots()
    if result.state == "failed":
        assert result.error
        assert len(store.titles()) == len(shots) == 0
        assert store.table("shots").count_rows() == 0
        return result
    ids = shots["id"].to_list()
    assert len(ids) == result.shots == store.titles()["shots"][0] > 0
    assert (shots["start"][1:] == shots["end"][:-1]).all()
    assert (shots["end"] > shots["start"]).all()
    assert len(store.thumbnails(ids)) == len(ids)
    for space in store.spaces():
        vectors = store.vectors(space)
        assert vectors.ids == (["film"] if space.of_titles else ids)
        assert np.isfinite(vectors.vectors).all()
    return result


@pytest.mark.parametrize("name", FILMS)
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(damage=damages)
def test_damaged_films(name, damage, sources, plain_encoders, tmp_path_factory):
    folder = tmp_path_factory.mktemp("damaged")
    (folder / name).write_bytes(damage.of((sources / name).read_bytes()))
    ingest_one(folder, folder / name, plain_encoders)


@pytest.mark.parametrize("name", SUBTITLES)
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(damage=damages)
def test_damaged_subtitles(name, damage, sources, plain_encoders, tmp_path_factory):
    folder = tmp_path_factory.mktemp("damaged")
    shutil.copy(sources / "film.avi", folder)
    (folder / name).write_bytes(damage.of(SUBTITLES[name].encode()))
    ingest_one(folder, folder / "film.avi", plain_encoders)


def test_a_codec_that_nobody_knows(sources, plain_encoders, tmp_path):
    film = (sources / "film.mp4").read_bytes()
    known = next(name for name in (b"avc1", b"mp4v", b"hev1", b"hvc1") if name in film)
    (tmp_path / "film.mp4").write_bytes(film.replace(known, b"zzzz"))
    result = ingest_one(tmp_path, tmp_path / "film.mp4", plain_encoders)
    assert result.state == "failed"
    assert "no codec that FFmpeg knows" in result.error


@pytest.mark.parametrize("name", FILMS)
def test_whole_films(name, sources, plain_encoders, tmp_path):
    shutil.copy(sources / name, tmp_path)
    result = ingest_one(tmp_path, tmp_path / name, plain_encoders)
    assert result.state == "ingested"
    assert result.shots == 3
    assert result.warnings == (("film.avi has no sound",) if name == "film.avi" else ())
