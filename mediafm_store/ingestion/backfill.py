"""Compute the vectors of other encoders for all titles, beside those that are live."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from mediafm_store.arrays import BLOCK, FUSED, Vectors
from mediafm_store.encoders.encoder import Encoders
from mediafm_store.engines import TaskOutcome, Tell, engine_of
from mediafm_store.errors import InvalidInput
from mediafm_store.features.extract import KEYFRAMES, extract
from mediafm_store.ingestion.ingest import IngestResult, failure
from mediafm_store.ingestion.title_rows import TargetSpaces
from mediafm_store.ingestion.worker import FrameCounter, IngestProgress
from mediafm_store.records import Cue, Title
from mediafm_store.shots.shot_list import listed
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.spaces import Space, is_imported

_BYTES = 2
"""Of a number as it is stored."""


class Cost(NamedTuple):
    """What is to be done, and how long the first title says that it will take."""

    titles: int
    shots: int
    film_s: float
    megabytes: float
    """Of vectors."""
    seconds: float
    sample: str
    """The title that was measured: the shortest one."""


@dataclass(frozen=True)
class BackfillResult:
    """The new versions, and what became of each title."""

    spaces: list[Space]
    results: list[IngestResult]


@dataclass(frozen=True, kw_only=True, slots=True)
class BackfillOptions:
    """How films are encoded again.

    Raises:
        InvalidInput: `keyframes` is below 1.
    """

    keyframes: int = KEYFRAMES
    """Pictures of each shot, spread evenly over it; their vectors are averaged."""
    dry_run: bool = False
    """Encode the shortest title alone, to know what the rest will take."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be used, before a film is opened."""
        if self.keyframes < 1:
            raise InvalidInput(f"keyframes must be 1 or more, are {self.keyframes}")


def backfill(
    store: Storage,
    encoders: Encoders,
    options: BackfillOptions = BackfillOptions(),
    *,
    workers: int | None = None,
    engine: str = "threads",
    on_cost: Callable[[Cost], None] = lambda cost: None,
    on_progress: Callable[[IngestProgress], None] = lambda progress: None,
    on_title: Callable[[IngestResult], None] = lambda result: None,
) -> BackfillResult:
    """Write `fused`, `described` and `metadata` vectors of other encoders for all titles.

    Shots and subtitles stay as they are stored; the films are decoded again. Nothing changes for
    readers until the new versions are promoted. A backfill that was stopped continues with the
    titles that are left.

    Args:
        store: Where titles are read and vectors written.
        encoders: One for each modality, not all of which made the live vectors.
        options: How films are encoded.
        workers: Titles that are encoded at the same time; default: by the number of cores.
        engine: What runs the workers: see `ingest`.
        on_cost: Called after the first title, the shortest, with what the rest will take.
        on_progress: Called while a film is decoded.
        on_title: Called with each result as it comes.

    Returns:
        The new versions, and a result for each title.

    Raises:
        InvalidInput: These encoders made the live vectors, or vectors were imported.
    """
    store.check_writable()
    spaces = _new_spaces(store, encoders)
    versions = [spaces.fused, spaces.described, spaces.metadata]
    rows = _waiting(store, versions)
    known = (_known_film(store, row) for row in (rows[:1] if options.dry_run else rows))
    results = []
    with engine_of(engine, workers=workers) as runs_on:
        # To hold encoders an engine has to be started, which takes seconds.
        stage = _Refeaturize(
            spaces, runs_on.held(encoders) if rows else encoders, options.keyframes
        )
        with closing(runs_on.run(stage, known, on_progress)) as outcomes:
            for outcome in outcomes:
                result = _written(store, outcome)
                results.append(result)
                on_title(result)
                if outcome.item.row["id"] == rows[0]["id"]:
                    on_cost(_cost(rows, result, runs_on.workers))
    if options.dry_run:
        return BackfillResult(versions, results)
    if all(result.state == "ingested" for result in results):
        versions = [
            store.registry.set_state(s, "backfilled") if s.state == "registered" else s
            for s in versions
        ]
    return BackfillResult(versions, results)


def _new_spaces(store: Storage, encoders: Encoders) -> TargetSpaces:
    """Versions that the encoders make; raise InvalidInput if they are live or were imported."""
    if is_imported(store.live("fused")):
        raise InvalidInput(
            f"the vectors of {store.path} were imported; import others into a new store"
        )
    spaces = TargetSpaces(store, encoders, new=True)
    if spaces.fused.live:
        raise InvalidInput(
            f"{spaces.fused.made_by} made the live vectors; name other encoders with --encoder"
        )
    return spaces


def _waiting(store: Storage, versions: Sequence[Space]) -> list[dict[str, Any]]:
    """Rows of the titles that lack vectors of a version, the shortest first."""
    waiting = {title for space in versions for title in store.lacking(space)}
    rows = [row for row in store.titles().to_dicts() if row["id"] in waiting]
    return sorted(rows, key=lambda row: float(row["duration_s"]))


@dataclass(frozen=True)
class _KnownFilm:
    """A title as it is stored, without vectors."""

    row: Mapping[str, Any]
    shots: tuple[str, ...]
    """Their ids."""
    starts_s: tuple[float, ...]
    cues: list[Cue]


@dataclass(frozen=True)
class _Revectored:
    """The vectors of a title by space."""

    vectors: Mapping[Space, Vectors]
    frames: int
    """How many were decoded."""
    took_s: float


def _known_film(store: Storage, row: Mapping[str, Any]) -> _KnownFilm:
    """Read a title as a worker needs it."""
    shots = store.shots(row["id"])
    cues = [Cue(**cue) for cue in store.cues(row["id"]).drop("title").to_dicts()]
    return _KnownFilm(row, tuple(shots["id"]), tuple(shots["start_s"]), cues)


@dataclass(frozen=True)
class _Refeaturize:
    """The stage of a backfill: encode the shots that a title has."""

    spaces: TargetSpaces
    encoders: Encoders
    keyframes: int = KEYFRAMES
    """Pictures a shot."""

    def __call__(self, known: _KnownFilm, tell: Tell) -> _Revectored:
        """Raises InvalidInput where the film is not the one that was ingested."""
        began = time.perf_counter()
        row, media = known.row, Path(known.row["media"])
        watched = FrameCounter(media, tell)
        features = extract(
            Title(
                row["id"],
                media,
                name=row["name"],
                synopsis=row["synopsis"],
                tags=tuple(row["tags"]),
                genres=tuple(row["genres"]),
            ),
            encoders=self.encoders,
            detector=listed(known.starts_s),
            cues=known.cues,
            keyframes=self.keyframes,
            on_frame=watched,
        )
        if len(features.spans) != len(known.shots):
            raise InvalidInput(
                f"{media} is not the film that was ingested as {row['id']!r}; ingest it again"
            )
        vectors = self.spaces.vectors(features.fused, features.described, features.metadata)
        return _Revectored(vectors, watched.frames, time.perf_counter() - began)


def _written(store: Storage, outcome: TaskOutcome[_KnownFilm, _Revectored]) -> IngestResult:
    """Write the vectors of a title; what is wrong with it comes back as a result."""
    began = time.perf_counter()
    known = outcome.item
    row, title_id, media = known.row, known.row["id"], Path(known.row["media"])
    try:
        made = outcome.get()
        for space, vectors in made.vectors.items():
            ids = [title_id] if space.of_titles else list(known.shots)
            store.add_vectors(space, row, ids, vectors)
    except Exception as error:
        return failure(title_id, media, error)
    return IngestResult(
        title_id,
        media,
        "ingested",
        len(known.shots),
        frames=made.frames,
        film_s=row["duration_s"],
        took_s=made.took_s + time.perf_counter() - began,
    )


def _cost(rows: list[dict[str, Any]], first: IngestResult, workers: int) -> Cost:
    """Estimate the cost of all titles from the first, shared evenly by the workers."""
    shots, film_s = (sum(row[column] for row in rows) for column in ("shots", "duration_s"))
    numbers = shots * 2 * FUSED + len(rows) * BLOCK
    speed = first.took_s / max(rows[0]["duration_s"], 0.04)
    return Cost(
        titles=len(rows),
        shots=shots,
        film_s=film_s,
        megabytes=numbers * _BYTES / 1e6,
        seconds=speed * film_s / min(workers, len(rows)),
        sample=first.title,
    )
