import json
from unicodedata import normalize

import pytest

from mediafm_store.errors import InvalidInput
from mediafm_store.sources.videos import find_videos, id_of_file, read_title
from mediafm_store.subtitles.language import wished


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_videos_are_found_below_a_folder(tmp_path):
    touch(tmp_path, "b.MKV", "a/c.mp4", "a/c.srt", "notes.txt", ".hidden.mp4")
    assert [p.name for p in find_videos([tmp_path])] == ["c.mp4", "b.MKV"]
    assert [p.name for p in find_videos([tmp_path / "notes.txt"])] == ["notes.txt"]
    assert len(find_videos([tmp_path, tmp_path / "b.MKV"])) == 2


def test_a_link_is_a_title_of_its_own(tmp_path):
    touch(tmp_path, "real/film.mp4", "linked.srt")
    (tmp_path / "linked.mp4").symlink_to(tmp_path / "real" / "film.mp4")
    (found,) = find_videos([tmp_path / "linked.mp4"])
    title = read_title(found)
    assert (title.id, title.subtitles) == ("linked", tmp_path / "linked.srt")


def test_what_is_not_there_is_told(tmp_path):
    with pytest.raises(InvalidInput, match="does not exist"):
        find_videos([tmp_path / "nope"])
    with pytest.raises(InvalidInput, match="no video in"):
        find_videos([tmp_path])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Sintel.mp4", "sintel"),
        ("My Film (2010).mkv", "my_film_2010"),
        ("../../etc/passwd.mp4", "passwd"),
        ("Ünïcode 映画.mp4", "ünïcode_映画"),
        ("...mp4", "untitled-5ec1f7e7"),
        ("नमस्ते की.mp4", "नमस्ते_की"),
        ("नमस्ते का.mp4", "नमस्ते_का"),
        (normalize("NFD", "Crêpe.mp4"), "crêpe"),
        ("★.mp4", "untitled-26c57b08"),
        ("🎬🎬.mp4", "untitled-42ecfeeb"),
        ("★\ufe0f 1.mp4", "1"),
    ],
)
def test_ids_come_from_names(tmp_path, name, expected):
    assert id_of_file(tmp_path / name) == expected


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["f.srt", "f.en.srt"], "f.srt"),
        (["f.de.srt", "f.en.vtt"], "f.en.vtt"),
        (["f.en.vtt", "f.en.srt"], "f.en.srt"),
        (["f.pt-br.srt"], "f.pt-br.srt"),
        (["f.full-film.captions.srt", "f2.srt", "f.txt"], None),
        (["f.old.srt", "f.cut.srt"], None),
        (["f.en.default.srt"], "f.en.default.srt"),
        (["f.en.hi.srt", "f.fr.srt"], "f.en.hi.srt"),
        (["f.de.srt", "f.en-GB.srt"], "f.en-GB.srt"),
        (["f.de.srt", "f.English.srt"], "f.English.srt"),
        (["f.de.srt", "f.und.srt"], "f.und.srt"),
        (["f.en.2.srt"], "f.en.2.srt"),
        (["f.en.2.srt", "f.en.srt"], "f.en.srt"),
        (["f.en[cc].srt", "f.de.srt"], "f.en[cc].srt"),
        (["f.en-orig.vtt", "f.de.vtt"], "f.en-orig.vtt"),
        (["f.mp4.srt"], "f.mp4.srt"),
        (["f.mp4.de.srt", "f.en.srt"], "f.en.srt"),
        (["F.srt"], "F.srt"),
        (["f.2.mkv", "f.2.srt"], None),
        (["F.mp4", "F.srt"], None),
        (["f.mkv", "f.mkv.srt"], None),
    ],
)
def test_subtitles_beside_the_file(tmp_path, names, chosen):
    touch(tmp_path, "f.mp4", *names)
    found = read_title(tmp_path / "f.mp4").subtitles
    assert (found and found.name) == chosen


@pytest.mark.parametrize(("film", "other"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_what_lies_beside_is_found_however_accents_are_encoded(tmp_path, film, other):
    touch(tmp_path, normalize(film, "Amélie.mp4"), normalize(other, "Amélie.srt"))
    touch(tmp_path, normalize(film, "Été.mp4"))
    facts = {"title": "Own", "file": normalize(other, "Été.mp4")}
    (tmp_path / normalize(other, "Amélie.json")).write_text(json.dumps(facts))
    (tmp_path / "metadata.json").write_text(json.dumps(facts))
    found = read_title(tmp_path / normalize(film, "Amélie.mp4"))
    assert (found.id, found.name) == ("amélie", "Own")
    assert found.subtitles is not None
    assert read_title(tmp_path / normalize(film, "Été.mp4")).name == "Own"


def test_what_is_not_called_as_the_film_is_not_its(tmp_path):
    touch(tmp_path, "f.mp4", "en.srt", "words.srt", "ff.srt")
    told = []
    assert read_title(tmp_path / "f.mp4", warn=told.append).subtitles is None
    assert told == []


def test_subtitles_whose_names_say_something_else_are_told_if_there_are_no_others(tmp_path):
    touch(tmp_path, "f.mp4", "f.commentary.srt")
    told = []
    assert read_title(tmp_path / "f.mp4", warn=told.append).subtitles is None
    assert [said for said in told if "f.commentary.srt is left alone" in said] == told != []
    touch(tmp_path, "f.de.srt")
    assert read_title(tmp_path / "f.mp4", warn=told.append).subtitles.name == "f.de.srt"
    assert len(told) == 1


def test_metadata_beside_the_file(tmp_path):
    touch(tmp_path, "f.mp4", "g.mp4")
    facts = {
        "title": "F",
        "synopsis": "A film.",
        "tags": ["x"],
        "genres": ["Drama"],
        "file": "g.mp4",
    }
    (tmp_path / "metadata.json").write_text(json.dumps(facts))
    (tmp_path / "f.json").write_text(json.dumps({"title": "Own", "tags": None}))
    own, common = read_title(tmp_path / "f.mp4"), read_title(tmp_path / "g.mp4")
    assert (own.name, own.tags) == ("Own", ())
    assert (common.name, common.genres) == ("F", ("Drama",))


def test_metadata_of_another_program_is_left_alone(tmp_path):
    touch(tmp_path, "f.mp4")
    for text in ("[]", "{", '{"file": "g.mp4", "title": 3}'):
        (tmp_path / "metadata.json").write_text(text)
        assert read_title(tmp_path / "f.mp4").name == "f"


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"title": 3}', '{"tags": "a, b"}', '{"genres": [1]}', b"\xff\xfe\x00"]
)
def test_malformed_metadata_names_the_file(tmp_path, text):
    touch(tmp_path, "f.mp4")
    (tmp_path / "f.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InvalidInput, match=r"f\.json"):
        read_title(tmp_path / "f.mp4")


NAMES = ["f.en.srt", "f.ger.vtt", "f.de.sdh.srt", "f.fr.forced.srt", "f.pt-BR.srt", "f.srt"]


@pytest.mark.parametrize(
    ("wish", "chosen", "language"),
    [
        (None, "f.srt", None),
        ("de", "f.ger.vtt", "de"),
        ("deu", "f.ger.vtt", "de"),
        ("de-AT", "f.ger.vtt", "de"),
        ("pt", "f.pt-BR.srt", "pt-BR"),
        ("fr", "f.fr.forced.srt", "fr"),
        ("it", None, None),
    ],
)
def test_the_language_that_is_asked_for(tmp_path, wish, chosen, language):
    touch(tmp_path, "f.mp4", *NAMES)
    told = []
    title = read_title(tmp_path / "f.mp4", language=wish and wished(wish), warn=told.append)
    assert (title.subtitles and title.subtitles.name) == chosen
    assert title.language == language
    there = "f.mp4: no subtitles in it; there are some in de, en, fr, no known language, pt-BR"
    assert told == ([] if chosen else [there])


def test_a_file_that_names_no_language_is_not_taken_for_one(tmp_path):
    touch(tmp_path, "f.mp4", "f.srt")
    told = []
    assert read_title(tmp_path / "f.mp4", language="de", warn=told.append).subtitles is None
    assert told == ["f.mp4: no subtitles in de; there are some in no known language"]


@pytest.mark.parametrize("name", ["f.de", "f.ger", "f.deu", "f.DE-AT", "f.de.sdh", "f.de.forced"])
@pytest.mark.parametrize("suffix", [".srt", ".VTT", ".ass", ".ssa"])
def test_names_of_languages_and_marks(tmp_path, name, suffix):
    touch(tmp_path, "f.mp4", name + suffix, f"f.en{suffix}")
    title = read_title(tmp_path / "f.mp4", language="de")
    assert title.subtitles.name == name + suffix
    assert title.language in {"de", "de-AT"}


def test_of_one_language_the_simplest_format_is_taken(tmp_path):
    touch(tmp_path, "f.mp4", "f.de.ssa")
    for suffix in (".ssa", ".ass", ".vtt", ".srt"):
        touch(tmp_path, f"f.de{suffix}")
        assert read_title(tmp_path / "f.mp4", language="de").subtitles.suffix == suffix


def test_forced_subtitles_and_those_for_the_deaf_come_last(tmp_path):
    touch(tmp_path, "f.mp4", "f.en.forced.srt", "f.en.sdh.srt", "f.nl.srt")
    assert read_title(tmp_path / "f.mp4").subtitles.name == "f.en.sdh.srt"
    (tmp_path / "f.en.sdh.srt").unlink()
    assert read_title(tmp_path / "f.mp4").subtitles.name == "f.nl.srt"


@pytest.mark.parametrize("wish", ["xx-nonsense", "klingon", "", "und"])
def test_what_is_no_language(wish):
    with pytest.raises(InvalidInput, match="is not a language"):
        wished(wish)
