"""Read the titles of a store, so that readers see whole titles only."""

import os
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from mediafm_store.errors import InvalidInput, NotFound
from mediafm_store.records import shot_id
from mediafm_store.storage.filters import matching
from mediafm_store.storage.views import View, only_valid, open_view
from mediafm_store.tables.inventory import RevisionInventory
from mediafm_store.tables.lancedb_tables import Tables
from mediafm_store.tables.location import StoreLocation
from mediafm_store.tables.migrations import format_of, migrate
from mediafm_store.tables.registry import CURES, Registry
from mediafm_store.tables.schema import FORMAT, OF_IDS, TABLES
from mediafm_store.tables.spaces import Space, SpaceName
from mediafm_store.tables.sql import one_of, quoted


class TitleReader:
    """The titles of a store with their shots, words and other rows, to read."""

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
            raise NotFound(f"no title {title!r} in {self.path}; `mediafm info` lists them")
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
                " `mediafm info TITLE` lists them"
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

    def spaces(self) -> list[Space]:
        """Every version of every space, oldest first."""
        return self.registry.spaces()

    def has(self, name: SpaceName) -> bool:
        """Whether a space has a live version."""
        return self.registry.has(name)

    def live(self, name: str) -> Space:
        """The version of a space that is in use; raise NotFound if there is none."""
        return self.registry.live(name)

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


def _frame(rows: pa.Table) -> pl.DataFrame:
    """Arrow as Polars."""
    return pl.DataFrame(pl.from_arrow(rows))
