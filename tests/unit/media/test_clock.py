"""Films whose time stamps jump: what is no film costs no time, and all tracks stay in step."""

import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

from mediafm_store.clips.clip import cut_clip
from mediafm_store.errors import InvalidInput
from mediafm_store.ingestion.ingest import ingest
from mediafm_store.media.parts import Stamp, parts_of
from mediafm_store.media.parts import _join_parts as join_parts
from mediafm_store.media.parts import _segments as segments
from mediafm_store.media.sound import SAMPLE_RATE, sound
from mediafm_store.records import Span
from mediafm_store.shots.detectors import adaptive
from mediafm_store.shots.shots import read_shots
from mediafm_store.storage.storage import Storage
from mediafm_store.subtitles.tracks import _read_track as read_track
from tests.helpers.odd_films import make_film, moved, pictures
from tests.unit.subtitles.test_tracks import film_with

MPEG = {"codec": "mpeg2video", "sounds": ["mono"], "sound_codec": "mp2"}


def read(path):
    """Where the shots start and the last ends, seconds of sound, and the warnings."""
    warnings = []
    shots = list(read_shots(path, adaptive, warn=warnings.append))
    heard_s = sum(map(len, sound(path, warnings.append))) / SAMPLE_RATE
    starts = [shot.span.start_s for shot in shots]
    return [*starts, shots[-1].span.end_s], heard_s, list(dict.fromkeys(warnings))


@pytest.fixture
def plain(tmp_path):
    """Two shots of four seconds, as a transport stream."""
    images = list(pictures(192, shot=96))
    return make_film(tmp_path / "plain.ts", images=images, sounds=["mono"])


def with_hole(folder, name, hole_s):
    """Two shots of a second, the second later by a hole."""
    images = list(pictures(48, shot=24))
    options = {"bf": "0", "g": "24"}
    film = make_film(folder / "whole.mkv", images=images, options=options, sounds=["mono"])
    return moved(film, folder / name, lambda seconds: hole_s if seconds > 0.99 else 0)


@pytest.mark.parametrize("name", ["gap.mkv", "gap.mp4"])
@pytest.mark.parametrize("hole_s", [3600, 5 * 3600])
def test_a_hole_without_picture_and_sound_is_closed(tmp_path, name, hole_s):
    times, heard_s, warnings = read(with_hole(tmp_path, name, hole_s))
    assert times == pytest.approx([0, 1, 2], abs=0.05)
    assert heard_s == pytest.approx(2, abs=0.1)
    (warning,) = warnings
    assert warning.startswith(f"{name}: its time stamps jump from 1.0 s to {hole_s + 1}.0 s;")


def test_a_hole_of_less_than_a_minute_is_one(tmp_path):
    times, heard_s, warnings = read(with_hole(tmp_path, "gap.mkv", 50))
    assert times == pytest.approx([0, 51, 52], abs=0.05)
    assert heard_s == pytest.approx(52, abs=0.1)
    assert warnings == []


def test_the_title_has_one_warning(tmp_path, plain_encoders):
    film = with_hole(tmp_path, "gap.mkv", 3600)
    (result,) = ingest(Storage(tmp_path / "store", create=True), [film], encoders=plain_encoders)
    (warning,) = result.warnings
    assert "time stamps jump" in warning


@pytest.mark.parametrize("starts_s", [(5, 20_000), (20_000, 5)])
def test_transport_streams_that_were_joined(tmp_path, plain, starts_s):
    parts = [moved(plain, tmp_path / f"{s}.ts", lambda _, s=s: s).read_bytes() for s in starts_s]
    film = tmp_path / "joined.ts"
    film.write_bytes(b"".join(parts))
    times, heard_s, warnings = read(film)
    assert times == pytest.approx([0, 4, 8, 12, 16], abs=0.1)
    assert heard_s == pytest.approx(16, abs=0.2)
    assert len(warnings) == 1
    clip = cut_clip(film, Span(9, 11, Fraction(1)), tmp_path / "clip")
    assert (clip.start_s, clip.end_s) == pytest.approx((9, 11), abs=0.05)
    assert clip.frames == 48
    with pytest.raises(InvalidInput, match=r"jump at 8\.\d+ s; cut what lies before"):
        cut_clip(film, Span(6, 10, Fraction(1)), tmp_path / "clip")


def test_a_film_that_begins_anew_is_not_cut_behind_that(tmp_path):
    part = make_film(tmp_path / "part.ts", **MPEG).read_bytes()
    film = tmp_path / "twice.ts"
    film.write_bytes(2 * part)
    assert [p.moved_s for p in parts_of(film)] == pytest.approx([0, 4], abs=0.1)
    with pytest.raises(InvalidInput, match="begin anew at 4"):
        cut_clip(film, Span(5, 6, Fraction(1)), tmp_path / "clip")


PEAK = """
import resource, sys
from pathlib import Path
from mediafm_store.media.sound import sound
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
before = peak()
print(sum(map(len, sound(Path(sys.argv[1])))) / 16_000, peak() - before)
"""


def test_a_pause_of_the_sound_is_filled_in_pieces(tmp_path):
    """Five hours in which pictures go on: it used to take more than a gigabyte."""
    pause_s = 5 * 3600
    images = [np.full((16, 16, 3), n % 200, np.uint8) for n in range(pause_s // 50)]
    whole = make_film(
        tmp_path / "whole.mkv",
        images=images,
        codec="mpeg4",
        times=[n * 50_000 for n in range(len(images))],
        sounds=["mono"],
        sound_s=2,
        sound_codec="pcm_s16le",
    )
    film = tmp_path / "film.mkv"
    later_if_sound(whole, film, pause_s - 100)
    asked = [sys.executable, "-c", PEAK, str(film)]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    heard_s, megabytes = map(float, done.stdout.split())
    assert heard_s == pytest.approx(pause_s - 98, abs=0.1)
    assert megabytes < 100
    assert read(film)[2] == []


def later_if_sound(film, target, pause_s):
    """A copy of a film with its sound, from the second second on, later by a pause."""
    import av

    with av.open(str(film)) as source, av.open(str(target), "w") as out:
        made = {s.index: out.add_stream_from_template(s) for s in source.streams}
        packets = [p for p in source.demux() if p.dts is not None]
        for packet in packets:
            if packet.stream.type == "audio" and packet.time_base * packet.pts >= 1:
                ticks = round(pause_s / packet.time_base)
                packet.pts, packet.dts = packet.pts + ticks, packet.dts + ticks
        for packet in sorted(packets, key=lambda p: p.dts * p.time_base):
            packet.stream = made[packet.stream.index]
            out.mux(packet)


def test_subtitles_stay_in_step(tmp_path):
    from mediafm_store.records import Cue

    cues = [Cue(0.5, 1.5, "Where?"), Cue(2.0, 3.0, "Here!")]
    whole = film_with(tmp_path / "whole.mkv", "subrip", [("eng", cues)])
    film = moved(whole, tmp_path / "film.mkv", lambda seconds: 4000 if seconds > 1.99 else 0)
    found = read_track(film, 1)
    assert [cue.text for cue in found] == ["Where?", "Here!"]
    assert [cue.start_s for cue in found] == pytest.approx([0.5, 2.0], abs=0.05)


def stamps(track, *seconds):
    return [Stamp(track, s, 0.5) for s in seconds]


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (stamps(0, 0, 0.5, 900, 1, 1.5), [(0, 2, 0)]),  # one that is damaged
        (stamps(0, 0, 300, 600, 900), [(0, 0.5, 0)]),  # pictures that stay
        (stamps(0, 0, 0.5, 900, 900.5), [(0, 1, 0), (900, 901, -899)]),
        (stamps(0, 9, 9.5, 0, 0.5), [(9, 10, 0), (0, 1, 10)]),
        # The sound goes on, but lies behind its pictures in the file.
        (stamps(0, 0, 90, 90.5) + stamps(1, 0, 20, 40, 60, 80), [(0, 91, 0)]),
        # The sound jumps, too, but later.
        (stamps(0, 0, 90, 90.5) + stamps(1, 0.1, 89.9, 90.4), [(0, 0.6, 0), (89.9, 91, -89.3)]),
    ],
)
def test_parts(found, wanted):
    parts = [tuple(part) for part in join_parts(segments(found))]
    assert [number for part in parts for number in part] == pytest.approx(
        [number for part in wanted for number in part]
    )
