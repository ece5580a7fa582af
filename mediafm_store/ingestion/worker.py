"""The stage of an ingest: what is in the files of a title. It knows nothing of the store."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from mediafm_store.encoders.encoder import Encoders
from mediafm_store.engines import Tell
from mediafm_store.errors import InvalidInput
from mediafm_store.features.extract import Features, extract
from mediafm_store.ingestion.options import IngestOptions
from mediafm_store.ingestion.title_rows import (
    IngestWarnings,
    TargetSpaces,
    TextUpdate,
    new_rows,
    renew,
)
from mediafm_store.records import Title
from mediafm_store.sources.change_detection import (
    SourceHashes,
    read_sources,
    sources_of,
    stat_of,
    with_given_name,
)
from mediafm_store.sources.videos import read_title
from mediafm_store.storage.rows import TitleRows


class IngestProgress(NamedTuple):
    """Progress of the ingest of one film."""

    media: Path
    frames: int
    done_s: float
    total_s: float
    """Seconds of film; 0 where the file does not say how long it is."""


class FrameCounter:
    """Counts the frames of a film as they are decoded, and tells how far it is."""

    def __init__(self, media: Path, tell: Tell) -> None:
        self.media, self.tell, self.frames = media, tell, 0

    def __call__(self, number: int, done_s: float, total_s: float) -> None:
        """See OnFrame."""
        self.frames = number
        self.tell(IngestProgress(self.media, number, done_s, total_s))


@dataclass(frozen=True)
class IngestItem:
    """One video, and what the store holds of its title."""

    media: Path
    id: str
    row: Mapping[str, Any] | None = None
    """The stored title, if there is one."""
    anew: bool = False
    """Compute everything, whatever is stored."""
    note: str = ""
    """Notes on it, beside warnings."""

    @property
    def name(self) -> str | None:
        """Stored name of the title; it stays when the file is renamed."""
        return self.row["name"] if self.row else None


def untouched(video: IngestItem, options: IngestOptions) -> bool:
    """True if no file of a stored title has been touched, so that there is nothing to compute.

    No film is read for that but its list of tracks, where no subtitles lie beside it; where one has
    been touched, a worker finds out whether it has changed.
    Raises InvalidInput for metadata that cannot be used.
    """
    before = None if video.anew else sources_of(video.row)
    if before is None or stat_of(video.media) != before.media_stat:
        return False
    title = read_title(
        video.media,
        video.id,
        name=video.name,
        language=options.wanted_language,
        warn=lambda said: None,
    )
    return read_sources(title, options.provenance, video.row) == before


@dataclass(frozen=True)
class FeaturizedTitle:
    """Features of a video, ready to be written."""

    title: Title
    sources: SourceHashes
    made: TitleRows | TextUpdate | None
    """All of its rows; what has changed beside the film; None where nothing has."""
    warnings: IngestWarnings
    frames: int
    """Number of decoded frames."""
    took_s: float


@dataclass(frozen=True)
class IngestWorker:
    """Read, cut and encode one video, as far as that is not stored yet."""

    options: IngestOptions
    encoders: Encoders
    spaces: TargetSpaces
    """Spaces that the vectors are written to."""

    def __call__(self, video: IngestItem, tell: Tell) -> FeaturizedTitle:
        """Raises InvalidInput for files that cannot be used."""
        began = time.perf_counter()
        media, row, warnings = video.media, video.row, IngestWarnings()
        title = read_title(
            media,
            video.id,
            name=video.name,
            language=self.options.wanted_language,
            warn=warnings.words.append,
        )
        sources = read_sources(title, self.options.provenance, row)
        title = with_given_name(title, row)
        if row is not None:
            check_same_film(row, title, sources)
        before = None if video.anew else sources_of(row)
        made: TitleRows | TextUpdate | None = None
        frames = 0
        if row is None or before is None or not sources.same_media(before):
            features, frames = self._extract(title, warnings, tell)
            made = new_rows(title, features, spaces=self.spaces, sources=sources, warnings=warnings)
        elif not (sources.same_words(before) and sources.same_metadata(before)):
            text = self.encoders["text"]
            made = renew(title, row, text=text, sources=sources, warnings=warnings)
        took_s = time.perf_counter() - began
        return FeaturizedTitle(title, sources, made, warnings, frames, took_s)

    def _extract(self, title: Title, warnings: IngestWarnings, tell: Tell) -> tuple[Features, int]:
        """Extract the features of the film; return them and the number of frames."""
        watched = FrameCounter(title.media, tell)
        tell(IngestProgress(title.media, 0, 0.0, 0.0))
        features = extract(
            title,
            encoders=self.encoders,
            detector=self.options.detector_for(title.media),
            keyframes=self.options.keyframes,
            on_frame=watched,
            warn=warnings.media.append,
            warn_of_words=warnings.words.append,
        )
        film_s = features.spans[-1].end_s
        tell(IngestProgress(title.media, watched.frames, film_s, film_s))
        return features, watched.frames


def check_name(media: Path) -> None:
    """Raise InvalidInput for a name that tables cannot hold, before the film is decoded."""
    try:
        str(media).encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(f"{media.name!a}: the path is not UTF-8; rename it") from error


def check_same_film(row: Mapping[str, Any], title: Title, sources: SourceHashes) -> None:
    """Raise InvalidInput if the stored title of this id is another film, which is still there."""
    stored, before = Path(row["media"]), sources_of(row)
    same = before is not None and before.media == sources.media
    if stored != title.media and not same and stored.exists():
        raise clash(title.media, title.id, stored)


def clash(media: Path, title_id: str, other: Path) -> InvalidInput:
    """Two films of one name."""
    return InvalidInput(
        f"{media}: title {title_id!r} is already that of {other}; rename the file or give it an id"
        " with --title"
    )
