"""A store: titles, shots and their vectors, kept so that readers see whole titles only."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from mediafm_store.arrays import Vectors
from mediafm_store.errors import InvalidInput
from mediafm_store.storage.rows import MadeVectors, TitleRows, by_space, vector_rows
from mediafm_store.storage.vector_reader import VectorReader
from mediafm_store.tables.schema import KEYS, OF_IDS, TABLES
from mediafm_store.tables.spaces import Space
from mediafm_store.tables.sql import one_of


class Storage(VectorReader):
    """Titles, shots and their vectors in a folder, or at an address such as s3://bucket/store.

    Readers see a title only when all of its rows are written, and never a mixture with an older
    revision of it.

    Args:
        path: Folder or address.
        create: Make the store if there is none.

    Raises:
        NotFound: If there is no store.
        InvalidInput: If a table cannot be read or written.
    """

    def __reduce__(self) -> tuple[type["Storage"], tuple[Path | str]]:
        """Another process opens it for itself, wherever it works."""
        return Storage, (self.place.address,)

    def add_title(self, rows: TitleRows) -> None:
        """Add a title, or replace it: see `add_titles`."""
        self.add_titles([rows])

    def add_titles(self, many: Sequence[TitleRows]) -> None:
        """Add titles, or replace them, so that readers see all of them or the state before.

        Each table is written once, so fewer files are made if more titles come together. Rows of
        the revision before are kept for current readers; the next write of the title deletes them.

        Raises:
            InvalidInput: If rows were made from stored ones of a revision that has been replaced.
        """
        if not many:
            return
        keyed = [(rows, {"title": rows.title["id"], "revision": uuid.uuid4().hex}) for rows in many]
        vectors = by_space(keyed)
        with self.tables.lock():
            valid = self.revisions()
            for title in (rows.title for rows in many):
                if title.get("revision") not in (None, valid.get(title["id"])):
                    raise InvalidInput(
                        f"title {title['id']!r} was changed by another program; ingest it again"
                    )
            self.registry.check_live(vectors)
            titles = [key["title"] for _, key in keyed]
            self._sweep(titles, valid)
            self._forget([title for title in titles if title not in valid])
            for name in ("shots", "cues", "thumbnails"):
                full = [{**row, **key} for rows, key in keyed for row in getattr(rows, name)]
                self._contents.add(name, pa.Table.from_pylist(full, schema=TABLES[name]))
            for space, parts in vectors.items():
                self._contents.add(space.table, pa.concat_tables(parts))
            last = [{**rows.title, "revision": key["revision"]} for rows, key in keyed]
            table = pa.Table.from_pylist(last, schema=TABLES["titles"])
            self.tables.replace("titles", ["id"], table)

    def remove_titles(self, titles: Collection[str]) -> None:
        """Delete titles with all their rows, so that readers see all of each or nothing.

        Their rows in `titles` are deleted first, in one commit. If the process is killed after it,
        nobody sees the rest, which is deleted when a title of that id is added, or by `mediafm
        doctor --fix`.

        Raises:
            NotFound: If one does not exist; then none is deleted.
        """
        if not titles:
            return
        with self.tables.lock():
            self.check_titles(titles)
            self.tables.delete("titles", one_of("id", sorted(titles)))
            self._forget(titles)
            self._sweep(list(titles), self.revisions())

    def update_title(self, title: str, **columns: Any) -> None:
        """Change columns of a title on which its other rows do not depend."""
        self.update_titles({title: columns})

    def update_titles(self, changes: Mapping[str, Mapping[str, Any]]) -> None:
        """Update several titles, by id; raise NotFound if one does not exist."""
        if not changes:
            return
        with self.tables.lock():
            self.check_titles(changes)
            rows = self.tables.select("titles", one_of("id", list(changes))).to_pylist()
            table = pa.Table.from_pylist(
                [row | changes[row["id"]] for row in rows], schema=TABLES["titles"]
            )
            self.tables.replace("titles", ["id"], table)

    def add_vectors(
        self, space: Space, title: Mapping[str, Any], ids: Sequence[str], vectors: Vectors
    ) -> None:
        """Write vectors of one title: see `add_vectors_of`."""
        self.add_vectors_of(space, [MadeVectors(title, ids, vectors)])

    def add_vectors_of(self, space: Space, many: Sequence[MadeVectors]) -> None:
        """Write vectors that were computed from stored rows of titles, in one commit.

        If a title has been replaced since its row was read, nobody sees these vectors, and it is
        still `lacking`. Titles that have all their vectors are skipped: vectors of one space and
        revision are equal.
        """
        made = {
            one.title["revision"]: vector_rows(
                space,
                {"title": one.title["id"], "revision": one.title["revision"]},
                one.ids,
                one.vectors,
            )
            for one in many
        }
        titles = [one.title["id"] for one in many]
        with self.tables.lock():
            every = self.revisions()
            valid = {every[title] for title in titles if title in every}
            known = self._contents.of(space.table)
            there = {r: rows for title in titles for r, rows in known.get(title, {}).items()}
            whole = {r for r, rows in there.items() if r in made and rows == made[r].num_rows}
            if odd := (there.keys() & valid & made.keys()) - whole:
                self.tables.delete(space.table, one_of("revision", sorted(odd)))
            if new := [made[revision] for revision in made if revision in valid - whole]:
                self._contents.add(space.table, pa.concat_tables(new))
            if hidden := there.keys() - valid:
                self.tables.delete(space.table, one_of("revision", sorted(hidden)))

    def put(
        self, name: str, rows: Sequence[Mapping[str, Any]], *, instead_of: str | None = None
    ) -> None:
        """Write rows of labels, tags, probes or evaluations, in one commit.

        They replace rows with the same key (see `KEYS`), and all that match the condition
        `instead_of`.
        """
        table = pa.Table.from_pylist(list(rows), schema=TABLES[name])
        with self.tables.lock():
            self.tables.replace(name, KEYS[name], table, instead_of=instead_of)

    def delete(self, name: str, where: str) -> None:
        """Delete rows of labels, tags, probes or evaluations that match a condition."""
        with self.tables.lock():
            self.tables.delete(name, where)

    def _forget(self, titles: Collection[str]) -> None:
        """Delete what people have said, and what is proposed, of titles that are not there."""
        for name in OF_IDS:
            self.tables.delete(name, one_of("title", sorted(titles)))

    def _sweep(self, titles: Sequence[str], valid: Mapping[str, str]) -> None:
        """Delete the rows of titles that no reader can see.

        Shots are written first and deleted last: where none are hidden, nothing else is.
        """
        known = self._contents.of("shots")
        there = {revision for title in titles for revision in known.get(title, ())}
        hidden = there - {valid[title] for title in titles if title in valid}
        if not hidden:
            return
        condition = f"{one_of('title', titles)} AND {one_of('revision', sorted(hidden))}"
        vectors = (space.table for space in self.spaces() if space.state != "retired")
        for name in (*vectors, "thumbnails", "cues", "shots"):
            self.tables.delete(name, condition)
