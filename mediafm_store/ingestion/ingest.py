"""Video files in, titles with shots and fused vectors in the store."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from mediafm_store.encoders.encoder import Encoders
from mediafm_store.encoding import load_encoders
from mediafm_store.engines import Engine, TaskOutcome, engine_of
from mediafm_store.errors import InvalidInput, MediaFMError, NotFound, first_line
from mediafm_store.files import path_list
from mediafm_store.ingestion.moved_films import KnownFilms
from mediafm_store.ingestion.options import IngestOptions, load_detector
from mediafm_store.ingestion.title_rows import TargetSpaces, TextUpdate, renewed_rows
from mediafm_store.ingestion.worker import (
    FeaturizedTitle,
    IngestItem,
    IngestProgress,
    IngestWorker,
    check_name,
    clash,
    untouched,
)
from mediafm_store.records import Title
from mediafm_store.sources.ids import check_id, is_same_film, title_ids
from mediafm_store.sources.videos import find_videos, series_of
from mediafm_store.storage.storage import Storage

log = logging.getLogger("mediafm_store")


@dataclass(frozen=True)
class IngestResult:
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
    note: str = ""
    """What else is to be said, as that its film lies elsewhere by now."""


def ingest(
    store: Storage,
    paths: str | Path | Iterable[str | Path],
    options: IngestOptions = IngestOptions(),  # noqa: B008 - frozen
    *,
    encoders: Encoders | None = None,
    workers: int | None = None,
    engine: str = "threads",
    on_progress: Callable[[IngestProgress], None] = lambda progress: None,
    on_title: Callable[[IngestResult], None] = lambda result: None,
) -> list[IngestResult]:
    """Ingest videos: cut them into shots, encode these, and write titles into the store.

    A title that fails does not stop the others. Titles whose files have not changed are left alone;
    where only subtitles or metadata have, the film is not decoded again.

    Args:
        store: Where titles are written.
        paths: Videos, and folders that are searched for videos.
        options: How titles are cut and encoded.
        encoders: One for each modality; default: those that made the store's vectors.
        workers: Titles that are ingested at the same time; default: by the number of cores.
        engine: "threads" of this process, which call `on_progress`; "ray", processes of this
            machine; or "ray://HOST:PORT", a cluster whose machines have the files at these paths.
        on_progress: Called while a film is decoded.
        on_title: Called with each result as it comes.

    Returns:
        A result for each video, in the order of the paths.

    Raises:
        InvalidInput: A path does not exist, or a value cannot be used.
        SpaceMismatch: The store's vectors were made by other encoders.

    Example:
        ingest(store, "films/", IngestOptions(detector="transnetv2"), workers=4)
    """
    videos = find_videos(path_list(paths))
    for option, value in {"--title": options.title, "--shot-list": options.shot_list}.items():
        if value is not None and len(videos) != 1:
            raise InvalidInput(f"{option} belongs to one video, {len(videos)} are given")
    if options.title is not None:
        check_id(options.title)
    store.check_writable()
    ids = (
        dict.fromkeys(videos, options.title)
        if options.title
        else title_ids(store, videos, is_same_film(store), series_of)
    )
    job = IngestJob(store, options, encoders or load_encoders(store=store))
    with engine_of(engine, workers=workers) as runs_on:
        return job.run(list(ids.items()), runs_on, on_progress, on_title)


class IngestJob:
    """The driver of an ingest: it alone reads the store and writes to it."""

    def __init__(self, store: Storage, options: IngestOptions, encoders: Encoders) -> None:
        load_detector(options.detector)  # an unknown one is refused before anything is read
        self.store, self.options, self.encoders = store, options, encoders
        self.spaces = TargetSpaces(store, encoders)
        made = (self.spaces.fused, self.spaces.described, self.spaces.metadata)
        self.lacking = {title for space in made for title in store.lacking(space)}
        self.films = KnownFilms(store)

    def run(
        self,
        videos: Sequence[tuple[Path, str]],
        engine: Engine,
        on_progress: Callable[[IngestProgress], None],
        on_title: Callable[[IngestResult], None],
    ) -> list[IngestResult]:
        """Ingest all, several at once; Ctrl-C ends those under way before they are written."""
        results: dict[Path, IngestResult] = {}
        first: dict[str, Path] = {}

        def finish(result: IngestResult) -> None:
            results[result.media] = result
            on_title(result)

        def wanted() -> Iterator[IngestItem]:
            begun = False
            for media, title_id in videos:
                try:
                    video = self.video(media, title_id, first)
                    # Later ones are looked at by workers: what these have made waits for this.
                    unchanged = not begun and untouched(video, self.options)
                except Exception as error:
                    finish(failure(title_id, media, error))
                else:
                    if unchanged:
                        finish(self.unchanged(video))
                    else:
                        begun = True
                        yield video

        todo = wanted()
        for one in todo:  # the first: to hold encoders an engine has to be started
            stage = IngestWorker(self.options, engine.held(self.encoders), self.spaces)
            with closing(engine.run(stage, chain([one], todo), on_progress)) as outcomes:
                for outcome in outcomes:
                    finish(self.result(outcome))
        return [results[media] for media, _ in videos]

    def video(self, media: Path, title_id: str, first: dict[str, Path]) -> IngestItem:
        """Find the title of a video in the store, as a worker needs it.

        A film that was moved stays the title that it was, whatever its file is called by now.

        Args:
            media: Path of the video.
            title_id: Id by its name.
            first: First video of this ingest with each id; this one is added.

        Raises:
            InvalidInput: Another video of this ingest has the id.
        """
        check_name(media)
        note, row = "", self._row(title_id)
        if row is None or row["media"] != str(media):
            if self.options.title is None and (known := self.films.at(media)):
                title_id, row = known, self._row(known)
            elif moved := self.films.moved_to(media):
                title_id, was = moved
                row = self._row(title_id)
                note = (
                    f"{media} is title {title_id!r}, which was {was}: its id, labels and vectors"
                    " stay"
                )
        if (namesake := first.setdefault(title_id, media)) != media:
            raise clash(media, title_id, namesake)
        anew = row is not None and (self.options.force or title_id in self.lacking)
        return IngestItem(media, title_id, row, anew=anew, note=note)

    def _row(self, title_id: str) -> dict[str, Any] | None:
        """Stored row of a title; None if there is none."""
        try:
            return self.store.title(title_id)
        except NotFound:
            return None

    def result(self, outcome: TaskOutcome[IngestItem, FeaturizedTitle]) -> IngestResult:
        """Write what was made; what is wrong with its files comes back as a result."""
        video = outcome.item
        try:
            return replace(self.write(video, outcome.get()), note=video.note)
        except Exception as error:
            return failure(video.id, video.media, error)

    def write(self, video: IngestItem, found: FeaturizedTitle) -> IngestResult:
        """Bring into the store what is new."""
        began = time.perf_counter()
        made, row, title_id = found.made, video.row, video.id
        if isinstance(made, TextUpdate):
            assert row is not None
            made = renewed_rows(
                self.store,
                found.title,
                row,
                made,
                text=self.encoders["text"],
                spaces=self.spaces,
                sources=found.sources,
                warnings=found.warnings,
            )
        if made is None:
            assert row is not None
            self._note_place(found.title, row, found.sources._asdict())
            return self.unchanged(video)
        self.store.add_title(made)
        return IngestResult(
            title_id,
            video.media,
            "ingested" if found.frames else "updated",
            shots=len(made.shots),
            frames=found.frames,
            film_s=made.title["duration_s"],
            took_s=found.took_s + time.perf_counter() - began,
            warnings=(*found.warnings.media, *found.warnings.words),
        )

    def unchanged(self, video: IngestItem) -> IngestResult:
        """Result for a title that has not changed."""
        assert video.row is not None
        shots, film_s = video.row["shots"], video.row["duration_s"]
        return IngestResult(
            video.id, video.media, "unchanged", shots, film_s=film_s, note=video.note
        )

    def _note_place(self, title: Title, row: Mapping[str, Any], sources: dict[str, str]) -> None:
        """Say where the files of an unchanged title lie now, and when they were touched."""
        if row["sources"] != sources:
            subtitles = str(title.subtitles) if title.subtitles else None
            self.store.update_title(
                title.id, media=str(title.media), subtitles=subtitles, sources=sources
            )


def failure(title_id: str, media: Path, error: Exception) -> IngestResult:
    """A title that failed; a mistake of ours or of a plug-in must not stop the others, either."""
    if isinstance(error, MediaFMError | OSError):
        return IngestResult(title_id, media, "failed", error=str(error))
    log.debug("%s", media, exc_info=error)
    reason = first_line(error)
    told = f"{media.name!r} cannot be ingested: {type(error).__name__}: {reason}"
    return IngestResult(title_id, media, "failed", error=told)
