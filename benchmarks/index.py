"""How quick and how good are indexes: ours, LanceDB's, and plain FAISS.

    python -m benchmarks.index                       # 50,000 vectors: half an hour
    python -m benchmarks.index --rows 1000000        # hours, 25 GB of disk

Vectors of 2304 dimensions from a mixture: each lies near one of rows / 250 centres, within a random
subspace of 64 dimensions, plus noise with a twentieth of the squared length in all of them; float16
on disk. Queries are other draws of the same mixture. Every index is built in a process of its own
and searched in another. Of LanceDB's settings those count that reach recall@10 of .99 in the least
time.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from benchmarks.common import RESULTS, ROOT, print_table, write_results

DIM, LATENT, K, QUERIES = 2304, 64, 10, 300
SHARES = (0.1, 0.01, 0.001)
BUCKETS = 1000
"""Every row has one of so many numbers; a filter keeps those below some."""
BATCH = 10_000
TARGET = 0.99
LIMIT_S = 7200
SCRATCH = "index"
"""The folder of the index that is being measured."""
OURS = ("pca-ivf-sq8", "pca-ivf-rabitq", "pca-ivf-pq", "pca-hnsw-sq8", "ivf-rabitq", "ivf-sq8")
LANCEDB = ("IVF_RQ", "IVF_PQ", "IVF_HNSW_SQ")
FAISS = ("Flat", "IVF{lists},Flat", "HNSW32")

Answers = list[np.ndarray]
Result = TypeVar("Result")


class Data(NamedTuple):
    """What is searched, what for, and what has to be found."""

    folder: Path
    vectors: np.ndarray
    """Mapped from disk."""
    buckets: np.ndarray
    queries: np.ndarray
    truth: dict[float, np.ndarray]
    """Share of the rows that a filter keeps -> the scores of the nearest K of each query."""


class Searcher(NamedTuple):
    """An index that is open."""

    search: Callable[[np.ndarray, float], np.ndarray]
    """One query and the share that a filter keeps -> rows."""
    batch: Callable[[np.ndarray], object]
    """All queries at once."""
    settings: str


def main() -> None:
    """Print the tables, write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[50_000])
    parser.add_argument("--kinds", nargs="+", help="Only these; the others' results are kept.")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        step, kind, folder = options.one
        data = opened(Path(folder))
        print(json.dumps(timed_build(kind, data) if step == "build" else measure(kind, data)))
        return
    figures = earlier()
    for rows in options.rows:
        with tempfile.TemporaryDirectory() as scratch:
            make(Path(scratch), rows)
            kinds = options.kinds or [*OURS, *LANCEDB, *(f"faiss {f}" for f in FAISS)]
            for kind in kinds:
                result = in_own_process(kind, Path(scratch))
                print(rows, kind, json.dumps(result), flush=True)
                figures["rows"].setdefault(str(rows), {})[kind] = result
                write_results("index", figures | {"over_lancedb": over_lancedb(figures["rows"])})
    for rows, kinds in figures["rows"].items():
        print(f"\n{rows} rows")
        print_table([{"index": kind} | shown(r) for kind, r in kinds.items()])
    print(over_lancedb(figures["rows"]))


def earlier() -> dict[str, Any]:
    """The results that are there already."""
    path = RESULTS / "index.json"
    return {"rows": json.loads(path.read_text())["rows"] if path.is_file() else {}}


def in_own_process(kind: str, folder: Path) -> dict[str, Any]:
    """Build and search one index; say why there is nothing to say."""
    result: dict[str, Any] = {}
    try:
        for step in ("build", "search"):
            command = [sys.executable, "-m", "benchmarks.index", "--one", step, kind, str(folder)]
            done = subprocess.run(
                command, capture_output=True, text=True, check=True, cwd=ROOT, timeout=LIMIT_S
            )
            result |= json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        result |= {"failed": f"{step}: not done in {LIMIT_S} s"}
    except subprocess.CalledProcessError as error:
        result |= {"failed": f"{step}: {error.stderr.strip().splitlines()[-1][:200]}"}
    shutil.rmtree(folder / SCRATCH, ignore_errors=True)
    return result


# What is measured


def family(kind: str) -> Any:
    """What builds and opens an index of a kind."""
    return Faiss if kind.startswith("faiss ") else LanceDB if kind in LANCEDB else Ours


def timed_build(kind: str, data: Data) -> dict[str, Any]:
    """Build one index; the file that it lies in is what the next process has of it."""
    (data.folder / SCRATCH).mkdir()
    build_s, memory = with_memory(partial(family(kind).build, kind, data))
    return {"build_s": build_s, "build_memory_bytes": memory}


def measure(kind: str, data: Data) -> dict[str, Any]:
    """Open an index, and search."""
    family(kind).warm()
    before = memory_bytes()
    made: Searcher = family(kind).open(kind, data)
    answers = [made.search(q, 1.0) for q in data.queries]
    took = times(made, data, 1.0)
    memory = memory_bytes() - before
    began = time.perf_counter()
    made.batch(data.queries)
    batch_s = time.perf_counter() - began
    filtered = {}
    for share in SHARES:
        found = [made.search(q, share) for q in data.queries]
        filtered[str(share)] = {
            "recall_at_10": recall(data, found, share),
            "p50_ms": float(np.median(times(made, data, share))),
        }
    files = (data.folder / SCRATCH).rglob("*")
    return {
        "settings": made.settings,
        "p50_ms": float(np.median(took)),
        "p99_ms": float(np.quantile(took, 0.99)),
        "recall_at_10": recall(data, answers, 1.0),
        "memory_bytes": memory,
        "disk_bytes": sum(f.stat().st_size for f in files if f.is_file()),
        "batch_per_s": len(data.queries) / batch_s,
        "filtered": filtered,
    }


def times(made: Searcher, data: Data, share: float) -> list[float]:
    """Milliseconds of each query, one at a time."""
    took = []
    for query in data.queries:
        began = time.perf_counter()
        made.search(query, share)
        took.append(1e3 * (time.perf_counter() - began))
    return took


def recall(data: Data, found: Answers, share: float) -> float:
    """recall@10: of the rows that were found, how many are as near as the nearest ten."""
    there = 0
    for rows, query, wanted in zip(found, data.queries, data.truth[share], strict=True):
        allowed = rows[data.buckets[rows] < share * BUCKETS]
        scores = data.vectors[allowed].astype(np.float32) @ query
        there += int((scores >= wanted[-1] - 1e-5).sum())
    return there / data.truth[share].size


def reaches(search: Callable[[np.ndarray, float], np.ndarray], data: Data) -> bool:
    """Whether a search finds as much as it should."""
    return recall(data, [search(query, 1.0) for query in data.queries], 1.0) >= TARGET


def with_memory(job: Callable[[], Result]) -> tuple[Result, int]:
    """What a job returns, and how many bytes more than before this process took meanwhile."""
    most, done = 0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.wait(0.05):
            most = max(most, memory_bytes())

    watcher = threading.Thread(target=watch)
    watcher.start()
    before = memory_bytes()
    result = job()
    done.set()
    watcher.join()
    return result, most - before


def memory_bytes() -> int:
    """What this process holds and could not read again from a file."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    (line,) = (line for line in status.splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) * 1024


# The indexes


class Ours:
    """A kind of mediafm_indexes."""

    @staticmethod
    def build(kind: str, data: Data) -> float:
        """Seconds; copying the vectors, tuning and measuring are part of it."""
        from mediafm_indexes import build, trainers

        began = time.perf_counter()
        build(
            data.folder / SCRATCH,
            batches(data),
            dim=DIM,
            generator=np.random.default_rng(0),
            kinds=trainers([kind]),
        )
        return time.perf_counter() - began

    @staticmethod
    def warm() -> None:
        """Import what is needed."""
        import mediafm_indexes  # noqa: F401

    @staticmethod
    def open(kind: str, data: Data) -> Searcher:
        """As searches of a store do."""
        from mediafm_indexes import load

        del kind
        indexed, facts = load(data.folder / SCRATCH)

        def search(query: np.ndarray, share: float) -> np.ndarray:
            only = None if share == 1.0 else data.buckets < share * BUCKETS
            return indexed.search(query[None], K, only=only)[0].rows

        return Searcher(search, partial(indexed.search, k=K), str(facts.settings))


class LanceDB:
    """One of LanceDB's own, with its own defaults."""

    @staticmethod
    def build(kind: str, data: Data) -> float:
        """Seconds; writing the table is not part of it."""
        import lancedb
        import pyarrow as pa

        schema = pa.schema(
            [("row", pa.int64()), ("bucket", pa.int32()), ("vector", pa.list_(pa.float16(), DIM))]
        )

        def parts() -> Iterator[pa.RecordBatch]:
            start = 0
            for part in batches(data):
                stop = start + len(part)
                rows = pa.array(np.arange(start, stop))
                buckets = pa.array(data.buckets[start:stop].astype(np.int32))
                vectors = pa.FixedSizeListArray.from_arrays(pa.array(part.reshape(-1)), DIM)
                yield pa.RecordBatch.from_arrays([rows, buckets, vectors], schema=schema)
                start = stop

        database = lancedb.connect(data.folder / SCRATCH)
        table = database.create_table("v", pa.RecordBatchReader.from_batches(schema, parts()))
        began = time.perf_counter()
        table.create_index(metric="dot", index_type=kind)
        return time.perf_counter() - began

    @staticmethod
    def warm() -> None:
        """Import what is needed."""
        import lancedb  # noqa: F401

    @staticmethod
    def open(kind: str, data: Data) -> Searcher:
        """With the settings that reach the recall in the least time."""
        import lancedb

        del kind
        table = lancedb.connect(data.folder / SCRATCH).open_table("v")

        def query_of(query: np.ndarray, nprobes: int, refine: int | None) -> Any:
            asked = table.search(query).distance_type("dot").nprobes(nprobes).select(["row"])
            return (asked.refine_factor(refine) if refine else asked).limit(K)

        def search(query: np.ndarray, share: float, nprobes: int, refine: int | None) -> np.ndarray:
            asked = query_of(query, nprobes, refine)
            if share < 1.0:
                asked = asked.where(f"bucket < {round(share * BUCKETS)}", prefilter=True)
            return asked.to_arrow()["row"].to_numpy()

        def searcher(nprobes: int, refine: int | None) -> Searcher:
            return Searcher(
                partial(search, nprobes=nprobes, refine=refine),
                lambda queries: query_of(queries, nprobes, refine).to_arrow(),
                f"nprobes {nprobes}, refine {refine}",
            )

        few, best, least = first(data, 60), searcher(100, 20), float("inf")
        for nprobes, refine in product((1, 2, 5, 10, 20, 50, 100), (None, 1, 2, 5, 10, 20)):
            trial = searcher(nprobes, refine)
            if reaches(trial.search, few) and reaches(trial.search, data):
                took = float(np.median(times(trial, few, 1.0)))
                best, least = (trial, took) if took < least else (best, least)
        return best


class Faiss:
    """Vectors in memory in float32, as FAISS's own examples have them."""

    @staticmethod
    def build(kind: str, data: Data) -> float:
        """Seconds."""
        from mediafm_indexes.faiss_utils import faiss

        lists = round(4 * len(data.vectors) ** 0.5)
        key = kind.removeprefix("faiss ").format(lists=lists)
        index = faiss.index_factory(DIM, key, faiss.METRIC_INNER_PRODUCT)
        began = time.perf_counter()
        if not index.is_trained:
            index.train(data.vectors[: 40 * lists].astype(np.float32))
        for part in batches(data):
            index.add(part.astype(np.float32))
        took = time.perf_counter() - began
        faiss.write_index(index, str(data.folder / SCRATCH / "index.faiss"))
        return took

    @staticmethod
    def warm() -> None:
        """Import what is needed."""
        import mediafm_indexes.faiss_utils  # noqa: F401

    @staticmethod
    def open(kind: str, data: Data) -> Searcher:
        """Searched as widely as the recall asks for."""
        from mediafm_indexes.faiss_utils import faiss, selector

        del kind
        index = faiss.read_index(str(data.folder / SCRATCH / "index.faiss"))

        def search(query: np.ndarray, share: float, width: int) -> np.ndarray:
            chosen = {"sel": selector(data.buckets < share * BUCKETS)} if share < 1.0 else {}
            if hasattr(index, "nprobe"):
                how = faiss.SearchParametersIVF(nprobe=width, **chosen)
            elif hasattr(index, "hnsw"):
                how = faiss.SearchParametersHNSW(efSearch=8 * width, **chosen)
            else:
                how = faiss.SearchParameters(**chosen)
            rows: np.ndarray = index.search(query[None], K, params=how)[1][0]
            return rows[rows >= 0]

        few = first(data, 100)
        for width in (1, 2, 4, 8, 16, 32, 64, 128):
            wide = partial(search, width=width)
            if reaches(wide, few) and reaches(wide, data):
                break
        return Searcher(wide, partial(index.search, k=K), f"width {width}")


# The vectors


def make(folder: Path, rows: int) -> None:
    """Write vectors, buckets, queries and the true answers."""
    from mediafm_indexes.vectors_file import Vectors, write_vectors

    draw = mixture(rows, np.random.default_rng(0))
    sizes = [min(BATCH, rows - start) for start in range(0, rows, BATCH)]
    write_vectors(folder, (draw(size).astype(np.float16) for size in sizes))
    queries = draw(QUERIES)
    buckets = np.random.default_rng(1).integers(BUCKETS, size=rows).astype(np.int16)
    vectors = Vectors(folder, rows=rows, dim=DIM)
    truth: dict[str, Any] = {}
    for share in (1.0, *SHARES):
        only = None if share == 1.0 else buckets < share * BUCKETS
        truth[str(share)] = np.stack([n.scores for n in vectors.nearest(queries, K, only=only)])
    np.savez(folder / "rest.npz", queries=queries, buckets=buckets, **truth)


def mixture(rows: int, rng: np.random.Generator) -> Callable[[int], np.ndarray]:
    """Draws unit vectors, float32 [n, 2304]."""
    centres = rng.normal(size=(max(1, rows // 250), LATENT)).astype(np.float32)
    basis = np.linalg.qr(rng.normal(size=(DIM, LATENT)))[0].T.astype(np.float32)

    def draw(n: int) -> np.ndarray:
        chosen = centres[rng.integers(len(centres), size=n)]
        inner = (chosen + 0.5 * rng.normal(size=(n, LATENT)).astype(np.float32)) @ basis
        inner /= np.linalg.norm(inner, axis=1, keepdims=True)
        noise = rng.normal(size=(n, DIM)).astype(np.float32) / np.float32(DIM**0.5)
        x = np.float32(0.95**0.5) * inner + np.float32(0.05**0.5) * noise
        return x / np.linalg.norm(x, axis=1, keepdims=True)

    return draw


def opened(folder: Path) -> Data:
    """What `make` wrote."""
    rest = np.load(folder / "rest.npz")
    vectors = np.memmap(folder / "vectors.f16", np.float16, "r", shape=(len(rest["buckets"]), DIM))
    truth = {share: rest[str(share)] for share in (1.0, *SHARES)}
    return Data(folder, vectors, rest["buckets"], rest["queries"], truth)


def batches(data: Data) -> Iterator[np.ndarray]:
    """The vectors in order."""
    for start in range(0, len(data.vectors), BATCH):
        yield np.asarray(data.vectors[start : start + BATCH])


def first(data: Data, count: int) -> Data:
    """With the first queries only."""
    truth = {share: scores[:count] for share, scores in data.truth.items()}
    return data._replace(queries=data.queries[:count], truth=truth)


# What is told


def over_lancedb(by_rows: dict[str, Any]) -> dict[str, Any]:
    """How many times quicker than LanceDB's best our default is, in answers and in building."""
    ratios = {}
    for rows, kinds in by_rows.items():
        theirs = [kinds[k] for k in LANCEDB if k in kinds and "failed" not in kinds[k]]
        good = [r["p50_ms"] for r in theirs if r["recall_at_10"] >= TARGET]
        ours = kinds.get(OURS[0], {"failed": ""})
        if good and "failed" not in ours and ours["recall_at_10"] >= TARGET:
            ratios[rows] = {
                "latency": min(good) / ours["p50_ms"],
                "build": min(r["build_s"] for r in theirs) / ours["build_s"],
            }
    return ratios.get("50000", {}) | {"by_rows": ratios}


def shown(result: dict[str, Any]) -> dict[str, Any]:
    """A row of the table."""
    if "failed" in result:
        return {"build s": result["failed"]}
    return {
        "build s": f"{result['build_s']:.0f}",
        "p50 ms": f"{result['p50_ms']:.2f}",
        "p99 ms": f"{result['p99_ms']:.2f}",
        "recall@10": result["recall_at_10"],
        "memory MB": f"{result['memory_bytes'] / 1e6:.0f}",
        "to build MB": f"{result.get('build_memory_bytes', 0) / 1e6:.0f}",
        "queries/s": f"{result['batch_per_s']:.0f}",
        **{
            f"keep {share}": f"{f['recall_at_10']:.3f}, {f['p50_ms']:.2f} ms"
            for share, f in result["filtered"].items()
        },
    }


if __name__ == "__main__":
    main()
