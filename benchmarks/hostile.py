"""What the worst inputs cost: `python -m benchmarks.hostile`.

Each is given to a command in a process of its own, on a copy of a store of one small film. It has
to be answered or refused in one line within `MOST_S`, with no more than `MOST_MB` of memory.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.commands import environment
from benchmarks.common import ROOT, print_table, write_results
from tests.helpers.odd_films import make_film, moved, pictures

MOST_S, MOST_MB = 30, 1500
TRACES = ("Traceback", "Segmentation")


class Case(NamedTuple):
    """A command that is given something bad."""

    name: str
    arguments: tuple[str, ...]


class Answer(NamedTuple):
    """How a command ended."""

    case: str
    status: int
    seconds: float
    peak_mb: float
    said: str

    @property
    def is_good(self) -> bool:
        """Whether it ended in time, in little memory and by its own choice."""
        ended = self.status in (0, 1, 2) and not any(t in self.said for t in TRACES)
        return ended and self.seconds < MOST_S and self.peak_mb < MOST_MB


def cases(folder: Path) -> Iterator[Case]:
    """Inputs that once cost minutes, gigabytes or the process."""
    shot = ("search", "--shot", "whole/00000")
    yield Case("condition, 10,000 sums", (*shot, "--where", "1+" * 10_000 + "index > 1"))
    yield Case("condition, 1,000 terms", (*shot, "--where", " AND ".join(["index > 1"] * 1000)))
    yield Case("condition, longer text", (*shot, "--where", "LENGTH(LPAD(words, 10000000, 'x'))>5"))
    for name, shape in {"long": (1_000_000, 1024), "wide": (6, 200_000)}.items():
        path = folder / f"{name}.npz"
        np.savez_compressed(path, visual=np.zeros(shape, np.float32), times=np.zeros((6, 2)))
        yield Case(f"features of zeros, {name}", ("import", str(path)))
    picture = folder / "bomb.png"
    # Not here: a process begins with the peak of the one that starts it.
    draw = f"from PIL import Image; Image.new('1', (30000, 30000)).save({str(picture)!r})"
    subprocess.run([sys.executable, "-c", draw], check=True)
    yield Case("picture of 30,000 x 30,000", ("search", "--picture", str(picture)))
    for hours in (1, 5):
        film = moved(folder / "whole.mkv", folder / f"gap{hours}.mkv", hole(hours))
        yield Case(f"film with a hole of {hours} h", ("ingest", str(film)))
    for name, starts in {"forwards": (5, 20_000), "backwards": (20_000, 5)}.items():
        film = folder / f"{name}.ts"
        with film.open("wb") as out:
            for start in starts:
                part = moved(folder / "whole.ts", folder / "part.ts", lambda _, by=start: by)
                out.write(part.read_bytes())
        yield Case(f"joined streams, {name}", ("ingest", str(film)))
    for name, text in {"deep": "[" * 100_000, "long number": "9" * 5000, "1e999": "1e999"}.items():
        path = folder / f"{name.replace(' ', '_')}.json"
        path.write_text(text, encoding="utf-8")
        yield Case(f"JSON, {name}", ("breaks", "match-ads", str(path), "whole"))
    yield Case("half an emoji", ("search", "--text", "\udcff"))
    yield Case("endless device", ("ingest", "/dev/zero"))
    yield Case("10 million workers", ("ingest", str(folder / "whole.mkv"), "--workers", "10000000"))


def hole(hours: int) -> Any:
    """Moves all after the first second."""
    return lambda seconds: 3600 * hours if seconds > 0.99 else 0


def tried(case: Case, store: Path, folder: Path) -> Answer:
    """Give it to the command, on a store of its own."""
    own = Path(shutil.copytree(store, folder / "store"))
    command = [sys.executable, "-m", "mediafm_cli", *case.arguments, "--store", str(own)]
    log = folder / "log"
    began = time.perf_counter()
    with log.open("wb") as out:
        running = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, env=environment(ROOT)
        )
        _, status, used = os.wait4(running.pid, 0)
    seconds = time.perf_counter() - began
    shutil.rmtree(own)
    said = log.read_text(encoding="utf-8", errors="replace")
    return Answer(
        case.name, os.waitstatus_to_exitcode(status), seconds, used.ru_maxrss / 1024, said
    )


def main() -> None:
    """Try all, and say which of them failed."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        images = list(pictures(96, shot=24))
        for suffix in ("mkv", "ts"):
            options = {"bf": "0", "g": "24"}
            make_film(folder / f"whole.{suffix}", images=images, options=options, sounds=["mono"])
        store = folder / "plain"
        first = Case("a small film", ("ingest", str(folder / "whole.mkv")))
        subprocess.run(
            [sys.executable, "-m", "mediafm_cli", *first.arguments, "--store", str(store)],
            check=True,
            env=environment(ROOT),
        )
        answers = [tried(case, store, folder) for case in (first, *cases(folder))]
    rows = [
        {
            "input": a.case,
            "status": a.status,
            "s": round(a.seconds, 1),
            "peak MB": round(a.peak_mb),
            "good": a.is_good,
            "said": next(iter(a.said.splitlines()), "").replace(f"{folder}/", "")[:60],
        }
        for a in answers
    ]
    print_table(rows)
    write_results("hostile", {"most_s": MOST_S, "most_mb": MOST_MB, "inputs": rows})
    if bad := [a for a in answers if not a.is_good]:
        sys.exit(json.dumps([a._asdict() for a in bad], indent=1))


if __name__ == "__main__":
    main()
