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


ASS = """[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize
Style: Default,Arial,20

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Comment: 0,0:00:00.00,0:00:09.00,Default,,0,0,0,,a note of the translator
Dialogue: 0,0:00:03.00,0:00:04.00,Default,,0,0,0,,{\\k20}Two {\\i1}lines{\\i0}\\Nof it
Dialogue: 0,0:00:01.00,0:00:02.50,Default,,0,0,0,,First, with a comma
Dialogue: 0,0:00:01.00,0:00:02.50,Default,,0,0,0,,{\\p1}m 0 0 l 100 0 100 100{\\p0}
"""


@pytest.mark.parametrize("suffix", [".ass", ".ssa"])
def test_ass_without_styles_comments_and_drawings(tmp_path, suffix):
    assert read_cues(write(tmp_path, f"a{suffix}", ASS)) == [
        Cue(1.0, 2.5, "First, with a comma"),
        Cue(3.0, 4.0, "Two lines of it"),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[door slams]", ""),
        ("[door\nslams] Who is there?", "Who is there?"),
        ("(SIGHS) Not again.", "Not again."),
        ("(footsteps approach)", ""),
        ("- (laughs)\n- Why?", "Why?"),
        ("He said (as always) no.", "He said (as always) no."),
        ("JOHN: Where are you?", "Where are you?"),
        ("- DR. WHO #2: Here.\n- MAN: There.", "Here. There."),
        ("Remember: nobody leaves.", "Remember: nobody leaves."),
        ("At 10:30 we go.", "At 10:30 we go."),
        ("I: the jury", "I: the jury"),
        ("♪ Row, row your boat ♪", "Row, row your boat"),
        ("♪♪", ""),
        ("<b>Tom &amp; Jerry</b>", "Tom & Jerry"),
        ("What?!", "What?!"),
        ("Où - là-bas - non!", "Où - là-bas - non!"),
        ("-Yes. -No.", "Yes. -No."),
    ],
)
def test_what_is_said_and_what_is_not(tmp_path, text, words):
    file = write(tmp_path, "a.vtt", f"WEBVTT\n\n00:01.000 --> 00:02.000\n{text}\n")
    assert [c.text for c in read_cues(file)] == ([words] if words else [])


def test_captions_that_repeat_what_goes_on(tmp_path):
    times = [(0, 1, "so"), (1, 2, "so"), (2.05, 3, "so"), (5, 6, "so")]
    srt = "".join(
        f"{i}\n00:00:{a:06.3f} --> 00:00:{b:06.3f}\n{t}\n\n" for i, (a, b, t) in enumerate(times)
    )
    assert read_cues(write(tmp_path, "a.srt", srt.replace(".", ","))) == [
        Cue(0, 3, "so"),
        Cue(5, 6, "so"),
    ]


def test_damaged_subtitles_are_left_out_with_a_warning(tmp_path):
    srt = (
        SRT + "3\n00:00:xx,000 --> 00:00:06,000\nThree\n\n4\n00:00:07,000 --> 00:00:08,000\nFour\n"
    )
    warnings = []
    cues = read_cues(write(tmp_path, "a.srt", srt), warnings.append)
    assert cues[-1] == Cue(7, 8, "Four")
    assert warnings == ["a.srt: 1 of 4 subtitles cannot be read"]


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1251", "Где ты был? Я ждал тебя весь день, и никто не пришёл."),
        ("cp932", "どこにいるの。ここにいるよ。もうすぐ行くから待っていて。"),
        ("cp1253", "Πού είσαι; Σε περίμενα όλη την ημέρα και δεν ήρθες."),
        ("gb18030", "你在哪里。我在这里等了你一整天。可是你没有来。"),
    ],
)
def test_alphabets_of_the_world(tmp_path, encoding, text):
    srt = f"1\n00:00:01,000 --> 00:00:02,000\n{text}\n"
    told = []
    (cue,) = read_cues(write(tmp_path, "a.srt", srt.encode(encoding)), told.append)
    assert cue.text == text
    assert len(told) == 1


@given(
    st.lists(st.integers(1, 50), min_size=1, max_size=8),
    st.lists(st.tuples(st.integers(0, 300), st.integers(1, 60)), max_size=8),
)
def test_a_cue_belongs_to_the_shots_that_it_overlaps(lengths, cue_times):
    """Never to one that it does not touch, always to that in which most of it lies."""
    starts = [sum(lengths[:i]) for i in range(len(lengths))]
    spans = [Span(s, s + n, Fraction(1, 10)) for s, n in zip(starts, lengths, strict=True)]
    cues = [Cue(s / 10, (s + n) / 10, f"w{i}") for i, (s, n) in enumerate(cue_times)]
    said = [words.split() for words in words_of_shots(cues, spans)]
    for i, (start, length) in enumerate(cue_times):
        shared = [len(range(max(start, s.start), min(start + length, s.end))) for s in spans]
        for words, ticks in zip(said, shared, strict=True):
            assert ticks or f"w{i}" not in words
            assert ticks < 4 or f"w{i}" in words
        if any(shared) and start + length <= spans[-1].end:
            assert f"w{i}" in said[shared.index(max(shared))]


def test_a_cue_that_stays_for_some_frames_after_a_cut():
    spans = [Span(0, 20, Fraction(1, 10)), Span(20, 60, Fraction(1, 10))]
    assert words_of_shots([Cue(0.5, 2.2, "Go!"), Cue(1.5, 3.0, "Both")], spans) == [
        "Go! Both",
        "Both",
    ]
