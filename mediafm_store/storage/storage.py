"""A store: titles, shots and their vectors, kept so that readers see whole titles only."""

import os
import unicodedata
import uuid
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from mediafm_store.arrays import Vectors
from mediafm_store.errors import InvalidInput, NotFound
from mediafm_store.records import shot_id
from mediafm_store.storage.filters import matching
from mediafm_store.storage.row_offsets import RowOffsets
from mediafm_store.storage.rows import MadeVectors, TitleRows, by_space, half_vectors, vector_rows
from mediafm_store.storage.views import View, only_valid, open_view
from mediafm_store.tables.inventory import RevisionInventory
from mediafm_store.tables.lancedb_tables import Tables, one_of, quoted
from mediafm_store.tables.location import StoreLocation
from mediafm_store.tables.migrations import format_of, migrate
from mediafm_store.tables.registry import CURES, Registry
from mediafm_store.tables.schema import FORMAT, KEYS, OF_IDS, TABLES
from mediafm_store.tables.spaces import Passage, Space, SpaceName, StoredVectors, VectorBatch

_BATCH = 8192
"""Vectors that are read at a time: 38 MB."""
COUNTED = 128 * _BATCH
"""Rows whose titles are counted at a time: 50 MB."""


class Storage:
    """Titles, shots and their vectors in one folder, or at an address such as s3://bucket/store.

    Readers see a title only when all of its rows are written, and never a mixture with an older
    revision of it. `Storage(path)` opens a store and raises NotFound if there is none;
    `create=True` makes it. InvalidInput says that a table cannot be read or written, and why.
    """

    def __init__(self, path: Path | str, *, create: bool = False) -> None:
        self.place = StoreLocation.of(path)
        self.path = self.place.address if self.place.remote else Path(path)
        """As it is told to people."""
        if self.place.local.exists() and not self.place.local.is_dir():
            raise InvalidInput(f"{self.path} is a file; a store is a folder")
        nothing = NotFound(f"no store at {self.path}; make one with `mediafm ingest FILE`")
        if not create and not self.place.remote and not self.local.is_dir():
            raise nothing  # LanceDB would make the folder
        self.tables = Tables(self.place)
        """As they are, rows that are not valid included."""
        self._contents = RevisionInventory(self.tables)
        self.registry = Registry(self.tables, self.path)
        """Versions of spaces: to make, promote and retire them."""
        self._known: tuple[pa.Table | None, dict[str, str], dict[str, int]] = (None, {}, {})
        there = self.tables.names()
        if "titles" in there:
            self._bring_up_to_date()
        elif not create:
            raise nothing
        if create:
            # The titles table comes last: a folder without it is not yet a store.
            for name in sorted(TABLES.keys() - there, key=lambda n: (n == "titles", n)):
                self.tables.create(name, TABLES[name])

    def __reduce__(self) -> tuple[type["Storage"], tuple[Path | str]]:
        """Another process opens it for itself, wherever it works."""
        return Storage, (self.place.address,)

    def __repr__(self) -> str:
        """Where it is, and what is in it."""
        counts, live = self.shot_counts(), (space.table for space in self.registry.live_spaces())
        return (
            f"<Store {str(self.path)!r}: {len(counts)} titles, {sum(counts.values())} shots,"
            f" {' '.join(live) or 'no vectors'}>"
        )

    def _bring_up_to_date(self) -> None:
        """Change the tables of an older format to this one; refuse those of a newer."""
        written = format_of(self.tables)
        if written == str(FORMAT):
            return
        if not written.isdigit() or int(written) > FORMAT:
            raise InvalidInput(
                f"store {self.path} has format {written}, this version reads up to {FORMAT};"
                " use the mediafm-store that wrote it"
            )
        self.check_writable()
        with self.tables.lock():
            migrate(self.tables, int(format_of(self.tables)))  # another program may have done it

    @property
    def local(self) -> Path:
        """The folder of indexes and checkpoints, on this machine."""
        return self.place.local

    def check_writable(self) -> None:
        """Raise InvalidInput if this user cannot write here, before work is done for nothing."""
        if not self.place.remote and not os.access(self.local, os.W_OK):
            raise InvalidInput(f"store {self.path} cannot be written to; check who may")

    # Reading

    def table(self, name: str) -> Any:
        """A LanceDB table as it is, rows of invalid revisions included."""
        return self.tables.open(name)

    def revisions(self) -> dict[str, str]:
        """The revision of each title that readers see, by id."""
        return dict(self._now()[0])

    def shot_counts(self) -> Mapping[str, int]:
        """How many shots each title has, by id; nothing is read that `revisions` does not read."""
        return self._now()[1]

    def shot_ids(self, title: str) -> list[str]:
        """The ids of the shots of a title in play order, as `shot_counts` knows them.

        Raises NotFound for an unknown title.
        """
        self.check_titles([title])
        return [shot_id(title, index) for index in range(self.shot_counts()[title])]

    def _now(self) -> tuple[dict[str, str], dict[str, int]]:
        """Revisions and numbers of shots, by the ids of titles in order."""
        titles = self.tables.whole("titles", ["id", "revision", "shots"])
        if self._known[0] is not titles:
            rows = sorted(zip(*titles.to_pydict().values(), strict=True))
            self._known = titles, {t: r for t, r, _ in rows}, {t: n for t, _, n in rows}
        return self._known[1:]

    def called(self) -> pl.DataFrame:
        """What people may call titles: their `id`, `name` and `media`, the path of their file."""
        return _frame(self.tables.whole("titles", ["id", "name", "media"])).sort("id")

    def titles(self) -> pl.DataFrame:
        """All titles, by id."""
        return _frame(self.tables.select("titles")).sort("id")

    def title(self, title: str) -> dict[str, Any]:
        """The row of one title; raise NotFound if there is none."""
        rows = self.tables.select("titles", f"id = {quoted(title)}").to_pylist()
        if not rows:
            raise NotFound(f"no title {title!r} in {self.path}; `mediafm titles list` lists them")
        return dict(rows[0])

    def check_titles(self, titles: Iterable[str]) -> None:
        """Raise NotFound for the first of some titles that is not there."""
        there = self.revisions()
        for title in titles:
            if title not in there:
                self.title(title)

    def shots(
        self, title: str | None = None, *, columns: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """The shots of one title in play order, or of all titles; some of their columns, or all."""
        if columns is None:
            return self._of_title("shots", title).sort("title", "index")
        read = list(dict.fromkeys([*columns, "title", "index", "revision"]))
        rows = self._visible("shots", title and f"title = {quoted(title)}", read)
        return _frame(rows).sort("title", "index").select(columns)

    def shot(self, shot: str) -> dict[str, Any]:
        """The row of one shot; raise NotFound if there is none."""
        found = self.shots_by_id([shot])
        if shot not in found:
            raise NotFound(
                f"no shot {shot!r} in {self.path}; shot ids look like sintel/00042, and"
                " `mediafm titles shots TITLE` lists them"
            )
        return found[shot]

    def shots_by_id(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """The rows of those of the shots that exist."""
        return {r["id"]: r for r in self._visible("shots", one_of("id", ids)).to_pylist()}

    def index_ids(self) -> None:
        """Let shots be found by their ids without a scan of the table."""
        self.tables.index_ids("shots")

    def thumbnails(self, ids: Sequence[str]) -> dict[str, bytes]:
        """A JPEG picture of each of those shots that exist and have one."""
        rows = self._visible("thumbnails", one_of("id", ids)).to_pylist()
        return {row["id"]: row["jpeg"] for row in rows if row["jpeg"]}

    def cues(self, title: str) -> pl.DataFrame:
        """The subtitles of a title in play order."""
        return self._of_title("cues", title).sort("start_s")

    def tags(self) -> pl.DataFrame:
        """The tags that were proposed, best first within a title."""
        return self.rows("tags").sort("title", "score", descending=[False, True])

    def rows(self, name: str, where: str | None = None) -> pl.DataFrame:
        """Rows of labels, tags, probes or evaluations, those that fulfil a condition.

        Labels and tags of titles that are not there do not count.
        """
        valid = self.revisions()  # before the rows, so that those of a new title are not too early
        found = _frame(self.tables.select(name, where))
        return found.filter(pl.col("title").is_in(list(valid))) if name in OF_IDS else found

    def vectors(self, space: Space, title: str | None = None) -> StoredVectors:
        """The vectors of a space as float32, of one title or of all.

        Raises InvalidInput for a title that has some, but not one a shot.
        """
        if title is None:
            return self._vectors(space, None)
        found = self._vectors(space, f"title = {quoted(title)}")
        wanted = space.rows_of(self.shot_counts().get(title, 0))
        if found.ids and not len(found.ids) == len(set(found.ids)) == wanted:
            raise InvalidInput(
                f"{space.table} holds {len(found.ids)} vectors of title {title!r}, which should"
                f" have {wanted}; `mediafm doctor` tells what mends it"
            )
        return found

    def vectors_by_id(self, space: Space, ids: Sequence[str]) -> StoredVectors:
        """The vectors of those ids that a space holds."""
        return self._vectors(space, one_of("id", ids))

    def vector_batches(
        self, space: Space, titles: Collection[str] | None = None
    ) -> Iterator[VectorBatch]:
        """The vectors of a space, or of some titles, in float16 as they lie in the table.

        No more than a batch is in memory. The rows of a title come one after the other.
        """
        every = self.revisions()
        valid = every if titles is None else {t: r for t, r in every.items() if t in titles}
        # Most of a table is quicker gone through than asked for.
        condition = one_of("title", list(valid)) if 2 * len(valid) < len(every) else None
        for rows in self.tables.batches(space.table, None, _BATCH, condition=condition):
            seen = only_valid(rows, valid)
            if seen.num_rows:
                ids, of, revisions = (seen[c].to_pylist() for c in ("id", "title", "revision"))
                yield VectorBatch(ids, of, revisions, half_vectors(seen))

    def vectors_by_title(
        self, space: Space, titles: Collection[str] | None = None
    ) -> Iterator[tuple[str, StoredVectors]]:
        """The vectors of title after title as float32, of all or some, in no particular order.

        Only titles that have vectors of all of their shots. No more than a batch, and titles of
        which a part is still to come, is in memory.
        """
        shots = self.shot_counts()
        parts: dict[str, dict[str, np.ndarray]] = defaultdict(dict)
        for batch in self.vector_batches(space, titles):
            for id, title, vector in zip(batch.ids, batch.titles, batch.vectors, strict=True):
                parts[title][id] = vector
                if len(parts[title]) == (1 if space.of_titles else shots.get(title)):
                    whole = parts.pop(title)
                    ids = sorted(whole)
                    vectors = np.stack([whole[id] for id in ids]).astype(np.float32)
                    yield title, StoredVectors(ids, vectors)

    def sample(
        self, space: Space, passages: int, length: int, *, rng: np.random.Generator
    ) -> list[Passage]:
        """Random passages, each of `length` vectors at most; all of them, if there are no more."""
        rows = self.table(space.table).count_rows()
        begins = np.arange(0, rows, length)
        chosen = np.sort(rng.permutation(begins)[:passages]).tolist()
        places = [p for begin in chosen for p in range(begin, min(begin + length, rows))]
        valid = self.revisions()
        columns = ["id", "title", "revision", "vector"]
        taken = self.tables.take(self.table(space.table), places, columns)
        ids, vectors = taken["id"].to_pylist(), half_vectors(taken)
        found: dict[tuple[int, str], list[int]] = defaultdict(list)
        of = zip(places, taken["title"].to_pylist(), taken["revision"].to_pylist(), strict=True)
        for row, (place, title, revision) in enumerate(of):
            if valid.get(title) == revision:
                found[place // length, title].append(row)
        return [
            Passage(title, tuple(ids[row] for row in rows), vectors[rows])
            for (_, title), rows in found.items()
        ]

    def places(self, space: Space, revisions: Mapping[str, str]) -> RowOffsets:
        """Where the vectors of titles lie in a space, in those of their revisions."""
        return RowOffsets(self.tables, space, revisions)

    def said(self, words: str, k: int, among: Collection[str] | None = None) -> dict[str, float]:
        """The ids of the `k` shots in which words are said, with their BM25 scores, best first.

        `"in quotes"` it is exactly these words in a row. Of the shots in `among` alone, if given.
        The first call makes the full-text index: InvalidInput if that cannot be written.
        """
        try:
            self.tables.index_words("shots", "words")
        except InvalidInput as error:
            raise InvalidInput(
                f"{error}; the first search for words that are said makes their full-text index,"
                " so let it be by someone who may write"
            ) from error
        condition = None if among is None else one_of("id", list(among))
        composed = unicodedata.normalize("NFC", words)  # as subtitles are
        every = self.table("shots").count_rows()
        count = k
        while True:
            rows = self.tables.search_words("shots", "words", composed, count, condition)
            seen = only_valid(rows, self.revisions())
            if seen.num_rows >= k or rows.num_rows < count or count >= every:
                break
            count *= 4  # the others were of titles that have been replaced
        found = zip(seen["id"].to_pylist(), seen["_score"].to_pylist(), strict=True)
        return dict(list(found)[:k])

    def rows_by_title(self, space: Space) -> dict[str, int]:
        """How many vectors each title has in a space; those that have some."""
        valid, columns = self.revisions(), ["title", "revision"]
        parts: Iterable[pa.Table] = self.tables.batches(space.table, columns, COUNTED)
        if space.of_titles:  # a row a title, and every search asks
            parts = [self.tables.whole(space.table, columns)]
        counts: Counter[str] = Counter()
        for rows in parts:
            for each in pc.value_counts(only_valid(rows, valid)["title"]).to_pylist():
                counts[each["values"]] += each["counts"]
        return dict(sorted(counts.items()))

    def view(self, name: str, *, version: int | None = None, where: str | None = None) -> View:
        """A table, or a space with what is known of its shots or titles, for other tools.

        `name` is that of a table, of a space (its live version) or of a version such as
        context_v1; `version` a number from `versions(name)`, of the table as it was; `where` a
        condition on shots (see `matching`). Raises NotFound for what is not there, InvalidInput for
        a version that is gone.
        """
        return open_view(self.tables, self._table_named(name), version=version, where=where)

    def versions(self, name: str) -> pl.DataFrame:
        """The versions of a table or a space that can still be read: `version` and `written_at`."""
        rows = self.tables.versions(self._table_named(name))
        numbers, dates = zip(*rows, strict=True)
        return pl.DataFrame({"version": numbers, "written_at": dates})

    def table_names(self) -> set[str]:
        """Every table that belongs to the store."""
        return {*TABLES, *(s.table for s in self.spaces() if s.state != "retired")}

    def tables_of_titles(self) -> set[str]:
        """Those whose rows belong to a title each."""
        return {"shots", "cues", "thumbnails", *OF_IDS, *(self.table_names() - TABLES.keys())}

    def _table_named(self, name: str) -> str:
        tables = self.table_names()
        if name in CURES:
            return self.live(name).table
        if name not in tables:
            known = ", ".join([*CURES, *sorted(tables)])
            raise NotFound(f"store {self.path} has no table {name!r}; there are {known}")
        return name

    def matching(self, where: str) -> pl.Series:
        """The ids of the shots that fulfil a condition in SQL.

        It may name the columns of shots and those of their title; of the columns that both have,
        the title's are `title_name`, such as title_duration_s. Raises InvalidInput for a condition
        that cannot be understood.
        """
        return matching(where, self._visible, lambda c: self.tables.select("titles", None, c))

    # Spaces

    def spaces(self) -> list[Space]:
        """Every version of every space, oldest first."""
        return self.registry.spaces()

    def has(self, name: SpaceName) -> bool:
        """Whether a space has a live version."""
        return self.registry.has(name)

    def live(self, name: str) -> Space:
        """The version of a space that is in use; raise NotFound if there is none."""
        return self.registry.live(name)

    # Writing

    def add_title(self, rows: TitleRows) -> None:
        """Add a title, or replace it: see `add_titles`."""
        self.add_titles([rows])

    def add_titles(self, many: Sequence[TitleRows]) -> None:
        """Add titles, or replace them, so that readers see all of them or the state before.

        Each table is written once, so the more titles come together, the fewer files there are. The
        rows of the revision before are left to those who are reading it; the next write of
        the title deletes them. Rows that were made from stored ones carry their revision:
        InvalidInput if there is another by now.
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
        """Delete titles with all that is theirs, so that readers see all of each or nothing.

        Their rows in `titles` go first, by one commit. What a kill leaves after it nobody sees, and
        it goes when a title of that id comes, or by `mediafm doctor --fix`. Raises NotFound if one
        is not there; then none is deleted.
        """
        if not titles:
            return
        with self.tables.lock():
            self.check_titles(titles)
            self.tables.delete("titles", one_of("id", sorted(titles)))
            self._forget(titles)
            self._sweep(list(titles), self.revisions())

    def update_title(self, title: str, **columns: Any) -> None:
        """Change columns of a title that its other rows do not depend on."""
        self.update_titles({title: columns})

    def update_titles(self, changes: Mapping[str, Mapping[str, Any]]) -> None:
        """The same for several, by id; raise NotFound if one is not there."""
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
        """Write vectors that were computed from what the store holds of titles, in one commit.

        If a title has been replaced since its row was read, nobody sees these vectors, and it is
        still `lacking`. What a title has already is not written again, if it has all: vectors of
        one space and revision are the same.
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

    def lacking(self, space: Space) -> list[str]:
        """The titles that do not have as many vectors in a space as they have shots.

        Most have none, or those of an older revision; of some a row was lost, or is there twice.
        """
        there = self.rows_by_title(space)
        return [t for t, n in self.shot_counts().items() if there.get(t) != space.rows_of(n)]

    def put(
        self, name: str, rows: Sequence[Mapping[str, Any]], *, instead_of: str | None = None
    ) -> None:
        """Write rows of labels, tags, probes or evaluations, in one commit.

        They take the place of those with the same key (see `KEYS`), and of all that fulfil the
        condition `instead_of`.
        """
        table = pa.Table.from_pylist(list(rows), schema=TABLES[name])
        with self.tables.lock():
            self.tables.replace(name, KEYS[name], table, instead_of=instead_of)

    def delete(self, name: str, where: str) -> None:
        """Delete rows of labels, tags, probes or evaluations that fulfil a condition."""
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

    # What readers may see

    def _visible(
        self, name: str, condition: str | None, columns: list[str] | None = None
    ) -> pa.Table:
        """The rows of valid revisions.

        Revisions are read before the rows: a title that is replaced in between is seen as it was.
        """
        valid = self.revisions()
        return only_valid(self.tables.select(name, condition, columns), valid)

    def _of_title(self, name: str, title: str | None) -> pl.DataFrame:
        rows = self._visible(name, title and f"title = {quoted(title)}")
        return _frame(rows).drop("revision")

    def _vectors(self, space: Space, condition: str | None) -> StoredVectors:
        rows = self._visible(space.table, condition)
        ids = rows["id"].to_pylist()
        order = sorted(range(len(ids)), key=ids.__getitem__)
        vectors = half_vectors(rows)[order].astype(np.float32)
        return StoredVectors([ids[i] for i in order], vectors)


def _frame(rows: pa.Table) -> pl.DataFrame:
    """Arrow as Polars."""
    return pl.DataFrame(pl.from_arrow(rows))
