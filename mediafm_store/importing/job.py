"""Import the titles of files: read those that have changed, and write them together."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from mediafm_store.arrays import MODALITIES, Fused, zeros
from mediafm_store.encoders.encoder import Encoder
from mediafm_store.errors import InvalidInput
from mediafm_store.features.fusion import describe, fuse
from mediafm_store.features.streams import BatchedEncoder, encode_text
from mediafm_store.importing.declared_features import Features, check_fits, spaces, unit_blocks
from mediafm_store.importing.files import FeatureFile, nothing_in, unchanged
from mediafm_store.importing.options import ImportOptions
from mediafm_store.importing.validation import ImportedTitle, TitleInFile, checked_title, shot_row
from mediafm_store.ingestion.ingest import IngestResult, failure
from mediafm_store.ingestion.title_rows import IngestWarnings, title_row, with_looks
from mediafm_store.ingestion.worker import check_same_film, clash
from mediafm_store.parallel import groups
from mediafm_store.records import Shot, Title
from mediafm_store.sources.change_detection import (
    RULES,
    SourceHashes,
    digest,
    metadata_digest,
    sources_of,
    stat_of,
    with_given_name,
)
from mediafm_store.sources.videos import metadata_of, named
from mediafm_store.storage.rows import AT_ONCE, TitleRows
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.spaces import Space


class _Pending(NamedTuple):
    """A title that has to be read."""

    title: Title
    has_metadata: bool
    sources: SourceHashes
    """All but the hash of the content."""
    row: dict[str, Any] | None
    """Stored row of the title; None for a new one."""


class _WrittenTitle(NamedTuple):
    """A title prepared for writing, and its result once that is done."""

    result: IngestResult
    rows: TitleRows | None = None
    """If it is new, or has changed."""
    moved: Mapping[str, Any] | None = None
    """Where its file lies now, if only that has changed."""

    def size(self) -> int:
        """Number of shots; a title without rows counts as one, so that its result does not wait."""
        return len(self.rows.shots) if self.rows else 1


@dataclass
class ImportJob:
    """Import of titles whose files have been checked."""

    store: Storage
    options: ImportOptions
    features: Features
    reader: Encoder
    """Of words and metadata."""
    first: dict[str, tuple[Path, str]] = field(default_factory=dict)
    """Where each id was met first."""

    def __post_init__(self) -> None:
        self.stored = {row["id"]: row for row in self.store.titles().to_dicts()}
        self.spaces: tuple[Space, ...] = ()
        if self.features:
            self.spaces = spaces(self.store, self.features, self.reader)
        self.lacking = {title for space in self.spaces for title in self.store.lacking(space)}

    def run(self, files: Iterable[FeatureFile | IngestResult]) -> Iterator[IngestResult]:
        """Import the titles of files; an error of one is returned as its result."""
        made = chain.from_iterable(map(self._made, files))
        for together in groups(made, _WrittenTitle.size, most=AT_ONCE):
            yield from self._write(together)

    def _write(self, made: Sequence[_WrittenTitle]) -> Iterator[IngestResult]:
        """Write titles together; if that fails each by itself, to tell which is at fault."""
        try:
            self.store.add_titles([one.rows for one in made if one.rows])
            self.store.update_titles({one.result.title: one.moved for one in made if one.moved})
        except Exception as error:
            if len(made) == 1:
                yield failure(made[0].result.title, made[0].result.media, error)
            else:
                for one in made:
                    yield from self._write([one])
        else:
            yield from (one.result for one in made)

    def _made(self, file: FeatureFile | IngestResult) -> Iterator[_WrittenTitle]:
        """Prepare each title of a file for writing."""
        if isinstance(file, IngestResult):
            yield _WrittenTitle(file)
            return
        try:
            stat = stat_of(file.path)
            for name, title_id in file.ids.items():
                try:
                    yield self._title(file, name, title_id, stat)
                except Exception as error:
                    yield _WrittenTitle(failure(title_id, file.path, error))
        finally:
            file.close()

    def _title(self, file: FeatureFile, name: str, title_id: str, stat: str) -> _WrittenTitle:
        began = time.perf_counter()
        if self.first.setdefault(title_id, (file.path, name)) != (file.path, name):
            raise clash(file.path, title_id, self.first[title_id][0])
        if not file.widths:
            raise InvalidInput(nothing_in(file, self.options.arrays))
        check_fits(file, self.features, self.store)
        pending = self._look(file, name, title_id, stat)
        before = sources_of(pending.row)
        whole = title_id not in self.lacking
        if whole and pending.row and before and pending.sources == before._replace(media=""):
            return _WrittenTitle(unchanged(pending.row, file.path))
        given = checked_title(file.read(name), TitleInFile(file.path, title_id))
        sources = pending.sources._replace(media=given.content)
        if pending.row:
            check_same_film(pending.row, pending.title, sources)
            if whole and before and sources == before._replace(media_stat=sources.media_stat):
                moved = {"media": str(file.path), "sources": sources._asdict()}
                return _WrittenTitle(unchanged(pending.row, file.path), moved=moved)
        warnings = IngestWarnings(
            media=[
                f"{title_id}: no {modality} vectors ({self.options.arrays[modality]}) in"
                f" {file.path.name}"
                for modality in self.features
                if modality not in given.vectors or not given.vectors[modality].any()
            ]
        )
        rows = self._rows(pending._replace(sources=sources), given, warnings)
        result = IngestResult(
            title_id,
            file.path,
            "ingested",
            shots=len(given.spans),
            film_s=given.spans[-1].end_s,
            took_s=time.perf_counter() - began,
            warnings=tuple(warnings.media),
        )
        return _WrittenTitle(result, rows)

    def _look(self, file: FeatureFile, name: str, title_id: str, stat: str) -> _Pending:
        """Facts of a title that are known before its vectors are read."""
        facts = metadata_of(file.metadata_beside(title_id))
        row = self.stored.get(title_id)
        title = named(title_id, file.path, facts, name=row["name"] if row else name)
        sources = SourceHashes(
            media="",
            media_stat=stat,
            media_made_by=digest(
                (RULES, *sorted(self.options.arrays.items()), self.options.fps, self.options.scenes)
            ),
            words="",
            words_stat="",
            words_made_by=f"{RULES} {self.reader.fingerprint}",
            metadata=metadata_digest(title, bool(facts)),
        )
        return _Pending(with_given_name(title, row), bool(facts), sources, row)

    def _rows(self, pending: _Pending, given: ImportedTitle, warnings: IngestWarnings) -> TitleRows:
        """All rows and vectors of a title."""
        title = pending.title
        text = title.metadata_text if pending.has_metadata else ""
        extent = {"duration_s": given.spans[-1].end_s, "shots": len(given.spans)}
        vectors = (*self._vectors(given), encode_text(self.reader, text))
        return TitleRows(
            title=title_row(title, pending.sources, warnings) | extent,
            shots=with_looks(
                [
                    shot_row(Shot(title.id, i, span), given.words[i], given.scenes[i])
                    for i, span in enumerate(given.spans)
                ]
            ),
            cues=[],
            thumbnails=[],
            vectors=dict(zip(self.spaces, vectors, strict=True)),
        )

    def _vectors(self, given: ImportedTitle) -> tuple[Fused, Fused]:
        """Fused vectors of the shots, and descriptions to search by, from words alone."""
        shots = len(given.spans)
        said = BatchedEncoder(
            self.reader, ((i, words) for i, words in enumerate(given.words) if words)
        )
        read = said.encoded(shots)
        none = {m: zeros(shots) for m in MODALITIES}
        brought = {
            m: unit_blocks(given.vectors[m]) if m in given.vectors else zeros(shots)
            for m in self.features
        }
        return (
            fuse(none | {"text": read.blocks} | brought),
            describe(none | {"text": read.described}),
        )
