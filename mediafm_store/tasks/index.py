"""Build the indexes beside the tables, and keep them up to date."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from mediafm_indexes import DamagedError, Wanted, read_facts
from mediafm_store.engines import engine_of
from mediafm_store.errors import BadInput
from mediafm_store.store.spaces import Space
from mediafm_store.store.store import Store
from mediafm_store.tasks.encoding import DeviceChoice
from mediafm_store.tasks.generations import (
    Generation,
    index_folder,
    new_generation,
    newest,
    shard_folders,
)
from mediafm_store.tasks.index_status import IndexStatus, index_status, kept_status
from mediafm_store.tasks.indexed import Shard, check_index, open_index
from mediafm_store.tasks.sharding import SHARD_ROWS, BuildShard, Plan, chosen, plan


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
    store, making = stage.store, {}
    check(store, shard_rows, engine)
    with damage_told(), engine_of(engine, workers=workers) as runs_on, ExitStack() as unfinished:
        # In one order, so that no two programs wait for each other.
        for table, space in sorted({space.table: space for space in spaces}.items()):
            generation = unfinished.enter_context(new_generation(store, space))
            todo = planned(store, space, before(space), shard_rows, generation)
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


@contextmanager
def damage_told() -> Iterator[None]:
    """Damage that is only seen when a shard that is kept is measured, as an error with a cure."""
    try:
        yield
    except DamagedError as error:
        cure = "`mediafm doctor --fix` checks all of it and builds what is damaged anew"
        raise BadInput(f"{error}; {cure}") from error


def planned(
    store: Store, space: Space, before: Before, shard_rows: int, generation: Generation
) -> Plan:
    """What is to become of an index; raise BadInput if the space has no vectors."""
    counts = store.rows_by_title(space)
    if not counts:
        raise BadInput(f"space {space.name} is empty; nothing to index")
    return plan(
        space,
        counts,
        before.shards,
        store.revisions(),
        shard_rows=shard_rows,
        target=before.target,
        scratch=generation.folder,
    )


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
