"""Ray against threads, and what random kills of its workers and of its driver cost.

python -m benchmarks.ray --rounds 100
"""

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.common import ROOT, media_folder, print_table, write_results

MORE = 5
"""Times the films, where what Ray takes once counts less."""
FILMS = 8
"""Films of an episode: short, so that most kills meet something."""
FILM_S = 12
LONGEST_S = 4.0
"""Between two kills at most."""
DRIVERS = 0.3
"""Share of the kills that meet the driver."""
OTHER = "multilingual"
"""The encoder that is backfilled."""
TOLERANCE = 2e-3
"""Of a number of a unit vector, stored in 16 bits: the same vectors by other threads of BLAS."""


def main() -> None:
    """Measure both, print them and write them down."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--driver", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.driver:
        drive(*options.driver)
        return
    compared = {"films": overhead(), "more_films": overhead(1, MORE)}
    print_table(rounds_of(compared))
    killed = kills(options.rounds, options.seed)
    print_table([killed])
    write_results("ray", {"overhead": compared, "kills": killed})


# Overhead


def rounds_of(compared: dict[str, Any]) -> list[dict[str, Any]]:
    """All rounds of what was compared."""
    return [{"of": of} | row for of, told in compared.items() for row in told["rounds"]]


def overhead(rounds: int = 3, times: int = 1) -> dict[str, Any]:
    """What the ingest of all films takes by two workers of Ray, over what two threads take.

    Of so many `times` the films, under other names.
    """
    found = []
    for _ in range(rounds):  # alternately, since the machine may be busier at times
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            link_films(folder / "films", times)
            row = {f"{engine}_s": ingest_s(engine, folder) for engine in ("threads", "ray")}
            row["start_s"] = start_s()
            row["ray_over_workers"] = row["ray_s"] / row["threads_s"]
            row["without_start"] = (row["ray_s"] - row["start_s"]) / row["threads_s"]
            row["largest_difference"] = furthest(folder / "threads", folder / "ray", ["fused"])
            found.append(row)
    medians = {name: statistics.median(row[name] for row in found) for name in found[0]}
    return medians | {"rounds": found}


def link_films(folder: Path, times: int) -> None:
    """All films, and what lies beside them, so many times."""
    from mediafm_store.sources.videos import find_videos

    for video in find_videos([media_folder()]):
        for number in range(times):
            place = folder / f"{video.parent.name}{number}"
            place.mkdir(parents=True, exist_ok=True)
            for file in video.parent.iterdir():
                name = file.name.replace(video.stem, f"{video.stem}{number}", 1)
                if file.name.startswith(video.stem + ".") or file.name == "metadata.json":
                    (place / name).symlink_to(file)


def ingest_s(engine: str, folder: Path) -> float:
    """Seconds of the whole command."""
    command = ["ingest", str(folder / "films"), "--store", str(folder / engine)]
    command += ["--workers", "2", "--engine", engine]
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "mediafm_cli", *command], check=True, capture_output=True)
    return time.perf_counter() - began


def start_s() -> float:
    """Seconds to import Ray, to start it and to end it."""
    began = time.perf_counter()
    code = (
        "from mediafm_store.engines.ray import Ray\nray = Ray(None, 2)\nray.connect()\nray.close()"
    )
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    python_s = time.perf_counter() - began
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - began - 2 * python_s


def furthest(one: Path, other: Path, names: list[str]) -> float:
    """The largest difference between numbers of the newest vectors; infinite if shots differ."""
    from mediafm_store.storage.storage import Storage

    largest, stores = 0.0, (Storage(one), Storage(other))
    for name in names:
        a, b = (s.vectors([x for x in s.spaces() if x.name == name][-1]) for s in stores)
        if a.ids != b.ids:
            return float("inf")
        largest = max(largest, float(np.abs(a.vectors - b.vectors).max()))
    return largest


# Kills


class Episode(NamedTuple):
    """A catalogue that was ingested and backfilled under kills."""

    workers: int
    """Kills of workers."""
    drivers: int
    lost: int
    """Titles that are not there, or not as without kills."""
    twice: int
    """Titles that were written again, and rows that are there twice."""


def kills(rounds: int, seed: int = 0) -> dict[str, Any]:
    """So many kills, in as many catalogues as it takes."""
    rng = random.Random(seed)
    episodes: list[Episode] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        make_films(folder / "films")
        run_driver(folder, "reference", "threads").wait()
        while (left := rounds - sum(e.workers + e.drivers for e in episodes)) > 0:
            episodes.append(episode(folder, f"killed{len(episodes)}", left, rng))
    workers, drivers = sum(e.workers for e in episodes), sum(e.drivers for e in episodes)
    return {
        "rounds": workers + drivers,
        "of_workers": workers,
        "of_the_driver": drivers,
        "catalogues": len(episodes),
        "titles": FILMS * len(episodes),
        "lost": sum(e.lost for e in episodes),
        "duplicated": sum(e.twice for e in episodes),
    }


def make_films(folder: Path) -> None:
    """Short films of noise that drifts, with a cut each three seconds."""
    from mediafm_store.clips.write import write_video

    folder.mkdir()
    for film in range(FILMS):
        rng = np.random.default_rng(film)
        shots = [rng.integers(0, 255, (90, 160, 3), np.uint8) for _ in range(FILM_S // 3)]
        images = (np.roll(shots[i // 72], i % 72, axis=1) for i in range(24 * FILM_S))
        tone = np.sin(np.arange(16_000 * FILM_S) * 0.02 * (film + 1)).astype(np.float32) / 3
        write_video(folder / f"film{film}.mp4", images, fps=24, audio=tone, audio_rate=16_000)


def episode(folder: Path, name: str, most: int, rng: random.Random) -> Episode:
    """Kill at random, `most` times at most, until the work is done; then look at it."""
    killed: Counter[str] = Counter()
    driver = run_driver(folder, name, "ray")
    while driver.poll() is None or driver.returncode != 0:
        if driver.poll() is not None:
            driver = run_driver(folder, name, "ray")
        if killed.total() >= most:
            driver.wait()
            continue
        workers = wait_for_workers(driver)
        time.sleep(rng.uniform(0, LONGEST_S))
        if driver.poll() is not None:
            continue
        if rng.random() < DRIVERS:
            driver.send_signal(signal.SIGKILL)
            driver.wait()
            killed["driver"] += 1
        elif workers := workers_of(driver.pid):
            kill(rng.choice(workers))
            killed["worker"] += 1
    return Episode(killed["worker"], killed["driver"], *look(folder, name))


def run_driver(folder: Path, name: str, engine: str) -> "subprocess.Popen[bytes]":
    """A process that ingests and backfills what is left to do."""
    command = [sys.executable, "-m", "benchmarks.ray", "--driver", str(folder), name, engine]
    nowhere = subprocess.DEVNULL
    return subprocess.Popen(command, cwd=ROOT, stdout=nowhere, stderr=nowhere)


def wait_for_workers(driver: "subprocess.Popen[bytes]") -> list[int]:
    """Until the driver has workers, or is done."""
    while driver.poll() is None and not (found := workers_of(driver.pid)):
        time.sleep(0.1)
    return found if driver.poll() is None else []


def workers_of(pid: int) -> list[int]:
    """The processes of Ray's workers below a process (Linux)."""
    found = []
    for child in children(pid):
        name = Path(f"/proc/{child}/cmdline")
        if name.exists() and name.read_bytes().startswith(b"ray::Worker"):
            found.append(child)
        found += workers_of(child)
    return found


def children(pid: int) -> list[int]:
    """Those of all threads of a process."""
    found: list[int] = []
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, file.read_text().split())
        except OSError:  # the thread has ended
            continue
    return found


def kill(pid: int) -> None:
    """One that may have ended by itself."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def drive(folder: str, name: str, engine: str) -> None:
    """Ingest, then backfill, and note what is written; the exit status says if all is done."""
    from mediafm_store import IngestResult
    from mediafm_store.encoding import load_encoders
    from mediafm_store.errors import InvalidInput
    from mediafm_store.ingestion.backfill import backfill
    from mediafm_store.ingestion.ingest import ingest
    from mediafm_store.storage.storage import Storage

    root = Path(folder)
    store = Storage(root / name, create=True)
    with (root / f"{name}.log").open("a", encoding="utf-8") as notes:

        def note(what: str, result: IngestResult) -> None:
            notes.write(json.dumps([what, result.title, result.state]) + "\n")
            notes.flush()

        ingested = ingest(
            store,
            [root / "films"],
            encoders=load_encoders(device="cpu"),
            workers=2,
            engine=engine,
            on_title=lambda result: note("ingest", result),
        )
        if any(result.state == "failed" for result in ingested):
            raise InvalidInput("a title failed; begin again")
        backfilled = backfill(
            store,
            load_encoders([OTHER], device="cpu"),
            workers=2,
            engine=engine,
            on_title=lambda result: note("backfill", result),
        )
        if any(result.state == "failed" for result in backfilled.results):
            raise InvalidInput("a title failed; begin again")


def look(folder: Path, name: str) -> tuple[int, int]:
    """How many titles are lost, and how many titles or rows are there twice."""
    from mediafm_store.storage.storage import Storage

    lines = (folder / f"{name}.log").read_text(encoding="utf-8").splitlines()
    told = Counter(
        (what, title)
        for what, title, state in map(json.loads, lines)
        if state in {"ingested", "updated"}
    )
    twice = sum(count > 1 for count in told.values())
    store, reference = Storage(folder / name), Storage(folder / "reference")
    ids = store.titles()["id"].to_list()
    lost = len(set(reference.titles()["id"]) - set(ids))
    twice += len(ids) - len(set(ids))
    twice += sum(store.titles()["shots"]) != store.table("shots").count_rows()
    for space in store.spaces():
        twice += len(store.vectors(space).ids) != store.table(space.table).count_rows()
    names = ["fused", "described", "metadata"]
    lost += furthest(folder / "reference", folder / name, names) > TOLERANCE
    return lost, twice


if __name__ == "__main__":
    main()
