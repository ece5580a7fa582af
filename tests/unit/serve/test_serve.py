"""The pages of a store as a browser on this machine asks for them."""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import wave
from dataclasses import replace
from html import escape, unescape
from http.client import HTTPConnection
from itertools import count
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from mediafm_store.arrays import FUSED
from mediafm_store.examples.clip_locator import ClipMatch
from mediafm_store.report.form import _FLAGS as FLAGS
from mediafm_store.report.links import served_links
from mediafm_store.report.timecode import timespan
from mediafm_store.retrieval.hit import RankedHits
from mediafm_store.serve.app import make_app
from mediafm_store.serve.library import SharedStore
from mediafm_store.storage.storage import Storage
from tests.conftest import random_vectors, title_rows
from tests.helpers.asking import keywords
from tests.helpers.odd_films import make_film
from tests.helpers.planted import ENCODERS, add_film, grey

PART = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc\r\n'
EVIL = "<script>alert(1)</script>"
ORIGIN = ClipMatch("alpha", 2.25, 6.0, ["alpha/00001", "alpha/00002"], 0.9)


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """The bytes of a film."""
    path = tmp_path_factory.mktemp("sent") / "a.mp4"
    make_film(path, images=[np.full((32, 48, 3), 90, np.uint8)] * 12)
    return path.read_bytes()


@pytest.fixture
def client(store, tmp_path, video):
    film = tmp_path / "alpha.mp4"
    film.write_bytes(video)
    vectors, others = random_vectors(40), random_vectors(40, 1)
    others[1] = vectors[1]  # a good match, as there are few
    store.add_title(title_rows(store, "alpha", vectors, name=EVIL, media=str(film)))
    store.add_title(title_rows(store, "beta", others, media=str(tmp_path / "gone.mp4")))
    app = make_app(SharedStore(store, device="cpu"), most_bytes=10_000)
    with TestClient(app, base_url="http://127.0.0.1") as made:
        yield made


def test_a_report_on_versions_that_are_not_there_is_told(client):
    assert "Nothing was measured yet" in client.get("/report").text
    assert client.get("/report?before=a&after=b").status_code == 404


def test_titles_and_searches_are_pages(client):
    for address in ("/", "/search?shot=alpha/00001", "/search?q=alpha/00001"):
        page = client.get(address)
        assert page.status_code == 200
        assert EVIL not in page.text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert "beta/00001" in page.text


def test_every_link_leads_somewhere(client):
    for address in ("/", "/search?shot=alpha/00001"):
        links = set(re.findall(r'(?:href|src)="(/[^"#]*)', client.get(address).text))
        assert links
        for link in links - {"/media/beta"}:  # its film is gone
            assert client.get(unescape(link)).status_code == 200, link


def test_every_answer_says_what_a_page_may_do(client):
    for address in ("/", "/nothing", "/search?shot=nope/1"):
        headers = client.get(address).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe-inline" not in headers["content-security-policy"].partition("script-src")[2]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "access-control-allow-origin" not in headers


def test_other_names_of_this_machine_are_refused(client):
    assert client.get("/", headers={"host": "evil.example"}).status_code == 400


def test_forms_of_other_sites_are_refused(client):
    sent = {"file": ("clip.mp4", b"no film")}
    foreign = client.post("/search", files=sent, headers={"origin": "http://evil.example"})
    assert foreign.status_code == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize("address", ["/", "/search?shot=alpha/1", "/media/alpha", "/nothing"])
def test_other_sites_may_only_lead_here(client, site, address):
    def status(method="GET", **told):
        asked = {f"sec-{n.replace('_', '-')}": v for n, v in told.items()}
        return client.request(method, address, headers={"sec-fetch-site": site} | asked).status_code

    link = {"fetch_mode": "navigate", "fetch_dest": "document"}
    assert status(**link) != 403
    assert status(**link | {"fetch_site": "same-origin"}) != 403
    for dest in ("iframe", "image", "empty", "script", "video"):
        assert status(**link | {"fetch_dest": dest}) == 403
    assert status(fetch_mode="no-cors", fetch_dest="image") == 403
    assert status(**link | {"purpose": "prefetch"}) == 403
    assert status("HEAD", **link) == 403
    assert status() == 403


def test_errors_of_the_code_say_what_a_page_may_do(store):
    class Broken(SharedStore):
        def title(self, title):
            raise ZeroDivisionError(f"secret {title}")

    app = make_app(Broken(store, device="cpu"))
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        answer = client.get("/titles/x")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_other_methods_are_told_which_there_are(client):
    answer = client.put("/search")
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]


def test_a_film_is_sent_in_parts(client, video):
    whole, part = (client.get("/media/alpha", headers=h) for h in ({}, {"range": "bytes=10-19"}))
    assert whole.content == video
    assert (part.status_code, part.content) == (206, video[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(video)}"


@pytest.mark.parametrize(
    "address", ["/media/beta", "/media/nope", "/media/..%2F..%2Fetc%2Fpasswd", "/thumbnails/no/1"]
)
def test_only_films_of_titles_are_sent(client, address):
    answer = client.get(address)
    assert answer.status_code == 404
    assert "root:" not in answer.text


def test_a_store_from_elsewhere_does_not_choose_which_files_are_sent(
    client, store, tmp_path, video
):
    (tmp_path / "secret.mp4").write_text("root:x:0:0\n" * 100)
    (tmp_path / "list.mp4").write_text(f"ffconcat version 1.0\nfile '{tmp_path}/alpha.mp4'\n")
    os.mkfifo(tmp_path / "pipe.mp4")
    for named in ("/etc/passwd", "secret.mp4", "list.mp4", "pipe.mp4", "", "\0", "/dev/zero"):
        store.update_title("alpha", media=str(tmp_path / named))
        answer = client.get("/media/alpha")
        assert answer.status_code == 404, named
        assert "root:" not in answer.text
    store.update_title("alpha", media=str(tmp_path / "alpha.mp4"))
    assert client.get("/media/alpha").content == video


@pytest.mark.parametrize(
    ("asked", "status", "told"),
    [
        *[("shot=nope/1", 404, "no shot"), ("", 400, "give something to search for")],
        *[("text=", 400, "must not be empty"), ("q=alpha/99", 404, "alpha has 40 shots")],
        *[("shot=alpha/1&k=x", 400, "the number of answers (k) must be from 1 to 200, is 'x'")],
        *[("q=alpha/1&k=0", 400, "is '0'"), ("shot=alpha/1&k=201", 400, "is '201'")],
        *[
            ("shot=alpha/1&where=bad(", 400, "cannot call 'bad'"),
            ("shot=alpha/1&unit=act", 400, "'act'"),
        ],
        *[("shot=alpha/1&sound=x", 400, "sound must be a number from 0 to 2, as 0.5, is 'x'")],
        *[(f"q=alpha/1&picture={n}", 400, f"'{n}'") for n in ("nan", "inf", "-1", "2.1", "0.25")],
        ("shot=alpha/1&picture=0&sound=0&words=0&context=0", 400, "have weight 0"),
        *[("shot=alpha/1&same_scene=maybe", 400, "same_scene must be 1 or 0, is 'maybe'")],
        *[("title=alpha&from=soon", 400, "'soon' is not a time"), ("from=1", 400, "name that too")],
        *[("title=alpha&from=9&to=3", 400, "no shots from 9 to 3 s"), ("title=a", 404, "'a'")],
        *[("q=x&file=a.png", 400, "'a.png' was not sent; press “Search by file”")],
        *[("said=x&exclude_same_title=1", 400, "only the own title")],
    ],
)
def test_what_cannot_be_asked_is_told_in_a_line(client, asked, status, told):
    answer = client.get(f"/search?{asked}")
    assert answer.status_code == status
    line = unescape(re.search('role="alert">(.*)</p>', answer.text)[1])
    assert told in line
    assert "Traceback" not in answer.text


def test_what_was_wrong_can_be_put_right(client):
    form = client.get(f"/search?shot=alpha/1&k=999&said={EVIL}&where=a").text
    assert 'name="q" value="alpha/1"' in form
    assert 'name="k" value="999"' in form
    assert 'name="where" value="a"' in form
    assert EVIL not in form


def test_a_file_that_is_too_large_is_refused(client):
    answer = client.post("/search", files={"file": ("clip.mp4", bytes(20_000))})
    assert answer.status_code == 413
    assert "larger than" in answer.text


def test_words_that_are_said_and_what_to_find_are_asked_for_in_the_address(client):
    said = client.get("/search?q=&said=thanks&unit=scene", follow_redirects=False)
    assert said.headers["location"] == "/search?said=thanks&unit=scene"
    both = client.get("/search?q=alpha/00001&said=&unit=title")
    assert str(both.url).endswith("/search?shot=alpha%2F00001&unit=title")
    assert '<option value="title" selected>' in both.text
    assert "Titles like alpha/00001" in both.text


def test_words_that_are_said_need_no_encoders(client, store):
    rows = title_rows(store, "gamma", random_vectors(3))
    shots = [row | {"words": f"{EVIL} thanks {row['index']}"} for row in rows.shots]
    store.add_title(replace(rows, shots=shots))
    page = client.get("/search?said=thanks")
    assert page.status_code == 200
    assert "Shots for “thanks”" in page.text
    assert "compared by words that are said" in page.text
    assert "gamma/00001" in page.text
    assert EVIL not in page.text


# Options


UNTOUCHED = {
    **{"q": "", "said": "", "unit": "shot", "k": "12", "where": "", "title": "", "from": ""},
    **{"to": "", "picture": "1", "sound": "1", "words": "1.0", "context": "1", "file": ""},
}
"""What a browser sends of the form as it is."""


@pytest.fixture
def asked(monkeypatch):
    """What `search` is called with; it finds nothing."""
    calls = []

    def recorded(store, query, options, **more):
        calls.append(given := keywords(query, options, **more))
        return RankedHits([], compared="by looks", origin=ORIGIN if given.get("clip") else None)

    monkeypatch.setattr("mediafm_store.serve.library.search", recorded)
    monkeypatch.setattr("mediafm_store.serve.library.load_encoders", lambda *_, **__: ENCODERS)
    return calls


@pytest.mark.parametrize(
    ("option", "address", "given"),
    [
        ({}, "", {"weights": {}, "k": 12, "unit": "shot", "where": None, "title": None}),
        ({"exclude_same_title": "1"}, "exclude_same_title=1", {"exclude_same_title": True}),
        ({"same_scene": "1"}, "same_scene=1", {"same_scene": True, "exclude_same_title": False}),
        ({"picture": "0"}, "picture=0", {"weights": {"visual": 0}}),
        (
            {"sound": "0.3", "words": "2", "context": "1.5"},
            "sound=0.3&words=2&context=1.5",
            {"weights": {"audio": 0.3, "text": 2, "context": 1.5}},
        ),
        ({"where": " duration_s > 5 "}, "where=duration_s+%3E+5", {"where": "duration_s > 5"}),
        ({"k": "30"}, "k=30", {"k": 30}),
        ({"unit": "scene"}, "unit=scene", {"unit": "scene"}),
        ({"title": "beta"}, "title=beta", {"title": "beta", "start_s": None, "end_s": None}),
        (
            {"title": "beta", "from": "0:03", "to": "0:00:09.5"},
            "title=beta&from=0%3A03&to=0%3A00%3A09.5",
            {"title": "beta", "start_s": 3, "end_s": 9.5, "shot": "alpha/00001"},
        ),
    ],
)
def test_options_reach_the_address_and_the_search(client, asked, option, address, given):
    form = UNTOUCHED | {"q": "alpha/1"} | option
    moved = client.get("/search", params=form, follow_redirects=False)
    expected = f"/search?shot=alpha%2F00001{'&' if address else ''}{address}"
    assert moved.headers["location"] == expected
    page = client.get(expected)
    (made,) = asked
    assert made | given == made
    assert made["encoders"] is None
    shown = re.findall(r'name="(\w+)" value="([^"]*)"( checked)?', page.text)
    for name, value in (option | {"q": "alpha/00001"}).items():
        if name != "unit":
            assert (name, value.strip()) in [(n, unescape(v)) for n, v, _ in shown]
    assert len([1 for _, _, ticked in shown if ticked]) == len(option.keys() & set(FLAGS))
    changed = len(option.keys() - {"unit"})
    assert (f"<b>{changed}<span" in page.text) == bool(changed)


def test_a_title_alone_is_searched_by(client, asked):
    page = client.get("/search", params=UNTOUCHED | {"title": "beta", "from": "3"})
    assert str(page.url).endswith("/search?title=beta&from=3")
    assert "Shots like Beta from 0:00:03.0 on" in page.text
    page = client.get("/search?q=Beta@0:02-4")
    assert str(page.url).endswith("/search?title=beta&from=0%3A02&to=4")
    assert f"Shots like Beta, {timespan(2, 4)}" in page.text
    assert [(a["title"], a["start_s"], a["end_s"]) for a in asked] == [
        ("beta", 3, None),
        ("beta", 2, 4),
    ]


def test_answers_lead_on_with_the_same_options(client):
    page = client.get("/search?shot=alpha/1&same_scene=1&sound=0.5&where=duration_s+%3E+1").text
    assert unescape(page).count("/search?shot=beta%2F00001&where=duration_s+%3E+1&sound=0.5") == 1
    titles = client.get("/search?shot=alpha/1&unit=title").text
    assert "/search?title=beta&unit=title" in unescape(titles)


def test_the_own_scene_is_a_link_away(client):
    page = client.get("/search?shot=alpha/1&sound=0.5").text
    assert "not among the answers" in page
    (link,) = re.findall('<a href="([^"]*)">Its own scene too</a>', page)
    assert unescape(link) == "/search?shot=alpha%2F00001&same_scene=1&sound=0.5"
    assert "Its own scene too" not in client.get(unescape(link)).text


def test_how_shots_were_compared_is_told_whatever_was_found(client, asked):
    assert "12 shots" not in client.get("/search?shot=alpha/1").text
    assert "Compared by looks." in client.get("/search?shot=alpha/1").text


def test_titles_are_offered_in_the_form(client, store, monkeypatch):
    for address in ("/", "/titles/beta", "/atlas", "/report", "/search?shot=alpha/1"):
        page = client.get(address).text
        assert '<option value="beta" label="Beta"></option>' in page
        assert f'<option value="alpha" label="{escape(EVIL)}"></option>' in page
        assert EVIL not in page
    monkeypatch.setattr("mediafm_store.report.links._MOST_NAMES", 1)
    assert list(served_links(store, store.titles().to_dicts()).names) == ["alpha"]


# Words that are the name of a title


def test_a_title_is_offered_by_its_name(client, asked):
    for typed in ("beta", "BETA", " gone.mp4"):
        page = client.get("/search", params={"q": typed, "sound": "0"}).text
        assert asked[-1]["text"] == typed.strip()
        assert 'Title: <b>Beta</b> — <a href="/titles/beta">see the title</a>' in page
        assert '<a href="/search?title=beta&amp;sound=0">shots like it</a>' in page
    assert "Title:" not in client.get("/search?q=bet").text
    assert "Title:" not in client.get("/search?q=beta/1").text
    assert asked[-1]["shot"] == "beta/00001"


def test_all_titles_of_one_name_are_offered(client, store, asked):
    for number in range(7):
        rows = title_rows(store, f"heat_{number}", random_vectors(1), name="Heat")
        store.add_title(rows)
    page = client.get("/search?text=heat").text
    assert page.count("Title: <b>Heat</b>") == 5
    assert '"/titles/heat_0"' in page


# What changes while it is served


def aged(store):
    """As if all of it had been written long ago, so that what was looked up is kept."""
    when = next(LONG_AGO)
    for folder in store.local.glob("*.lance/_versions"):
        os.utime(folder, (when, when))


LONG_AGO = count(1e9)


@pytest.fixture(params=["just written", "long unchanged"])
def settle(request):
    return aged if request.param == "long unchanged" else lambda store: None


def test_pages_show_what_was_written_a_moment_ago(client, store, settle):
    """To whatever table, by whomever."""
    live = {"dim": FUSED, "made_by": "a test", "fused": "test"}
    context = store.registry.version("context", "c", **live)
    store.registry.promote(context)
    settle(store)
    bare = client.get("/titles/beta").text
    assert 'id="matrix"' not in bare
    other = Storage(store.path)
    other.add_vectors(context, other.title("beta"), other.shot_ids("beta"), random_vectors(40, 1))
    embedded = client.get("/titles/beta").text
    assert 'id="matrix"' in embedded
    settle(store)
    assert client.get("/titles/beta").text == embedded
    other.put("tags", [{"task": "genre", "title": "beta", "tag": "western", "score": 0.9}])
    assert "western" in client.get("/titles/beta").text
    settle(store)
    other.update_title("beta", name="Anew")
    for address in ("/", "/titles/beta", "/atlas", "/search?shot=alpha/1"):
        assert "Anew" in client.get(address).text, address


def test_a_title_that_was_ingested_again_has_other_pictures(client, store, settle):
    def put(jpeg):
        rows = title_rows(store, "gamma", random_vectors(1))
        thumbnails = [{"id": "gamma/00000", "jpeg": jpeg}]
        store.add_title(replace(rows, thumbnails=thumbnails))
        settle(store)
        (address,) = re.findall(r"/thumbnails/gamma/00000[^\"')]*", client.get("/").text)
        assert client.get(address).content == jpeg
        return address

    assert put(b"one") != put(b"two")


def test_a_store_that_is_replaced_or_removed(client, store, settle):
    settle(store)
    assert "/titles/alpha" in client.get("/").text
    shutil.rmtree(store.path)
    for address in ("/", "/titles/alpha", "/search?shot=alpha/1", "/thumbnails/alpha/00001"):
        gone = client.get(address)
        assert gone.status_code == 404
        assert f"no store at {store.path}" in gone.text
    other = Storage(store.path, create=True)
    for title in ("delta", "epsilon"):  # as many commits as the first had
        other.add_title(title_rows(other, title, random_vectors(40)))
    settle(other)
    page = client.get("/").text
    assert "/titles/delta" in page
    assert "/titles/alpha" not in page
    assert client.get("/search?shot=delta/1").status_code == 200


# Files


def send(client, name, content, **fields):
    return client.post("/search", files={"file": (name, content)}, data=UNTOUCHED | fields)


def picture() -> bytes:
    Image.new("RGB", (16, 9), (90,) * 3).save(made := io.BytesIO(), "PNG")
    return made.getvalue()


def sound() -> bytes:
    with wave.open(made := io.BytesIO(), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(8000))
    return made.getvalue()


def test_what_a_file_is_its_content_says(client, asked, video):
    contents = {"picture": picture(), "sound": sound(), "clip": video}
    for kind, content in contents.items():
        for name in ("a.mp4", "b.jpg", "c"):
            page = send(client, name, content, sound="0.5", where="duration_s > 1")
            assert page.status_code == 200
            assert f"Shots like {name}" in page.text
            given = {k: asked[-1][k] for k in contents if asked[-1][k] is not None}
            assert given.keys() == {kind}
            assert not given[kind].exists()  # no longer
            assert asked[-1]["weights"] == {"audio": 0.5}
            assert asked[-1]["encoders"] == ENCODERS
            assert 'name="where" value="duration_s &gt; 1"' in page.text


def test_a_file_and_words_are_looked_for_together(client, asked):
    page = send(client, "a.png", picture(), q="red", said="hello", title="beta")
    assert "Shots like Beta + a.png + “red” + “hello”" in page.text
    found = asked[-1]
    assert (found["text"], found["said"], found["title"]) == ("red", "hello", "beta")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("junk.png", b"nothing at all", "junk.png is not media"),
        ("empty.mp4", b"", "empty.mp4 is empty"),
        ("../../a.txt", b"words", "a.txt is not media"),
        ("list.m3u8", b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n#EXT-X-ENDLIST\n", "is not media"),
        ("list.mp4", b"ffconcat version 1.0\nfile '/etc/passwd'\n", "is not media"),
    ],
)
def test_what_is_no_media_is_told_by_its_own_name(client, asked, name, content, told):
    answer = send(client, name, content)
    assert answer.status_code == 400
    assert told in answer.text
    assert "/sent" not in answer.text
    assert not asked


@pytest.mark.parametrize(
    ("kind", "body", "told"),
    [
        ("multipart/form-data; boundary=x; charset=undefined", PART, "cannot be read"),
        ("multipart/form-data", PART, "Missing boundary"),
        ("multipart/form-data; boundary=y", PART, "Invalid multipart data"),
        ("multipart/form-data; boundary=x", PART[:-9], "no file was chosen"),
        ("multipart/form-data; boundary=x", 99 * PART, "Too many files"),
        ("application/x-www-form-urlencoded", b"a=&" * 3000, "Too many fields"),
        ("application/x-www-form-urlencoded", b"".join([b"q=", b"a" * 9900]), "no file was"),
        ("application/json", b"{}", "no file was chosen"),
    ],
)
def test_forms_that_are_none_are_refused_in_a_line(client, kind, body, told):
    answer = client.post("/search", content=body, headers={"content-type": kind})
    assert answer.status_code == 400
    assert told in re.search('role="alert">(.*)</p>', answer.text)[1]


def test_a_file_must_be_chosen(client):
    answer = client.post("/search", data=UNTOUCHED | {"q": "red"})
    assert answer.status_code == 400
    assert "no file was chosen" in answer.text
    assert client.post("/search", files={"file": ("", b"")}).status_code == 400
    unknown = send(client, "a.png", picture(), title="nope")
    assert unknown.status_code == 404


def test_a_clip_that_is_recognised_plays_at_its_place(client, asked, video):
    page = send(client, "a.mp4", video, k="30").text
    assert 'The clip is &lt;script&gt;alert(1)&lt;/script&gt;, <a class="film time"' in page
    assert 'href="/media/alpha#t=2.25"' in page
    assert '<a href="/search?title=alpha&amp;from=2.25&amp;to=6&amp;k=30">search by that' in page
    assert '<dialog id="player"' in page


def test_a_clip_is_found_where_it_was_cut_from(store, tmp_path, monkeypatch):
    """All of it: decoded, encoded, recognised, and without its scene among the answers."""
    monkeypatch.setattr("mediafm_store.serve.library.load_encoders", lambda *_, **__: ENCODERS)
    greys = [30, 200, 90, 150]
    images = [np.full((32, 48, 3), g, np.uint8) for g in greys for _ in range(24)]
    make_film(tmp_path / "film.mp4", images=images)
    times = [{"start_s": float(i), "end_s": i + 1.0} for i in range(len(greys))]
    add_film(store, "film", [grey(g) for g in greys], shots=times, media=str(tmp_path / "film.mp4"))
    app = make_app(SharedStore(store, device="cpu"))
    with TestClient(app, base_url="http://127.0.0.1") as client:
        page = send(client, "mine.mp4", (tmp_path / "film.mp4").read_bytes())
    assert page.status_code == 200
    assert "The clip is Film," in page.text
    assert "/media/film#t=0" in page.text
    assert "Its own scene: 4 shots" in page.text
    assert "/search?title=film&amp;from=0&amp;to=4&amp;same_scene=1" in page.text


RUN = "from mediafm_cli.main import main; main()"


@pytest.fixture
def command(store, tmp_path, video):
    """The server as a program of its own, stopped as a person stops it; its port."""
    film = tmp_path / "alpha.mp4"
    film.write_bytes(video)
    store.add_title(title_rows(store, "alpha", random_vectors(4), media=str(film)))
    asked = ["serve", "--port", "0", "--json", "--store", str(store.path)]
    with subprocess.Popen(
        [sys.executable, "-c", RUN, *asked], stdout=subprocess.PIPE, text=True
    ) as started:
        yield urlsplit(json.loads(started.stdout.readline())["address"]).port
        started.send_signal(signal.SIGINT)
        assert started.wait(20) == 0


def asked_for(port, path, **headers):
    """Exactly this request: clients make paths and hosts look proper."""
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


def test_the_command_serves_this_machine_alone_until_it_is_stopped(command, video):
    for path in ("/media/../../etc/passwd", "/media/..%2f..%2fetc%2fpasswd", "/media//etc/passwd"):
        status, body = asked_for(command, path)
        assert status == 404
        assert b"root:" not in body
    assert asked_for(command, "/media/alpha", Range="bytes=-5") == (206, video[-5:])
    assert asked_for(command, "/media/alpha", Range=f"bytes={len(video)}-")[0] == 416
    assert asked_for(command, "/", Host="evil.example")[0] == 400
    assert asked_for(command, "/", Host=f"localhost:{command}")[0] == 200
    if os.path.exists("/proc/net/tcp"):
        with open("/proc/net/tcp") as sockets:
            lines = [line.split() for line in sockets][1:]
        port = f"{command:04X}"
        listening = [line[1] for line in lines if line[3] == "0A" and line[1].endswith(port)]
        assert listening == [f"0100007F:{port}"]
