"""Live versions of each space: promote, roll back, retire."""

import logging
import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter

from mediafm_store.errors import GateFailed, InvalidInput, NotFound, SpaceMismatch
from mediafm_store.indexing.directories import index_folder
from mediafm_store.releases.gates import Gate, gates
from mediafm_store.storage.evaluations import record
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.registry import space_of
from mediafm_store.tables.spaces import Space, State

log = logging.getLogger("mediafm_store")

_MADE_BY_ENCODERS = ("fused", "described", "metadata")
_MADE_BY_MODEL = ("context", "title")
"""Spaces whose versions are made together, and go live together."""


@dataclass(frozen=True)
class PromotionResult:
    """The versions that are live now, and how they did."""

    spaces: list[Space]
    gates: dict[str, list[Gate]]
    """By table, such as context_v2."""
    forced: bool


def find_space(store: Storage, name: str, version: int | None) -> Space:
    """Look up a version of a space, by default the newest; raise NotFound if there is none."""
    versions = [s for s in store.spaces() if s.name == name and version in (None, s.version)]
    if not versions:
        known = ", ".join(s.table for s in store.spaces())
        wanted = name if version is None else f"{name} version {version}"
        raise NotFound(f"store {store.path} has no space {wanted}; there are {known}")
    return versions[-1]


def promote(
    store: Storage, name: str, version: int | None = None, *, force: bool = False
) -> PromotionResult:
    """Make a version live, with those that were made with it.

    Where nothing is live yet, failed gates are recorded but do not block. Promoting fused vectors
    takes contextual vectors of others out of use, and brings back those that were made from them.

    Args:
        store: The store that has the space.
        name: Name of the space, such as `fused` or `context`.
        version: Version to promote; None for the newest.
        force: Promote despite failed gates, and record them.

    Returns:
        Versions that are live now, and the results of their gates.

    Raises:
        GateFailed: A gate failed; the live version stays.
        SpaceMismatch: The contextual vectors were made from other fused vectors than the live ones.
        NotFound: There is no such version.
    """
    store.check_writable()
    space = _kept_version(find_space(store, name, version))
    versions = _released_with(store, space)
    group = _group_of(space)
    found = {one.table: gates(store, one) for one in versions if one.name in group}
    for one in (one for one in versions if one.table in found):
        passed = all(gate.passed for gate in found[one.table])
        state = one.state if one.live or not passed else "validated"
        _take_down(store, one, state, found[one.table])
    failed = [gate for of_version in found.values() for gate in of_version if not gate.passed]
    if failed and store.has(space.name):
        told = "; ".join(f"{gate.name}: {gate.said}" for gate in failed)
        if not force:
            raise GateFailed(
                f"{space.name} version {space.version} stays out of use: {told}; mend it, or"
                f" `mediafm spaces promote {space.name} {space.version} --force`"
            )
        log.warning("%s goes live although it failed at %s", space.table, told)
    forced = bool(failed) and force
    _go_live(store, space, versions, forced=forced)
    return PromotionResult([find_space(store, s.name, s.version) for s in versions], found, forced)


def _take_down(store: Storage, space: Space, state: State, passed: Sequence[Gate]) -> None:
    """Record the gate results: in words with the version, metrics in `evaluations`."""
    said = [{"name": gate.name, "passed": gate.passed, "said": gate.said} for gate in passed]
    store.registry.set_state(space, state, gates=said)
    figures = [gate.figure for gate in passed if gate.figure]
    told = {"name": space.name, "version": space.table, "fingerprint": space.fingerprint}
    record(store, "space", figures, **told)


def rollback(store: Storage, name: str) -> PromotionResult:
    """Make the version live again that was live before, with those that were made with it.

    A second rollback goes back one further; what is promoted then follows the version that is live.
    No gates run: the version has passed them before.

    Args:
        store: The store that has the space.
        name: Name of the space.

    Raises:
        NotFound: No version was live before.
    """
    store.check_writable()
    live = store.live(name)
    line = _history(store, live)
    since, space = _live_before(store, live, line)
    undone: dict[tuple[str, int], list[datetime]] = defaultdict(list)
    for moment, one in line:
        if moment >= since:
            undone[one.name, one.version].append(moment)
    versions = _released_with(store, space)
    if lacking := sorted({title for one in versions for title in store.lacking(one)}):
        cure = "spaces backfill" if name in _MADE_BY_ENCODERS else "embed --checkpoint"
        log.warning(
            "%d titles came later and are not in %s, as %s; run `mediafm %s` for them",
            len(lacking),
            space.table,
            lacking[0],
            cure,
        )
    _go_live(store, space, versions, undone=undone)
    return PromotionResult(
        [find_space(store, s.name, s.version) for s in versions], {}, forced=False
    )


def _live_before(
    store: Storage, live: Space, line: Sequence[tuple[datetime, Space]]
) -> tuple[datetime, Space]:
    """The version in whose place the live one came, and when that became live."""
    for moment, space in reversed(line):
        if space.name == live.name and space.version != live.version and space.state != "retired":
            return moment, space
    raise NotFound(
        f"no version of {live.name} was live before version {live.version} in {store.path};"
        f" `mediafm spaces promote {live.name} VERSION` makes another one live"
    )


def _history(store: Storage, space: Space) -> list[tuple[datetime, Space]]:
    """When which version became live, in order, of the spaces that are made together with one.

    Contextual vectors of other fused ones have a history of their own.
    """
    found = [
        (moment, space_of(row))
        for row in store.registry.rows()
        if row["name"] in _group_of(space)
        and (space.name in _MADE_BY_ENCODERS or row["fused"] == space.fused)
        for moment in row["history"]
    ]
    return sorted(found, key=itemgetter(0))


def retire(store: Storage, name: str, version: int) -> list[Space]:
    """Delete the vectors and indexes of a version and of those made with it; rows of them stay.

    Args:
        store: The store that has the space.
        name: Name of the space.
        version: Version to retire.

    Returns:
        The retired versions.

    Raises:
        InvalidInput: The version is live.
    """
    store.check_writable()
    space = _kept_version(find_space(store, name, version))
    if space.live:
        raise InvalidInput(
            f"{name} version {version} is live; promote another one before it is retired"
        )
    gone = [
        s
        for s in store.spaces()
        if s.state != "retired"
        and (
            s.fused == space.fused
            if name in _MADE_BY_ENCODERS
            else s.name in _MADE_BY_MODEL and s.fingerprint == space.fingerprint
        )
    ]
    for one in gone:
        store.registry.retire(one)
        shutil.rmtree(index_folder(store, one), ignore_errors=True)
    return gone


def _group_of(space: Space) -> Sequence[str]:
    """The spaces whose versions are made together with those of this one."""
    return _MADE_BY_MODEL if space.name in _MADE_BY_MODEL else _MADE_BY_ENCODERS


def _kept_version(space: Space) -> Space:
    """Return the version itself; raise NotFound if its vectors are gone."""
    if space.state == "retired":
        raise NotFound(
            f"the vectors of {space.name} version {space.version} are deleted; make them again"
        )
    return space


def _released_with(store: Storage, space: Space) -> list[Space]:
    """The versions that go live with one."""
    there = [s for s in store.spaces() if s.state != "retired"]
    if space.name in _MADE_BY_MODEL:
        live = store.live("fused")
        if space.fused != live.fingerprint:
            raise SpaceMismatch(
                f"{space.name} version {space.version} was made from fused vectors {space.fused},"
                f" live are {live.fingerprint} ({live.made_by}); promote those first, or `mediafm"
                " train` and `mediafm embed` on these"
            )
        return [s for s in there if s.name in _MADE_BY_MODEL and s.fingerprint == space.fingerprint]
    made_with = [s for s in there if s.name in _MADE_BY_ENCODERS and s.fused == space.fused]
    return made_with + _last_live(store, there, space.fused)


def _last_live(store: Storage, there: Sequence[Space], fused: str) -> list[Space]:
    """The contextual vectors that were made from fused ones and were live last, if any were."""
    promoted = {(r["name"], r["version"]): r["promoted_at"] for r in store.registry.rows()}
    found = []
    for name in _MADE_BY_MODEL:
        were = [s for s in there if s.name == name and s.fused == fused]
        were = [s for s in were if promoted[s.name, s.version] is not None]
        if were:
            found.append(max(were, key=lambda s: promoted[s.name, s.version]))
    return found


def _go_live(
    store: Storage,
    space: Space,
    versions: Sequence[Space],
    *,
    undone: Mapping[tuple[str, int], Sequence[datetime]] | None = None,
    forced: bool = False,
) -> None:
    """All in one commit; contextual vectors of other fused ones go out of use."""
    without = () if space.name in _MADE_BY_MODEL else _MADE_BY_MODEL
    store.registry.promote(*versions, without=without, undone=undone, forced=forced)
