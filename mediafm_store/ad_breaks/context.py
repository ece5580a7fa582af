"""Data of a store about the cuts of a title."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from jaxtyping import Float32
from numpy import ndarray

from mediafm_store.arrays import Vectors
from mediafm_store.errors import InvalidInput
from mediafm_store.model.segmentation import segment
from mediafm_store.records import Cue
from mediafm_store.scenes.scenes import looks
from mediafm_store.storage.storage import Storage
from mediafm_store.titles.naming import find_title

Shot = Mapping[str, Any]
"""A row of the table `shots`."""


class BreakContext(NamedTuple):
    """A title as its breaks are judged; cut `i` lies between the shots `i` and `i` + 1."""

    title: str
    duration_s: float
    shots: Sequence[Shot]
    cues: Sequence[Cue]
    """In order of their start."""
    vectors: Vectors
    """Vectors of the shots: contextual ones if the store has them, else fused."""
    scenes: Float32[ndarray, " cuts"]
    """Probability that a scene begins after each cut."""

    @property
    def cuts(self) -> int:
        """Number of cuts."""
        return max(0, len(self.shots) - 1)


def read_break_context(store: Storage, title: str) -> BreakContext:
    """Raises NotFound for an unknown title, InvalidInput for one without vectors."""
    title = find_title(store, title)
    duration_s = store.title(title)["duration_s"]
    shots = store.shots(title).to_dicts()
    space = store.registry.shot_space()
    vectors = store.vectors(space, title).vectors
    if len(vectors) != len(shots):
        raise InvalidInput(f"title {title!r} has no {space.name} vectors yet; run `mediafm embed`")
    fused = store.vectors(store.live("fused"), title).vectors
    cues = [Cue(c["start_s"], c["end_s"], c["text"]) for c in store.cues(title).to_dicts()]
    return BreakContext(title, duration_s, shots, cues, vectors, segment(looks(fused)).scores)
