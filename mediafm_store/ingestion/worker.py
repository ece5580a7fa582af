"""The stage of an ingest: what is in the files of a title. It knows nothing of the store."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from mediafm_store import plugins
from mediafm_store.encoders.encoder import Encoders
from mediafm_store.engines import Tell
from mediafm_store.errors import InvalidInput
from mediafm_store.features.extract import KEYFRAMES, Features, extract
from mediafm_store.ingestion.title_rows import (
    IngestWarnings,
    TargetSpaces,
    TextUpdate,
    new_rows,
    renew,
)
from mediafm_store.media.video import frame_rate
from mediafm_store.records import Title
from mediafm_store.shots.detectors import Detector
from mediafm_store.shots.shot_list import listed, read_shot_list
from mediafm_store.sources.change_detection import (
    RULES,
    Provenance,
    SourceHashes,
    digest,
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
class IngestOptions:
    """Options for shot detection and encoding."""

    encoders: Encoders
    detector: str = "adaptive"
    shot_list: Path | None = None
    """Take the shots from this CSV or EDL instead of detecting them."""
    keyframes: int = KEYFRAMES
    """Pictures a shot, spread evenly over it; their vectors are averaged."""
    language: str | None = None
    """Language of the subtitles to use."""

    @property
    def made_by(self) -> Provenance:
        """Settings that change the rows, beside the title's files and the encoders.

        Encoders are given by the version of the spaces in which the title has vectors.
        """
        cut_by = self.shot_list.read_bytes() if self.shot_list else self.detector
        return Provenance(media=digest((RULES, cut_by, self.keyframes)), words=str(RULES))

    def detect(self, media: Path) -> Detector:
        """Load the shot detector for a film."""
        if self.shot_list:
            return listed(read_shot_list(self.shot_list, frame_rate(media)))
        return load_detector(self.detector)


def load_detector(name: str) -> Detector:
    """A plug-in that cuts films; raise NotFound or InvalidInput if there is no such."""
    detector: Detector = plugins.load("detectors", name)
    plugins.check_call(name, detector, (), 25.0)
    return detector


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


def untouched(video: IngestItem, how: IngestOptions) -> bool:
    """True if no file of a stored title has been touched, so that there is nothing to compute.

    No film is read for that but its list of tracks, where no subtitles lie beside it; where one has
    been touched, a worker finds out whether it has changed.
    Raises InvalidInput for metadata that cannot be used.
    """
    before = None if video.anew else sources_of(video.row)
    if before is None or stat_of(video.media) != before.media_stat:
        return False
    title = read_title(
        video.media, video.id, name=video.name, language=how.language, warn=lambda said: None
    )
    return read_sources(title, how.made_by, video.row) == before


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

    how: IngestOptions
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
            language=self.how.language,
            warn=warnings.words.append,
        )
        sources = read_sources(title, self.how.made_by, row)
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
            text = self.how.encoders["text"]
            made = renew(title, row, text=text, sources=sources, warnings=warnings)
        took_s = time.perf_counter() - began
        return FeaturizedTitle(title, sources, made, warnings, frames, took_s)

    def _extract(self, title: Title, warnings: IngestWarnings, tell: Tell) -> tuple[Features, int]:
        """Extract the features of the film; return them and the number of frames."""
        watched = FrameCounter(title.media, tell)
        tell(IngestProgress(title.media, 0, 0.0, 0.0))
        features = extract(
            title,
            encoders=self.how.encoders,
            detector=self.how.detect(title.media),
            keyframes=self.how.keyframes,
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
