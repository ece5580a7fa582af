"""Build the indexes beside the tables, keep them up to date, and say how good they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mediafm_indexes import (
    EXACT,
    INDEX,
    KINDS,
    DamagedError,
    Train,
    Wanted,
    build,
    extend,
    read_facts,
    trainers,
)
from mediafm_indexes.faiss_index import has_gpu
from mediafm_store import plugins
from mediafm_store.errors import BadInput
from mediafm_store.store.moment import at_one_moment
from mediafm_store.store.spaces import Space
from mediafm_store.store.store import Store
from mediafm_store.tasks.encoding import DeviceChoice, resolve_device
from mediafm_store.tasks.evaluations import Figure, record_if_writable
from mediafm_store.tasks.indexed import (
    Rows,
    Run,
    SpaceIndex,
    index_folder,
    new_generation,
    newest,
    open_index,
)

MOSTLY_DEAD = 0.2
"""Share of an index's rows that are of replaced titles, with which it is built anew."""


@dataclass(frozen=True)
class IndexStatus:
    """How good the index of a space is, and how much of the space it holds."""

    space: str
    """The space and its version, such as context_v1."""
    kind: str
    """`exact` where vectors are few enough to compare all; `none` without an index."""
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
    """The same where a filter keeps .1, .01 or .001 of the rows."""
    p50_ms: float | None
    """Of one query at a time; None where there is no index."""
    p99_ms: float | None
    memory_mb: float
    """Of the index. Vectors are mapped from disk, not counted here."""
    disk_mb: float
    """Of the index and the vectors beside it."""
    build_s: float


def build_index(
    store: Store,
    space: Space,
    *,
    kind: str | None = None,
    target: float = Wanted.target,
    memory_gb: float = Wanted.memory_bytes / 1e9,
    device: DeviceChoice = "auto",
) -> IndexStatus:
    """Index the vectors of a space, tune the index to a recall@10, and measure it.

    Without a `kind`, it is chosen by the number of rows, by memory and by device. The index in use
    is replaced when the new one is complete. What was measured is kept in the table `evaluations`.
    Raises BadInput if there are no vectors.
    """
    kinds = chosen(kind)
    if not 0 < target <= 1:
        raise BadInput(f"the target is a share of the answers, between 0 and 1, is {target}")
    store.check_writable()
    if not store.rows_by_title(space):
        raise BadInput(f"space {space.name} is empty; nothing to index")
    with new_generation(store, space) as folder:
        build(
            folder,
            Rows().passing(store.vector_batches(space), folder),
            dim=space.dim,
            generator=np.random.default_rng(0),
            kinds=kinds,
            wanted=Wanted(target, memory_gb * 1e9, resolve_device(device, has_gpu)),
        )
    return kept_status(store, space)


def refresh_index(store: Store, space: Space, *, device: DeviceChoice = "auto") -> IndexStatus:
    """Add to the index of a space what came since it was built, without learning anew.

    It is built anew, to the same target, where there is none that can be read, where more than
    MOSTLY_DEAD of its rows have been replaced, where it has outgrown what it learned from, or
    where its settings do not find enough of the new rows.
    """
    store.check_writable()
    before = newest(index_folder(store, space))
    with new_generation(store, space) as folder:
        opened = open_index(store, space)
        up_to_date = opened is not None and bring_up_to_date(store, space, opened, folder)
    if not up_to_date:
        return rebuild_index(store, space, device=device)
    extended = newest(index_folder(store, space)) != before
    return kept_status(store, space) if extended else index_status(store, space)


def rebuild_index(store: Store, space: Space, *, device: DeviceChoice = "auto") -> IndexStatus:
    """Build the index of a space anew, to the target that it had."""
    folder = newest(index_folder(store, space))
    try:
        target = read_facts(folder).target if folder else Wanted.target
    except DamagedError:
        target = Wanted.target
    return build_index(store, space, target=target, device=device)


def bring_up_to_date(store: Store, space: Space, opened: SpaceIndex, folder: Path) -> bool:
    """Write the index with all that is new to a folder, if anything is; False if it has to be
    built anew."""
    valid = opened.still_valid(store.revisions())
    if opened.replaced(valid) > MOSTLY_DEAD * len(opened.ids):
        return False
    new = rows_not_in(store, space, valid)
    if not new:
        return True
    batches = store.vector_batches(space, new)
    vectors = Rows(opened).passing(batches, folder)
    more, generator = sum(new.values()), np.random.default_rng(0)
    return extend(folder, opened.folder, vectors, more=more, generator=generator) is not None


def searchable(store: Store) -> list[Space]:
    """The versions in use that are searched: all but those of metadata."""
    return [space for space in store.registry.live_spaces() if space.name != "metadata"]


def kept_status(store: Store, space: Space) -> IndexStatus:
    """How good an index is that has just been measured; its figures are kept."""
    status = index_status(store, space)
    told = {"name": space.name, "version": space.table, "fingerprint": space.fingerprint}
    record_if_writable(store, "index", figures(status), **told)
    return status


def figures(status: IndexStatus) -> list[Figure]:
    """What is kept of an index; of those with filters by the share of rows that they keep."""
    found = [
        Figure("recall_at_10", status.recall_at_10, detail={"kind": status.kind}),
        *(
            Figure("recall_at_10", recall, of=f"filter keeps {share}")
            for share, recall in status.recall_filtered.items()
        ),
        Figure("memory_mb", status.memory_mb, better="lower"),
        Figure("disk_mb", status.disk_mb, better="lower"),
        Figure("build_s", status.build_s, better="lower"),
    ]
    if status.p50_ms is not None and status.p99_ms is not None:
        found.append(Figure("p50_ms", status.p50_ms, better="lower"))
        found.append(Figure("p99_ms", status.p99_ms, better="lower"))
    return found


@at_one_moment
def index_status(store: Store, space: Space) -> IndexStatus:
    """How good the index of a space is; where there is none, everything is compared."""
    opened = open_index(store, space)
    if opened is None:
        new = sum(store.rows_by_title(space).values())
        return IndexStatus(space.table, "none", 0, 0, new, 1.0, 1.0, {}, None, None, 0, 0, 0)
    valid = opened.still_valid(store.revisions())
    replaced = opened.replaced(valid)
    facts, measured = opened.facts, opened.facts.measured
    return IndexStatus(
        space=space.table,
        kind=facts.kind,
        rows=len(opened.ids) - replaced,
        replaced=replaced,
        new=sum(rows_not_in(store, space, valid).values()),
        target=facts.target,
        recall_at_10=measured.recall_at_10,
        recall_filtered=measured.filtered_recall,
        p50_ms=measured.p50_ms,
        p99_ms=measured.p99_ms,
        memory_mb=size(opened.folder / INDEX) / 1e6,
        disk_mb=size(opened.folder) / 1e6,
        build_s=facts.build_s,
    )


def has_index(store: Store, space: Space) -> bool:
    """Whether a space has an index."""
    return newest(index_folder(store, space)) is not None


def rows_not_in(store: Store, space: Space, valid: list[Run]) -> dict[str, int]:
    """How many rows a space has of titles that an index does not hold."""
    held = {run.title for run in valid}
    return {t: n for t, n in store.rows_by_title(space).items() if t not in held}


def size(folder: Path) -> int:
    """Bytes of all files."""
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())


def chosen(kind: str | None) -> dict[str, Train | None] | None:
    """What makes an index of a kind: FAISS, or a plug-in of that name; None: let it be chosen."""
    if kind is None:
        return None
    if kind == EXACT or kind in KINDS:
        return trainers([kind])
    if ":" not in kind and kind not in plugins.names("indexes"):
        kinds = sorted({EXACT, *KINDS, *plugins.names("indexes")} - {"faiss"})
        raise BadInput(f"no index kind {kind!r}; there are {', '.join(kinds)}")
    return {kind: plugins.load("indexes", kind).train}
