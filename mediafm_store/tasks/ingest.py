"""Video files in, titles with shots and fused vectors in the store."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from mediafm_store import plugins
from mediafm_store.errors import BadInput, MediaFMError, NotFound
from mediafm_store.features.encoders import Encoders
from mediafm_store.features.extract import Features, extract
from mediafm_store.media.decode import frame_rate
from mediafm_store.media.detectors import Detector
from mediafm_store.media.language import wished
from mediafm_store.media.shotlist import listed, read_shot_list
from mediafm_store.records import Title
from mediafm_store.store.store import Store
from mediafm_store.tasks.changes import RULES, MadeBy, Sources, digest, read_sources, sources_of
from mediafm_store.tasks.encoding import load_encoders
from mediafm_store.tasks.rows import Spaces, Warnings, new_rows, renewed_rows
from mediafm_store.tasks.sources import check_id, find_videos, read_title, title_id

log = logging.getLogger("mediafm_store")

WAKE_S = 0.1
"""How often Ctrl-C is looked for."""


class Progress(NamedTuple):
    """How far the ingest of one film is."""

    media: Path
    frames: int
    done_s: float
    total_s: float
    """Seconds of film; 0 where the file does not say how long it is."""


@dataclass(frozen=True)
class Ingested:
    """What became of one video."""

    title: str
    media: Path
    state: Literal["ingested", "updated", "unchanged", "failed"]
    """Updated: only what comes from subtitles and metadata was computed again."""
    shots: int = 0
    frames: int = 0
    """How many were decoded."""
    film_s: float = 0.0
    """Length of the film."""
    took_s: float = 0.0
    warnings: tuple[str, ...] = ()
    error: str = ""
    """Why it failed, in one line."""


@dataclass(frozen=True)
class How:
    """How titles are cut and encoded."""

    encoders: Encoders
    detector: str = "adaptive"
    shot_list: Path | None = None
    """Take the shots from this CSV or EDL instead of detecting them."""
    keyframes: int = 1
    """Pictures a shot, spread evenly over it; their vectors are averaged."""
    language: str | None = None
    """Of the subtitles to use."""

    @property
    def made_by(self) -> MadeBy:
        """What changes the rows, beside the files of a title and the encoders.

        Those are told by the version of the spaces in which the title has vectors.
        """
        cut_by = self.shot_list.read_bytes() if self.shot_list else self.detector
        return MadeBy(media=digest((RULES, cut_by, self.keyframes)), words=str(RULES))

    def detect(self, media: Path) -> Detector:
        """What cuts a film."""
        if self.shot_list:
            return listed(read_shot_list(self.shot_list, frame_rate(media)))
        return plugins.load("detectors", self.detector)


def ingest(
    store: Store,
    paths: Iterable[Path],
    *,
    encoders: Encoders | None = None,
    detector: str = "adaptive",
    shot_list: Path | None = None,
    keyframes: int = 1,
    language: str | None = None,
    title: str | None = None,
    force: bool = False,
    workers: int = 1,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    on_title: Callable[[Ingested], None] = lambda result: None,
) -> list[Ingested]:
    """Ingest files, and the videos in folders; a title that fails does not stop the others.

    Titles whose files have not changed are left alone, and where only subtitles or metadata have,
    the film is not decoded again, unless `force` is set. `title` and `shot_list` belong to the one
    video given; without `title`, ids come from file names. `workers` titles are taken at once;
    `on_progress` is called from their threads. Raises SpaceMismatch if the store's vectors were
    made by other encoders, BadInput if a path does not exist or a value cannot be used.
    """
    videos = find_videos(paths)
    for option, value in {"--title": title, "--shots": shot_list}.items():
        if value is not None and len(videos) != 1:
            raise BadInput(f"{option} belongs to one video, {len(videos)} are given")
    if title is not None:
        check_id(title)
    if shot_list is not None and not shot_list.is_file():
        raise BadInput(f"--shots {shot_list} is not a file; give a CSV or an EDL")
    if keyframes < 1 or workers < 1:
        raise BadInput(f"keyframes and workers must be 1 or more, are {keyframes} and {workers}")
    store.check_writable()
    chosen = wished(language) if language else None
    how = How(encoders or load_encoders(), detector, shot_list, keyframes, chosen)
    job = IngestJob(store, how, force=force, on_progress=on_progress)
    return job.run([(video, title or title_id(video)) for video in videos], workers, on_title)


@dataclass
class IngestJob:
    """What all titles of one ingest share."""

    store: Store
    how: How
    force: bool
    on_progress: Callable[[Progress], None]
    stopped: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        plugins.load("detectors", self.how.detector)  # an unknown one is said at once
        self.made_by = self.how.made_by
        self.spaces = Spaces(self.store, self.how.encoders)
        self.lacking = set(self.store.lacking(self.spaces.fused))

    def run(
        self,
        videos: Sequence[tuple[Path, str]],
        workers: int,
        on_title: Callable[[Ingested], None],
    ) -> list[Ingested]:
        """Ingest all, several at once; Ctrl-C ends those under way before they are written."""
        first: dict[str, Path] = {}
        with ThreadPoolExecutor(workers) as pool:
            running = [
                pool.submit(self.ingest, media, id, first.setdefault(id, media))
                for media, id in videos
            ]
            try:
                waiting = set(running)
                while waiting:
                    # Not without an end: where polars is loaded, Ctrl-C does not wake a thread.
                    done, waiting = wait(waiting, WAKE_S, FIRST_COMPLETED)
                    for future in done:
                        on_title(future.result())
            except BaseException:
                self.stopped.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return [future.result() for future in running]

    def ingest(self, media: Path, id: str, namesake: Path) -> Ingested:
        """Ingest one video; what is wrong with its files comes back as a result.

        `namesake` is the first video of this ingest with the same id.
        """
        try:
            if namesake != media:
                raise clash(media, id, namesake)
            return self._ingest(media, id)
        except Exception as error:
            return failure(id, media, error)

    def _ingest(self, media: Path, id: str) -> Ingested:
        began = time.perf_counter()
        warnings = Warnings()
        check_name(media)
        title = read_title(media, id, language=self.how.language, warn=warnings.words.append)
        row = self._row(id)
        sources = read_sources(title, self.made_by, row)
        if row is not None:
            check_same_film(row, title, sources)
        anew = self.force or id in self.lacking
        before = None if anew else sources_of(row)
        frames = 0
        if row is None or before is None or not sources.same_media(before):
            features, frames = self._extract(title, warnings)
            rows = new_rows(title, features, spaces=self.spaces, sources=sources, warnings=warnings)
        elif sources.same_words(before) and sources.same_metadata(before):
            self._note_place(title, row, sources._asdict())
            return Ingested(id, media, "unchanged", row["shots"], film_s=row["duration_s"])
        else:
            rows = renewed_rows(
                self.store,
                title,
                encoders=self.how.encoders,
                spaces=self.spaces,
                sources=sources,
                warnings=warnings,
            )
        film_s = rows.title["duration_s"]
        self._go_on(Progress(media, frames, film_s, film_s))
        self.store.add_title(rows)
        return Ingested(
            id,
            media,
            "ingested" if frames else "updated",
            shots=len(rows.shots),
            frames=frames,
            film_s=film_s,
            took_s=time.perf_counter() - began,
            warnings=(*warnings.media, *warnings.words),
        )

    def _extract(self, title: Title, warnings: Warnings) -> tuple[Features, int]:
        """What is in the film, and how many frames it has."""
        frames = 0

        def on_frame(number: int, done_s: float, total_s: float) -> None:
            nonlocal frames
            frames = number
            self._go_on(Progress(title.media, frames, done_s, total_s))

        self._go_on(Progress(title.media, 0, 0.0, 0.0))
        features = extract(
            title,
            encoders=self.how.encoders,
            detector=self.how.detect(title.media),
            keyframes=self.how.keyframes,
            on_frame=on_frame,
            warn=warnings.media.append,
            warn_of_words=warnings.words.append,
        )
        return features, frames

    def _go_on(self, progress: Progress) -> None:
        """Tell how far it is, and end here if the ingest has been stopped."""
        if self.stopped.is_set():
            raise KeyboardInterrupt
        self.on_progress(progress)

    def _row(self, id: str) -> dict[str, Any] | None:
        """What the store holds of a title."""
        try:
            return self.store.title(id)
        except NotFound:
            return None

    def _note_place(self, title: Title, row: dict[str, Any], sources: dict[str, str]) -> None:
        """Say where the files of an unchanged title lie now, and when they were touched."""
        if row["sources"] != sources:
            subtitles = str(title.subtitles) if title.subtitles else None
            self.store.update_title(
                title.id, media=str(title.media), subtitles=subtitles, sources=sources
            )


def failure(id: str, media: Path, error: Exception) -> Ingested:
    """A title that failed; a mistake of ours or of a plug-in must not stop the others, either."""
    if isinstance(error, MediaFMError | OSError):
        return Ingested(id, media, "failed", error=str(error))
    log.debug("%s", media, exc_info=error)
    reason = str(error).partition("\n")[0]
    told = f"{media.name!r} cannot be ingested: {type(error).__name__}: {reason}"
    return Ingested(id, media, "failed", error=told)


def check_name(media: Path) -> None:
    """Raise BadInput for a name that tables cannot hold, before the film is decoded."""
    try:
        str(media).encode()
    except UnicodeEncodeError as error:
        raise BadInput(f"{media.name!a}: the path is not UTF-8; rename it") from error


def check_same_film(row: Mapping[str, Any], title: Title, sources: Sources) -> None:
    """Raise BadInput if the stored title of this id is another film, which is still there."""
    stored, before = Path(row["media"]), sources_of(row)
    same = before is not None and before.media == sources.media
    if stored != title.media and not same and stored.exists():
        raise clash(title.media, title.id, stored)


def clash(media: Path, id: str, other: Path) -> BadInput:
    """Two films of one name."""
    return BadInput(
        f"{media}: title {id!r} is already that of {other}; rename the file or give it an id"
        " with --title"
    )
