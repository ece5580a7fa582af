"""Video files in, titles with shots and fused vectors in the store."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from mediafm_store import plugins
from mediafm_store.arrays import FUSED, Fused
from mediafm_store.errors import BadInput, MediaFMError, NotFound
from mediafm_store.features.extract import Encoders, Features, OnProgress, extract
from mediafm_store.features.fuse import fingerprint
from mediafm_store.records import Title
from mediafm_store.store.spaces import Space
from mediafm_store.store.store import Store, TitleRows
from mediafm_store.tasks.encoding import load_encoders, made_by
from mediafm_store.tasks.sources import find_videos, read_title, source_hash, title_id

log = logging.getLogger("mediafm_store")

CUT_WINDOW_S = 0.5
"""How far from a cut its darkness and quiet are measured."""


@dataclass(frozen=True)
class Ingested:
    """What became of one video."""

    title: str
    media: Path
    state: Literal["ingested", "unchanged", "failed"]
    shots: int = 0
    film_s: float = 0.0
    """Length of the film."""
    took_s: float = 0.0
    warnings: tuple[str, ...] = ()
    error: str = ""
    """Why it failed, in one line."""


def ingest(
    store: Store,
    paths: Iterable[Path],
    *,
    encoders: Encoders | None = None,
    detector: str = "adaptive",
    title: str | None = None,
    force: bool = False,
    on_start: Callable[[Path], None] = lambda media: None,
    on_progress: OnProgress = lambda stage, done_s, total_s: None,
    on_title: Callable[[Ingested], None] = lambda result: None,
) -> list[Ingested]:
    """Ingest files, and the videos in folders; a title that fails does not stop the others.

    Titles whose files have not changed are left alone unless `force` is set. `title` names the
    one video given; without it, ids come from file names. Raises SpaceMismatch if the store's
    vectors were made by other encoders, BadInput if a path does not exist.
    """
    videos = find_videos(paths)
    if title is not None and len(videos) != 1:
        raise BadInput(f"--title names one video, {len(videos)} are given")
    if title is not None and title != title_id(Path(f"{title}.x")):
        raise BadInput(f"--title {title!r} may hold small letters, digits, _, - and . only")
    store.check_writable()
    job = IngestJob(store, encoders or load_encoders(), detector, on_progress)
    results = []
    for video in videos:
        on_start(video)
        results.append(job.run(video, title, force=force))
        on_title(results[-1])
    return results


class IngestJob:
    """What all titles of one ingest share."""

    def __init__(
        self, store: Store, encoders: Encoders, detector: str, on_progress: OnProgress
    ) -> None:
        self.store, self.encoders, self.on_progress = store, encoders, on_progress
        self.detect = plugins.load("detectors", detector)
        self.made_by = [f"{e.name}={e.fingerprint}" for e in encoders.values()] + [detector]
        by = made_by(encoders)
        self.fused, self.described = (
            store.only_version(
                name, fingerprint(name, list(encoders.values())), dim=FUSED, made_by=by
            )
            for name in ("fused", "described")
        )

    def run(self, media: Path, id: str | None, *, force: bool) -> Ingested:
        """Ingest one video; what is wrong with its files comes back as a result."""
        began = time.perf_counter()
        title_name = id or title_id(media)
        try:
            title = read_title(media, id)
            hashed = source_hash(title, self.made_by)
            if (known := self._known(title, hashed)) and not force:
                return Ingested(title_name, media, "unchanged", known["shots"], known["duration_s"])
            warnings: list[str] = []
            features = extract(
                title,
                encoders=self.encoders,
                detector=self.detect,
                on_progress=self.on_progress,
                warn=warnings.append,
            )
            rows = title_rows(
                title,
                features,
                vectors={self.fused: features.fused, self.described: features.described},
                source_hash=hashed,
                warnings=warnings,
            )
            self.store.add_title(rows)
        except (MediaFMError, OSError) as error:
            return Ingested(title_name, media, "failed", error=str(error))
        except Exception as error:  # a mistake of ours or of a plug-in must not stop the others
            log.debug("%s", media, exc_info=True)
            reason = str(error).partition("\n")[0]
            told = f"{media.name!r} cannot be ingested: {type(error).__name__}: {reason}"
            return Ingested(title_name, media, "failed", error=told)
        return Ingested(
            title_name,
            media,
            "ingested",
            len(features.shots),
            rows.title["duration_s"],
            time.perf_counter() - began,
            tuple(warnings),
        )

    def _known(self, title: Title, hashed: str) -> dict[str, Any] | None:
        """The stored row if it was made from the same files; a name clash is BadInput."""
        try:
            row = self.store.title(title.id)
        except NotFound:
            return None
        moved = row["media"] != str(title.media)
        if row["source_hash"] == hashed:
            if moved:
                subtitles = str(title.subtitles) if title.subtitles else None
                self.store.move_title(title.id, media=str(title.media), subtitles=subtitles)
            return row
        if moved and Path(row["media"]).exists():
            raise BadInput(
                f"{title.media}: title {title.id!r} is already that of {row['media']};"
                " rename the file or give it an id with --title"
            )
        return None


def title_rows(
    title: Title,
    features: Features,
    *,
    vectors: Mapping[Space, Fused],
    source_hash: str,
    warnings: list[str],
) -> TitleRows:
    """Everything that is stored of a title."""
    spans = [shot.span for shot in features.shots]
    return TitleRows(
        title={
            "id": title.id,
            "name": title.name,
            "synopsis": title.synopsis,
            "tags": list(title.tags),
            "genres": list(title.genres),
            "media": str(title.media),
            "subtitles": str(title.subtitles) if title.subtitles else None,
            "source_hash": source_hash,
            "duration_s": spans[-1].end_s,
            "shots": len(spans),
            "warnings": warnings,
            "ingested_at": datetime.now(UTC),
            "metadata_vector": features.metadata[0].astype("float16"),
        },
        shots=[shot_row(features, i) for i in range(len(spans))],
        cues=[{"start_s": c.start_s, "end_s": c.end_s, "text": c.text} for c in features.cues],
        thumbnails=[
            {"id": shot.id, "jpeg": jpeg}
            for shot, jpeg in zip(features.shots, features.thumbnails, strict=True)
        ],
        vectors=vectors,
    )


def shot_row(features: Features, i: int) -> dict[str, Any]:
    """The columns of one shot."""
    shot = features.shots[i]
    span = shot.span
    inside = (span.start_s, span.end_s)
    around_cut = (span.start_s - CUT_WINDOW_S, span.start_s + CUT_WINDOW_S)
    return {
        "id": shot.id,
        "index": shot.index,
        "start": span.start,
        "end": span.end,
        "time_base_num": span.time_base.numerator,
        "time_base_den": span.time_base.denominator,
        "start_s": span.start_s,
        "end_s": span.end_s,
        "duration_s": span.end_s - span.start_s,
        "words": features.words[i],
        "seen": list(features.seen[i]),
        "heard": list(features.heard[i]),
        "brightness": features.brightness.mean(*inside),
        "loudness_db": features.loudness.mean(*inside),
        "cut_brightness": features.brightness.lowest(*around_cut),
        "cut_loudness_db": features.loudness.lowest(*around_cut),
    }
