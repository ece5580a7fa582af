"""Change detection: records what a title was made from, so that only changes are computed again."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from mediafm_store.media.paths import check_file
from mediafm_store.records import Title

RULES = 3
"""Raised when the same files would give other rows: by the rules of cutting, measuring or words."""


class Provenance(NamedTuple):
    """Settings that turn files into rows: rules, detector, number of keyframes."""

    media: str
    words: str


class SourceHashes(NamedTuple):
    """Hashes of everything that a title's rows are computed from."""

    media: str
    """sha256 of the content."""
    media_stat: str
    """Size and time of change: while they stay as they are, the content is not read again."""
    media_made_by: str
    words: str
    words_stat: str
    words_made_by: str
    metadata: str

    def same_media(self, other: "SourceHashes") -> bool:
        """True if picture and sound need not be processed again."""
        return (self.media, self.media_made_by) == (other.media, other.media_made_by)

    def same_words(self, other: "SourceHashes") -> bool:
        """True if the spoken words need not be encoded again."""
        return (self.words, self.words_made_by) == (other.words, other.words_made_by)

    def same_metadata(self, other: "SourceHashes") -> bool:
        """True if the title's metadata need not be encoded again."""
        return self.metadata == other.metadata


def read_sources(title: Title, made_by: Provenance, row: Mapping[str, Any] | None) -> SourceHashes:
    """Hashes of a title's files now; those of unchanged files are taken from the stored row."""
    before = sources_of(row)
    media_stat = stat_of(title.media)
    media = content(title.media, media_stat, before and (before.media_stat, before.media))
    if title.subtitles is None or title.subtitles == title.media:
        words_stat, words = "", media if title.subtitles else ""
    else:
        words_stat = stat_of(title.subtitles)
        words = content(title.subtitles, words_stat, before and (before.words_stat, before.words))
    return SourceHashes(
        media=media,
        media_stat=media_stat,
        media_made_by=made_by.media,
        words=words,
        words_stat=words_stat,
        words_made_by=f"{made_by.words} {title.language} {title.subtitle_track}",
        metadata=metadata_digest(title, made_by.words),
    )


def sources_of(row: Mapping[str, Any] | None) -> SourceHashes | None:
    """Sources that a stored title was made from."""
    return SourceHashes(**row["sources"]) if row and row["sources"] else None


def metadata_digest(title: Title, rule: object) -> str:
    """Digest of a title's metadata, with the version of the rule that reads them."""
    return digest(
        (title.name, title.synopsis, title.tags, title.genres, title.series, rule),
    )


def rule_of(row: Mapping[str, Any]) -> object | None:
    """Version of the rule that made the shown metadata from the files; else None.

    It is None after the title was renamed by hand, and for titles of the oldest stores.
    """
    before = sources_of(row)
    if before is None:
        return None
    title = _display_name(row)
    rules = (before.words_made_by.partition(" ")[0], True, False)  # the last are of imports
    return next((r for r in rules if metadata_digest(title, r) == before.metadata), None)


def _display_name(row: Mapping[str, Any]) -> Title:
    """A stored title as it is shown."""
    return Title(
        id=row["id"],
        media=Path(row["media"]),
        name=row["name"],
        synopsis=row["synopsis"],
        tags=tuple(row["tags"]),
        genres=tuple(row["genres"]),
        series=row["series"],
    )


def with_given_name(title: Title, row: Mapping[str, Any] | None) -> Title:
    """Title as its files describe it, but with a name that was given by hand, if there is one."""
    by_hand = row is not None and row["sources"] and rule_of(row) is None
    return replace(title, name=row["name"]) if row and by_hand else title


def with_name(row: Mapping[str, Any], name: str, rule: object) -> dict[str, str]:
    """Sources of a title as they would be if its files had this name."""
    told = metadata_digest(replace(_display_name(row), name=name), rule)
    return {**row["sources"], "metadata": told}


def content(path: Path, stat: str, before: tuple[str, str] | None) -> str:
    """SHA-256 of a file, taken from `before` if path, size and time of change are the same."""
    if before and before[0] == stat:
        return before[1]
    check_file(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def stat_of(path: Path) -> str:
    """Stamp that changes with the content of a file, or of the files in a folder."""
    if path.is_dir():
        return digest([stat_of(file) for file in sorted(path.rglob("*")) if file.is_file()])
    found = path.stat()
    return f"{found.st_size} {found.st_mtime_ns} {path}"


def size_in(stat: str) -> str:
    """Size of a file in the stamp by `stat_of`."""
    return stat.partition(" ")[0]


def digest(facts: Sequence[object]) -> str:
    """Digest of values that have a stable text."""
    return hashlib.sha256(repr(facts).encode()).hexdigest()
