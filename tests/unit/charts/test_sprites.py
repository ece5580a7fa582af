"""Stored pictures of other programs: none, broken, or too large to be looked at."""

import struct
import zlib

import pytest
from starlette.testclient import TestClient

from mediafm_store.charts.sprites import sprites
from mediafm_store.serve.app import make_app
from mediafm_store.serve.library import SharedStore
from mediafm_store.shots.picture import COLUMNS, columns, decode_stored
from tests.unit.report.test_pages import fill, jpeg


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height):
    """The beginning of a grey picture of this size."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(9999)))
        + chunk(b"IEND", b"")
    )


BAD = {
    "a bomb": png(30_000, 30_000),
    "nearly a bomb": png(10_000, 10_000),
    "too large": png(5000, 5000),
    "cut off": jpeg(1)[:200],
    "no picture": b"jpeg",
    "empty": b"",
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_small_picture_is_none(name):
    assert decode_stored(BAD[name], (160, 90)) is None
    assert columns(BAD[name]) == dict.fromkeys(COLUMNS)


def test_pages_show_the_others(store):
    given = [jpeg(0), *BAD.values(), None]
    ids = fill(store, shots=len(given), picture=lambda shot: given[shot])
    assert set(sprites(store, ids).places) == {*ids[:-2]}
    app = make_app(SharedStore(store, device="cpu"))
    with TestClient(app, base_url="http://127.0.0.1") as client:
        for address in ("/", "/titles/sintel", "/atlas", f"/search?shot={ids[0]}"):
            assert client.get(address).status_code == 200, address
        assert client.get(f"/thumbnails/{ids[0]}").content == given[0]
        assert client.get(f"/thumbnails/{ids[-1]}").status_code == 404
