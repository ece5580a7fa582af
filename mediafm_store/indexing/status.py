"""Quality of the indexes, and the share of their spaces that they cover."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mediafm_indexes import INDEX
from mediafm_store.indexing.directories import index_folder, newest_build
from mediafm_store.indexing.index_rows import RowRange
from mediafm_store.indexing.space_index import open_index
from mediafm_store.storage.evaluations import Metric, record_if_writable
from mediafm_store.storage.snapshot import at_one_moment
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.spaces import Space


@dataclass(frozen=True)
class IndexStatus:
    """Quality of the index of a space, and the share of the space that it covers."""

    space: str
    """The space and its version, such as context_v1."""
    kind: str
    """`exact` where vectors are few enough to compare all; `none` without an index."""
    shards: int
    """That it is made of: one, unless the space is large."""
    rows: int
    """That it holds and that are still valid."""
    replaced: int
    """That it holds of titles that have been replaced since; they are not found."""
    new: int
    """That it does not hold yet; searches compare each of them."""
    target: float
    """The recall@10 that it was tuned to."""
    recall_at_10: float
    """Measured against exact search; 1 is all."""
    recall_filtered: Mapping[str, float]
    """Recall where a filter keeps 0.1, 0.01 or 0.001 of the rows."""
    p50_ms: float | None
    """Time of a single query, in one shard after the other; None without an index."""
    p99_ms: float | None
    memory_mb: float
    """Memory of the index. Vectors are mapped from disk and not counted."""
    disk_mb: float
    """Size of the index and the vectors beside it on disk."""
    build_s: float
    """Training and adding, of one shard after the other."""


def searchable(store: Storage) -> list[Space]:
    """Live versions of the spaces that are searched: all but `metadata`."""
    return [space for space in store.registry.live_spaces() if space.name != "metadata"]


def spaces_to_index(store: Storage, names: Sequence[str] | None = None) -> list[Space]:
    """Live versions of the spaces of these names, by default of all that are searched.

    Raises:
        NotFound: A space has no live version, or none has.
    """
    return [store.live(n) for n in names] if names else searchable(store) or [store.live("fused")]


def kept_status(store: Storage, space: Space) -> IndexStatus:
    """Status of an index that has just been measured; its metrics are stored."""
    status = index_status(store, space)
    told = {"name": space.name, "version": space.table, "fingerprint": space.fingerprint}
    record_if_writable(store, "index", _index_metrics(status), **told)
    return status


def _index_metrics(status: IndexStatus) -> list[Metric]:
    """Metrics of an index to store; with filters, by the share of rows that they keep."""
    found = [
        Metric("recall_at_10", status.recall_at_10, detail={"kind": status.kind}),
        *(
            Metric("recall_at_10", recall, of=f"filter keeps {share}")
            for share, recall in status.recall_filtered.items()
        ),
        Metric("memory_mb", status.memory_mb, better="lower"),
        Metric("disk_mb", status.disk_mb, better="lower"),
        Metric("build_s", status.build_s, better="lower"),
    ]
    if status.p50_ms is not None and status.p99_ms is not None:
        found.append(Metric("p50_ms", status.p50_ms, better="lower"))
        found.append(Metric("p99_ms", status.p99_ms, better="lower"))
    return found


@at_one_moment
def index_status(store: Storage, space: Space) -> IndexStatus:
    """Status of the index of a space; without an index every vector is compared."""
    opened = open_index(store, space)
    if opened is None:
        new = sum(store.rows_by_title(space).values())
        return IndexStatus(space.table, "none", 0, 0, 0, new, 1.0, 1.0, {}, None, None, 0, 0, 0)
    valid = opened.still_valid(store.revisions())
    replaced = opened.replaced(valid)
    facts, measured = [shard.facts for shard in opened.shards], opened.measured
    return IndexStatus(
        space=space.table,
        kind=max(facts, key=lambda one: one.rows).kind,
        shards=len(facts),
        rows=len(opened.ids) - replaced,
        replaced=replaced,
        new=sum(_rows_not_in(store, space, valid).values()),
        target=facts[0].target,
        recall_at_10=measured.recall_at_10,
        recall_filtered=measured.filtered_recall,
        p50_ms=measured.p50_ms,
        p99_ms=measured.p99_ms,
        memory_mb=sum(_bytes_of_files(shard.folder / INDEX) for shard in opened.shards) / 1e6,
        disk_mb=_bytes_of_files(opened.folder) / 1e6,
        build_s=sum(one.build_s for one in facts),
    )


def has_index(store: Storage, space: Space) -> bool:
    """True if a space has an index."""
    return newest_build(index_folder(store, space)) is not None


def _rows_not_in(store: Storage, space: Space, valid: list[RowRange]) -> dict[str, int]:
    """Rows of a space in titles that an index does not hold, by title."""
    held = {run.title for run in valid}
    return {t: n for t, n in store.rows_by_title(space).items() if t not in held}


def _bytes_of_files(folder: Path) -> int:
    """Bytes of all files."""
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
