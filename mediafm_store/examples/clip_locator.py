"""Find the title, and the place in it, that a clip was cut from."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from mediafm_store.arrays import Blocks, Fused, block, unit_rows, weigh
from mediafm_store.indexing.nearest import nearest
from mediafm_store.likeness.sampling import likeness_from
from mediafm_store.records import Span
from mediafm_store.storage.storage import Storage

_CANDIDATES = 20
"""Shots of the store that each shot of a clip is taken for."""
_SAME_FILM = 0.6
"""How far from identical to usual the pictures of a clip and its title may lie: a clip is smaller,
darker, and other frames stand for its shots. With the default encoder that is a cosine of .46:
clips of Sintel have 0.53 and more at their place, those of other films 0.26 at most."""
_STEP_S = 0.25
"""Offsets that differ by less are one."""


class ClipMatch(NamedTuple):
    """Position in the store that a clip was cut from."""

    title: str
    start_s: float
    end_s: float
    shots: list[str]
    """Shots of the title that the clip shows."""
    likeness: float
    """Mean cosine of the pictures of the clip and of the title, weighted by their time."""


def origin_of(store: Storage, fused: Fused, spans: Sequence[Span]) -> ClipMatch | None:
    """Locate the segment of a title that a clip shows; None if it shows none.

    Every pair of a shot of the clip and a similar one of the store says where in a title the clip
    would lie; each such place is then compared with all of the clip, picture and sound.
    """
    space = store.live("fused")
    asked = weigh(fused, {"text": 0.0})  # a clip seldom has its subtitles with it
    usable = asked.any(axis=1)
    near = nearest(store, space, asked[usable], _CANDIDATES)
    rows = store.shots_by_id(sorted({shot_id for one in near for shot_id in one.ids}))
    # By title the seconds at which the clip may start, each once.
    offsets: defaultdict[str, dict[float, None]] = defaultdict(dict)
    for number, one in zip(np.flatnonzero(usable), near, strict=True):
        for shot in (rows[shot_id] for shot_id in one.ids if shot_id in rows):
            for start_s in _starts(spans, int(number), shot["start_s"], shot["end_s"]):
                offsets[shot["title"]][round(start_s / _STEP_S) * _STEP_S] = None
    best: tuple[float, ClipMatch] | None = None
    for title, its_offsets in offsets.items():
        vectors = store.vectors(space, title)
        shots = store.shots(title)
        middles = [(s.start_s + s.end_s) / 2 for s in spans]
        length = max(s.end_s for s in spans)
        begins, ends = shots["start_s"].to_numpy(), shots["end_s"].to_numpy()
        for start_s in its_offsets:
            if start_s + length > ends[-1] + 1:
                continue
            at = np.searchsorted(begins, np.array(middles) + start_s, side="right") - 1
            if (at < 0).any():
                continue
            picture, both = _shotwise_likeness(fused, vectors.vectors[at], spans)
            if best is None or both > best[0]:
                inside = (begins < start_s + length) & (ends > start_s)
                ids = [vectors.ids[i] for i in np.flatnonzero(inside)]
                best = both, ClipMatch(title, start_s, start_s + length, ids, picture)
    return best[1] if best and best[1].likeness >= likeness_from(store, _SAME_FILM) else None


def _starts(spans: Sequence[Span], number: int, start_s: float, end_s: float) -> Iterator[float]:
    """Possible starts of a clip, in seconds, if its shot `number` matched each shot of a title.

    Its first shot may have lost its beginning and its last one its end; of one shot alone nothing
    is known but that it lies within.
    """
    span = spans[number]
    if number > 0:
        yield start_s - span.start_s
    if number < len(spans) - 1:
        yield end_s - span.end_s
    if len(spans) == 1:
        yield max(0.0, (start_s + end_s - span.end_s + span.start_s) / 2)


def _shotwise_likeness(clip: Fused, title: Fused, spans: Sequence[Span]) -> tuple[float, float]:
    """Similarity of the pictures, and of pictures with sound, shot by shot."""
    lengths = np.array([s.end_s - s.start_s for s in spans], np.float32)
    of = {m: _cosines(clip[:, block(m)], title[:, block(m)]) for m in ("visual", "audio")}
    both = sum(of.values()) / len(of)
    share = lengths / lengths.sum()
    return float(share @ of["visual"]), float(share @ both)


def _cosines(a: Blocks, b: Blocks) -> Float32[np.ndarray, " rows"]:
    """Cosine of each pair of rows; 0 where either is zero."""
    return np.einsum("nd,nd->n", unit_rows(a), unit_rows(b))
