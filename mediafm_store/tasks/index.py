"""Build the indexes beside the tables, and keep them up to date."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

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
from mediafm_store.tasks.index_config import IndexConfig, read_config, write_config
from mediafm_store.tasks.index_status import IndexStatus, index_status, kept_status
from mediafm_store.tasks.indexed import Shard, check_index, open_index
from mediafm_store.tasks.sharding import BuildShard, Plan, ShardToMake, plan


def build_index(
    store: Store,
    space: Space,
    config: IndexConfig | None = None,
    *,
    device: DeviceChoice = "auto",
) -> IndexStatus:
    """`build_indexes` of one space, in this process."""
    return build_indexes(store, [space], config, device=device)[0]


def build_indexes(
    store: Store,
    spaces: Sequence[Space],
    config: IndexConfig | None = None,
    *,
    device: DeviceChoice = "auto",
    engine: str = "threads",
    workers: int | None = None,
) -> list[IndexStatus]:
    """Index the vectors of spaces, tune the indexes to a recall@10, and measure them.

    Of a space of more rows than a shard has, several are built, each by a worker of the `engine`
    (see `engine_of`), and searched as one. An index in use is replaced when the new one is
    complete; shards that are made before a build is killed are not made again. What was measured is
    kept in the table `evaluations`. Raises BadInput if a space has no vectors, or if workers may be
    on other machines than the indexes of the store.
    """
    anew = Before([], config or IndexConfig())
    make(BuildShard(store, device), spaces, lambda space: anew, engine=engine, workers=workers)
    return [kept_status(store, space) for space in spaces]


def refresh_index(store: Store, space: Space, *, device: DeviceChoice = "auto") -> IndexStatus:
    """`refresh_indexes` of one space, in this process."""
    return refresh_indexes(store, [space], device=device)[0]


def refresh_indexes(
    store: Store,
    spaces: Sequence[Space],
    *,
    device: DeviceChoice = "auto",
    engine: str = "threads",
    workers: int | None = None,
    damaged: Sequence[Path] = (),
) -> list[IndexStatus]:
    """Add to the indexes of spaces what came since they were built, without learning anew.

    A shard is built anew, as was asked of the index, where more than MOSTLY_DEAD of its rows have
    been replaced, where it has outgrown what it learned from, or where its settings do not find
    enough of the new rows. The titles of one that cannot be read, or is `damaged`, are as new ones.
    The other shards stay as they are. Raises BadInput as `build_indexes` does.
    """

    def before(space: Space) -> Before:
        opened = open_index(store, space)
        shards = opened.shards if opened else ()
        config = read_config(index_folder(store, space))
        return Before([s for s in shards if s.folder not in damaged], config)

    stage = BuildShard(store, device)
    changed = make(stage, spaces, before, engine=engine, workers=workers)
    return [(kept_status if s.table in changed else index_status)(store, s) for s in spaces]


def mend_index(store: Store, space: Space) -> IndexStatus:
    """Build those shards of an index anew of which any byte is not as it was written."""
    return refresh_indexes(store, [space], damaged=list(check_index(store, space)))[0]


@dataclass(frozen=True)
class Before:
    """What there is of an index that is to be made."""

    shards: Sequence[Shard]
    """That may stay."""
    config: IndexConfig


@dataclass(frozen=True)
class Making:
    """An index on its way."""

    generation: Generation
    config: IndexConfig
    plan: Plan
    lock: ExitStack
    """Nobody else writes for the space until it is closed."""

    def complete_if_all_are_made(self) -> None:
        """Put it in the place of the one before."""
        made = [shard.folder for shard in self.plan.made]
        if all(folder.exists() for folder in made):
            self.generation.complete([*self.plan.kept, *made])
            write_config(self.generation.base, self.config)
            self.lock.close()


def make(
    stage: BuildShard,
    spaces: Sequence[Space],
    before: Callable[[Space], Before],
    *,
    engine: str,
    workers: int | None,
) -> set[str]:
    """Make what lacks of the indexes of spaces, all shards in one run; the spaces with new ones."""
    store, making, items = stage.store, dict[str, Making](), list[ShardToMake]()
    check(store, engine)
    with engine_of(engine, workers=workers) as runs_on, ExitStack() as locks:
        # In one order, so that no two programs wait for each other.
        for table, space in sorted({space.table: space for space in spaces}.items()):
            lock, there = locks.enter_context(ExitStack()), before(space)
            generation = lock.enter_context(new_generation(store, space))
            todo = planned(store, space, there, generation)
            generation.keep_only([shard.folder for shard in todo.made])
            if todo.made or todo.kept != current(store, space):
                making[table] = Making(generation, there.config, todo, lock)
                items += [shard for shard in todo.made if not shard.folder.exists()]
                making[table].complete_if_all_are_made()
            else:
                lock.close()
        on_gpu = stage.device != "cpu"
        with closing(runs_on.run(stage, items, on_gpu=on_gpu)) as outcomes:
            for outcome in outcomes:
                outcome.get()
                making[outcome.item.space.table].complete_if_all_are_made()
    return set(making)


def check(store: Store, engine: str) -> None:
    """Raise BadInput before work is done for nothing."""
    if store.place.remote and engine.startswith("ray://"):
        raise BadInput(
            f"the indexes of {store.path} lie on this machine, where workers at {engine} cannot"
            " write; use --engine ray or threads"
        )
    store.check_writable()


def planned(store: Store, space: Space, before: Before, generation: Generation) -> Plan:
    """What is to become of an index; raise BadInput if the space has no vectors."""
    counts = store.rows_by_title(space)
    if not counts:
        raise BadInput(f"space {space.name} is empty; nothing to index")
    config, scratch = before.config, generation.folder
    return plan(space, counts, before.shards, store.revisions(), config=config, scratch=scratch)


def current(store: Store, space: Space) -> list[Path]:
    """The shards of the newest index of a space."""
    folder = newest(index_folder(store, space))
    return shard_folders(folder) if folder else []
