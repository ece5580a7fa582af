"""Find the scenes of a title: runs of shots that look alike."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float32

from mediafm_store.arrays import Vectors, block, pooled, unit_rows
from mediafm_store.errors import InvalidInput
from mediafm_store.indexing.known import ReadCache
from mediafm_store.model.segmentation import Segments, segment
from mediafm_store.storage.storage import Storage
from mediafm_store.titles.naming import find_title


@dataclass(frozen=True, slots=True)
class Scene:
    """Consecutive shots of a title that belong together."""

    title: str
    number: int
    """0 is the first scene of the title."""
    shots: tuple[str, ...]
    """Their ids in play order."""
    start_s: float
    end_s: float
    change: float
    """How clearly it is set off from the scene before it, 0 to 1: how likely its first cut begins a
    scene. 0 for the first."""
    key: str
    """The shot nearest to the mean of the scene: the picture that stands for it."""


def find_scenes(store: Storage, title: str) -> list[Scene]:
    """Segment a title into scenes, in play order; each of its shots is in one.

    Fused vectors are compared, by pictures alone if the title has some: contextual vectors are
    averages over neighbours, which blur where a scene begins, and sound and words change within
    scenes (docs/decisions/0015).

    Raises:
        NotFound: The title is unknown.
    """
    title = find_title(store, title)
    shots = store.shots(title)
    space = store.live("fused")
    vectors = looks(store.vectors(space, title).vectors)
    if len(vectors) != len(shots):
        raise InvalidInput(
            f"title {title!r} has no {space.name} vectors; run `mediafm ingest --force`"
        )
    found = segment(vectors)
    changes = [0.0, *(float(found.scores[start - 1]) for start in found.starts[1:])]
    return [
        _scene(title, number, shots[first:end], vectors[first:end], change)
        for number, ((first, end), change) in enumerate(zip(_spans(found), changes, strict=False))
    ]


def scene_shots(store: Storage, title: str, known: ReadCache) -> list[list[str]]:
    """Ids of the shots of each scene of a title, as `find_scenes` finds them.

    Scene boundaries are cached until the title or the table of its vectors has changed.
    """
    shots, space = store.shot_ids(title), store.live("fused")
    version = store.tables.version(space.table)
    key = str(store.path), known.revisions[title], space.table, version
    found = _CUT.pop(key, None)
    if found is None:
        found = _spans(segment(looks(known.vectors(space, shots))))
    _CUT[key] = found  # what was asked last stands last
    for oldest in list(_CUT)[:-_MOST_CUT]:
        _CUT.pop(oldest, None)
    return [shots[first:end] for first, end in found]


_MOST_CUT = 1000
"""Titles, of which one of 2,000 scenes takes 300 KB."""
_CUT: dict[tuple[str, str, str, int], list[tuple[int, int]]] = {}
"""Titles by their revisions, and where their scenes begin and end."""


def _spans(found: Segments) -> list[tuple[int, int]]:
    """The first shot of each scene, and the one after its last."""
    ends = [*found.starts[1:], len(found.scores) + 1]
    return [*zip(found.starts, ends, strict=True)] if found.starts else []


def looks(fused: Vectors) -> Float32[np.ndarray, "n kept"]:
    """Picture vectors of shots, of unit length; the whole vectors where no shot has a picture."""
    pictures = np.ascontiguousarray(fused[:, block("visual")])
    return unit_rows(pictures) if pictures.any() else fused


def _scene(title: str, number: int, shots: pl.DataFrame, vectors: Vectors, change: float) -> Scene:
    """One scene out of the rows and vectors of its shots."""
    key = int((vectors @ pooled(vectors)[0]).argmax())
    return Scene(
        title=title,
        number=number,
        shots=tuple(shots["id"]),
        start_s=shots["start_s"][0],
        end_s=shots["end_s"][-1],
        change=change,
        key=shots["id"][key],
    )
