from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediafm_store.clips.write import write_video
from mediafm_store.media.sound import _LONGEST_PIECE as LONGEST_PIECE
from mediafm_store.media.sound import SAMPLE_RATE, sound, split_sound
from mediafm_store.records import Span
from mediafm_store.shots.levels import _SILENCE_DB as SILENCE_DB
from mediafm_store.shots.levels import TimeSeries, loudness_db

BLACK = np.zeros((36, 64, 3), np.uint8)


@given(
    st.lists(st.integers(0, 700), max_size=12),
    st.lists(st.integers(1, 900), min_size=1, max_size=6),
    st.integers(0, 300),
)
def test_split_equals_slicing_the_whole(chunk_sizes, span_lengths, offset):
    whole = np.arange(sum(chunk_sizes), dtype=np.float32)
    chunks = np.split(whole, np.cumsum(chunk_sizes)[:-1]) if chunk_sizes else []
    edges = np.cumsum([offset, *span_lengths]).tolist()
    pairs = list(pairwise(edges))
    spans = [Span(a, b, Fraction(1, SAMPLE_RATE)) for a, b in pairs]
    pieces = {p.shot: p for p in split_sound(iter(chunks), spans)}
    for shot, (a, b) in enumerate(pairs):
        if len(whole[a:b]):
            assert pieces[shot].samples.tolist() == whole[a:b].tolist()
            assert pieces[shot].start_s == spans[shot].start_s
        else:
            assert shot not in pieces


def test_the_sound_of_a_long_shot_comes_in_equal_pieces():
    length = int(2.5 * LONGEST_PIECE)
    chunks = (np.full(SAMPLE_RATE, i, np.float32) for i in range(length // SAMPLE_RATE + 9))
    spans = [
        Span(0, length, Fraction(1, SAMPLE_RATE)),
        Span(length, length + 5, Fraction(1, 16_000)),
    ]
    pieces = list(split_sound(chunks, spans))
    assert [p.shot for p in pieces] == [0, 0, 0, 1]
    assert [len(p.samples) for p in pieces] == [*[50 * SAMPLE_RATE] * 3, 5]
    assert [p.start_s for p in pieces] == [0, 50, 100, 150]
    assert pieces[1].samples[0] == 50
    assert len(next(chunks)) == SAMPLE_RATE  # what is not asked for is left


def test_sound_is_on_the_clock_of_the_picture(tmp_path):
    audio = np.zeros(2 * 48_000, np.float32)
    audio[48_000:] = np.sin(np.arange(48_000) * 2 * np.pi * 440 / 48_000)
    path = tmp_path / "beep.mp4"
    write_video(path, iter([BLACK] * 50), fps=25, audio=audio, audio_rate=48_000)
    heard = np.concatenate(list(sound(path)))
    assert len(heard) == pytest.approx(2 * SAMPLE_RATE, abs=SAMPLE_RATE // 20)
    onset = np.flatnonzero(np.abs(heard) > 0.3)[0] / SAMPLE_RATE
    assert onset == pytest.approx(1.0, abs=0.03)


def test_sound_that_changes_its_form_in_the_middle(tmp_path):
    """As television does between stereo and mono: MPEG-TS parts, one after the other."""
    import av

    parts = []
    for number, layout in enumerate(["stereo", "mono"]):
        path = tmp_path / f"{number}.ts"
        with av.open(str(path), "w", format="mpegts") as container:
            stream = container.add_stream("mp2", rate=48_000, layout=layout)
            for i in range(40):
                samples = np.full((1, 1152 * stream.channels), 8000, np.int16)
                frame = av.AudioFrame.from_ndarray(samples, "s16", layout)
                frame.sample_rate, frame.pts = 48_000, (40 * number + i) * 1152
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        parts.append(path.read_bytes())
    whole = tmp_path / "whole.ts"
    whole.write_bytes(b"".join(parts))
    warnings = []
    heard = np.concatenate(list(sound(whole, warnings.append)))
    assert len(heard) / SAMPLE_RATE == pytest.approx(80 * 1152 / 48_000, abs=0.1)
    assert np.median(np.abs(heard[-8000:])) > 0.1


def test_no_sound_is_a_warning(tmp_path):
    path = tmp_path / "mute.mp4"
    write_video(path, iter([BLACK] * 10), fps=25, audio=None, audio_rate=16_000)
    warnings = []
    assert list(sound(path, warnings.append)) == []
    assert warnings == ["mute.mp4 has no sound"]


def test_loudness():
    assert loudness_db(np.zeros(100, np.float32)) == SILENCE_DB
    assert loudness_db(np.ones(100, np.float32)) == pytest.approx(0)
    assert loudness_db(np.full(100, 0.1, np.float32)) == pytest.approx(-20, abs=1e-3)


def test_levels_between_times():
    levels = TimeSeries()
    for i in range(10):
        levels.append(i / 10, float(i))
    assert levels.mean(0.2, 0.5) == 3.0
    assert levels.lowest(0.45, 2.0) == 5.0
    assert levels.mean(1.0, 2.0) is None
