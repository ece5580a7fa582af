"""What a server does with clients that are no browser: slow, gone, too many, or hostile."""

import socket
import struct
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from http.client import HTTPConnection

import numpy as np
import pytest

from mediafm_store.serve.app import make_app
from mediafm_store.serve.connections import Connection
from mediafm_store.serve.library import SharedStore
from mediafm_store.serve.pages import _MOST_SENT as MOST_SENT
from mediafm_store.serve.run import _bound as bound
from mediafm_store.serve.run import _server_of as server_of
from mediafm_store.storage.storage import Storage
from tests.conftest import random_vectors, title_rows
from tests.helpers.odd_films import make_film
from tests.helpers.planted import ENCODERS

HOST = b"Host: 127.0.0.1\r\n"
FORM = b"Content-Type: multipart/form-data; boundary=x\r\n"
POST = b"POST /search HTTP/1.1\r\nContent-Length: 9000\r\n" + HOST + FORM + b"\r\n"
PART = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'


class Hasty(Connection):
    """With limits that a test can wait for."""

    most, head_s, body_s, stalled_s = 12, 0.3, 0.3, 0.3


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("connections")
    make_film(folder / "film.mp4", images=[np.full((96, 160, 3), 90, np.uint8)] * 24)
    with (folder / "film.mp4").open("ab") as film:
        film.truncate(20_000_000)  # more than lies in the buffers of a connection
    store = Storage(folder / "store", create=True)
    rows = title_rows(store, "film", random_vectors(4), media=str(folder / "film.mp4"))
    store.add_title(rows)
    return SharedStore(store, device="cpu")


@contextmanager
def running(app, connection=Connection):
    """The port of a server in a thread."""
    with bound(0) as listening:
        server = server_of(app, connection)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


@pytest.fixture(scope="module")
def port(library):
    with running(make_app(library, most_bytes=100_000), Hasty) as number:
        yield number


@pytest.fixture
def quiet(caplog):
    """Nothing is logged, as tracebacks are."""
    yield
    assert not caplog.get_records("call")


def connected(port):
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def answer(client) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and the beginning of the body of the next answer."""
    received = b""
    while b"\r\n\r\n" not in received:
        part = client.recv(4096)
        if not part:
            return 0, {}, received
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    return int(status.split()[1]), dict(line.lower().split(": ", 1) for line in lines), body


def until_closed(client) -> bytes:
    """All that comes before the server hangs up, however it does so."""
    received = b""
    try:
        while part := client.recv(65536):
            received += part
    except ConnectionResetError:
        pass
    return received


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (b"GET / HTTP/1.1\r\n" + HOST, {b"408"}),
        (POST + PART, {b"408"}),
        (b"GET / HTTP/1.1\r\nContent-Length: 9\r\n" + HOST + b"\r\nabc", {b"200", b"408"}),
        (b"", {b""}),
    ],
    ids=["half a head", "half a file", "half a body that nobody reads", "nothing"],
)
@pytest.mark.usefixtures("quiet")
def test_who_does_not_go_on_is_cut_off(port, sent, told):
    with connected(port) as client:
        client.sendall(sent)
        assert until_closed(client).partition(b" ")[2][:3] in told


@pytest.mark.usefixtures("quiet")
def test_bytes_that_trickle_in_buy_no_time(port):
    with connected(port) as client:
        client.sendall(b"GET / HTTP/1.1\r\n" + HOST)
        client.settimeout(0.05)
        received = b""
        for _ in range(400):  # 20 s
            try:
                client.sendall(b"a: b\r\n")
                part = client.recv(4096)
            except TimeoutError:
                continue
            except OSError:
                break
            if not part:
                break
            received += part
        else:
            pytest.fail("held for ever")
        assert received[:12] in (b"HTTP/1.1 408", b"")


@pytest.mark.usefixtures("quiet")
def test_who_does_not_read_is_cut_off(port):
    with connected(port) as client:
        client.sendall(b"GET /media/film HTTP/1.1\r\n" + HOST + b"\r\n")
        for _ in range(400):
            # An empty part keeps to HTTP; a connection that was cut off takes none.
            try:
                client.sendall(b"\r\n")
            except OSError:
                break
            threading.Event().wait(0.05)
        else:
            pytest.fail("held for ever")


@pytest.mark.usefixtures("quiet")
def test_too_many_connections_are_told_so(port):
    some = [connected(port) for _ in range(Hasty.most + 4)]
    try:
        told = [until_closed(client) for client in some]
    finally:
        for client in some:
            client.close()
    assert any(b" 503 " in one and b"too many connections" in one for one in told)
    with connected(port) as client:
        client.sendall(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
        assert answer(client)[0] == 200


def reset(client):
    """Hang up at once, as a client that is killed."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


@pytest.mark.parametrize("leave", [socket.socket.close, reset])
@pytest.mark.parametrize(
    "sent",
    [
        POST + PART,
        b"GET /media/film HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /search?shot=film/1 HTTP/1.1\r\n" + HOST + b"\r\n",
    ],
    ids=["file", "film", "search"],
)
@pytest.mark.usefixtures("quiet")
def test_who_goes_away_is_let_go(library, sent, leave):
    with running(make_app(library)) as port:
        client = connected(port)
        client.sendall(sent)
        if b"/media" in sent:
            assert answer(client)[0] == 200
        leave(client)
        with connected(port) as other:  # all that came before has been taken in by then
            other.sendall(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
            assert answer(other)[0] == 200


@pytest.mark.usefixtures("quiet")
def test_a_server_stops_whoever_is_still_there(library):
    with running(make_app(library)) as port:
        some = [connected(port) for _ in range(2)]
        for client, sent in zip(some, (POST + PART, b"GET /"), strict=True):
            client.sendall(sent)
        with connected(port) as other:  # they have been taken in by then
            other.sendall(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
            assert answer(other)[0] == 200
    for client in some:
        client.close()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /nothing HTTP/1.1\r\n" + HOST, 404),
        (b"DELETE / HTTP/1.1\r\n" + HOST, 405),
        (b"GET / HTTP/1.1\r\nHost: evil.example\r\n", 400),
        (b"GET / HTTP/1.1\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n" + HOST, 400),
        (b"\x16\x03\x01\x02\x00\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\na b: c\r\n" + HOST, 400),
        (b"GET /search?text=" + b"a" * 9000 + b" HTTP/1.1\r\n" + HOST, 414),
        (b"GET /media/film HTTP/1.1\r\nRange: bytes=99999999999-\r\n" + HOST, 416),
        (b"GET /media/film HTTP/1.1\r\nRange: bytes=9-3\r\n" + HOST, 400),
        (b"POST /search HTTP/1.1\r\nContent-Length: 999999999999\r\n" + HOST + FORM, 413),
        (b"GET / HTTP/1.1\r\nSec-Fetch-Site: cross-site\r\n" + HOST, 403),
        (b"POST /search HTTP/1.1\r\nOrigin: http://[\r\nContent-Length: 0\r\n" + HOST, 403),
    ],
)
@pytest.mark.usefixtures("quiet")
def test_every_refusal_is_told_with_the_same_headers(port, sent, status):
    with connected(port) as client:
        client.sendall(sent + b"\r\n")
        found, headers, _ = answer(client)
    assert found == status
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "deny"


# Many at once


def body_of(port, address) -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", address)
    got = connection.getresponse()
    body = got.read()
    connection.close()
    return got.status, body


def test_answers_to_many_at_once_are_those_to_one(library):
    asked = ["/", "/titles/film", "/titles/none", "/thumbnails/film/00001", "/report"]
    asked += [f"/search?shot=film/{i}&unit={unit}" for i in range(3) for unit in ("shot", "scene")]
    with running(make_app(library)) as port, ThreadPoolExecutor(8) as pool:
        alone = [body_of(port, address) for address in asked]
        together = list(pool.map(partial(body_of, port), asked * 3))
    assert together == alone * 3
    assert {status for status, _ in alone} == {200, 404}


def test_nothing_is_made_for_those_who_have_gone(library, monkeypatch):
    asked, go_on = [], threading.Event()
    search = library.search

    def noted(query):
        asked.append(query.shot)
        go_on.wait(20)
        return search(query)

    monkeypatch.setattr(library, "search", noted)
    monkeypatch.setattr("mediafm_store.serve.pages.cores", lambda: 1)
    with running(make_app(library)) as port:
        clients = [connected(port) for _ in range(3)]
        for i, client in enumerate(clients):
            client.sendall(b"GET /search?shot=film/%d HTTP/1.1\r\n" % i + HOST + b"\r\n")
            assert body_of(port, "/nothing")[0] == 404  # it has been taken in
        clients[1].close()
        assert body_of(port, "/nothing")[0] == 404
        go_on.set()
        assert answer(clients[2])[0] == 200
        for client in clients:
            client.close()
    assert asked == ["film/0", "film/2"]


@pytest.mark.usefixtures("quiet")
def test_so_many_files_are_taken_in_at_a_time(library):
    with running(make_app(library)) as port:
        some = [connected(port) for _ in range(MOST_SENT + 1)]
        for client in some:
            client.sendall(POST + PART)
            assert body_of(port, "/nothing")[0] == 404  # it has been taken in
        assert answer(some[-1])[0] == 503
        for client in some:
            client.close()
        assert body_of(port, "/nothing")[0] == 404
        with connected(port) as client:
            body = PART + b"abc\r\n--x--\r\n"
            client.sendall(POST.replace(b"9000", b"%d" % len(body)) + body)
            assert answer(client)[0] == 400  # no media


def test_texts_do_not_wait_for_files(library, monkeypatch):
    begun, go_on = threading.Event(), threading.Event()

    def search(query):
        if query.file is not None:
            begun.set()
            go_on.wait(20)
        return "found"

    monkeypatch.setattr(library, "search", search)
    monkeypatch.setattr("mediafm_store.serve.library.load_encoders", lambda *_, **__: ENCODERS)
    body = PART + b"abc\r\n--x--\r\n"
    with running(make_app(library)) as port, connected(port) as client:
        client.sendall(POST.replace(b"9000", b"%d" % len(body)) + body)
        assert begun.wait(20)
        assert body_of(port, "/search?text=red") == (200, b"found")
        go_on.set()
        assert answer(client)[0] == 200
