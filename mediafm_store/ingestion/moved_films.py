"""Films that lie elsewhere, or are called otherwise, than when they were ingested."""

from collections import defaultdict
from pathlib import Path
from typing import Any

from mediafm_store.errors import InvalidInput
from mediafm_store.sources.change_detection import content, size_in, sources_of, stat_of
from mediafm_store.storage.storage import Storage

Row = dict[str, Any]


class KnownFilms:
    """The films of a store's titles, by size: a new file is read only if it may be one of them."""

    def __init__(self, store: Storage) -> None:
        self._store = store
        self._of_size: dict[str, list[Row]] = defaultdict(list)
        self._at: dict[str, str] = {}
        for row in store.tables.select("titles", None, ["id", "media", "sources"]).to_pylist():
            if sources := sources_of(row):
                self._of_size[size_in(sources.media_stat)].append(row)
                self._at[row["media"]] = row["id"]

    def at(self, media: Path) -> str | None:
        """The id of a title whose film lay there at the last ingest; None if none did."""
        return self._at.get(str(media))

    def moved_to(self, media: Path) -> tuple[str, str] | None:
        """The id of the title whose film this is, and where it was; None if it is no title's.

        From now on the title's film is this file. A copy of a film that is still in its place is
        another film. Raises OSError or InvalidInput if the file cannot be read.
        """
        stat = stat_of(media)
        for row in self._of_size.get(size_in(stat), ()):
            before, was = sources_of(row), row["media"]
            assert before is not None
            if content(media, stat, None) == before.media and not _is_there(row):
                row |= {"media": str(media), "sources": before._replace(media_stat=stat)._asdict()}
                self._store.update_title(row["id"], media=row["media"], sources=row["sources"])
                return row["id"], was
        return None


def _is_there(row: Row) -> bool:
    """True if the film of a title is still at its stored path."""
    media, before = Path(row["media"]), sources_of(row)
    try:
        stat = stat_of(media)
        return before is not None and before.media == content(
            media, stat, (before.media_stat, before.media)
        )
    except (OSError, InvalidInput):
        return False
