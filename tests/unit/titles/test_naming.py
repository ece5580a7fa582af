"""What titles, shots and segments may be called, wherever they are named."""

import json
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from mediafm_store import Feedback
from mediafm_store.ad_breaks.rank import rank_breaks
from mediafm_store.embedding.embed import embed_clip
from mediafm_store.errors import InvalidInput, NotFound
from mediafm_store.labels.labels import import_labels
from mediafm_store.probing.fit import fit_probe
from mediafm_store.probing.predict import apply_probe
from mediafm_store.scenes.scenes import find_scenes
from mediafm_store.segments import segment_of_times, segments_of_shots
from mediafm_store.serve.app import make_app
from mediafm_store.serve.library import SharedStore
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.lancedb_tables import Tables
from mediafm_store.tags.review import answer_tags
from mediafm_store.tags.tag import Tag, write_tags
from mediafm_store.titles.naming import Named, Names, find_shot, find_shots, find_title, find_titles
from mediafm_store.titles.naming import _find_named as find_named
from mediafm_store.titles.written_names import key
from tests.helpers.command import mediafm
from tests.helpers.plain import search_all
from tests.helpers.planted import ENCODERS, add_film

AMELIE = "Le Fabuleux Destin d'Amélie Poulain"
TITLES = {
    # Id: what is shown, the file.
    "sintel": ("Sintel", "/films/sintel.mp4"),
    "sintel_trailer": ("Sintel, the trailer", "/films/Sintel Trailer.mkv"),
    "tt0211915": (AMELIE, "/films/tt0211915.mkv"),
    "heat_1986": ("Heat", "/films/heat_1986.mp4"),
    "heat_1995": ("HEAT", "/films/heat_1995.mp4"),
    "face_off": ("Face/Off", "/films/face_off.mp4"),
    "weg": ("Die Straße", "/films/weg.ts"),
    "Odd": ("", "/films/all.parquet"),
    "odd": ("", "/films/all.parquet"),
}
SHOTS = ["lake", "wood", "hill", "lake", "cave"]


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Nine titles of five shots of two seconds; nothing changes them."""
    store = Storage(tmp_path_factory.mktemp("named") / "store", create=True)
    for title_id, (name, media) in TITLES.items():
        add_film(store, title_id, SHOTS, ["rain"] * len(SHOTS), name=name, media=media)
    return store


def again(store) -> Storage:
    """The same, of which nothing has been read."""
    return Storage(store.path)


@pytest.fixture
def reads(monkeypatch):
    """The tables that are read, one by one."""
    seen = []
    select = Tables._select

    def counted(self, table, condition, columns):
        seen.append(table.name)
        return select(self, table, condition, columns)

    monkeypatch.setattr(Tables, "_select", counted)
    return seen


# Titles


@pytest.mark.parametrize(
    ("name", "title_id"),
    [
        *[("sintel", "sintel"), ("Sintel", "sintel"), ("SINTEL", "sintel"), (" sintel ", "sintel")],
        *[("sintel.mp4", "sintel"), ("Sintel.MP4", "sintel"), ("tt0211915.mkv", "tt0211915")],
        *[("Sintel Trailer", "sintel_trailer"), ("sintel trailer.mkv", "sintel_trailer")],
        *[("Sintel, the  Trailer", "sintel_trailer"), ("SINTEL_TRAILER", "sintel_trailer")],
        *[(AMELIE, "tt0211915"), (AMELIE.upper(), "tt0211915")],
        *[(unicodedata.normalize(form, AMELIE), "tt0211915") for form in ("NFC", "NFD")],
        *[(unicodedata.normalize("NFD", AMELIE.upper()), "tt0211915"), ("face/off", "face_off")],
        *[("DIE STRASSE", "weg"), ("die straße", "weg"), ("Odd", "Odd"), ("odd", "odd")],
    ],
)
def test_a_title_is_known_by_its_id_its_name_and_its_file(films, name, title_id):
    assert find_title(films, name) == title_id
    assert find_titles(films, [name, "sintel"]) == [title_id, "sintel"]
    assert find_named(films, name) == Named(title_id)


@given(st.text(max_size=20))
def test_how_accents_are_encoded_and_spaces_around_do_not_count(name):
    for form in ("NFC", "NFD"):
        assert key(f" {unicodedata.normalize(form, name)}\t") == key(name)
    assert key(key(name)) == key(name)


@pytest.mark.parametrize(
    ("name", "ids"),
    [("heat", "heat_1986, heat_1995"), ("Heat", "heat_1986, heat_1995"), ("ODD", "Odd, odd")],
)
def test_a_name_of_several_titles_is_refused_with_their_ids(films, name, ids):
    for ask in (find_title, find_named):
        with pytest.raises(
            InvalidInput, match=f"'{name}' may be 2 titles: {ids}; give the id of one"
        ):
            ask(films, name)
    for shot in (f"{name}/1", f"{name}/00001"):
        for ask in (find_shot, find_named):
            with pytest.raises(InvalidInput, match=f"{ids}; give the id"):
                ask(films, shot)
    with pytest.raises(InvalidInput, match=f"{ids}; give the id"):
        find_named(films, f"{name}@0-4")


def test_of_many_titles_of_a_name_a_few_are_told(store):
    for number in range(13):
        add_film(store, f"part_{number:02}", ["lake"], media="/films/all.parquet")
    with pytest.raises(
        InvalidInput, match=r"13 titles: part_00, .*, part_09 and 3 more; give the id"
    ):
        find_title(store, "All.parquet")
    with pytest.raises(NotFound, match="`mediafm titles list` lists them"):
        find_title(store, "al.parquet")  # near a name that is no help


def test_an_id_goes_before_a_name(films, store):
    add_film(store, "one", ["lake"], name="two")
    add_film(store, "two", ["lake"], name="one")
    assert find_titles(store, ["one", "two"]) == ["one", "two"]
    with pytest.raises(InvalidInput, match="one, two"):
        find_title(store, "ONE")


@pytest.mark.parametrize(
    ("name", "near"),
    [
        *[("sintle", ["sintel"]), ("Sintell", ["sintel"]), ("heat_1996", ["heat_1986"])],
        *[("amélie", ["tt0211915 (Le Fabuleux Destin d'Amélie Poulain)"])],
        *[("Face Off!", ["face_off (Face/Off)"]), ("trailer", ["sintel_trailer"])],
        *[("sin", ["sintel", "sintel_trailer (Sintel, the trailer)"])],
    ],
)
def test_near_names_are_told(films, name, near):
    with pytest.raises(NotFound, match="no title") as told:
        find_title(films, name)
    message = str(told.value)
    assert f"no title {name!r} in {films.path}; did you mean " in message
    assert all(one in message for one in near), message
    assert message.count(",") + message.count(" or ") <= 4
    assert message.endswith("?")


@pytest.mark.parametrize("name", ["", " ", "x", "qqqqqqq", "\0", "x" * 100_000, "ab\ncd", "%_"])
def test_what_is_near_nothing_is_told_in_one_line(films, name):
    with pytest.raises(NotFound, match="`mediafm titles list` lists them") as told:
        find_title(films, name)
    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 300


# Shots


@pytest.mark.parametrize(
    ("name", "shot"),
    [
        *[("sintel/00004", "sintel/00004"), ("sintel/4", "sintel/00004"), ("Sintel/004", 4)],
        *[("SINTEL/00004", 4), ("sintel.mp4/4", 4), (" Sintel / 4 ", 4), ("sintel/0", 0)],
        *[("Face/Off/3", "face_off/00003"), ("face_off/3", "face_off/00003")],
        *[(unicodedata.normalize("NFD", f"{AMELIE}/1"), "tt0211915/00001")],
        *[("odd/2", "odd/00002"), ("Odd/2", "Odd/00002")],
    ],
)
def test_a_shot_is_known_by_its_title_and_its_number(films, name, shot):
    shot = f"sintel/{shot:05d}" if isinstance(shot, int) else shot
    assert find_shot(films, name) == shot
    assert find_shots(films, ["weg/1", name]) == ["weg/00001", shot]
    assert find_named(films, name) == Named(shot.rpartition("/")[0], shot)


@pytest.mark.parametrize("name", ["sintel/5", "Sintel/00005", "sintel.mp4/999999999", "sintel/99"])
def test_beyond_the_last_shot_the_title_says_how_many_it_has(films, name):
    told = r"sintel has 5 shots, sintel/00000 to sintel/00004$"
    for ask in (find_shot, find_named):
        with pytest.raises(NotFound, match=f"no shot '{name}' in .*; {told}"):
            ask(films, name)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        *[("sintle/4", "did you mean sintel/00004"), ("sintle/00042", "did you mean sintel/00004")],
        *[("sintel", "that is a title; sintel has 5 shots, sintel/00000 to sintel/00004$")],
        *[("sintel/", "shot ids look like"), ("sintel/-1", "shot ids look like")],
        *[("sintel/x", "shot ids look like"), ("sintel/1.0", "shot ids look like")],
        *[("sintel/٣", "shot ids look like"), ("qqqq/3", "shot ids look like")],
        *[("sintel/" + "1" * 5000, "shot ids look like"), ("/3", "shot ids look like")],
    ],
)
def test_what_is_no_shot(films, name, told):
    with pytest.raises(NotFound, match=told):
        find_shot(films, name)


def test_a_shot_that_is_given_as_a_title_is_told(films):
    with pytest.raises(NotFound, match=r"that is a shot; give its title, sintel$"):
        find_title(films, "Sintel/4")


# Any


@pytest.mark.parametrize(
    ("name", "found"),
    [
        *[
            ("sintel@0-4", ("sintel", "0", "4")),
            ("Sintel@0:00:02-0:04", ("sintel", "0:00:02", "0:04")),
        ],
        *[("sintel.mp4@ 1 - 2 ", ("sintel", "1", "2")), ("Face/Off@0-2", ("face_off", "0", "2"))],
        *[("sintel@x-5", ("sintel", "x", "5")), ("sintel@-5", ("sintel", "", "5"))],
    ],
)
def test_a_segment_is_known_by_its_title_and_its_times(films, name, found):
    title, start, end = found
    assert find_named(films, name) == Named(title, None, start, end)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        *[("sintle", "did you mean sintel"), ("sintle@0-4", "did you mean sintel@0-4")],
        *[("sintle/3", "did you mean sintel/00003"), ("sintel@", "did you mean sintel")],
        *[("qqqqqq", "give sintel/00042, sintel, sintel@0:03:10"), ("", "give sintel/00042")],
    ],
)
def test_what_is_nothing_is_told(films, name, told):
    with pytest.raises(NotFound, match=f"is no shot, title or file; {told}"):
        find_named(films, name)


def test_titles_of_odd_names_are_meant_themselves(store):
    for title_id in ("a", "a@1-2", "a/1", "a/00000", "a/00000/00000"):
        add_film(store, title_id, SHOTS[:2])
    for title_id in ("a", "a@1-2", "a/1", "a/00000", "a/00000/00000"):
        assert find_named(store, title_id) == Named(title_id)
        assert find_title(store, title_id) == title_id
        assert find_shot(store, f"{title_id}/1") == f"{title_id}/00001"
    assert find_shot(store, "a/00000") == "a/00000"
    assert find_named(store, "A/00000/1") == Named("a/00000", "a/00000/00001")
    assert find_named(store, "a@1-2@0-2") == Named("a@1-2", None, "0", "2")


# What is read


def test_an_id_reads_nothing_more_and_a_miss_one_table(films, reads):
    store = again(films)
    store.revisions()
    reads.clear()
    assert find_title(store, "sintel") == "sintel"
    assert find_shots(store, ["sintel/00004", "weg/00000"]) == ["sintel/00004", "weg/00000"]
    assert Names(store).exact("sintel@0-4") == Named("sintel", None, "0", "4")
    assert reads == []
    assert find_titles(store, ["Sintel", "DIE STRASSE"]) == ["sintel", "weg"]
    with pytest.raises(NotFound):
        find_shot(store, "sintle/00003")
    with pytest.raises(NotFound):
        find_named(store, "nothing of the kind")
    assert reads == ["titles"]


def test_a_shot_that_is_there_is_found_without_its_table(films, reads):
    """Examples that are looked for read as much as before names were understood."""
    store = again(films)
    search_all(store, shot="sintel/00001", like=["weg/00002"], encoders=ENCODERS, device="cpu")
    exact = list(reads)
    reads.clear()
    search_all(again(films), shot="Sintel/1", like=["WEG/2"], encoders=ENCODERS, device="cpu")
    assert sorted(reads) == sorted([*exact, "titles"])
    assert exact.count("titles") <= 2


def test_titles_that_come_later_are_known(store):
    add_film(store, "one", ["lake"])
    names = again(store)
    with pytest.raises(NotFound):
        find_title(names, "The Second")
    add_film(store, "two", ["lake"], name="The second")
    assert find_title(names, "The Second") == "two"


# Everywhere


def test_a_search_is_the_same_by_any_name(films):
    def search(**asked):
        return search_all(films, encoders=ENCODERS, device="cpu", k=50, **asked)

    for exact, others in (
        ({"shot": "sintel/00001"}, [{"shot": "Sintel/1"}, {"like": ["sintel.mp4/01"]}]),
        (
            {"title": "sintel"},
            [{"title": "Sintel"}, {"like": ["SINTEL"]}, {"like": ["sintel.mp4"]}],
        ),
        (
            {"title": "sintel", "start_s": 2, "end_s": 4},
            [{"title": "Sintel", "start_s": 2, "end_s": 4}, {"like": ["Sintel@0:02-4"]}],
        ),
        (
            {"shot": "weg/00001", "unlike": ["sintel/00000"]},
            [{"shot": "WEG/1", "unlike": ["Sintel/0"]}],
        ),
    ):
        wanted = search(**exact)
        assert wanted
        assert all(search(**other) == wanted for other in others)
    scenes = search(shot="sintel/00001", unit="scene")
    assert search(shot="Sintel/1", unit="scene") == scenes
    assert not any(hit.title == "sintel" for hit in search(title="Sintel", exclude_same_title=True))


def test_a_file_goes_before_a_name_that_is_no_id(films, tmp_path, monkeypatch):
    from PIL import Image

    monkeypatch.chdir(tmp_path)
    for name in ("Sintel", "sintel"):
        Image.new("RGB", (20, 20), (120,) * 3).save(tmp_path / name, "png")
    by_file = search_all(films, like=["Sintel"], encoders=ENCODERS, device="cpu", k=50)
    assert {h.title for h in by_file} == set(TITLES)
    by_id = search_all(films, like=["sintel"], encoders=ENCODERS, device="cpu", k=50)
    assert "sintel" not in {h.title for h in by_id}


def test_tasks_know_titles_by_name(films):
    assert find_scenes(films, "Sintel") == find_scenes(films, "sintel")
    assert rank_breaks(films, "SINTEL") == rank_breaks(films, "sintel")
    assert segments_of_shots(films, ["Sintel/3"]) == segments_of_shots(films, ["sintel/00003"])
    named = segment_of_times(films, "sintel.mp4", 2, 4)
    assert named == segment_of_times(films, "sintel", 2, 4)
    assert (named.title, named.label) == ("sintel", "sintel/2-4s")
    for task in (find_scenes, rank_breaks):
        with pytest.raises(NotFound, match="did you mean sintel"):
            task(films, "sintle")
    with pytest.raises(NotFound, match="did you mean sintel"):
        embed_clip(films, "sintle", 0, 4)


def test_labels_and_tags_know_them(store, tmp_path):
    rng = np.random.default_rng(0)
    for number in range(6):
        name = f"Film Nr. {number}"
        add_film(store, f"f{number}", [str(n) for n in rng.integers(0, 9, 3)], name=name)
    file = tmp_path / "mood.jsonl"
    rows = [
        *({"title": f"film nr. {n}", "label": "dark" if n % 2 else "light"} for n in range(6)),
        {"shot": "FILM NR. 1/2", "title": "F1", "label": "dark"},
        {"title": "Film Nr. 2", "start": 0, "end": 2, "label": "light"},
    ]
    file.write_text("\n".join(map(json.dumps, rows)))
    import_labels(store, file)
    items = set(store.rows("labels")["item"])
    assert items == {*(f"f{n}" for n in range(6)), "f1/00002", "f2@0-2"}
    file.write_text('{"shot": "Film Nr. 1/7", "label": "dark"}')
    with pytest.raises(
        InvalidInput, match=r"line 1: no shot 'Film Nr\. 1/7' in .*; f1 has 3 shots"
    ):
        import_labels(store, file)
    write_tags(
        store, ["f1"], [Tag("tags", "f1", "dark", 0.5, 0.5, "neighbours", ())], instead="FALSE"
    )
    answer_tags(store, [Feedback("FILM NR. 1", "dark", True)], device="cpu")
    assert set(store.rows("labels", "task = 'tags'")["item"]) == {"f1"}


def test_probes_know_them(store, tmp_path):
    rng = np.random.default_rng(0)
    for number in range(12):
        shots = [("lake" if number % 2 else "wood") + str(n) for n in rng.integers(0, 2, 4)]
        add_film(store, f"f{number}", shots, name=f"Film Nr. {number}")
    file = tmp_path / "mood.csv"
    lines = [f"f{n},{'wet' if n % 2 else 'dry'}" for n in range(12)]
    file.write_text("\n".join(["title,label", *lines]))
    import_labels(store, file)
    fit_probe(store, "mood", device="cpu")
    assert apply_probe(store, "mood", ["FILM NR. 3"]) == apply_probe(store, "mood", ["f3"])
    with pytest.raises(NotFound, match="no title 'gone'"):
        apply_probe(store, "mood", ["gone"])


# The command


def told(films, *arguments) -> list[dict]:
    done = mediafm(*arguments, "--json", "--store", films.path)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("named", "exact"),
    [
        (["titles", "shots", "SINTEL"], ["titles", "shots", "sintel"]),
        (["titles", "scenes", "Sintel", "die straße"], ["titles", "scenes", "sintel", "weg"]),
        (["search", "--shot", "Sintel/1"], ["search", "--shot", "sintel/00001"]),
        (["search", "--title", "sintel.mp4"], ["search", "--title", "sintel"]),
        (["search", "--like", "Sintel@2-4"], ["search", "--like", "sintel@2-4"]),
        (["breaks", "rank", "Sintel"], ["breaks", "rank", "sintel"]),
    ],
)
def test_commands_know_them(films, named, exact):
    more = {"search": ["--least", "0"], "breaks": ["--min-gap", "0", "--margin", "0"]}
    wanted = told(films, *exact, *more.get(exact[0], []))
    assert wanted
    assert told(films, *named, *more.get(exact[0], [])) == wanted


@pytest.mark.parametrize(
    "arguments",
    [
        *[
            ["titles", "shots", "sintle"],
            ["titles", "scenes", "sintle"],
            ["search", "--title", "sintle"],
        ],
        *[["search", "--like", "sintle"], ["search", "--shot", "weg/0", "--unlike", "sintle"]],
        *[["breaks", "rank", "sintle"], ["tags", "apply", "sintle"], ["tags", "list", "sintle"]],
        *[["tags", "review", "--accept", "sintle=x"], ["clips", "embed", "sintle", "--to", "4"]],
        *[["search", "--shot", "sintle/3"], ["clips", "cut", "sintle/3", "--into", "x"]],
        *[["clips", "cut", "sintle", "--from", "0", "--into", "x"]],
    ],
)
def test_commands_say_what_was_meant(films, arguments):
    done = mediafm(*arguments, "--store", films.path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "did you mean sintel" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_page_of_a_search_by_a_name_shows_the_shot(films, tmp_path):
    page = tmp_path / "found.html"
    told(films, "search", "--shot", "Sintel/1", "--html", page)
    assert "Shots like sintel/00001" in page.read_text()
    told(films, "titles", "shots", "SINTEL", "--html", page)
    assert "sintel/00001" in page.read_text()


def test_tags_are_listed_by_name(store):
    add_film(store, "one", ["lake"], name="The First", genres=["Drama"])
    add_film(store, "two", ["wood"], name="The Second")
    write_tags(
        store,
        ["two"],
        [Tag("tags", "two", "dark", 0.5, 0.5, "neighbours", ("one",))],
        instead="FALSE",
    )
    assert [row["title"] for row in told(store, "tags", "list", "the second")] == ["two"]
    assert told(store, "tags", "list", "the first") == []
    applied = told(store, "tags", "apply", "the SECOND")
    assert {row["title"] for row in applied} == {"two"}


# Served


@pytest.fixture
def client(films):
    app = make_app(SharedStore(films, device="cpu"))
    with TestClient(app, base_url="http://127.0.0.1") as made:
        yield made


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        *[("Sintel/1", "shot=sintel%2F00001"), ("sintel/00001", "shot=sintel%2F00001")],
        *[("Face/Off/2", "shot=face_off%2F00002")],
        *[("Sintel@0:02-4", "title=sintel&from=0%3A02&to=4"), ("sintel", "text=sintel")],
        *[
            ("24/7", "text=24%2F7"),
            ("me@home-now", "text=me%40home-now"),
            ("a lake", "text=a+lake"),
        ],
        *[("Face/Off", "text=Face%2FOff")],
    ],
)
def test_the_search_box_knows_shots_and_segments(client, typed, asked):
    answer = client.get("/search", params={"q": typed}, follow_redirects=False)
    assert answer.headers["location"] == f"/search?{asked}"


def test_pages_know_titles_shots_and_segments(client, films):
    assert "Shots like sintel/00001" in client.get("/search?shot=Sintel/1").text
    page = client.get("/search?title=Sintel.mp4&from=2&to=4&exclude_same_title=1")
    assert page.status_code == 200
    assert "Shots like Sintel, 0:00:02.0 \N{EN DASH} 0:00:04.0" in page.text
    assert client.get("/search?title=sintel").status_code == 200
    assert client.get("/titles/SINTEL").text == client.get("/titles/sintel").text
    for address, status, words in (
        ("/search?q=sintel/99", 404, "sintel has 5 shots"),
        ("/search?q=heat/1", 400, "heat_1986, heat_1995"),
        ("/search?q=Sintel@x-4", 400, "is not a time"),
        ("/titles/sintle", 404, "did you mean sintel"),
    ):
        answer = client.get(address)
        assert answer.status_code == status, address
        assert words in answer.text


def test_an_address_opens_no_file(client, tmp_path):
    (secret := tmp_path / "secret.png").write_bytes(b"secret")
    answer = client.get("/search", params={"title": str(secret)})
    assert answer.status_code == 404
    assert "no title" in answer.text
