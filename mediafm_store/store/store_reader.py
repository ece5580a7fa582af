"""The titles and tables of an embedding store, to read."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from mediafm_store.exporters import export
from mediafm_store.storage.storage import Storage
from mediafm_store.storage.views import View
from mediafm_store.store.stored_title import StoredTitle
from mediafm_store.titles.naming import find_title


class StoreReader:
    """The titles of a store, and its tables for other tools."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        """The tables underneath, which the functions of the packages below take."""

    def __repr__(self) -> str:
        """Where the store is, and what is in it."""
        return repr(self.storage)

    def __len__(self) -> int:
        """Number of titles."""
        return len(self.storage.revisions())

    def __iter__(self) -> Iterator[StoredTitle]:
        """The titles, by id."""
        return (StoredTitle(self.storage, title) for title in self.storage.revisions())

    def __contains__(self, title: object) -> bool:
        """True if there is a title of this id."""
        return title in self.storage.revisions()

    def __getitem__(self, name: str) -> StoredTitle:
        """A title by its id, its name or its file's name.

        Raises:
            NotFound: There is none, or several of that name.
        """
        return StoredTitle(self.storage, find_title(self.storage, name))

    @property
    def path(self) -> str:
        """The folder or address of the store."""
        return str(self.storage.path)

    def titles(self) -> pl.DataFrame:
        """All titles, by id: name, duration in seconds, genres and so on."""
        return self.storage.titles()

    def shots(self, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """The shots of all titles in play order; some of their columns, or all."""
        return self.storage.shots(columns=columns)

    def table(self, name: str, *, version: int | None = None, where: str | None = None) -> View:
        """A table for other tools: `.lazy()` for Polars, `.arrow()`, `.pandas()`, `.torch()`.

        Args:
            name: A table ("shots"), a space ("context") or a version of one ("context_v1").
            version: The table as it was.
            where: A condition in SQL on shots.

        Raises:
            NotFound: There is no such table.
        """
        return self.storage.view(name, version=version, where=where)

    def export(
        self, name: str, path: str | Path, *, version: int | None = None, where: str | None = None
    ) -> list[Path]:
        """Write a table to a file: `.parquet`, `.csv`, `.npy` or `.safetensors`.

        Args:
            name: As in `table`.
            path: The suffix says the format.
            version: The table as it was.
            where: A condition in SQL on shots.

        Returns:
            The files that were written.

        Raises:
            InvalidInput: The format is unknown, or the file cannot be written.
        """
        return export(self.storage, name, path, version=version, where=where)
