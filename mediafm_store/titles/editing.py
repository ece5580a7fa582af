"""Remove titles, and change the names under which they are shown."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mediafm_store.errors import InvalidInput
from mediafm_store.sources.change_detection import rule_of, with_name
from mediafm_store.sources.videos import metadata_of
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.schema import OF_IDS
from mediafm_store.tables.sql import quoted
from mediafm_store.titles.naming import find_title, find_titles

_LONGEST = 500
"""Characters of a name."""


@dataclass(frozen=True)
class TitleContents:
    """Number of rows that a store has of a title, by table."""

    title: str
    name: str
    media: str
    rows: Mapping[str, int]
    """Number of rows by table."""


def held(store: Storage, title: str) -> TitleContents:
    """Count the rows that a store has of a title; raise NotFound if it is not there."""
    row = store.title(title)
    own = f"title = {quoted(title)}"
    seen = f"{own} AND revision = {quoted(row['revision'])}"
    rows = {
        name: int(store.table(name).count_rows(own if name in OF_IDS else seen))
        for name in sorted(store.tables_of_titles())
    }
    return TitleContents(title, row["name"], row["media"], {"titles": 1} | rows)


def remove_titles(
    store: Storage, titles: Iterable[str], *, dry_run: bool = False
) -> list[TitleContents]:
    """Delete titles with their shots, words, pictures, vectors, labels and tags; all or none.

    Indexes no longer return them, and drop their rows at the next build. Film files are left alone.

    Args:
        store: The store to delete from.
        titles: Names or ids of titles; see `find_title`.
        dry_run: Only report what would be deleted.

    Returns:
        Contents of each title that is deleted, or would be.

    Raises:
        NotFound: A title is unknown.
        InvalidInput: Several titles have one of the names.
    """
    store.check_writable()
    ids = list(dict.fromkeys(find_titles(store, titles)))
    going = [held(store, title_id) for title_id in ids]
    if not dry_run:
        store.remove_titles(ids)
    return going


def rename_title(store: Storage, title: str, name: str) -> str:
    """Change the display name of a title; its id stays.

    The name also stays when the film is ingested again.

    Args:
        store: The store that has the title.
        title: Name or id of the title; see `find_title`.
        name: New name.

    Returns:
        Id of the title.

    Raises:
        NotFound: The title is unknown.
        InvalidInput: The name is empty, too long or not printable.
    """
    store.check_writable()
    name = name.strip()
    if not name or not name.isprintable() or len(name) > _LONGEST:
        raise InvalidInput(
            f"{name[:50]!a} is no name for a title; give up to {_LONGEST} characters in one line"
        )
    with store.tables.lock():
        title_id = find_title(store, title)
        store.update_title(
            title_id, name=name, sources=_renamed_sources(store.title(title_id), name)
        )
    return title_id


def _renamed_sources(row: Mapping[str, Any], name: str) -> Mapping[str, str] | None:
    """Source hashes of a title after it is renamed; None if nothing is to be stored.

    Where its files do not name it, nothing has changed for the next ingest. Where they do, their
    name and this one are no longer the same: see `with_given_name`.
    """
    rule = rule_of(row)
    if rule is None or _is_named_by_files(row):
        return row["sources"]
    return with_name(row, name, rule)


def _is_named_by_files(row: Mapping[str, Any]) -> bool:
    """True if metadata beside a title's file give its name."""
    media = Path(row["media"])
    beside = (media, media.with_name(row["id"] + media.suffix))  # the second of imported tables
    try:
        return any("title" in metadata_of(file) for file in beside)
    except (InvalidInput, OSError):
        return False
