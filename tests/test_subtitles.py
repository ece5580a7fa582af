from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediafm_store.errors import BadSubtitles
from mediafm_store.media.subtitles import read_cues, words_of_shots
from mediafm_store.records import Cue, Span

SRT = (
    "1\n00:00:01,000 --> 00:00:02,500\n<i>Où êtes-vous?</i>\n\n"
    "2\n00:00:03,000 --> 00:00:04,000\nTwo\nlines\n"
)
VTT = "WEBVTT\n\nNOTE a comment\n\n00:01.000 --> 00:02.500 align:start\n<v Emo>Hello <b>there</b>\n"


def write(tmp_path, name, data):
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def test_srt_without_markup(tmp_path):
    assert read_cues(write(tmp_path, "a.srt", SRT)) == [
        Cue(1.0, 2.5, "Où êtes-vous?"),
        Cue(3.0, 4.0, "Two lines"),
    ]


def test_webvtt_without_voices(tmp_path):
    assert read_cues(write(tmp_path, "a.vtt", VTT)) == [Cue(1.0, 2.5, "Hello there")]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_other_encodings_are_read_with_a_warning(tmp_path, encoding):
    french = SRT.replace("Two", "Ça a été très éprouvant, n'est-ce pas, mon frère?")
    warnings = []
    cues = read_cues(write(tmp_path, "a.srt", french.encode(encoding)), warnings.append)
    assert cues[0].text == "Où êtes-vous?"
    assert len(warnings) == (encoding != "utf-8-sig")
    assert all("a.srt is not UTF-8" in w for w in warnings)


def test_an_empty_file_has_no_cues(tmp_path):
    assert read_cues(write(tmp_path, "a.srt", "")) == []
    assert read_cues(write(tmp_path, "a.vtt", "WEBVTT\n")) == []


@pytest.mark.parametrize("name", ["a.srt", "a.vtt"])
@pytest.mark.parametrize("data", [b"\x00\x01\x02\xff\xfe\x80" * 50, b"just some prose\n" * 9])
def test_what_is_not_subtitles_is_one_clear_error(tmp_path, name, data):
    with pytest.raises(BadSubtitles, match=name) as error:
        read_cues(write(tmp_path, name, data))
    assert "\n" not in str(error.value)


@given(
    st.lists(st.integers(1, 50), min_size=1, max_size=8),
    st.lists(st.tuples(st.integers(0, 300), st.integers(1, 60)), max_size=8),
)
def test_a_cue_goes_to_every_shot_that_it_overlaps(lengths, cue_times):
    starts = [sum(lengths[:i]) for i in range(len(lengths))]
    spans = [Span(s, s + n, Fraction(1, 10)) for s, n in zip(starts, lengths, strict=True)]
    cues = [Cue(s / 10, (s + n) / 10, f"w{i}") for i, (s, n) in enumerate(cue_times)]
    said = words_of_shots(cues, spans)
    for span, words in zip(spans, said, strict=True):
        ticks = set(range(span.start, span.end))
        overlapping = [
            f"w{i}" for i, (s, n) in enumerate(cue_times) if ticks & set(range(s, s + n))
        ]
        assert words.split() == overlapping
