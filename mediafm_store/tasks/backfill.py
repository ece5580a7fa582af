"""Compute the vectors of other encoders for all titles, beside those that are live."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from mediafm_store.arrays import BLOCK, FUSED
from mediafm_store.errors import BadInput
from mediafm_store.features.encoders import Encoders
from mediafm_store.features.extract import extract
from mediafm_store.media.shotlist import listed
from mediafm_store.records import Cue, Title
from mediafm_store.store.spaces import Space
from mediafm_store.store.store import Store
from mediafm_store.tasks.featurize import Progress
from mediafm_store.tasks.importing.declared import is_imported
from mediafm_store.tasks.ingest import Ingested, failure
from mediafm_store.tasks.rows import Spaces

BYTES = 2
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
class Backfilled:
    """The new versions, and what became of each title."""

    spaces: list[Space]
    results: list[Ingested]


def backfill(
    store: Store,
    encoders: Encoders,
    *,
    dry_run: bool = False,
    on_cost: Callable[[Cost], None] = lambda cost: None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    on_title: Callable[[Ingested], None] = lambda result: None,
) -> Backfilled:
    """Write `fused`, `described` and `metadata` vectors of these encoders for all titles.

    Shots and subtitles stay as they are stored; the films are decoded again. Nothing changes for
    readers until the new versions are promoted. One that was stopped goes on with the titles that
    are left. The shortest title is done first, and `on_cost` told what the rest will take; with
    `dry_run` that is all. Raises BadInput if these encoders made the live vectors, or if vectors
    were imported.
    """
    store.check_writable()
    if is_imported(store.live("fused")):
        raise BadInput(f"the vectors of {store.path} were imported; import others into a new store")
    spaces = Spaces(store, encoders, new=True)
    versions = [spaces.fused, spaces.described, spaces.metadata]
    if spaces.fused.live:
        raise BadInput(
            f"{spaces.fused.made_by} made the live vectors; name other encoders with --encoder"
        )
    waiting = {title for space in versions for title in store.lacking(space)}
    rows = [row for row in store.titles().to_dicts() if row["id"] in waiting]
    rows.sort(key=lambda row: row["duration_s"])
    results = []
    for done, row in enumerate(rows):
        result = one_title(store, row, spaces, encoders, on_progress)
        results.append(result)
        on_title(result)
        if done == 0:
            on_cost(cost(rows, result))
            if dry_run:
                return Backfilled(versions, results)
    if all(result.state == "ingested" for result in results):
        versions = [
            store.registry.set_state(s, "backfilled") if s.state == "registered" else s
            for s in versions
        ]
    return Backfilled(versions, results)


def one_title(
    store: Store,
    row: Mapping[str, Any],
    spaces: Spaces,
    encoders: Encoders,
    on_progress: Callable[[Progress], None],
) -> Ingested:
    """Compute and write the vectors of a title; what is wrong with it comes back as a result."""
    began = time.perf_counter()
    media, id = Path(row["media"]), row["id"]
    frames = 0

    def on_frame(number: int, done_s: float, total_s: float) -> None:
        nonlocal frames
        frames = number
        on_progress(Progress(media, number, done_s, total_s))

    try:
        shots = store.shots(id)
        features = extract(
            Title(
                id,
                media,
                name=row["name"],
                synopsis=row["synopsis"],
                tags=tuple(row["tags"]),
                genres=tuple(row["genres"]),
            ),
            encoders=encoders,
            detector=listed(shots["start_s"].to_list()),
            cues=[Cue(**cue) for cue in store.cues(id).drop("title").to_dicts()],
            on_frame=on_frame,
        )
        if len(features.spans) != len(shots):
            raise BadInput(f"{media} is not the film that was ingested as {id!r}; ingest it again")
        vectors = spaces.vectors(features.fused, features.described, features.metadata)
        for space, made in vectors.items():
            ids = [id] if space.of_titles else shots["id"].to_list()
            store.add_vectors(space, row, ids, made)
    except Exception as error:
        return failure(id, media, error)
    took_s = time.perf_counter() - began
    return Ingested(
        id, media, "ingested", len(shots), frames=frames, film_s=row["duration_s"], took_s=took_s
    )


def cost(rows: list[dict[str, Any]], first: Ingested) -> Cost:
    """Of all titles, by what the first took."""
    shots, film_s = (sum(row[column] for row in rows) for column in ("shots", "duration_s"))
    numbers = shots * 2 * FUSED + len(rows) * BLOCK
    speed = first.took_s / max(rows[0]["duration_s"], 0.04)
    return Cost(
        titles=len(rows),
        shots=shots,
        film_s=film_s,
        megabytes=numbers * BYTES / 1e6,
        seconds=speed * film_s,
        sample=first.title,
    )
