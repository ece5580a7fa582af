"""A store is a folder of LanceDB tables. With `tables`, the only code that imports lancedb."""

import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import lancedb
import numpy as np
import polars as pl
import pyarrow as pa

from mediafm_store.arrays import Vectors
from mediafm_store.errors import BadInput, NotFound, SpaceMismatch
from mediafm_store.store.schema import FORMAT, TABLES, vectors_schema
from mediafm_store.store.spaces import Space, SpaceName, StoredVectors

CURES = {
    "fused": "run `mediafm ingest`",
    "described": "run `mediafm ingest`",
    "context": "run `mediafm train` and `mediafm embed`",
    "title": "run `mediafm train` and `mediafm embed`",
}


@dataclass(frozen=True)
class TitleRows:
    """Everything that one ingest writes of a title. Rows are dicts of the columns in `schema`,
    without `title` and `revision`, which the store fills in."""

    title: Mapping[str, Any]
    shots: Sequence[Mapping[str, Any]]
    cues: Sequence[Mapping[str, Any]]
    thumbnails: Sequence[Mapping[str, Any]]
    vectors: Mapping[Space, Vectors]
    """By space, one row a shot."""


P = ParamSpec("P")
R = TypeVar("R")


def writes(method: Callable[Concatenate["Store", P], R]) -> Callable[Concatenate["Store", P], R]:
    """Tell in one line what kept a table from being written: LanceDB's own errors are pages."""

    @wraps(method)
    def telling(self: "Store", *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(self, *args, **kwargs)
        except (OSError, RuntimeError) as error:
            reason = str(error).splitlines()[0].split(", /")[0]  # without a path of its sources
            raise BadInput(f"store {self.path} cannot be written: {reason}") from error

    return telling


class Store:
    """Titles, shots and their vectors in one folder.

    Readers see a title only when all of its rows are written, and never an older revision of
    it. `Store(path)` opens a store and raises NotFound if there is none; `create=True` makes it.
    """

    def __init__(self, path: Path | str, *, create: bool = False) -> None:
        self.path = Path(path)
        if not create and not (self.path / "titles.lance").is_dir():
            raise NotFound(f"no store at {self.path}; make one with `mediafm ingest FILE`")
        if self.path.exists() and not self.path.is_dir():
            raise BadInput(f"{self.path} is a file; a store is a folder")
        self._connect(create)
        self._check_format()

    @writes
    def _connect(self, create: bool) -> None:
        self._db = lancedb.connect(self.path)
        if create:
            # The titles table comes last: a folder without it is not yet a store.
            for name in sorted(TABLES, key=lambda n: n == "titles"):
                self._db.create_table(name, schema=TABLES[name], exist_ok=True)

    def check_writable(self) -> None:
        """Raise BadInput if this user cannot write here, before work is done for nothing."""
        if not os.access(self.path, os.W_OK):
            raise BadInput(f"store {self.path} cannot be written to; check who may")

    def _check_format(self) -> None:
        written = (self.table("titles").schema.metadata or {}).get(b"mediafm_format", b"?")
        if written != str(FORMAT).encode():
            raise BadInput(
                f"store {self.path} has format {written.decode()}, this version reads {FORMAT};"
                " use the mediafm-store that wrote it"
            )

    # Reading

    def table(self, name: str) -> Any:
        """A LanceDB table as it is, rows of invalid revisions included."""
        return self._db.open_table(name)

    def titles(self) -> pl.DataFrame:
        """All titles, by id."""
        return pl.DataFrame(pl.from_arrow(self.table("titles").to_arrow())).sort("id")

    def title(self, title: str) -> dict[str, Any]:
        """The row of one title; raise NotFound, with the nearest ids, if there is none."""
        rows = self._where("titles", f"id = {quoted(title)}").to_pylist()
        if not rows:
            raise NotFound(f"no title {title!r} in {self.path}; `mediafm info` lists them")
        return dict(rows[0])

    def shots(self, title: str | None = None) -> pl.DataFrame:
        """The shots of one title in play order, or of all titles."""
        return self._rows("shots", title).sort("title", "index")

    def shot(self, shot: str) -> dict[str, Any]:
        """The row of one shot; raise NotFound if there is none."""
        found = self.shots_by_id([shot])
        if shot not in found:
            raise NotFound(
                f"no shot {shot!r} in {self.path}; shot ids look like sintel/00042, and"
                " `mediafm info TITLE` lists them"
            )
        return found[shot]

    def shots_by_id(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """The rows of those of the shots that exist."""
        return {row["id"]: row for row in self._by_id("shots", ids)}

    def thumbnails(self, ids: Sequence[str]) -> dict[str, bytes]:
        """A JPEG picture of each of those shots that exist."""
        return {row["id"]: row["jpeg"] for row in self._by_id("thumbnails", ids)}

    def cues(self, title: str) -> pl.DataFrame:
        """The subtitles of a title in play order."""
        return self._rows("cues", title).sort("start_s")

    def tags(self) -> pl.DataFrame:
        """The tags that were proposed, best first within a title."""
        rows = pl.DataFrame(pl.from_arrow(self.table("tags").to_arrow()))
        return rows.sort("title", "score", descending=[False, True])

    def vectors(self, space: Space, title: str | None = None) -> StoredVectors:
        """The vectors of a space as float32, of one title or of all."""
        return self._stored(space, self._arrow(space.table, title))

    def vectors_by_id(self, space: Space, ids: Sequence[str]) -> StoredVectors:
        """The vectors of those ids that a space holds."""
        wanted = ", ".join(quoted(i) for i in ids) or "''"
        return self._stored(space, self._where(space.table, f"id IN ({wanted})"))

    def _stored(self, space: Space, rows: pa.Table) -> StoredVectors:
        rows = self._visible(rows)
        order = np.argsort(np.array(rows["id"].to_pylist(), dtype=object), kind="stable")
        flat = rows["vector"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
        vectors = flat.reshape(-1, space.dim)[order].astype(np.float32)
        return StoredVectors([rows["id"][int(i)].as_py() for i in order], vectors)

    def state(self, space: Space) -> str:
        """Changes whenever the vectors of a space, or what of them is valid, may have changed."""
        return f"{space.table}@{self.table(space.table).version}/{self.table('titles').version}"

    # Spaces

    def spaces(self) -> list[Space]:
        """Every version of every space, oldest first."""
        rows = self.table("spaces").to_arrow().drop_columns("created_at").to_pylist()
        return [Space(**r) for r in sorted(rows, key=lambda r: (r["name"], r["version"]))]

    def has(self, name: SpaceName) -> bool:
        """Whether a space has a live version."""
        return any(s.name == name and s.live for s in self.spaces())

    def live(self, name: str) -> Space:
        """The version of a space that is in use; raise NotFound if there is none."""
        for space in self.spaces():
            if space.name == name and space.live:
                return space
        if name not in CURES:
            raise NotFound(f"no space {name!r}; there are {', '.join(CURES)}")
        raise NotFound(f"store {self.path} has no {name} vectors yet: {CURES[name]} first")

    @writes
    def version(self, name: SpaceName, fingerprint: str, *, dim: int, made_by: str) -> Space:
        """The version of a space with this fingerprint; a new one, not yet live, if needed."""
        versions = [s for s in self.spaces() if s.name == name]
        for space in versions:
            if space.fingerprint == fingerprint:
                return space
        number = 1 + max((s.version for s in versions), default=0)
        space = Space(name, number, fingerprint, dim, made_by, live=False)
        # The row comes after its table, so that every space that is listed can be read; a table
        # without a row is what a kill between the two left.
        self._db.drop_table(space.table, ignore_missing=True)
        self._db.create_table(space.table, schema=vectors_schema(dim))
        row = asdict(space) | {"created_at": datetime.now(UTC)}
        self.table("spaces").add(pa.Table.from_pylist([row], schema=TABLES["spaces"]))
        return space

    def only_version(self, name: SpaceName, fingerprint: str, *, dim: int, made_by: str) -> Space:
        """The live version, which must have this fingerprint; raise SpaceMismatch if it has not."""
        if self.has(name):
            live = self.live(name)
            if live.fingerprint != fingerprint:
                raise SpaceMismatch(
                    f"the {name} vectors of {self.path} were made by {live.made_by}"
                    f" (fingerprint {live.fingerprint}), these by {made_by} ({fingerprint});"
                    " use the same encoders, or a new store"
                )
            return live
        return self.promote(self.version(name, fingerprint, dim=dim, made_by=made_by))

    @writes
    def promote(self, space: Space) -> Space:
        """Make a version live, in one commit, in place of the one that was."""
        rows = self.table("spaces").to_arrow().to_pylist()
        for row in rows:
            if row["name"] == space.name:
                row["live"] = row["version"] == space.version
        changed = [row for row in rows if row["name"] == space.name]
        self._upsert("spaces", ["name", "version"], changed)
        return self.live(space.name)

    # Writing

    @writes
    def add_title(self, rows: TitleRows) -> None:
        """Add a title, or replace it, so that readers see all of it or the state before."""
        title, revision = rows.title["id"], uuid.uuid4().hex
        key = {"title": title, "revision": revision}
        self._sweep(title)
        for name in ("shots", "cues", "thumbnails"):
            full = [{**row, **key} for row in getattr(rows, name)]
            if full:
                self.table(name).add(pa.Table.from_pylist(full, schema=TABLES[name]))
        ids = [row["id"] for row in rows.shots]
        for space, vectors in rows.vectors.items():
            self._add_vectors(space, key, ids, vectors)
        self._upsert("titles", ["id"], [{**rows.title, "revision": revision}])
        self._sweep(title)

    @writes
    def add_vectors(self, space: Space, title: str, ids: Sequence[str], vectors: Vectors) -> None:
        """Write a title's vectors in a space that was computed from what the store holds."""
        revision = self.title(title)["revision"]
        table = self.table(space.table)
        if table.count_rows(f"title = {quoted(title)}"):
            table.delete(f"title = {quoted(title)}")
        self._add_vectors(space, {"title": title, "revision": revision}, ids, vectors)

    def lacking(self, space: Space) -> list[str]:
        """The titles that have no vectors in a space, or only those of an older revision."""
        rows = self._visible(self._arrow(space.table, None, ["title", "revision"]))
        there = set(rows["title"].to_pylist())
        return [t for t in self.titles()["id"] if t not in there]

    @writes
    def set_tags(self, title: str, proposals: Sequence[Mapping[str, Any]]) -> None:
        """Replace the proposed tags of a title."""
        now = {"title": title, "proposed_at": datetime.now(UTC)}
        rows = pa.Table.from_pylist([{**p, **now} for p in proposals], schema=TABLES["tags"])
        (
            self.table("tags")
            .merge_insert(["title", "tag"])
            .when_matched_update_all()
            .when_not_matched_insert_all()
            .when_not_matched_by_source_delete(f"title = {quoted(title)}")
            .execute(rows)
        )

    # The tables behind

    def _add_vectors(
        self, space: Space, key: Mapping[str, str], ids: Sequence[str], vectors: Vectors
    ) -> None:
        if vectors.shape != (len(ids), space.dim):
            raise SpaceMismatch(
                f"{space.name} takes {len(ids)} vectors of {space.dim}, got {vectors.shape}"
            )
        flat = pa.array(vectors.astype(np.float16).reshape(-1))
        columns = [
            pa.array(ids),
            *(pa.array([key[k]] * len(ids)) for k in ("title", "revision")),
            pa.FixedSizeListArray.from_arrays(flat, space.dim),
        ]
        self.table(space.table).add(pa.Table.from_arrays(columns, schema=vectors_schema(space.dim)))

    def _upsert(self, name: str, key: list[str], rows: list[dict[str, Any]]) -> None:
        (
            self.table(name)
            .merge_insert(key)
            .when_matched_update_all()
            .when_not_matched_insert_all()
            .execute(pa.Table.from_pylist(rows, schema=TABLES[name]))
        )

    def _sweep(self, title: str) -> None:
        """Delete the rows of a title that no reader can see."""
        valid = self._where("titles", f"id = {quoted(title)}", ["revision"])["revision"].to_pylist()
        hidden = f"title = {quoted(title)}"
        if valid:
            hidden += f" AND revision != {quoted(valid[0])}"
        vector_tables = [space.table for space in self.spaces()]
        for name in ("shots", "cues", "thumbnails", *vector_tables):
            if self.table(name).count_rows(hidden):
                self.table(name).delete(hidden)

    def _rows(self, name: str, title: str | None) -> pl.DataFrame:
        rows = self._visible(self._arrow(name, title))
        return pl.DataFrame(pl.from_arrow(rows)).drop("revision")

    def _by_id(self, name: str, ids: Sequence[str]) -> list[dict[str, Any]]:
        if not ids:
            return []
        wanted = ", ".join(quoted(i) for i in ids)
        return list(self._visible(self._where(name, f"id IN ({wanted})")).to_pylist())

    def _arrow(self, name: str, title: str | None, columns: list[str] | None = None) -> pa.Table:
        return self._where(name, title and f"title = {quoted(title)}", columns)

    def _where(
        self, name: str, condition: str | None, columns: list[str] | None = None
    ) -> pa.Table:
        query = self.table(name).search()
        if condition:
            query = query.where(condition)
        if columns:
            query = query.select(columns)
        return query.limit(None).to_arrow()

    def _visible(self, rows: pa.Table) -> pa.Table:
        """The rows whose title and revision the titles table holds."""
        titles = self._where("titles", None, ["id", "revision"]).rename_columns(
            ["title", "revision"]
        )
        valid = set(zip(*titles.to_pydict().values(), strict=True))
        keys = zip(rows["title"].to_pylist(), rows["revision"].to_pylist(), strict=True)
        return rows.filter(pa.array([key in valid for key in keys], pa.bool_()))


def quoted(text: str) -> str:
    """A string as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"
