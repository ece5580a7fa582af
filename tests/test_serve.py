"""The pages of a store as a browser on this machine asks for them."""

import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from html import unescape
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from starlette.testclient import TestClient

from mediafm_store.serve.app import make_app
from mediafm_store.serve.library import Library
from tests.conftest import random_vectors, title_rows

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def client(store, tmp_path):
    film = tmp_path / "alpha.mp4"
    film.write_bytes(bytes(range(100)))
    vectors = random_vectors(40)
    store.add_title(title_rows(store, "alpha", vectors, name=EVIL, media=str(film)))
    store.add_title(title_rows(store, "beta", vectors, media=str(tmp_path / "gone.mp4")))
    app = make_app(Library(store, device="cpu"), most_bytes=10_000)
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
    clip = {"clip": ("clip.mp4", b"no film")}
    foreign = client.post("/search", files=clip, headers={"origin": "http://evil.example"})
    assert foreign.status_code == 403


def test_a_film_is_sent_in_parts(client):
    whole, part = (client.get("/media/alpha", headers=h) for h in ({}, {"range": "bytes=10-19"}))
    assert whole.content == bytes(range(100))
    assert (part.status_code, part.content) == (206, bytes(range(10, 20)))
    assert part.headers["content-range"] == "bytes 10-19/100"


@pytest.mark.parametrize(
    "address", ["/media/beta", "/media/nope", "/media/..%2F..%2Fetc%2Fpasswd", "/thumbnails/no/1"]
)
def test_only_films_of_titles_are_sent(client, address):
    answer = client.get(address)
    assert answer.status_code == 404
    assert "root:" not in answer.text


def test_what_cannot_be_asked_is_told_on_the_page(client):
    for address, status in (
        ("/search?shot=nope/1", 404),
        ("/search?shot=alpha/00001&k=x", 400),
        ("/search?shot=alpha/00001&where=bad(", 400),
        ("/search", 400),
    ):
        answer = client.get(address)
        assert answer.status_code == status, address
        assert "Traceback" not in answer.text


def test_a_file_that_is_too_large_is_refused(client):
    answer = client.post("/search", files={"clip": ("clip.mp4", bytes(20_000))})
    assert answer.status_code == 413


def test_words_that_are_said_and_what_to_find_are_asked_for_in_the_address(client):
    said = client.get("/search?q=&said=thanks&unit=scene", follow_redirects=False)
    assert said.headers["location"] == "/search?said=thanks&unit=scene"
    both = client.get("/search?q=alpha/00001&said=&unit=title")
    assert str(both.url).endswith("/search?unit=title&shot=alpha%2F00001")
    assert '<option value="title" selected>' in both.text
    assert "Titles like alpha/00001" in both.text
    assert client.get("/search?shot=alpha/00001&unit=act").status_code == 400


def test_words_that_are_said_need_no_encoders(client, store):
    rows = title_rows(store, "gamma", random_vectors(3))
    shots = [row | {"words": f"{EVIL} thanks {row['index']}"} for row in rows.shots]
    store.add_title(replace(rows, shots=shots))
    page = client.get("/search?said=thanks")
    assert page.status_code == 200
    assert "Shots for “thanks”" in page.text
    assert "nothing but the words that are said" in page.text
    assert "gamma/00001" in page.text
    assert EVIL not in page.text


RUN = "from mediafm_cli.main import main; main()"


@pytest.fixture
def command(store, tmp_path):
    """The server as a program of its own, stopped as a person stops it; its port."""
    film = tmp_path / "alpha.mp4"
    film.write_bytes(bytes(range(100)))
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


def test_the_command_serves_this_machine_alone_until_it_is_stopped(command):
    for path in ("/media/../../etc/passwd", "/media/..%2f..%2fetc%2fpasswd", "/media//etc/passwd"):
        status, body = asked_for(command, path)
        assert status == 404
        assert b"root:" not in body
    assert asked_for(command, "/media/alpha", Range="bytes=-5") == (206, bytes(range(95, 100)))
    assert asked_for(command, "/media/alpha", Range="bytes=100-")[0] == 416
    assert asked_for(command, "/", Host="evil.example")[0] == 400
    assert asked_for(command, "/", Host=f"localhost:{command}")[0] == 200
    if os.path.exists("/proc/net/tcp"):
        with open("/proc/net/tcp") as sockets:
            lines = [line.split() for line in sockets][1:]
        port = f"{command:04X}"
        listening = [line[1] for line in lines if line[3] == "0A" and line[1].endswith(port)]
        assert listening == [f"0100007F:{port}"]
