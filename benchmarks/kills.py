"""What is lost when a store is killed at any moment: nothing should be.

    python -m benchmarks.kills --rounds 300          # a quarter of an hour

A worker adds, replaces and removes titles, writes and promotes contextual vectors, labels and tags
titles, fits probes, builds and refreshes indexes, tidies and mends the store, at random, and notes
each title before it starts to write or remove it and after it was told that it is done. SIGKILL
comes at a random moment. Then the store is opened as any reader does: every title that was noted as
in must be there, whole, with just the vectors that were written last or, if a write of it was under
way, those, or be gone, if it was being removed; labels and tags are of titles that are there; and
searches must give what comparing all vectors gives. The next worker goes on with the same store.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.common import ROOT, print_table, write_results
from mediafm_store.errors import MediaFMError
from mediafm_store.probing.options import ProbeOptions

TITLES = 30
WORK = {
    "title": 10,
    "remove": 2,
    "label": 2,
    "index": 2,
    "refresh": 2,
    "context": 2,
    "promote": 1,
    "probe": 1,
    "tag": 1,
    "tidy": 1,
    "doctor": 1,
}
"""What a worker does -> how often."""
TASK, LABELS = "parity", ["even", "odd"]
MOST_LINES = 16
"""A kill comes when a worker has noted fewer lines than that, two for each thing that it does,"""
LONGEST_S = 0.3
"""and up to so much later."""


class Round(NamedTuple):
    """What one kill did."""

    lost: int
    wrong: int
    done: int
    """Titles that had been written when it came."""
    doing: str
    """What the worker had begun and not finished."""


def main() -> None:
    """Print the counts, write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        path, log, seed = options.worker
        work(Path(path), Path(log), int(seed))
        return
    with tempfile.TemporaryDirectory() as scratch:
        rounds = list(kills(Path(scratch), options.rounds, options.seed))
    figures: dict[str, Any] = {
        "rounds": len(rounds),
        "lost": sum(r.lost for r in rounds),
        "wrong": sum(r.wrong for r in rounds),
        "titles_written": sum(r.done for r in rounds),
        "killed_while": {
            what: sum(r.doing == what for r in rounds) for what in sorted({r.doing for r in rounds})
        },
    }
    print_table([{k: str(v) for k, v in figures.items()}])
    write_results("kills", figures)


def kills(folder: Path, rounds: int, seed: int) -> Iterator[Round]:
    """Kill a worker so often, and look at what it left."""
    rng = random.Random(seed)
    path, log = folder / "store", folder / "log"
    log.touch()
    waiting = worker(path, log, seed)
    for number in range(rounds):
        running, waiting = waiting, worker(path, log, seed + number + 1)  # imports take a second
        before = len(log.read_text(encoding="utf-8").splitlines())
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdout.readline()  # it has imported all it needs
        running.stdin.write(b"go\n")
        running.stdin.flush()
        wait_for(log, before + rng.randrange(MOST_LINES))
        time.sleep(rng.uniform(0.0, LONGEST_S))
        running.send_signal(signal.SIGKILL)
        running.communicate()
        lines = log.read_text(encoding="utf-8").splitlines()
        lost, wrong = look(path, lines)
        begun = [line.split() for line in lines[before:]]
        done = sum(words[:2] == ["done", "title"] for words in begun)
        doing = begun[-1][1] if begun and begun[-1][0] == "start" else "nothing"
        yield Round(lost, wrong, done, doing)
    waiting.kill()
    waiting.communicate()


def wait_for(log: Path, lines: int) -> None:
    """Until a worker has noted so much; however busy the machine is, some kills come late."""
    for _ in range(600):
        if len(log.read_text(encoding="utf-8").splitlines()) >= lines:
            return
        time.sleep(0.05)


def worker(path: Path, log: Path, seed: int) -> "subprocess.Popen[bytes]":
    """A process that imports all it needs, and begins when it is told."""
    command = [sys.executable, "-m", "benchmarks.kills", "--worker", str(path), str(log), str(seed)]
    pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=nowhere, cwd=ROOT)


# The worker


def work(path: Path, log: Path, seed: int) -> None:
    """Write at random until the kill."""
    from mediafm_store.storage.storage import Storage

    does = things_to_do()
    rng = random.Random(seed)
    print("ready", flush=True)
    sys.stdin.readline()
    with log.open("a", encoding="utf-8") as notes:

        def note(*words: object) -> None:
            notes.write(" ".join(map(str, words)) + "\n")
            notes.flush()
            os.fsync(notes.fileno())

        note("start", "open")
        store = Storage(path, create=True)
        note("done", "open")
        while True:
            (what,) = rng.choices(list(WORK), list(WORK.values()))
            title, content = f"title{rng.randrange(TITLES):02d}", rng.randrange(10**6)
            note("start", what, title, content)
            # What there is too little for is not done: no titles, no labels, nothing to promote.
            with suppress(MediaFMError):
                does[what](store, title, content)
                note("done", what, title, content)


def things_to_do() -> dict[str, Callable[[Any, str, int], object]]:
    """What a worker can do with a store, a title and a number; all that it needs is imported."""
    from mediafm_store import IndexConfig
    from mediafm_store.health import doctor
    from mediafm_store.indexing.build import build_index, refresh_index
    from mediafm_store.probing.fit import fit_probe
    from mediafm_store.releases.spaces import promote
    from mediafm_store.storage.maintenance import tidy
    from mediafm_store.tags.apply import apply_tags
    from mediafm_store.titles.editing import remove_titles

    tables, kinds = ["shots", "fused_v1", "titles"], ["exact", "flat"]

    def index(store: Any, title: str, content: int) -> None:
        del title
        build_index(store, store.live("fused"), IndexConfig(kinds[content % 2]))

    return {
        "title": lambda store, title, content: store.add_title(rows(store, title, content)),
        "remove": lambda store, title, content: remove_titles(store, [title]),
        "label": label,
        "index": index,
        "refresh": lambda store, title, content: refresh_index(store, store.live("fused")),
        "context": lambda store, title, content: context(store),
        "promote": lambda store, title, content: promote(store, "context", force=True),
        "probe": lambda store, title, content: fit_probe(store, TASK, ProbeOptions(pool="context")),
        "tag": lambda store, title, content: apply_tags(store),
        "tidy": lambda store, title, content: tidy(store, tables[content % 3]),
        "doctor": lambda store, title, content: doctor(store, fix=True),
    }


def label(store: Any, title: str, content: int) -> None:
    """Labels of all titles, by the numbers of their contents."""
    del title, content
    told = {"task": TASK, "source": "file", "start_s": None, "end_s": None, "value": 1.0}
    names = store.titles().select("id", "name").iter_rows()
    found = [
        told
        | {"item": title_id, "title": title_id, "label": LABELS[int(name) % 2], "added_at": None}
        for title_id, name in names
    ]
    store.put("labels", found, instead_of=f"task = '{TASK}'")


def context(store: Any) -> None:
    """Contextual vectors for the titles that lack them."""
    fused = store.live("fused")
    space = store.registry.version(
        "context", "killed", dim=fused.dim, made_by="a worker", fused=fused.fingerprint
    )
    for title in store.lacking(space):
        row = store.title(title)
        stored = store.vectors(fused, title)
        store.add_vectors(space, row, stored.ids, -stored.vectors)
    store.registry.promote(space)


def rows(store: Any, title: str, content: int) -> Any:
    """A title of a few shots, whose vectors follow from its content number."""
    from mediafm_store.arrays import BLOCK, FUSED
    from mediafm_store.storage.rows import TitleRows
    from mediafm_store.tables.schema import SHOTS, TITLES

    made = vectors_of(content)
    told = {"made_by": "a worker", "fused": "killed"}
    fused = store.registry.only_version("fused", "killed", dim=FUSED, **told)
    metadata = store.registry.only_version("metadata", "killed", dim=BLOCK, **told)
    row = dict.fromkeys(TITLES.names) | {
        "id": title,
        "name": str(content),
        "tags": LABELS[content % 2 :],
        "genres": [],
        "series": "",
        "synopsis": "",
        "media": __file__,
        "shots": len(made),
        "duration_s": float(len(made)),
        "warnings": [],
        "subtitle_warnings": [],
        "ingested_at": datetime.now(UTC),
    }
    row.pop("revision")
    shots = [
        dict.fromkeys(SHOTS.names)
        | {"id": f"{title}/{i:05d}", "index": i, "words": str(content), "seen": [], "heard": []}
        for i in range(len(made))
    ]
    pictures = [{"id": shot["id"], "jpeg": str(content).encode()} for shot in shots]
    vectors = {fused: made, metadata: np.zeros((1, BLOCK), np.float32)}
    return TitleRows(title=row, shots=shots, cues=[], thumbnails=pictures, vectors=vectors)


def vectors_of(content: int) -> np.ndarray:
    """Unit vectors, float32 [2 to 8, 2304], the same for the same number."""
    rng = np.random.default_rng(content)
    x = rng.normal(size=(int(rng.integers(2, 9)), 2304)).astype(np.float32)
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float16).astype(np.float32)


# What is left


def look(path: Path, lines: list[str]) -> tuple[int, int]:
    """How many titles are lost, and how many titles and answers are wrong."""
    from mediafm_store.errors import NotFound
    from mediafm_store.storage.storage import Storage

    written, under_way = promised(lines)
    try:
        store = Storage(path)
    except NotFound:
        return len(written), 0  # killed before there was a store
    names = dict(store.titles().select("id", "name").iter_rows())
    lost = sum(title not in names for title in written)
    wrong = sum(
        int(name) not in {written.get(title), *under_way.get(title, ())}
        for title, name in names.items()
    )
    expected = {title: vectors_of(int(name)) for title, name in names.items()}
    wrong += sum(not whole(store, title, int(names[title])) for title in expected)
    wrong += wrong_answers(store, expected)
    wrong += sum(not set(store.rows(n)["title"]) <= names.keys() for n in ("labels", "tags"))
    return lost, wrong


def promised(lines: list[str]) -> tuple[dict[str, int], dict[str, set[int]]]:
    """The content of each title that was said to be in, and of those whose write was under way.

    Of these, any may be there.
    """
    written: dict[str, int] = {}
    under_way: dict[str, set[int]] = defaultdict(set)
    for step, what, *rest in (line.split() for line in lines):
        if what not in ("title", "remove"):
            continue
        title, content = rest[0], int(rest[1])
        if what == "remove":  # from its beginning on it may be gone, but what is there is whole
            if title in written:
                under_way[title].add(written.pop(title))
            if step == "done":
                under_way.pop(title, None)
        elif step == "done":
            written[title] = content
            under_way.pop(title, None)
        else:
            under_way[title].add(content)
    return written, under_way


def whole(store: Any, title: str, content: int) -> bool:
    """Whether a title has all of its rows, and only those."""
    wanted = vectors_of(content)
    shots = store.shots(title)
    ids = [f"{title}/{i:05d}" for i in range(len(wanted))]
    stored = store.vectors(store.live("fused"), title)
    return bool(
        shots["id"].to_list() == ids == stored.ids
        and set(shots["words"]) == {str(content)}
        and set(store.thumbnails(ids).values()) == {str(content).encode()}
        and len(store.thumbnails(ids)) == len(ids)
        and np.array_equal(stored.vectors, wanted)
    )


def wrong_answers(store: Any, expected: dict[str, np.ndarray]) -> int:
    """Searches that do not give what comparing all vectors gives."""
    from mediafm_store.indexing.nearest import nearest

    if not expected:
        return 0
    ids = [f"{t}/{i:05d}" for t, vectors in expected.items() for i in range(len(vectors))]
    everything = np.concatenate(list(expected.values()))
    wrong = 0
    for seed in range(3):
        query = np.random.default_rng(seed).normal(size=2304).astype(np.float32)
        (found,) = nearest(store, store.live("fused"), query[None], 10)
        best = [ids[i] for i in np.argsort(-(everything @ query), kind="stable")[:10]]
        wrong += found.ids != best
    return wrong


if __name__ == "__main__":
    main()
