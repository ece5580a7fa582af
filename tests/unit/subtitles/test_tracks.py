from contextlib import suppress
from fractions import Fraction

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediafm_store.errors import InvalidMedia, InvalidSubtitles
from mediafm_store.records import Cue
from mediafm_store.sources.videos import read_title
from mediafm_store.subtitles.tracks import _read_track as read_track
from mediafm_store.subtitles.tracks import read_words, text_tracks

KINDS = [("mp4", "mov_text"), ("mkv", "subrip"), ("mkv", "ass"), ("mkv", "webvtt")]


def packed(codec, number, text, effect=""):
    """The bytes of a cue, as each codec has them in its packets."""
    raw = text.encode()
    if codec == "mov_text":
        return len(raw).to_bytes(2, "big") + raw
    if codec == "ass":
        return f"{number},0,Default,,0,0,0,{effect},{text}".encode()
    return raw


def film_with(path, codec, tracks, start=0, effects=()):
    """A film with subtitle tracks: of each its language and its cues."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=25)
        video.width = video.height = 64
        video.pix_fmt = "yuv420p"
        streams = []
        for language, _ in tracks:
            stream = container.add_mux_stream(codec)
            stream.time_base = Fraction(1, 1000)
            stream.metadata["language"] = language
            streams.append(stream)
        for number in range(100):
            frame = av.VideoFrame(64, 64, "yuv420p")
            frame.pts = number + start * 25
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        for stream, (_, cues) in zip(streams, tracks, strict=True):
            for number, cue in enumerate(cues):
                packet = av.Packet(packed(codec, number, cue.text, dict(effects).get(cue.text, "")))
                packet.stream, packet.time_base = stream, Fraction(1, 1000)
                packet.pts = packet.dts = round((cue.start_s + start) * 1000)
                packet.duration = round((cue.end_s - cue.start_s) * 1000)
                packet.is_keyframe = True
                container.mux(packet)
    return path


GERMAN = [Cue(0.5, 1.5, "Wo bist du?"), Cue(2.0, 3.0, "Hier!")]
ENGLISH = [Cue(0.5, 1.4, "Where are you?"), Cue(2.0, 2.8, "Here!")]


@pytest.mark.parametrize(("suffix", "codec"), KINDS)
def test_tracks_are_read_as_they_were_written(tmp_path, suffix, codec):
    path = film_with(tmp_path / f"film.{suffix}", codec, [("ger", GERMAN), ("eng", ENGLISH)])
    tracks = text_tracks(path)
    assert [t.language for t in tracks] == ["de", "en"]
    for track, cues in zip(tracks, (GERMAN, ENGLISH), strict=True):
        warnings = []
        assert read_track(path, track.number, warnings.append) == cues
        assert warnings == []


@pytest.mark.parametrize(("suffix", "codec"), KINDS[:3])
def test_styles_and_sounds_are_left_out(tmp_path, suffix, codec):
    style = "<i>Where</i> are you?" if codec == "subrip" else "{\\i1}Where{\\i0} are you?"
    if codec == "mov_text":
        style = "Where are you?"
    cues = [Cue(0, 1, style), Cue(1, 2, "[door slams]")]
    path = film_with(tmp_path / f"film.{suffix}", codec, [("eng", cues)])
    assert read_track(path, 1) == [Cue(0, 1, "Where are you?")]


def test_syllables_of_karaoke_are_left_out(tmp_path):
    cues = [Cue(0.5, 1.5, "Hello"), Cue(2.0, 3.0, "Row")]
    path = film_with(tmp_path / "film.mkv", "ass", [("eng", cues)], effects={"Row": "fx"})
    assert read_track(path, 1) == [Cue(0.5, 1.5, "Hello")]


def test_drawings_and_entities_are_left_out(tmp_path):
    drawn = [
        Cue(0, 1, "{\\p1}m 0 0 l 9 9{\\p0}"),
        Cue(1, 2, "JOHN: Tom{\\i1} &amp; Jerry\\N(SIGHS)"),
    ]
    path = film_with(tmp_path / "film.mkv", "ass", [("eng", drawn)])
    assert read_track(path, 1) == [Cue(1, 2, "Tom & Jerry")]


def test_a_cue_without_an_end_stays_until_the_next(tmp_path):
    cues = [Cue(0.5, 0.5, "Where"), Cue(2, 2, "are"), Cue(3, 3.5, "you?"), Cue(3.8, 3.8, "There!")]
    path = film_with(tmp_path / "film.mkv", "subrip", [("eng", cues)])
    assert [c.end_s for c in read_track(path, 1)] == [2, 3, 3.5, 8.8]


@pytest.mark.parametrize(("suffix", "codec"), KINDS)
@settings(max_examples=40, deadline=None)
@given(damage=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=40))
def test_damaged_files(suffix, codec, damage, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / f"whole-{codec}.{suffix}"
    if not path.exists():
        film_with(path, codec, [("ger", GERMAN), ("eng", ENGLISH)])
    raw = bytearray(path.read_bytes())
    for place, byte in damage:
        raw[int(place * (len(raw) - 1))] = byte
    broken = path.with_name(f"broken-{codec}.{suffix}")
    broken.write_bytes(raw)
    for track in text_tracks(broken):
        with suppress(InvalidMedia, InvalidSubtitles):
            assert all(c.start_s < c.end_s and c.text for c in read_track(broken, track.number))


def test_times_count_from_the_start_of_the_file(tmp_path):
    path = film_with(tmp_path / "film.mkv", "subrip", [("ger", GERMAN)], start=10)
    with av.open(str(path)) as container:
        assert container.start_time > 9_000_000
    assert read_track(path, 1) == GERMAN


def test_the_language_of_a_track_is_chosen(tmp_path):
    path = film_with(tmp_path / "film.mkv", "subrip", [("ger", GERMAN), ("eng", ENGLISH)])
    told = []
    title = read_title(path, language="de", warn=told.append)
    assert (title.subtitles, title.subtitle_track, title.language) == (path, 1, "de")
    assert read_words(title) == GERMAN
    assert read_words(read_title(path)) == ENGLISH
    assert read_title(path, language="fr", warn=told.append).subtitles is None
    assert told == ["film.mkv: no subtitles in fr; there are some in de, en"]
    (tmp_path / "film.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nBeside\n")
    assert read_title(path).subtitles.name == "film.srt"  # what lies beside comes first
    assert read_title(path, language="de").subtitle_track == 1


def test_what_has_no_tracks(tmp_path):
    (tmp_path / "text.mp4").write_text("not a film")
    assert text_tracks(tmp_path / "text.mp4") == []
    path = film_with(tmp_path / "film.mkv", "subrip", [])
    assert text_tracks(path) == []
    assert read_words(read_title(path)) == []
    for index in (0, 7):
        with pytest.raises(InvalidSubtitles, match="no subtitle track"):
            read_track(path, index)
