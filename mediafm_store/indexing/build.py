"""Build the indexes beside the tables, and keep them up to date."""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mediafm_store.encoding import DeviceChoice
from mediafm_store.engines import elsewhere, engine_of
from mediafm_store.errors import InvalidInput
from mediafm_store.indexing.config import IndexConfig
from mediafm_store.indexing.directories import (
    Generation,
    index_folder,
    new_generation,
    newest_build,
    shard_folders,
)
from mediafm_store.indexing.edited import edited, edits_in_words
from mediafm_store.indexing.index_rows import Shard
from mediafm_store.indexing.shard_builder import BuildProgress, BuildShard, is_made
from mediafm_store.indexing.shard_plan import ShardPlan, ShardToMake, plan
from mediafm_store.indexing.space_index import check_index, config_of, open_index
from mediafm_store.indexing.status import IndexStatus, index_status, kept_status
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.spaces import Space

log = logging.getLogger("mediafm_store")
_SEEN_S = 60.0
"""Until what another machine has made in a network's file system is seen here."""
_OnVectors = Callable[[int, int], object]


def build_index(
    store: Storage,
    space: Space,
    config: IndexConfig | None = None,
    *,
    device: DeviceChoice = "auto",
) -> IndexStatus:
    """Build the index of one space, in this process; see `build_indexes`."""
    return build_indexes(store, [space], config, device=device)[0]


def build_indexes(
    store: Storage,
    spaces: Sequence[Space],
    config: IndexConfig | None = None,
    *,
    device: DeviceChoice = "auto",
    engine: str = "threads",
    workers: int | None = None,
    on_vectors: _OnVectors = lambda done, total: None,
) -> list[IndexStatus]:
    """Index the vectors of spaces, tune the indexes to a recall@10, and measure them.

    A space with more rows than a shard holds gets several shards, each built by a worker of the
    `engine` (see `engine_of`), which are searched as one. An index in use is replaced when the new
    one is complete; shards that were finished before a build was killed are not built again. The
    measured quality is stored in the table `evaluations`.

    Args:
        store: The store that has the spaces.
        spaces: Spaces to index.
        config: Settings of the indexes; None for the defaults.
        device: Device that trains the indexes.
        engine: Where shards are built: `threads`, `ray` or the address of a Ray cluster.
        workers: Number of shards built in parallel; None for the default of the engine.
        on_vectors: Called with the number of vectors read and added, and the total of both; by
            Ray, shard by shard.

    Returns:
        Status of each index, in the order of `spaces`.

    Raises:
        InvalidInput: A space has no vectors, or workers may be on machines that cannot reach the
            indexes of the store.
    """
    plans = partial(_planned, store, config=config or IndexConfig(), device=device)
    _make(store, spaces, plans, engine=engine, workers=workers, on_vectors=on_vectors)
    return [kept_status(store, space) for space in spaces]


def refresh_index(store: Storage, space: Space, *, device: DeviceChoice = "auto") -> IndexStatus:
    """Refresh the index of one space, in this process; see `refresh_indexes`."""
    return refresh_indexes(store, [space], device=device)[0]


def refresh_indexes(
    store: Storage,
    spaces: Sequence[Space],
    *,
    device: DeviceChoice = "auto",
    engine: str = "threads",
    workers: int | None = None,
    on_vectors: _OnVectors = lambda done, total: None,
    damaged: Sequence[Path] = (),
) -> list[IndexStatus]:
    """Add to the indexes of spaces the vectors that came since, without training again.

    A shard is rebuilt with its settings where more than MOSTLY_DEAD of its rows are out of date,
    where it has outgrown its training sample, or where its settings do not find enough of the new
    rows. Titles of a shard that cannot be read, is `damaged`, or holds vectors that another program
    has changed since are indexed again: the table is read for that. Other shards stay as they are.

    Args:
        store: The store that has the spaces.
        spaces: Spaces whose indexes are refreshed.
        device: Device that trains rebuilt shards.
        engine: Where shards are built: `threads`, `ray` or the address of a Ray cluster.
        workers: Number of shards built in parallel; None for the default of the engine.
        on_vectors: Called as by `build_indexes`.
        damaged: Folders of shards known to be damaged.

    Returns:
        Status of each index, in the order of `spaces`.

    Raises:
        InvalidInput: As in `build_indexes`.
    """

    def plans(space: Space, scratch: Path) -> ShardPlan:
        opened = open_index(store, space)
        changed = edited(store, space, opened) if opened else {}
        if changed:
            log.warning("the index of %s is built anew: %s", space.table, edits_in_words(changed))
        odd = {*damaged, *changed}
        shards = [s for s in opened.shards if s.folder not in odd] if opened else []
        config = config_of(store, space)
        return _planned(store, space, scratch, config=config, device=device, shards=shards)

    changed = _make(store, spaces, plans, engine=engine, workers=workers, on_vectors=on_vectors)
    return [(kept_status if s.table in changed else index_status)(store, s) for s in spaces]


def mend_index(store: Storage, space: Space) -> IndexStatus:
    """Rebuild the shards of an index whose files differ from their checksums."""
    return refresh_indexes(store, [space], damaged=list(check_index(store, space)))[0]


@dataclass(frozen=True)
class _Making:
    """An index on its way."""

    generation: Generation
    plan: ShardPlan
    lacking: set[Path]
    """Folders of shards that are not made yet."""
    lock: ExitStack
    """Nobody else writes for the space until it is closed."""

    def complete_if_nothing_lacks(self) -> None:
        """Put it in the place of the one before."""
        if not self.lacking:
            made = [shard.folder for shard in self.plan.made]
            self.generation.complete([*self.plan.kept, *made])
            self.lock.close()


def _make(
    store: Storage,
    spaces: Sequence[Space],
    plans: Callable[[Space, Path], ShardPlan],
    *,
    engine: str,
    workers: int | None,
    on_vectors: _OnVectors,
) -> set[str]:
    """Make what lacks of the indexes of spaces, all shards in one run; the spaces with new ones.

    `plans` are asked for when nobody else can write for the space. Where a shard cannot be made the
    others are, before its error is raised.
    """
    _check_request(store, engine)
    making, items, errors = dict[str, _Making](), list[ShardToMake](), list[Exception]()
    with engine_of(engine, workers=workers) as runs_on, ExitStack() as locks:
        # In one order, so that no two programs wait for each other.
        for table, space in sorted({space.table: space for space in spaces}.items()):
            lock = locks.enter_context(ExitStack())
            generation = lock.enter_context(new_generation(store, space))
            todo = plans(space, generation.folder)
            generation.keep_only([shard.folder for shard in todo.made])
            if not todo.made and todo.kept == _current(store, space):
                lock.close()
                continue
            lacking = [shard for shard in todo.made if not is_made(shard)]
            making[table] = _Making(generation, todo, {s.folder for s in lacking}, lock)
            making[table].complete_if_nothing_lacks()
            items += lacking
        stage, progress = BuildShard(store), BuildProgress(items, on_vectors)
        on_gpu = any(shard.device != "cpu" for shard in items)
        with closing(runs_on.run(stage, items, progress.tell, on_gpu=on_gpu)) as outcomes:
            for outcome in outcomes:
                progress.finish(outcome.item)
                table = outcome.item.space.table
                if error := outcome.error or _missing(outcome.item):
                    log.warning("a shard of %s is not made: %s", table, error)
                    errors.append(error)
                else:
                    making[table].lacking.remove(outcome.item.folder)
                    making[table].complete_if_nothing_lacks()
    if errors:
        raise errors[0]
    store.index_ids()
    return set(making)


def _missing(shard: ShardToMake) -> InvalidInput | None:
    """Why a shard that a worker has made is not here, if it is not."""
    until = time.monotonic() + _SEEN_S
    while not shard.folder.exists():
        if time.monotonic() > until:
            return InvalidInput(
                f"{shard.folder} was made where this machine does not see it; workers need the"
                " store at the same path, or use --engine threads"
            )
        time.sleep(0.1)
    return None


def _check_request(store: Storage, engine: str) -> None:
    """Raise InvalidInput before work is done for nothing."""
    if store.place.remote and elsewhere(engine):
        raise InvalidInput(
            f"the indexes of {store.path} lie on this machine, where workers on others cannot"
            " write; use --engine threads"
        )
    store.check_writable()


def _planned(
    store: Storage,
    space: Space,
    scratch: Path,
    *,
    config: IndexConfig,
    device: DeviceChoice,
    shards: Sequence[Shard] = (),
) -> ShardPlan:
    """Plan the shards of an index; raise InvalidInput if the space has no vectors."""
    odd = set(store.lacking(space))  # of which rows were lost, or are there twice
    counts = {t: n for t, n in store.rows_by_title(space).items() if t not in odd}
    if not counts:
        raise InvalidInput(f"space {space.name} is empty; nothing to index")
    config.kinds()
    revisions = store.revisions()
    return plan(space, counts, shards, revisions, config=config, device=device, scratch=scratch)


def _current(store: Storage, space: Space) -> list[Path]:
    """The shards of the newest index of a space."""
    folder = newest_build(index_folder(store, space))
    return shard_folders(folder) if folder else []
