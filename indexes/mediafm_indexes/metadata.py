"""Metadata of an index, kept as `facts.json` in its folder."""

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from mediafm_indexes.vectors_file import VECTORS, DamagedError

_FACTS = "facts.json"
INDEX = "index"
"""The folder of the index proper, within that of vectors and facts."""
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class SearchParams:
    """Search settings, tuned when the index is built so that recall@10 reaches the target."""

    effort: int
    """One of the index's `efforts`."""
    candidates: int
    """Number of candidates that are scored exactly, for 10 answers."""
    widening: float = 1.0
    """Factor on both where a filter narrows the search; effort grows with what that leaves out."""
    exact_up_to: int = 0
    """Up to this many allowed rows are compared one by one, where that is faster or the index would
    miss some."""


@dataclass(frozen=True, slots=True)
class SearchQuality:
    """Quality on queries that settings were not tuned on: rows, each without itself."""

    recall_at_10: float
    """Against exact search."""
    p50_ms: float
    """Median latency of one query at a time; the other latencies are, too."""
    p99_ms: float
    filtered_recall: Mapping[str, float]
    """With filters that keep a share of the rows: the worse of two ways to choose them."""
    filtered_ms: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class IndexMetadata:
    """Kind, size and measured quality of an index."""

    kind: str
    rows: int
    dim: int
    trained_on: int
    """The number of rows when lists and codes were learned; later ones were added."""
    target: float
    """The recall@10 that the settings were chosen for."""
    settings: SearchParams
    measured: SearchQuality
    build_s: float
    """Training and adding; without copying the vectors and measuring."""
    checksums: Mapping[str, int]
    """crc32 of the index's files."""


def of_all(shards: Sequence[IndexMetadata]) -> SearchQuality:
    """Combine the quality of shards that are searched as one.

    Every shard is searched for all answers, so recall is the mean over the shards. Latencies are of
    one shard after the other.
    """

    def mean(recalls: Iterable[float]) -> float:
        rows = [shard.rows for shard in shards]
        return sum(n * r for n, r in zip(rows, recalls, strict=True)) / sum(rows)

    found = [shard.measured for shard in shards]
    shares = [s for s in found[0].filtered_recall if all(s in one.filtered_recall for one in found)]
    return SearchQuality(
        recall_at_10=mean(one.recall_at_10 for one in found),
        p50_ms=sum(one.p50_ms for one in found),
        p99_ms=sum(one.p99_ms for one in found),
        filtered_recall={s: mean(one.filtered_recall[s] for one in found) for s in shares},
        filtered_ms={s: sum(one.filtered_ms[s] for one in found) for s in shares},
    )


def write_facts(folder: Path, facts: IndexMetadata) -> None:
    """Write metadata to a folder, as JSON with its checksum."""
    told = asdict(facts)
    written = {"crc32": _crc32_of(told), "facts": told}
    (folder / _FACTS).write_text(json.dumps(written, indent=1), encoding="utf-8")


def read_metadata(folder: Path) -> IndexMetadata:
    """Read the metadata of an index.

    Raises:
        DamagedError: If the file is not as `write_facts` wrote it.
    """
    path = folder / _FACTS
    with _told_damaged(path):
        written = json.loads(path.read_text(encoding="utf-8"))
        read, checksum = dict(written["facts"]), written.get("crc32")
    if checksum != _crc32_of(read):
        raise DamagedError(path)
    with _told_damaged(path):
        settings, measured = SearchParams(**read["settings"]), SearchQuality(**read["measured"])
        return IndexMetadata(**read | {"settings": settings, "measured": measured})


@contextmanager
def _told_damaged(path: Path) -> Iterator[None]:
    """Whatever is wrong with a file is a DamagedError."""
    try:
        yield
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DamagedError(path, "cannot be read") from error


def _crc32_of(facts: Mapping[str, object]) -> int:
    """CRC-32 of metadata as JSON."""
    return zlib.crc32(json.dumps(facts, sort_keys=True).encode())


def sums(folder: Path) -> dict[str, int]:
    """CRC-32 of every file that is read as a whole; rows of vectors have their own."""
    files = sorted(f for f in folder.rglob("*") if f.is_file())
    names = {f.relative_to(folder).as_posix(): f for f in files}
    return {name: _crc32(f) for name, f in names.items() if name not in (VECTORS, _FACTS)}


def _crc32(path: Path) -> int:
    """CRC-32 of a file: 2 GB/s, and enough to detect accidental damage."""
    checksum = 0
    with path.open("rb") as file:
        while part := file.read(_BLOCK):
            checksum = zlib.crc32(part, checksum)
    return checksum
