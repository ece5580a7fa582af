"""Many clients of one server at once: `python -m benchmarks.serve`.

    python -m benchmarks.serve --media FOLDER            # 20 clients, two minutes
    python -m benchmarks.serve --store STORE --clients 5 --seconds 30

The films are ingested, trained on (preset small), embedded and indexed, or a store that is there is
served. Each client asks for one thing after the other over a connection that it keeps: searches by
shots, texts and scenes, pages of titles, and pictures, at random but the same in every run. A
client waits for no answer longer than `PATIENCE_S`. The server's memory is told after a quarter of
the time, when all has been asked for once, and at the end.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

import numpy as np

from benchmarks.commands import run
from benchmarks.common import media_folder, print_table, write_results
from mediafm_store.storage.storage import Storage

PATIENCE_S = 60
MAKE = (["train", "--preset", "small"], ["embed"], ["index", "build"])
TEXTS = (
    *("two people fight in the snow", "a dragon flying in the sky", "an old man's face"),
    *("a dark cave", "a city at night", "fire", "people talking", "a robot", "water", "music"),
)
SHARES = {"shot": 3, "text": 2, "scene": 2, "title": 1, "picture": 8}
"""How often each is asked for."""


class Asked(NamedTuple):
    """One request, and what came of it."""

    kind: str
    ms: float
    right: bool


class Server(NamedTuple):
    """A server that is running."""

    address: str
    process: int

    def rss_mb(self) -> float:
        """The memory that it has now."""
        status = Path(f"/proc/{self.process}/status").read_text(encoding="ascii")
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    def processor_s(self) -> float:
        """What it has used of all cores; other programs on the machine hardly change it."""
        stat = Path(f"/proc/{self.process}/stat").read_text(encoding="utf-8")
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure all of it and write benchmarks/results/serve.json."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--media", type=Path, help="Folder of films.")
    parser.add_argument("--store", type=Path, help="A store that is there, instead of films.")
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=120)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        store = given.store or made_store(Path(scratch), given.media or media_folder())
        addresses = addresses_of(Storage(store))
        with serving(store) as server:
            asked, early_mb = ask(server, addresses, clients=given.clients, seconds=given.seconds)
            rss_mb, processor_s = server.rss_mb(), server.processor_s()
    rows = [row(kind, [a for a in asked if a.kind == kind]) for kind in SHARES]
    print_table(rows)
    times = [a.ms for a in asked]
    figures = {
        "clients": given.clients,
        "seconds": given.seconds,
        "requests_per_s": round(len(asked) / given.seconds, 1),
        "p50_ms": percentile(times, 50),
        "p99_ms": percentile(times, 99),
        "errors": sum(not a.right for a in asked),
        "processor_ms_per_request": round(1e3 * processor_s / len(asked)),
        "rss_mb": round(rss_mb),
        "rss_early_mb": round(early_mb),
    }
    print(figures)
    write_results("serve", figures | {"requests": rows})


def made_store(folder: Path, media: Path) -> Path:
    """All films of a folder, as searches want them."""
    store = folder / "store"
    for arguments in (["ingest", str(media)], *MAKE):
        run(arguments, store, folder / "log")
    return store


def addresses_of(store: Storage) -> Mapping[str, Sequence[str]]:
    """What can be asked for, by kind."""
    shots = store.shots()["id"].to_list()
    return {
        "shot": [f"/search?{urlencode({'shot': shot})}" for shot in shots],
        "text": [f"/search?{urlencode({'text': text})}" for text in TEXTS],
        "scene": [f"/search?{urlencode({'shot': shot, 'unit': 'scene'})}" for shot in shots],
        "title": [f"/titles/{title}" for title in store.titles()["id"]],
        "picture": [f"/thumbnails/{shot}" for shot in shots],
    }


@contextmanager
def serving(store: Path) -> Iterator[Server]:
    """The command, as long as it is needed."""
    command = [sys.executable, "-m", "mediafm_cli", "serve", "--port", "0", "--json"]
    with subprocess.Popen(
        [*command, "--store", store], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield Server(json.loads(process.stdout.readline())["address"], process.pid)
        finally:
            process.terminate()


def ask(
    server: Server, addresses: Mapping[str, Sequence[str]], *, clients: int, seconds: float
) -> tuple[list[Asked], float]:
    """What all clients were answered, and the server's memory after a quarter of the time."""
    found: list[list[Asked]] = [[] for _ in range(clients)]
    end = time.monotonic() + seconds
    threads = [
        threading.Thread(target=client, args=(server.address, addresses, seed, end, of.append))
        for seed, of in enumerate(found)
    ]
    for thread in threads:
        thread.start()
    time.sleep(seconds / 4)
    early_mb = server.rss_mb()
    for thread in threads:
        thread.join()
    return [asked for of in found for asked in of], early_mb


def client(
    address: str,
    addresses: Mapping[str, Sequence[str]],
    seed: int,
    end: float,
    on_answer: Callable[[Asked], None],
) -> None:
    """Ask until it is time to end."""
    rng = random.Random(seed)
    connection = HTTPConnection(urlsplit(address).netloc, timeout=PATIENCE_S)
    while time.monotonic() < end:
        (kind,) = rng.choices([*SHARES], [*SHARES.values()])
        began = time.perf_counter()
        try:
            connection.request("GET", rng.choice(addresses[kind]))
            answer = connection.getresponse()
            right = answer.status == 200 and len(answer.read()) > 0
        except (OSError, HTTPException):
            connection.close()
            right = False
        on_answer(Asked(kind, 1e3 * (time.perf_counter() - began), right))
    connection.close()


def row(kind: str, asked: Sequence[Asked]) -> dict[str, Any]:
    """The figures of one kind of request."""
    times = [a.ms for a in asked] or [0.0]
    errors = Counter(a.right for a in asked)[False]
    return {
        "request": kind,
        "answers": len(asked),
        "p50_ms": percentile(times, 50),
        "p99_ms": percentile(times, 99),
        "errors": errors,
    }


def percentile(times: Sequence[float], share: float) -> float:
    """In whole milliseconds."""
    return float(round(float(np.percentile(times, share))))


if __name__ == "__main__":
    main()
