from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mediafm_store.errors import InvalidSubtitles
from mediafm_store.records import Cue, Span
from mediafm_store.subtitles import parse as subtitles
from mediafm_store.subtitles.parse import _belongs as belongs
from mediafm_store.subtitles.parse import read_cues, words_of_shots

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
    with pytest.raises(InvalidSubtitles, match=name) as error:
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


def ass(*events):
    """A file of events: kind, layer, start and end in seconds, effect, text."""
    head = ASS[: ASS.index("Comment:")]
    return head + "".join(
        f"{kind}: {layer},0:00:{start:05.2f},0:00:{end:05.2f},Default,,0,0,0,{effect},{text}\n"
        for kind, layer, start, end, effect, text in events
    )


def test_syllables_of_karaoke_are_no_words_but_the_line_that_they_were_made_from_is(tmp_path):
    syllables = [
        ("Dialogue", layer, 1 + i, 4, "fx", f"{{\\pos({i},5)}}{text}")
        for i, text in enumerate(("Row", "row", "boat"))
        for layer in (0, 1)
    ]
    line = ("Comment", 0, 1, 4, "karaoke", "{\\k20}Row {\\k20}your {\\k20}boat")
    others = [("Comment", 0, 1, 4, "template syl", "!x!"), ("Dialogue", 0, 5, 6, "", "Who sings?")]
    found = read_cues(write(tmp_path, "a.ass", ass(line, *syllables, *others)))
    assert found == [Cue(1, 4, "Row your boat"), Cue(5, 6, "Who sings?")]


def test_what_stands_in_several_layers_is_said_once(tmp_path):
    events = [
        ("Dialogue", layer, 1, 2, "", text) for layer in (0, 1, 2) for text in ("Sakura", "Cherry")
    ]
    found = read_cues(write(tmp_path, "a.ass", ass(*events)))
    assert [cue.text for cue in found] == ["Sakura", "Cherry"]


@pytest.mark.parametrize(
    "picture", ["thumbs.jpg#xywh=0,0,160,90", "https://x.org/a%20b/12.PNG", "/p?id=5#xywh=0,0,9,9"]
)
def test_pictures_of_a_preview_are_no_words(tmp_path, picture):
    cues = f"00:00.000 --> 00:05.000\n{picture}\n\n00:05.000 --> 00:10.000\n{picture}\n"
    told = []
    assert read_cues(write(tmp_path, "a.vtt", f"WEBVTT\n\n{cues}"), told.append) == []
    assert [said for said in told if "preview" in said] == told != []
    text = f"WEBVTT\n\n{cues}\n00:10.000 --> 00:12.000\nSee 12.PNG, it says.\n"
    found = read_cues(write(tmp_path, "a.vtt", text), told.append)
    assert [cue.text for cue in found] == ["See 12.PNG, it says."]


@pytest.mark.parametrize("stamps", ["0:00:01 --> 00:00:03", "0:0:1,0-->0:0:3"])
def test_times_may_be_of_whole_seconds(tmp_path, stamps):
    assert read_cues(write(tmp_path, "a.srt", f"1\n{stamps}\nHi\n")) == [Cue(1, 3, "Hi")]


@pytest.mark.parametrize("stamp", ["00:00:03:12", "00:00:03,", "00:00:03,1234", "00:03", "3"])
def test_other_times_are_damaged(tmp_path, stamp):
    with pytest.raises(InvalidSubtitles, match="no subtitle that can be read"):
        read_cues(write(tmp_path, "a.srt", f"1\n00:00:01 --> {stamp}\nHi\n"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[door slams]", ""),
        ("[door\nslams] Who is there?", "Who is there?"),
        ("(SIGHS) Not again.", "Not again."),
        ("(footsteps approach)", ""),
        ("U\u0308ber E\u0301lan", "Über Élan"),
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
        ("(a) first (b)", "(a) first (b)"),
        ("(door slams\nloudly)", ""),
        ("(DOOR) (it slams)", ""),
        ("[JOHN]: Hi", "Hi"),
        ("JOHN (on phone): Hi", "Hi"),
        ("ÉMILE: Oui", "Oui"),
        ("МАША: (СМЕЁТСЯ) Да", "Да"),
        ("（ドアの音）", ""),  # noqa: RUF001
        (">> Good evening.", "Good evening."),
        ("3 < 4 and 5 > 2", "3 < 4 and 5 > 2"),
        ("<c.yellow.bg_blue>Hi</c> <v Ann>you</v>", "Hi you"),
        ("Tom&nbsp;Jerry", "Tom Jerry"),
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
    assert [c.text for c in cues] == ["Où êtes-vous?", "Two lines", "Four"]
    assert warnings == ["a.srt: 1 of 4 subtitles cannot be read, the first in line 10"]


def test_damaged_events_of_ass_are_left_out_with_a_warning(tmp_path):
    damaged = ASS.replace("Style: Default,Arial,20", "Style: Default,Arial,&Hxx,,,")
    damaged += "Dialogue: 0,0:0x:05.00,0:00:06.00,Default,,0,0,0,,Three\nDialogue: 0,0:00\n"
    damaged += "Dialogue: x,0:00:07.00,0:00:08.00,Default,,,,x,,Four\n"
    warnings = []
    cues = read_cues(write(tmp_path, "a.ass", damaged), warnings.append)
    assert [c.text for c in cues] == ["First, with a comma", "Two lines of it", "Four"]
    assert warnings == ["a.ass: 2 of 7 subtitles cannot be read, the first in line 14"]


def test_ass_says_what_its_fields_are(tmp_path):
    ass = (
        "[Events]\nFormat: Start, End, Style, Text\n"
        "Dialogue: 0:00:01.00,0:00:02.00,Default,Well, {\\p1}m 0 0 l 9 9{\\p0}yes\n"
    )
    assert read_cues(write(tmp_path, "a.ass", ass)) == [Cue(1, 2, "Well, yes")]


def test_what_stands_between_cues_of_webvtt(tmp_path):
    vtt = (
        "WEBVTT - a title\nKind: captions\n\nSTYLE\n::cue { color: red }\n\nREGION\nid:low\n\n"
        "first\n00:01.000 --> 00:02.000 line:0\n&lt;Hello&gt;\nyou\n\nNOTE of\ntwo lines\n\n"
        "second\n00:03.000 --> 00:04.000\nThere\n\nNOTE the end\n"
    )
    for newline in ("\n", "\r\n", "\r"):
        file = write(tmp_path, "a.vtt", vtt.replace("\n", newline))
        assert read_cues(file) == [Cue(1, 2, "<Hello> you"), Cue(3, 4, "There")]


def test_captions_that_scroll(tmp_path):
    """As YouTube writes what it recognises: each line is shown up to three times."""
    vtt = (
        "WEBVTT\nKind: captions\nLanguage: en\n\n"
        "00:00.000 --> 00:02.000 align:start position:0%\n \n"
        "so<00:00:00.500><c> we</c><00:00:01.000><c> go</c>\n\n"
        "00:02.000 --> 00:02.010 align:start position:0%\nso we go\n \n\n"
        "00:02.010 --> 00:04.000 align:start position:0%\nso we go\nto<00:00:02.500><c> sea</c>\n\n"
        "00:04.000 --> 00:04.010 align:start position:0%\nto sea\n \n\n"
        "00:09.000 --> 00:10.000\nto sea\n"
    )
    assert read_cues(write(tmp_path, "a.vtt", vtt)) == [
        Cue(0, 2.01, "so we go"),
        Cue(2.01, 4.01, "to sea"),
        Cue(9, 10, "to sea"),
    ]


@pytest.mark.parametrize(
    ("times", "cues"),
    [
        ("-00:00:01,000 --> 00:00:02,000", [Cue(0, 2, "x")]),
        ("-00:00:02,000 --> -00:00:01,000", []),
        ("00:00:05,000 --> 00:00:04,000", []),
        ("00:00:05,000 --> 00:00:05,000", []),
        ("99:00:05,000 --> 99:00:06,000", [Cue(356405, 356406, "x")]),
        ("00:00:05.5-->00:00:06.25  X1:100", [Cue(5.5, 6.25, "x")]),
    ],
)
def test_odd_times(tmp_path, times, cues):
    assert read_cues(write(tmp_path, "a.srt", f"1\n{times}\nx\n")) == cues


@pytest.mark.parametrize(
    "times",
    ["100:00:05,000 --> 100:00:06,000", "00:00:05,000 --> 00:00", "00:00:05,00000 --> 00:00:06,0"],
)
def test_times_that_cannot_be_meant(tmp_path, times):
    told = []
    srt = f"{SRT}\n3\n{times}\nx\n\n4\n00:00:01,000 --> 00:00:01,100\nEarly\n"
    cues = read_cues(write(tmp_path, "a.srt", srt), told.append)
    assert [c.text for c in cues] == ["Early", "Où êtes-vous?", "Two lines"]
    assert told == ["a.srt: 1 of 4 subtitles cannot be read, the first in line 11"]


@pytest.mark.parametrize(("name", "text"), [("a.srt", VTT), ("a.vtt", SRT), ("a.srt", ASS)])
def test_subtitles_are_what_they_hold(tmp_path, name, text):
    assert len(read_cues(write(tmp_path, name, text))) in {1, 2}


def test_other_formats_are_one_clear_error(tmp_path):
    with pytest.raises(InvalidSubtitles, match=r"a\.srt holds no .*; convert it from microdvd"):
        read_cues(write(tmp_path, "a.srt", "{0}{25}Hello\n{30}{50}There|you\n"))
    with pytest.raises(InvalidSubtitles, match=r"none\.srt cannot be read: No such file"):
        read_cues(tmp_path / "none.srt")


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


@pytest.mark.parametrize(
    ("encoding", "language", "text"),
    [
        ("cp1250", "pl", "Gdzie jesteś? Czekałem cały dzień, żeby cię zobaczyć."),
        ("cp1250", "cs", "Kde jsi? Čekal jsem celý den, příteli. Žádný problém."),
        ("cp1254", "tr", "Neredesin? Bütün gün seni bekledim. Şimdi değil."),
        ("cp1255", "he", "איפה אתה? חיכיתי לך כל היום."),
        ("cp1252", "pt-BR", "Onde você está? Esperei o dia inteiro, irmão."),
        ("koi8_r", "ru", "Я ждал тебя весь день, и никто не пришёл. Почему ты молчишь?"),
    ],
)
def test_the_language_helps_to_tell_the_encoding(tmp_path, encoding, language, text):
    file = write(tmp_path, "a.srt", f"1\n00:00:01,000 --> 00:00:02,000\n{text}\n".encode(encoding))
    (cue,) = read_cues(file, lambda line: None, language=language)
    assert cue.text == text


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("cut", [0, 1])
def test_utf_16_with_and_without_a_mark_whole_and_cut_off(tmp_path, encoding, cut):
    raw = (SRT + "3\n00:00:05,000 --> 00:00:06,000\nDónde estás.").encode(encoding)
    cues = read_cues(write(tmp_path, "a.srt", raw[: len(raw) - cut]), lambda line: None)
    assert [c.text.strip("\ufffd.") for c in cues] == ["Où êtes-vous?", "Two lines", "Dónde estás"]


def test_damaged_utf_8_is_not_taken_for_something_else(tmp_path):
    text = "".join(
        f"{i}\n00:00:{i:02},000 --> 00:00:{i:02},900\n{i}。你在哪里\n\n" for i in range(9)
    )
    raw = bytearray(text.encode())
    raw[raw.index("里".encode())] = 0xFF
    told = []
    cues = read_cues(write(tmp_path, "a.srt", bytes(raw)), told.append)
    assert [c.text for c in cues] == ["0。你在哪", *(f"{i}。你在哪里" for i in range(1, 9))]
    assert told == ["a.srt: 3 characters are damaged and were left out"]


KINDS_OF_DAMAGE = ("flip", "cut", "shuffle", "insert")


@pytest.fixture(scope="module")
def real_subtitles(films):
    """Every kind of file that is read: real subtitles, and those in ASS."""
    folder = films / "tears_of_steel_battle_clip"
    srt, vtt = (next(folder.glob(f"*clip.en.{kind}")) for kind in ("srt", "vtt"))
    return {"a.srt": srt.read_bytes(), "a.vtt": vtt.read_bytes(), "a.ass": ASS.encode()}


@pytest.mark.parametrize("name", ["a.srt", "a.vtt", "a.ass"])
@settings(max_examples=150, deadline=None)
@given(kind=st.sampled_from(KINDS_OF_DAMAGE), random=st.randoms(use_true_random=False))
def test_nothing_but_bad_subtitles(name, kind, random, real_subtitles, tmp_path_factory):
    file = tmp_path_factory.getbasetemp() / name
    file.write_bytes(damaged(real_subtitles[name], kind, random))
    told, cues = [], []
    try:
        cues = read_cues(file, told.append)
    except InvalidSubtitles as error:
        told.append(str(error))
    assert all(name in line and "\n" not in line for line in told)
    assert all(0 <= c.start_s < c.end_s < 360_000 and c.text.strip() for c in cues)
    assert all("\n" not in c.text and "-->" not in c.text for c in cues)
    assert [c.start_s for c in cues] == sorted(c.start_s for c in cues)


def damaged(raw, kind, random):
    if kind == "cut":
        return raw[random.randrange(len(raw)) : random.randrange(len(raw))]
    if kind == "shuffle":
        lines = raw.splitlines(keepends=True)
        random.shuffle(lines)
        return b"".join(lines)
    changed = bytearray(raw)
    for _ in range(random.choice([1, 5, 100])):
        place = random.randrange(len(changed))
        changed[place : place + (kind == "flip")] = bytes([random.randrange(256)])
    return bytes(changed)


@given(
    st.lists(st.integers(1, 50), min_size=1, max_size=8),
    st.lists(st.tuples(st.integers(0, 300), st.integers(1, 60)), max_size=8),
)
@example([1, 40, 1], [(40, 2)])  # half in each of two
def test_a_cue_belongs_to_the_shots_that_it_overlaps(lengths, cue_times):
    """Never to one that it does not touch, always to that in which most of it lies."""
    starts = [sum(lengths[:i]) for i in range(len(lengths))]
    spans = [Span(s, s + n, Fraction(1, 10)) for s, n in zip(starts, lengths, strict=True)]
    cues = [Cue(s / 10, (s + n) / 10, f"w{i}") for i, (s, n) in enumerate(cue_times)]
    texts = list(words_of_shots(cues, spans))
    times = [(span.start_s, span.end_s) for span in spans]  # one by one:
    assert texts == [" ".join(c.text for c in cues if belongs(c, *shot)) for shot in times]
    said = [words.split() for words in texts]
    for i, (start, length) in enumerate(cue_times):
        shared = [len(range(max(start, s.start), min(start + length, s.end))) for s in spans]
        for words, ticks in zip(said, shared, strict=True):
            assert ticks or f"w{i}" not in words
            assert ticks < 4 or f"w{i}" in words
        if any(shared) and start + length <= spans[-1].end:
            assert f"w{i}" in said[shared.index(max(shared))]


def test_a_cue_that_stays_for_some_frames_after_a_cut():
    spans = [Span(0, 20, Fraction(1, 10)), Span(20, 60, Fraction(1, 10))]
    cues = [Cue(0.5, 2.2, "Go!"), Cue(1.5, 3.0, "Both")]
    assert list(words_of_shots(cues, spans)) == ["Go! Both", "Both"]


def test_cues_are_not_compared_with_shots_that_are_far_away(monkeypatch):
    spans = [Span(i, i + 1, Fraction(1)) for i in range(500)]
    compared = []
    monkeypatch.setattr(subtitles, "_belongs", lambda *pair: not compared.append(pair))
    cues = [Cue(i, i + 1, str(i)) for i in range(500)]
    assert list(words_of_shots(cues, spans)) == [str(i) for i in range(500)]
    assert len(compared) == 500
