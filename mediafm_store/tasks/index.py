"""Build the indexes beside the tables, keep them up to date, and say how good they are."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from mediafm_indexes import INDEX, DamagedError, Wanted, read_facts
from mediafm_store.engines import engine_of
from mediafm_store.errors import BadInput
from mediafm_store.store.moment import at_one_moment
from mediafm_store.store.spaces import Space
from mediafm_store.store.store import Store
from mediafm_store.tasks.encoding import DeviceChoice
from mediafm_store.tasks.evaluations import Figure, record_if_writable
from mediafm_store.tasks.generations import (
    Generation,
    index_folder,
    new_generation,
    newest,
    shard_folders,
)
from mediafm_store.tasks.indexed import Run, Shard, check_index, open_index
from mediafm_store.tasks.sharding import SHARD_ROWS, BuildShard, Plan, chosen, plan


@dataclass(frozen=True)
class IndexStatus:
    """How good the index of a space is, and how much of the space it holds."""

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
    """The same where a filter keeps .1, .01 or .001 of the rows."""
    p50_ms: float | None
    """Of one query at a time; None where there is no index."""
    p99_ms: float | None
    memory_mb: float
    """Of the index. Vectors are mapped from disk, not counted here."""
    disk_mb: float
    """Of the index and the vectors beside it."""
    build_s: float
    """Training and adding, of one shard after the other."""


def build_index(
    store: Store,
    space: Space,
    *,
    kind: str | None = None,
    target: float = Wanted.target,
    memory_gb: float = Wanted.memory_bytes / 1e9,
    device: DeviceChoice = "auto",
) -> IndexStatus:
    """`build_indexes` of one space, in this process."""
    return build_indexes(
        store, [space], kind=kind, target=target, memory_gb=memory_gb, device=device
    )[0]


def build_indexes(
    store: Store,
    spaces: Sequence[Space],
    *,
    kind: str | None = None,
    target: float = Wanted.target,
    memory_gb: float = Wanted.memory_bytes / 1e9,
    shard_rows: int = SHARD_ROWS,
    device: DeviceChoice = "auto",
    engine: str = "threads",
    workers: int | None = None,
) -> list[IndexStatus]:
    """Index the vectors of spaces, tune the indexes to a recall@10, and measure them.

    Without a `kind`, it is chosen by the number of rows, by memory and by device. Of a space of
    more than `shard_rows`, shards of so many at most are built, each by a worker of the `engine`
    (see `engine_of`), and searched as one. An index in use is replaced when the new one is
    complete. What was measured is kept in the table `evaluations`. Raises BadInput if a space has
    no vectors, or if workers may be on other machines than the indexes of the store.
    """
    chosen(kind)
    if not 0 < target <= 1:
        raise BadInput(f"the target is a share of the answers, between 0 and 1, is {target}")
    stage = BuildShard(store, kind, memory_gb * 1e9, device)
    make(
        stage,
        spaces,
        lambda space: Before([], target),
        shard_rows=shard_rows,
        engine=engine,
        workers=workers,
    )
    return [kept_status(store, space) for space in spaces]


def refresh_index(store: Store, space: Space, *, device: DeviceChoice = "auto") -> IndexStatus:
    """`refresh_indexes` of one space, in this process."""
    return refresh_indexes(store, [space], device=device)[0]


def refresh_indexes(
    store: Store,
    spaces: Sequence[Space],
    *,
    shard_rows: int = SHARD_ROWS,
    device: DeviceChoice = "auto",
    engine: str = "threads",
    workers: int | None = None,
    damaged: Sequence[Path] = (),
) -> list[IndexStatus]:
    """Add to the indexes of spaces what came since they were built, without learning anew.

    A shard is built anew, to the same target, where it cannot be read or is `damaged`, where more
    than MOSTLY_DEAD of its rows have been replaced, where it has outgrown what it learned from, or
    where its settings do not find enough of the new rows. The others stay as they are. Raises
    BadInput as `build_indexes` does.
    """

    def before(space: Space) -> Before:
        opened = open_index(store, space)
        shards = opened.shards if opened else ()
        return Before([s for s in shards if s.folder not in damaged], target_of(store, space))

    stage = BuildShard(store, None, Wanted.memory_bytes, device)
    changed = make(stage, spaces, before, shard_rows=shard_rows, engine=engine, workers=workers)
    return [(kept_status if s.table in changed else index_status)(store, s) for s in spaces]


def mend_index(store: Store, space: Space) -> IndexStatus:
    """Build those shards of an index anew of which any byte is not as it was written."""
    return refresh_indexes(store, [space], damaged=list(check_index(store, space)))[0]


@dataclass(frozen=True)
class Before:
    """What there is of an index that is to be made."""

    shards: Sequence[Shard]
    """That may stay."""
    target: float
    """The wanted recall@10."""


@dataclass(frozen=True)
class Making:
    """An index on its way."""

    generation: Generation
    plan: Plan
    made: dict[int, Path] = field(default_factory=dict)
    """Folders of shards, by their number."""

    def complete_if_all_are_made(self) -> None:
        """Put it in the place of the one before."""
        if len(self.made) == len(self.plan.made):
            made = [folder for _, folder in sorted(self.made.items())]
            self.generation.complete([*self.plan.kept, *made])


def make(
    stage: BuildShard,
    spaces: Sequence[Space],
    before: Callable[[Space], Before],
    *,
    shard_rows: int,
    engine: str,
    workers: int | None,
) -> set[str]:
    """Make what lacks of the indexes of spaces, all shards in one run; the spaces with new ones.

    An index is put in place as soon as all of its shards are made.
    """
    store = stage.store
    check(store, shard_rows, engine)
    revisions, making = store.revisions(), {}
    with engine_of(engine, workers=workers) as runs_on, ExitStack() as unfinished:
        # In one order, so that no two programs wait for each other.
        for table, space in sorted({space.table: space for space in spaces}.items()):
            counts = store.rows_by_title(space)
            if not counts:
                raise BadInput(f"space {space.name} is empty; nothing to index")
            generation = unfinished.enter_context(new_generation(store, space))
            there = before(space)
            todo = plan(
                space,
                counts,
                there.shards,
                revisions,
                shard_rows=shard_rows,
                target=there.target,
                scratch=generation.folder,
            )
            if todo.made or todo.kept != current(store, space):
                making[table] = Making(generation, todo)
        for one in making.values():
            one.complete_if_all_are_made()  # where shards were only to be left out
        items = [shard for one in making.values() for shard in one.plan.made]
        on_gpu = stage.device != "cpu"
        with closing(runs_on.run(stage, items, on_gpu=on_gpu)) as outcomes:
            for outcome in outcomes:
                one = making[outcome.item.space.table]
                one.made[outcome.item.number] = outcome.get()
                one.complete_if_all_are_made()
    return set(making)


def check(store: Store, shard_rows: int, engine: str) -> None:
    """Raise BadInput before work is done for nothing."""
    if shard_rows < 1:
        raise BadInput(f"a shard has 1 row or more, is to have {shard_rows}")
    if store.place.remote and engine.startswith("ray://"):
        raise BadInput(
            f"the indexes of {store.path} lie on this machine, where workers at {engine} cannot"
            " write; use --engine ray or threads"
        )
    store.check_writable()


def current(store: Store, space: Space) -> list[Path]:
    """The shards of the newest index of a space."""
    folder = newest(index_folder(store, space))
    try:
        return shard_folders(folder) if folder else []
    except DamagedError:
        return []


def target_of(store: Store, space: Space) -> float:
    """The recall that the newest index of a space was built for."""
    for shard in current(store, space):
        with suppress(DamagedError):
            return read_facts(shard).target
    return Wanted.target


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
        new=sum(rows_not_in(store, space, valid).values()),
        target=facts[0].target,
        recall_at_10=measured.recall_at_10,
        recall_filtered=measured.filtered_recall,
        p50_ms=measured.p50_ms,
        p99_ms=measured.p99_ms,
        memory_mb=sum(size(shard.folder / INDEX) for shard in opened.shards) / 1e6,
        disk_mb=size(opened.folder) / 1e6,
        build_s=sum(one.build_s for one in facts),
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
