"""Registry of the versions of spaces: how complete each is, and which are live."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from mediafm_store.errors import InvalidInput, NotFound, SpaceMismatch
from mediafm_store.tables.lancedb_tables import Tables
from mediafm_store.tables.schema import TABLES, vectors_schema
from mediafm_store.tables.spaces import EncoderUse, Space, SpaceName, State

CURES = {
    "fused": "run `mediafm ingest`",
    "described": "run `mediafm ingest`",
    "metadata": "run `mediafm ingest`",
    "context": "run `mediafm train` and `mediafm embed`",
    "title": "run `mediafm train` and `mediafm embed`",
}
"""Commands that make the vectors of a space, where there are none."""
_UNTRIED: dict[str, Any] = {"history": [], "gates": [], "forced": False}
"""Columns of a version that has never been live."""


def space_of(row: Mapping[str, Any]) -> Space:
    """Version of a space, from its row in the table `spaces`."""
    known = {field.name: row[field.name] for field in fields(Space)}
    return Space(
        **known | {"encoders": tuple(EncoderUse(**used) for used in row["encoders"] or ())}
    )


@dataclass(frozen=True)
class Registry:
    """The table `spaces`, a row per version; each that is not retired has a table of vectors."""

    tables: Tables
    path: Path | str
    """Path of the store, as messages show it."""
    _known: list[Any] = field(
        default_factory=lambda: [None, []], init=False, repr=False, compare=False
    )
    """The table as it was read last, and its rows as spaces."""

    def spaces(self) -> list[Space]:
        """Every version of every space, oldest first."""
        table = self._table()
        if self._known[0] is not table:
            self._known[:] = table, [space_of(row) for row in self.rows()]
        return list(self._known[1])

    def rows(self) -> list[dict[str, Any]]:
        """Rows of the versions as they are stored, with when and how each was promoted."""
        return sorted(self._table().to_pylist(), key=lambda row: (row["name"], row["version"]))

    def _table(self) -> pa.Table:
        return self.tables.whole("spaces", TABLES["spaces"].names)

    def has(self, name: SpaceName) -> bool:
        """True if a space has a live version."""
        return any(s.name == name for s in self.live_spaces())

    def live(self, name: str) -> Space:
        """Live version of a space; raise NotFound if there is none."""
        for space in self.live_spaces():
            if space.name == name:
                return space
        if name not in CURES:
            raise NotFound(f"no space {name!r}; there are {', '.join(CURES)}")
        raise NotFound(f"store {self.path} has no {name} vectors yet: {CURES[name]} first")

    def live_spaces(self) -> list[Space]:
        """Live versions of all spaces."""
        return [space for space in self.spaces() if space.live]

    def shot_space(self, name: str | None = None) -> Space:
        """Live space by name; by default the best for comparing shots: context if there is one."""
        return self.live(name or ("context" if self.has("context") else "fused"))

    def version(
        self, name: SpaceName, fingerprint: str, *, dim: int, made_by: str, fused: str
    ) -> Space:
        """The version of a space with this fingerprint; a new one, not yet live, if needed."""
        with self.tables.lock():
            versions = [s for s in self.spaces() if s.name == name]
            for space in versions:
                if space.fingerprint == fingerprint and space.state != "retired":
                    return space
            number = 1 + max((s.version for s in versions), default=0)
            space = Space(name, number, fingerprint, dim, made_by, fused, "registered")
            # The row comes after its table, so that every space that is listed can be read; a
            # table without a row is what a kill between the two left.
            self.tables.create(space.table, vectors_schema(dim), anew=True)
            row = asdict(space) | {"created_at": datetime.now(UTC)} | _UNTRIED
            self.tables.add("spaces", pa.Table.from_pylist([row], schema=TABLES["spaces"]))
            return space

    def only_version(
        self, name: SpaceName, fingerprint: str, *, dim: int, made_by: str, fused: str
    ) -> Space:
        """The live version, which must have this fingerprint; raise SpaceMismatch if it has not."""
        if self.has(name):
            live = self.live(name)
            if live.fingerprint != fingerprint:
                raise SpaceMismatch(
                    f"the {name} vectors of {self.path} were made by {live.made_by}"
                    f" (fingerprint {live.fingerprint}), these by {made_by} ({fingerprint});"
                    " use the same encoders, bring all titles to these with `mediafm spaces"
                    " backfill`, or use a new store"
                )
            return live
        self.promote(self.version(name, fingerprint, dim=dim, made_by=made_by, fused=fused))
        return self.live(name)

    def note_encoders(self, space: Space, encoders: tuple[EncoderUse, ...]) -> Space:
        """Record the names by which a version's encoders were loaded last: a model may move."""
        if encoders in ((), space.encoders):
            return space
        told = [asdict(used) for used in encoders]
        return self._set(space, lambda row: row | {"encoders": told})

    def check_live(self, spaces: Iterable[Space]) -> None:
        """Raise SpaceMismatch if another version has been promoted in the meantime."""
        in_use = {live.name: live for live in self.live_spaces()}
        for space in spaces:
            live = in_use.get(space.name) or self.live(space.name)
            if live.version != space.version:
                raise SpaceMismatch(
                    f"{space.name} vectors of fingerprint {live.fingerprint} are live by now, these"
                    f" are {space.fingerprint}; ingest again with the encoders {live.made_by}"
                )

    def promote(
        self,
        *spaces: Space,
        without: Collection[str] = (),
        undone: Mapping[tuple[str, int], Collection[datetime]] | None = None,
        forced: bool = False,
    ) -> None:
        """Make versions live, all in one commit, in place of those that were.

        The names in `without` have no live version afterwards: what they had does not go with it.
        `undone` are moments of the history of versions that a rollback has gone back behind.
        """
        live = {space.name: space.version for space in spaces}
        now = datetime.now(UTC)

        def changed(row: dict[str, Any]) -> dict[str, Any]:
            past = (undone or {}).get((row["name"], row["version"]), ())
            history = [moment for moment in row["history"] if moment not in past]
            if live.get(row["name"]) == row["version"]:
                if row["state"] == "retired":
                    raise NotFound(f"{row['name']} version {row['version']} was retired meanwhile")
                made = {"state": "live", "promoted_at": now, "forced": forced}
                return row | made | {"history": [*history, now]}
            leaves = row["state"] == "live" and row["name"] in {*live, *without}
            return row | {"history": history} | ({"state": "validated"} if leaves else {})

        self._change(changed)

    def set_state(
        self, space: Space, state: State, *, gates: Sequence[Mapping[str, Any]] | None = None
    ) -> Space:
        """Set the state of a version, and the results of its gates.

        One that has become live or been retired meanwhile stays so.
        """

        def changed(row: dict[str, Any]) -> dict[str, Any]:
            kept = row["state"] if row["state"] in ("live", "retired") else state
            return row | {"state": kept} | ({} if gates is None else {"gates": list(gates)})

        return self._set(space, changed)

    def retire(self, space: Space) -> None:
        """Delete the vectors of a version; its row stays. Raises InvalidInput if it is live."""

        def changed(row: dict[str, Any]) -> dict[str, Any]:
            if (row["name"], row["version"]) != (space.name, space.version):
                return row
            if row["state"] == "live":
                raise InvalidInput(
                    f"{space.name} version {space.version} is live; promote another one before it"
                    " is retired"
                )
            return row | {"state": "retired"}

        self._change(changed)
        with self.tables.lock():
            self.tables.drop(space.table)

    def _set(self, space: Space, changed: Callable[[dict[str, Any]], dict[str, Any]]) -> Space:
        """Change the row of one version."""
        key = (space.name, space.version)
        self._change(lambda row: changed(row) if (row["name"], row["version"]) == key else row)
        return next(s for s in self.spaces() if (s.name, s.version) == key)

    def _change(self, changed: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        with self.tables.lock():
            rows = [changed(row) for row in self.rows()]
            table = pa.Table.from_pylist(rows, schema=TABLES["spaces"])
            self.tables.replace("spaces", ["name", "version"], table)
