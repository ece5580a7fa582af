"""What is known of an index, in the `facts.json` of its folder."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from mediafm_indexes.vectors import VECTORS, DamagedError

FACTS = "facts.json"
INDEX = "index"
"""The folder of the index proper, within that of vectors and facts."""
BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Settings:
    """How an index is searched: tuned when it is built, so that recall@10 reaches the target."""

    effort: int
    """As the index's own `efforts`."""
    candidates: int
    """That are scored exactly, for 10 answers."""
    widening: float = 1.0
    """Factor on both where a filter narrows the search; effort grows with what that leaves out."""
    exact_up_to: int = 0
    """So many allowed rows are compared one by one: quicker, or as the index would miss some."""


@dataclass(frozen=True, slots=True)
class Measured:
    """With rows as queries that settings were not tuned on. A row is no answer to itself."""

    recall_at_10: float
    """Against exact search."""
    p50_ms: float
    """Of one query at a time, as the other latencies."""
    p99_ms: float
    filtered_recall: Mapping[str, float]
    """With filters that keep a share of the rows: the worse of two ways to choose them."""
    filtered_ms: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Facts:
    """What an index is and how good it was measured to be."""

    kind: str
    rows: int
    dim: int
    trained_on: int
    """The number of rows when lists and codes were learned; later ones were added."""
    target: float
    """The recall@10 that the settings were chosen for."""
    settings: Settings
    measured: Measured
    build_s: float
    """Training and adding; without copying the vectors and measuring."""
    checksums: Mapping[str, int]
    """crc32 of the index's files."""


def write_facts(folder: Path, facts: Facts) -> None:
    """Write them to a folder."""
    written = {"crc32": crc32_of(asdict(facts)), "facts": asdict(facts)}
    (folder / FACTS).write_text(json.dumps(written, indent=1), encoding="utf-8")


def read_facts(folder: Path) -> Facts:
    """Read what `write_facts` wrote; raise DamagedError if it is something else."""
    try:
        written = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        read = written["facts"]
        settings, measured = Settings(**read["settings"]), Measured(**read["measured"])
        facts = Facts(**read | {"settings": settings, "measured": measured})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DamagedError(f"{folder / FACTS} cannot be read") from error
    if written.get("crc32") != crc32_of(read):
        raise DamagedError(f"{folder / FACTS} is damaged")
    return facts


def crc32_of(facts: Mapping[str, object]) -> int:
    """Of facts as JSON."""
    return zlib.crc32(json.dumps(facts, sort_keys=True).encode())


def sums(folder: Path) -> dict[str, int]:
    """The crc32 of every file that is read as a whole; the rows of vectors have their own."""
    files = sorted(f for f in folder.rglob("*") if f.is_file())
    names = {f.relative_to(folder).as_posix(): f for f in files}
    return {name: crc32(f) for name, f in names.items() if name not in (VECTORS, FACTS)}


def crc32(path: Path) -> int:
    """Of a file: 2 GB/s, and enough against accidents."""
    sum = 0
    with path.open("rb") as file:
        while part := file.read(BLOCK):
            sum = zlib.crc32(part, sum)
    return sum
