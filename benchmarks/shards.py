"""What it costs to divide an index into shards, and what LanceDB's own does on an object store.

    python -m benchmarks.shards                      # 200,000 vectors
    python -m benchmarks.shards --rows 1000000       # an hour, 25 GB of disk

The vectors and queries of `benchmarks.index`, in titles of 1,000 shots in a store. Every index is
built in a process of its own and searched in another. LanceDB's lies in a bucket of moto's server
on loopback, which says how often it asks; seconds there are those of this server, not of S3.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import RESULTS, ROOT, print_table, write_results
from benchmarks.index import BATCH, DIM, TARGET, Data, K, make, memory_bytes, opened, with_memory

TITLE = 1000
"""Shots of a title."""
SHARDS = (1, 2, 4, 8)
LIMIT_S = 3600


def main() -> None:
    """Print the tables, write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--shards", type=int, nargs="*", default=SHARDS)
    parser.add_argument("--by-ray", type=int, nargs="*", default=(2,), help="Shards, 2 workers.")
    parser.add_argument("--lancedb", type=int, default=0, help="Rows of LanceDB's; default: none.")
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        step, folder, shards, engine = options.one
        print(json.dumps(STEPS[step](Path(folder), int(shards), engine)))
        return
    runs = [(n, "threads") for n in options.shards] + [(n, "ray") for n in options.by_ray]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if runs:
            make(folder, options.rows)
            fill(folder)
        for shards, engine in runs:
            result = in_own_process("build", folder, shards, engine)
            result |= in_own_process("search", folder, shards, engine)
            keep("rows", options.rows, {f"{shards} by {engine}": result})
    with tempfile.TemporaryDirectory() as scratch:
        if options.lancedb:
            make(Path(scratch), options.lancedb)
            result = in_own_process("lancedb", Path(scratch), 0, "")
            keep("lancedb_in_a_bucket", options.lancedb, result)
    for rows, found in earlier()["rows"].items():
        print(f"\n{rows} rows")
        print_table([{"shards": name} | shown(result) for name, result in found.items()])
    for rows, result in earlier()["lancedb_in_a_bucket"].items():
        print(f"\nLanceDB's IVF_RQ, {rows} rows in a bucket")
        print_table([result])


def keep(what: str, rows: int, result: dict[str, Any]) -> None:
    """Write a result down beside those that are there already."""
    print(rows, json.dumps(result), flush=True)
    figures = earlier()
    figures[what].setdefault(str(rows), {}).update(result)
    write_results("shards", figures)


def earlier() -> dict[str, Any]:
    """The results that are there already."""
    path = RESULTS / "shards.json"
    read = json.loads(path.read_text()) if path.is_file() else {}
    return {name: read.get(name, {}) for name in ("rows", "lancedb_in_a_bucket")}


def in_own_process(step: str, folder: Path, shards: int, engine: str) -> dict[str, Any]:
    """One step, measured where nothing else is."""
    command = [sys.executable, "-m", "benchmarks.shards", "--one", step, str(folder)]
    done = subprocess.run(
        [*command, str(shards), engine],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=ROOT,
        timeout=LIMIT_S,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


# Ours


def fill(folder: Path) -> None:
    """Write the vectors to a store, in titles."""
    from mediafm_store.storage.rows import MadeVectors, TitleRows
    from mediafm_store.storage.storage import Storage

    store, data = Storage(folder / "store", create=True), opened(folder)
    space = store.registry.only_version("fused", "f", dim=DIM, made_by="a mixture", fused="f")
    starts = range(0, len(data.vectors), TITLE)
    store.add_titles(
        [TitleRows({"id": f"t{start // TITLE:05d}"}, [], [], [], {}) for start in starts]
    )
    for first in range(0, len(data.vectors), BATCH):
        many = []
        for start in range(first, min(first + BATCH, len(data.vectors)), TITLE):
            title = f"t{start // TITLE:05d}"
            row = {"id": title, "revision": store.revisions()[title]}
            vectors = data.vectors[start : start + TITLE].astype(np.float32)
            ids = [f"{title}/{i:05d}" for i in range(len(vectors))]
            many.append(MadeVectors(row, ids, vectors))
        store.add_vectors_of(space, many)


def build(folder: Path, shards: int, engine: str) -> dict[str, Any]:
    """Build the index of the store; the memory is that of this process alone."""
    from mediafm_store import IndexConfig
    from mediafm_store.indexing.build import build_indexes
    from mediafm_store.storage.storage import Storage

    store = Storage(folder / "store")
    space = store.live("fused")
    shutil.rmtree(folder / "store" / "indexes", ignore_errors=True)
    rows = sum(store.rows_by_title(space).values())
    began, cpu = time.perf_counter(), time.process_time()
    (status,), memory = with_memory(
        lambda: build_indexes(
            store,
            [space],
            IndexConfig(shard_rows=ceil(rows / shards)),
            device="cpu",
            engine=engine,
            workers=2 if engine == "ray" else 1,
        )
    )
    build_s = time.perf_counter() - began
    alone = {"build_cpu_s": time.process_time() - cpu, "build_memory_bytes": memory}
    return {
        "shards": status.shards,
        "kind": status.kind,
        "build_s": build_s,
        "of_it_training_and_adding_s": status.build_s,
        "recall_in_status": status.recall_at_10,
        "filtered_recall_in_status": min(status.recall_filtered.values()),
        **({} if engine == "ray" else alone),
    }


def search(folder: Path, shards: int, engine: str) -> dict[str, Any]:
    """Search it as a store does, with queries that are no rows."""
    from mediafm_indexes import sharded
    from mediafm_store.indexing.space_index import open_index
    from mediafm_store.storage.storage import Storage

    del shards, engine
    store, data = Storage(folder / "store"), opened(folder)
    before = memory_bytes()
    index = open_index(store, store.live("fused"))
    assert index is not None
    searched = index.indexed
    found = [searched.search(query[None], K)[0].scores for query in data.queries]
    took = milliseconds(lambda query: searched.search(query[None], K), data.queries)
    memory = memory_bytes() - before
    few = np.random.default_rng(2).random(len(searched)) < 0.01
    filtered = milliseconds(lambda q: searched.search(q[None], K, only=few), data.queries)
    began = time.perf_counter()
    searched.search(data.queries, K)
    batch_s = time.perf_counter() - began
    sharded._POOL = OneByOne()  # type: ignore[assignment]
    alone = milliseconds(lambda query: searched.search(query[None], K), data.queries)
    return {
        "p50_ms": float(np.median(took)),
        "p99_ms": float(np.quantile(took, 0.99)),
        "p50_ms_one_by_one": float(np.median(alone)),
        "p50_ms_filter_keeps_0.01": float(np.median(filtered)),
        "recall_at_10": recall(found, data),
        "memory_bytes": memory,
        "batch_per_s": len(data.queries) / batch_s,
    }


class OneByOne:
    """In place of threads."""

    map = staticmethod(map)


def recall(found: list[np.ndarray], data: Data) -> float:
    """recall@10, by scores: which of equal rows are found does not matter."""
    pairs = zip(found, data.truth[1.0], strict=True)
    return sum(int((s >= t[-1] - 1e-5).sum()) for s, t in pairs) / data.truth[1.0].size


def milliseconds(search: Callable[[np.ndarray], object], queries: np.ndarray) -> list[float]:
    """Of each query, one at a time."""
    took = []
    for query in queries:
        began = time.perf_counter()
        search(query)
        took.append(1e3 * (time.perf_counter() - began))
    return took


def shown(result: dict[str, Any]) -> dict[str, Any]:
    """A row of the table."""
    memory = result.get("build_memory_bytes")
    return {
        "build s": f"{result['build_s']:.0f}",
        "core s": f"{result['build_cpu_s']:.0f}" if "build_cpu_s" in result else "",
        "to build MB": f"{memory / 1e6:.0f}" if memory else "",
        "p50 ms": f"{result['p50_ms']:.2f}",
        "one by one": f"{result['p50_ms_one_by_one']:.2f}",
        "p99 ms": f"{result['p99_ms']:.2f}",
        "filter": f"{result['p50_ms_filter_keeps_0.01']:.2f}",
        "recall@10": result["recall_at_10"],
        "memory MB": f"{result['memory_bytes'] / 1e6:.0f}",
        "queries/s": f"{result['batch_per_s']:.0f}",
    }


# LanceDB's


def lancedb(folder: Path, shards: int, engine: str) -> dict[str, Any]:
    """IVF_RQ of a table in a bucket, and how often it asks."""
    import lancedb as lance
    import pyarrow as pa

    from benchmarks.object_store import bucket

    del shards, engine
    data = opened(folder)
    schema = pa.schema([("row", pa.int64()), ("vector", pa.list_(pa.float16(), DIM))])
    with bucket() as app:
        table = lance.connect("s3://films/lancedb").create_table("v", schema=schema)
        for start in range(0, len(data.vectors), BATCH):
            part = np.asarray(data.vectors[start : start + BATCH])
            rows = pa.array(np.arange(start, start + len(part)))
            vectors = pa.FixedSizeListArray.from_arrays(pa.array(part.reshape(-1)), DIM)
            table.add(pa.Table.from_arrays([rows, vectors], schema=schema))
        app.counts.clear()
        began = time.perf_counter()
        table.create_index(metric="dot", index_type="IVF_RQ")
        build_s, build_requests = time.perf_counter() - began, app.counts.total()
        tried = []
        for probes, refine in ((5, 2), (20, 2), (20, 5), (50, 5)):
            tried.append(asked(table, data, probes, refine, app.counts))
            if tried[-1]["recall_at_10"] >= TARGET:
                break
    return {"build_s": build_s, "build_requests": build_requests} | tried[-1]


def asked(table: Any, data: Data, probes: int, refine: int, counts: Any) -> dict[str, Any]:
    """Search with some settings, as often as there are queries."""
    counts.clear()

    def search(query: np.ndarray) -> Any:
        wanted = table.search(query).distance_type("dot").nprobes(probes).refine_factor(refine)
        return wanted.select(["row"]).limit(K).to_arrow()["row"].to_numpy()

    few = data.queries[:60]
    found: list[np.ndarray] = []
    took = milliseconds(lambda query: found.append(search(query)), few)
    scores = [
        np.sort(data.vectors[rows].astype(np.float32) @ query)[::-1]
        for rows, query in zip(found, few, strict=True)
    ]
    truth = {1.0: data.truth[1.0][: len(few)]}
    return {
        "settings": f"nprobes {probes}, refine {refine}",
        "p50_ms": float(np.median(took)),
        "recall_at_10": recall(scores, data._replace(truth=truth)),
        "requests_a_query": counts.total() / len(few),
    }


STEPS = {"build": build, "search": search, "lancedb": lancedb}


if __name__ == "__main__":
    main()
