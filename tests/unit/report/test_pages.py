"""The pages are read back with an HTML parser, as a browser would."""

import io
import os
import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mediafm_store.ad_breaks.ad_break import AdBreak
from mediafm_store.arrays import MODALITIES
from mediafm_store.errors import InvalidInput, NotFound
from mediafm_store.report import pages, views
from mediafm_store.report.links import file_links
from mediafm_store.report.pages import write_catalogue_page, write_search_page
from mediafm_store.report.search_page import SearchView
from mediafm_store.report.timecode import timecode
from mediafm_store.retrieval.hit import Hit, RankedHits
from mediafm_store.storage.storage import TitleRows
from mediafm_store.tags.tag import Tag
from tests.conftest import random_vectors, shot_row, title_rows

EVIL = '<script>alert(1)</script>" onload="alert(2)" \' onerror=\'alert(3) &amp;'
SHARES = {"visual": 0.5, "audio": 0.25, "text": -0.125}
VOID = {"meta", "br", "img", "link", "input", "hr"}


class Page(HTMLParser):
    """What is on a page: tags with their attributes, visible text, styles."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.source = path.read_text(encoding="utf-8")
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text, self.style = "", ""
        self.open: list[str] = []
        self.scripts: list[str] = []
        self.feed(self.source)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs), f"an attribute twice: {tag} {attrs}"
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] == ["style"]:
            self.style += data
        elif self.open[-1:] == ["script"]:
            self.scripts.append(data)
        else:
            self.text = f"{self.text} {' '.join(data.split())}".strip()

    def all(self, name: str) -> list[str]:
        return [attrs[name] for _, attrs in self.tags if name in attrs]

    def of_class(self, name: str) -> list[dict[str, str]]:
        return [attrs for _, attrs in self.tags if name in attrs.get("class", "").split()]


def jpeg(seed: int, size=(64, 36)) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (*size[::-1], 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG")
    return out.getvalue()


def fill(store, title="sintel", *, shots=4, words="", labels=(), picture=jpeg, **columns):
    """Put a title with pictures into a store."""
    rows = title_rows(store, title, random_vectors(shots), **columns)
    ids = [f"{title}/{i:05d}" for i in range(shots)]
    said = {"words": words, "seen": list(labels), "heard": list(labels)}
    store.add_title(
        TitleRows(
            title=rows.title,
            shots=[shot_row(shot, i, **said) for i, shot in enumerate(ids)],
            cues=[],
            thumbnails=[{"id": shot, "jpeg": picture(i)} for i, shot in enumerate(ids)],
            vectors=rows.vectors,
        )
    )
    return ids


def hit(shot: str, words="", labels=(), shares=SHARES) -> Hit:
    start = 2.0 * int(shot[-5:])
    return Hit(
        shot=shot,
        title=shot.rpartition("/")[0],
        start_s=start,
        end_s=start + 2,
        score=sum(shares.values()),
        chance=0.01,
        shares=shares,
        words=words,
        seen=tuple(labels),
        heard=tuple(labels),
        shots=(shot,),
        alike=(),
    )


def ad_break(title: str, after: int, reason="nobody speaks") -> AdBreak:
    before = f"{title}/{after - 1:05d}"
    return AdBreak(before, f"{title}/{after:05d}", 2.0 * after, 0.5, {}, (reason,))


def search_page(path: Path, store, **options) -> Page:
    write_search_page(path, store=store, **({"query": "“snow”"} | options))
    return Page(path)


def catalogue(path: Path, store, **options) -> Page:
    nothing = {"searches": [], "tags": [], "breaks": {}, "facts": {}}
    write_catalogue_page(path, store=store, **(nothing | options))
    return Page(path)


def assert_sound(page: Page) -> None:
    """No script but ours runs, nothing is fetched, ids are unique, links lead somewhere."""
    assert not {"link", "iframe", "object", "img", "base"} & {t for t, _ in page.tags}
    allowed = re.findall(r"'sha256-([^']*)'", page.all("content")[0])
    ran = [b64encode(sha256(s.encode()).digest()).decode() for s in page.scripts]
    assert ran == allowed
    names = {name for _, attrs in page.tags for name in attrs}
    assert not [name for name in names if name.startswith("on")]
    assert "@import" not in page.style
    assert all(
        uri.startswith("data:image/jpeg;") for uri in re.findall(r"url\((.{0,40})", page.style)
    )
    ids = page.all("id")
    assert len(ids) == len(set(ids))
    within = [
        href for href in page.all("href") if not re.match(r"file:///films/\S+#t=[\d.]+$", href)
    ]
    assert all(href[0] == "#" and href[1:] in ids for href in within)
    assert not page.all("src")


# Time


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0:00:00.0"),
        (192.4, "0:03:12.4"),
        (59.96, "0:01:00.0"),
        (3599.95, "1:00:00.0"),
        (36000.0, "10:00:00.0"),
        (-1.5, "-0:00:01.5"),
        (-0.01, "0:00:00.0"),
    ],
)
def test_timecode(seconds, text):
    assert timecode(seconds) == text


@given(st.floats(0, 1e6))
def test_timecode_is_within_half_a_tenth(seconds):
    hours, minutes, rest = timecode(seconds).split(":")
    assert int(minutes) < 60
    assert float(rest) < 60
    assert int(hours) * 3600 + int(minutes) * 60 + float(rest) == pytest.approx(seconds, abs=0.0501)


# Bars


@given(
    st.lists(
        st.fixed_dictionaries(dict.fromkeys(MODALITIES, st.floats(-1, 1))), min_size=1, max_size=5
    )
)
def test_bars_stay_on_their_track_and_never_overlap(shares):
    drawn = views.bars(shares)
    for row in drawn.rows:
        edges = sorted((p.left, p.left + p.width) for p in row)
        assert all(-1e-6 <= left <= right <= 100 + 1e-6 for left, right in edges)
        assert all(a[1] <= b[0] + 1e-6 for a, b in pairwise(edges))


def test_bars_have_one_scale_and_a_common_zero():
    drawn = views.bars([SHARES, {"visual": 0.25, "audio": 0.0, "text": 0.0}])
    assert drawn.zero == pytest.approx(100 / 7)
    assert drawn.rows[0] == [
        ("visual", pytest.approx(100 / 7), pytest.approx(400 / 7)),
        ("audio", pytest.approx(500 / 7), pytest.approx(200 / 7)),
        ("text", 0.0, pytest.approx(100 / 7)),
    ]
    assert drawn.rows[1] == [("visual", pytest.approx(100 / 7), pytest.approx(200 / 7))]


def test_bars_of_nothing():
    assert views.bars([dict.fromkeys(MODALITIES, 0.0)]) == (0.0, [[]])
    assert views.bars([]) == (0.0, [])


def test_numbers_have_a_true_minus_and_no_minus_zero():
    assert [views.two_decimals(x) for x in (0.5, -0.125, -0.001)] == ["0.50", "\u22120.12", "0.00"]


# Timelines


def test_timeline_is_in_proportion():
    shots = [
        {"id": "a/0", "start_s": 10.0, "end_s": 12.0},
        {"id": "a/1", "start_s": 12.0, "end_s": 18.0},
        {"id": "a/2", "start_s": 18.0, "end_s": 20.0},
    ]
    made = views.timeline(shots, [ad_break("a", 9)], step=1)
    assert [(p.left, p.width) for p in made.parts] == [(0, 20), (20, 60), (80, 20)]
    assert [(m.rank, m.left) for m in made.marks] == [(1, 80)]
    every_second = views.timeline(shots, [], step=2)
    assert [(p.shot["id"], p.width) for p in every_second.parts] == [("a/0", 80), ("a/2", 20)]


@pytest.mark.parametrize("length", [0.5, 7.0, 61.0, 900.0, 5400.0, 40000.0])
def test_ticks_are_few_round_and_inside(length):
    ticks = views._tick_times(3.5, 3.5 + length)
    assert len(ticks) <= views._MOST_TICKS + 4
    assert all(3.5 <= t <= 3.5 + length and t == int(t) for t in ticks)
    assert len(ticks) >= 2 or length < 10


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0, "0:00"), (72.0, "1:12"), (600.0, "10:00"), (3661.0, "1:01:01")]
)
def test_clock(seconds, text):
    assert views.clock(seconds) == text


# The search page


def test_search_page_shows_what_was_found_and_why(tmp_path, store):
    ids = fill(store, name="Sintel", labels=["alp"])
    hits = [hit(ids[2], words="It is cold.", labels=["wind"]), hit(ids[1])]
    page = search_page(tmp_path / "x.html", store, query=ids[0], hits=hits, query_shot=ids[0])
    assert_sound(page)
    assert "Shots like sintel/00000" in page.text
    assert page.text.index("sintel/00002") < page.text.index("sintel/00001")
    for text in ("1 Sintel 0.62", "0:00:04.0 – 0:00:06.0", "“It is cold.”", "wind", "alp"):  # noqa: RUF001
        assert text in page.text
    assert "fewer than 2 % of random queries find something as good" in page.text
    assert len(page.of_class("p1") + page.of_class("p2") + page.of_class("p3")) == 3
    assert not page.of_class("missing")
    assert page.all("href")[0] == "file:///films/sintel.mp4#t=0"
    pieces = [attrs["style"] for attrs in page.of_class("visual") if "style" in attrs]
    assert pieces == ["left:14.29%;width:57.14%"] * 2


def test_the_shots_around_an_answer_and_its_near_duplicates_are_at_hand(tmp_path, store):
    ids = fill(store, shots=9)
    hits = [replace(hit(ids[4]), alike=(ids[0],)), replace(hit(ids[7]), shots=(ids[7], ids[8]))]
    page = search_page(tmp_path / "x.html", store, hits=hits, unit="scene")
    assert_sound(page)
    before, after, alike, scene, before_scene = (
        [0, 2, 4, 6, 8, 10, 12, 14, 16][i:j] for i, j in [(1, 4), (5, 8), (0, 1), (7, 9), (4, 7)]
    )
    shown = re.findall(r"Play Sintel at 0:00:(\d\d)", " ".join(page.all("aria-label")))
    assert [int(s) for s in shown] == [8, *before, *after, *alike, 14, *scene, *before_scene]
    assert "1 near duplicate" in page.text
    assert page.source.count("data:image/jpeg") == 2 + 1  # the small ones are one sheet


@pytest.mark.parametrize(
    "name", ["/films/a b#1?.mp4", "/films/50 % “ü”.mkv", "/films/caf\udce9.mp4"]
)
def test_links_to_films_bring_back_their_paths(tmp_path, store, name):
    fill(store, media=name.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
    row = store.title("sintel") | {"media": name}
    address = urlsplit(file_links(store, [row]).film("sintel", 190.5))
    assert (address.scheme, address.netloc, address.fragment) == ("file", "", "t=190.5")
    assert os.fsdecode(unquote_to_bytes(address.path)) == name


def test_what_was_imported_has_no_film_to_open(imported):
    [row, *_] = imported.titles().to_dicts()
    assert file_links(imported, [row]).film(row["id"], 1.0) is None


@given(st.floats(0, 1))
def test_no_chance_is_told_as_none(share):
    told = views.chance(share)
    assert told == "fewer than 2 %" if share < 0.02 else abs(int(told[:-2]) - 100 * share) <= 0.5


def test_pictures_are_those_of_the_shots(tmp_path, store):
    ids = fill(store)
    page = search_page(tmp_path / "x.html", store, hits=[hit(ids[3]), hit(ids[1])])
    found = [attrs["class"].split()[-1] for attrs in page.of_class("picture")]
    classes = [name for name in found if name.startswith("p")]
    for name, seed in zip(classes, (3, 1), strict=True):
        uri = f"data:image/jpeg;base64,{b64encode(jpeg(seed)).decode()}"
        assert f".{name}{{background-image:url({uri})}}" in page.style


def test_a_search_without_hits_says_so(tmp_path, store):
    page = search_page(tmp_path / "x.html", store, hits=[])
    assert "Shots for “snow”" in page.text
    assert "No good match" in page.text


def test_a_shot_without_a_picture_says_so(tmp_path, store):
    fill(store)
    page = search_page(tmp_path / "x.html", store, hits=[hit("other/00000")])
    assert "no picture" in page.text
    assert "1 other" in page.text  # no name is known, so the id


def test_an_unknown_query_shot_is_refused(tmp_path, store):
    with pytest.raises(NotFound, match="no shot 'sintel/00009'"):
        search_page(tmp_path / "x.html", store, hits=[], query_shot="sintel/00009")
    assert not list(tmp_path.glob("*.html"))


def test_search_page_escapes_everything(tmp_path, store):
    [shot] = fill(store, shots=1, name=EVIL, words=EVIL, labels=[EVIL])
    hits = RankedHits([hit(shot, words=EVIL, labels=[EVIL])], compared=EVIL)
    page = search_page(tmp_path / "x.html", store, query=EVIL, hits=hits, query_shot=shot)
    assert_sound(page)
    # Twice in <title> and <h1>, how it was compared; of query and hit name, words, seen, heard.
    assert page.text.count(EVIL) == 2 + 1 + 2 * 4


# The catalogue page


def test_catalogue_page_shows_titles_breaks_tags_and_searches(tmp_path, store):
    ids = fill(
        store, name="Sintel", synopsis="A girl.", genres=["fantasy"], tags=["dragon"], words="Hm."
    )
    fill(store, "tears", name="Tears of Steel", warnings=["no sound"])
    page = catalogue(
        tmp_path / "x.html",
        store,
        searches=[SearchView("“snow”", [hit(ids[1])]), SearchView(ids[0], [], ids[0])],
        tags=[
            Tag("tags", "tears", "quest", 0.75, 0.3, "neighbours", ("sintel", "gone")),
            Tag("tags", "gone", "lost", 0.5, 0.3, "text", ()),
        ],
        breaks={"sintel": [ad_break("sintel", 3), ad_break("sintel", 1, "dark")], "tears": []},
        facts={"Masked shots": "0.213"},
    )
    assert_sound(page)
    for text in (
        *("Masked shots 0.213", "2 titles", "Sintel", "A girl.", "fantasy", "dragon", "no sound"),
        *("quest 0.75 as in Sintel; gone", "1 0:00:06.0 0.50 nobody speaks sintel/00003"),
        *("2 0:00:02.0 0.50 dark sintel/00001", "No cut of this title is a place"),
        *("Shots for “snow”", "Shots like sintel/00000", "No good match", "4 shots"),
    ):
        assert text in page.text
    assert "lost" not in page.text
    marks = [attrs["style"] for attrs in page.of_class("mark") if "style" in attrs]
    assert marks == ["left:75.000%", "left:25.000%"]
    assert "0:00:00.0 – 0:00:02.0  sintel/00000\nHm." in page.all("title")  # noqa: RUF001


def test_catalogue_page_escapes_everything(tmp_path, store):
    [shot] = fill(
        store,
        "evil",
        shots=1,
        name=EVIL,
        synopsis=EVIL,
        genres=[EVIL],
        tags=[EVIL],
        warnings=[EVIL],
        words=EVIL,
        labels=[EVIL],
    )
    page = catalogue(
        tmp_path / "x.html",
        store,
        searches=[SearchView(EVIL, [hit(shot, EVIL, [EVIL])], shot)],
        tags=[Tag("tags", "evil", EVIL, 0.5, 0.3, EVIL, (EVIL,))],
        breaks={"evil": [ad_break("evil", 1, EVIL)]},
        facts={EVIL: EVIL},
    )
    assert_sound(page)
    facts, link, title, proposed, place, sheet, search = 2, 1, 5, 2, 1, 1, 1 + 2 * 4
    assert page.text.count(EVIL) == facts + link + title + proposed + place + sheet + search


def test_each_picture_is_on_the_page_once(tmp_path, store):
    ids = fill(store)
    searches = [SearchView("“snow”", [hit(i) for i in ids]), SearchView(ids[0], [], ids[0])]
    page = catalogue(tmp_path / "x.html", store, searches=searches)
    assert page.source.count("data:image/jpeg") == 4
    assert len(page.of_class("p1")) == 4  # timeline, sheet, hit, query


def test_three_hundred_shots_stay_below_ten_megabytes(tmp_path, store):
    noise = jpeg(0, (140, 120))  # harder to compress than any film
    assert len(noise) > 9_000
    fill(store, shots=300, picture=lambda i: noise)
    page = catalogue(tmp_path / "x.html", store)
    assert len(page.of_class("picture")) == 300
    assert (tmp_path / "x.html").stat().st_size < 10_000_000


def test_a_large_catalogue_shows_every_nth_shot(tmp_path, store, monkeypatch):
    monkeypatch.setattr(pages, "_MOST_PICTURES", 5)
    ids = fill(store, shots=7)
    breaks = {"sintel": [ad_break("sintel", 3)]}
    page = catalogue(
        tmp_path / "x.html", store, breaks=breaks, searches=[SearchView("“snow”", [hit(ids[1])])]
    )
    assert_sound(page)  # among them links to shots that are not shown
    assert "4 of 7 shots" in page.text
    assert page.source.count("data:image/jpeg") == 4 + 1


def test_an_empty_store_and_a_title_without_shots(tmp_path, store):
    assert "no titles yet" in catalogue(tmp_path / "x.html", store).text
    fill(store, shots=0)
    page = catalogue(tmp_path / "x.html", store)
    assert_sound(page)
    assert "0 shots" in page.text
    assert not page.of_class("strip")


# Files


def test_a_page_appears_whole_or_not_at_all(tmp_path, store, monkeypatch):
    path = tmp_path / "x.html"
    path.write_text("older")

    def full(self, target):
        assert self.parent.parent == tmp_path  # a rename is atomic within a file system
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="disk full"):
        write_search_page(path, store=store, query="x", hits=[])
    assert path.read_text() == "older"
    assert {p.name for p in tmp_path.iterdir()} == {"store", "x.html"}


def test_where_no_page_can_be_written(tmp_path, store):
    with pytest.raises(InvalidInput, match="there is no folder"):
        search_page(tmp_path / "no" / "x.html", store, hits=[])
    with pytest.raises(InvalidInput, match="it is a folder"):
        search_page(tmp_path, store, hits=[])


def test_a_file_name_that_is_not_text_can_be_shown(tmp_path, store):
    page = search_page(tmp_path / "x.html", store, query="caf\udce9.mp4", hits=[])
    assert "Shots for caf?.mp4" in page.text
