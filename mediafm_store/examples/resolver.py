"""Query vectors from shots and segments of the store, files and words."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from mediafm_store.arrays import MODALITIES, Fused, Modality, block, pooled, unit_rows, weigh, zeros
from mediafm_store.encoders.encoder import Encoders, encode_query
from mediafm_store.encoding import DeviceChoice
from mediafm_store.errors import InvalidInput
from mediafm_store.examples.clip_locator import ClipMatch
from mediafm_store.examples.example import Example, check_encoders
from mediafm_store.examples.file_kinds import Kind
from mediafm_store.features.fusion import describe
from mediafm_store.indexing.reading import read_vectors
from mediafm_store.media.timecode import clock_s
from mediafm_store.records import title_of
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.spaces import Space, is_imported
from mediafm_store.titles.naming import Names, find_title, shots_within

NOTHING_LEFT = "all modalities of this query have weight 0; raise at least one with --weights"
NOTHING_THERE = "there is nothing to compare: the query has neither pictures nor sound nor words"
UNLIKE = 0.5
"""How much of what is not wanted is taken away from what is: about what Rocchio (1971) takes."""


OnOrigin = Callable[[Path, ClipMatch], None]
"""Called with a clip that was cut from a title of the store."""


class VectorQuery(NamedTuple):
    """Query vectors in one space."""

    space: Space
    rows: Fused
    """Rows of unit length, one a shot in play order."""
    weights: Mapping[Modality, float]
    """Weights of the modalities; those of weight 0 are not compared."""

    @property
    def as_one(self) -> "VectorQuery":
        """All shots as one, which is what single shots are compared with."""
        return self._replace(rows=pooled(self.rows))

    def shares(self, found: Fused) -> Float32[np.ndarray, "3 rows found"]:
        """Contribution of each modality to the cosine of each row with each vector in `found`.

        Where a modality is not compared, it does not count for the length of a vector either: a
        picture is as like a shot in which somebody speaks as it is like a silent one. Not so for
        descriptions, which ask every modality the same.
        """
        parts = np.stack([self.rows[:, block(m)] @ found[:, block(m)].T for m in MODALITIES])
        left_out = [m for m in MODALITIES if self.weights.get(m, 1.0) == 0]
        if not left_out or self.space.name == "described":
            return parts
        compared = [found[:, block(m)] for m in MODALITIES if m not in left_out]
        lengths = np.linalg.norm(np.concatenate(compared, axis=1), axis=1)
        return np.divide(parts, lengths, out=np.zeros_like(parts), where=lengths > 0)


def vector_query(
    space: Space,
    like: Sequence[Example],
    unlike: Sequence[Example],
    weights: Mapping[Modality, float],
) -> VectorQuery:
    """Combine examples into one query, in the modalities that any of them has.

    Args:
        space: Space of the query.
        like: Examples that answers should be similar to.
        unlike: Examples that answers should differ from.
        weights: Weight of each modality, 0 or more; 1 where it is missing.

    Raises:
        InvalidInput: No modality is left to compare.
    """
    lacks = frozenset(MODALITIES).intersection(*(e.lacks for e in like))
    weights = {m: 0.0 if m in lacks else weights.get(m, 1.0) for m in MODALITIES}
    rows = np.concatenate([e.rows for e in like])
    for example in unlike:
        rows = rows - np.float32(UNLIKE) * pooled(example.rows)
    if not rows.any():
        raise InvalidInput(NOTHING_THERE)
    rows = weigh(unit_rows(rows), weights)
    if not rows.any():
        raise InvalidInput(NOTHING_LEFT)
    return VectorQuery(space, rows, weights)


def title_query(store: Storage, title: str, weights: Mapping[Modality, float]) -> VectorQuery:
    """Query with the vector of a whole title, in the space of titles.

    Raises:
        InvalidInput: The title has no vector yet.
    """
    space = store.live("title")
    rows = weigh(store.vectors(space, title).vectors, weights)
    if not len(rows):
        raise InvalidInput(f"title {title!r} has no title vector yet; run `mediafm embed`")
    if not rows.any():
        raise InvalidInput(NOTHING_LEFT)
    return VectorQuery(space, rows, weights)


def text_query(
    store: Storage, text: str, encoders: Encoders, weights: Mapping[Modality, float]
) -> VectorQuery:
    """Query with a text: each modality is asked for it, in the terms of its encoder."""
    space = store.live("described")
    # Of imported shots only the words are known.
    asked: Encoders = {"text": encoders["text"]} if is_imported(space) else encoders
    check_encoders(store, space, asked)
    blocks = {m: encode_query(asked[m], [text]) if m in asked else zeros(1) for m in MODALITIES}
    rows = weigh(describe(blocks), weights)
    if not rows.any():
        raise InvalidInput(NOTHING_LEFT)
    return VectorQuery(space, rows, weights)


class ExampleResolver:
    """Reads the vectors of examples from a space, or computes them from files."""

    def __init__(
        self,
        store: Storage,
        space: Space,
        encoders: Callable[[], Encoders],
        device: DeviceChoice,
        on_origin: OnOrigin,
    ) -> None:
        self.store, self.space, self.encoders = store, space, encoders
        self.device, self.on_origin = device, on_origin

    def of(self, name: str) -> Example:
        """Resolve a name: a shot, a title, a segment of one, or a file.

        A segment is TITLE@START-END, as sintel@0:03:10-0:03:40. An id goes before a file, a file
        before what else titles are called. Raises NotFound for anything else.
        """
        names = Names(self.store)
        found = names.exact(name)
        # isfile: Path fails on what cannot be a name at all.
        if found is None and os.path.isfile(name):
            return self.file(Path(name))
        title, shot, start, end = found or names.find(name)
        if shot is not None:
            return self.shots([shot])
        if start is None or end is None:
            return self.segment(title)
        return self.segment(title, parse_clock(start), parse_clock(end))

    def shots(self, ids: Sequence[str]) -> Example:
        """Shots of the store, all of one title; raise NotFound for one that is not there."""
        rows = read_vectors(self.store, self.space, ids)
        if len(rows.ids) != len(ids):
            missing = min(set(ids) - set(rows.ids))
            self.store.shot(missing)
            raise InvalidInput(
                f"shot {missing!r} has no {self.space.name} vector yet; run `mediafm embed`"
            )
        alone = rows.vectors
        if self.space.name == "context":
            alone = read_vectors(self.store, self.store.live("fused"), ids).vectors
        return Example(rows.vectors, alone, ids=frozenset(ids), title=title_of(ids[0]))

    def segment(
        self, title: str, start_s: float | None = None, end_s: float | None = None
    ) -> Example:
        """The shots of a title that overlap a segment of it, or all; InvalidInput if none does."""
        title = find_title(self.store, title)
        if start_s is end_s is None:
            return self.shots(self.store.shot_ids(title))._replace(whole=title)
        return self.shots(shots_within(self.store, title, start_s, end_s))

    def file(self, path: Path, kind: Kind | None = None) -> Example:
        """A clip, a picture or a sound: a file of that kind, or else as its content says."""
        # What opens media takes a while to import, which other queries need not wait for.
        from mediafm_store.examples.file_examples import ComparisonSpace, file_example

        against = ComparisonSpace(self.store, self.space, self.encoders, self.device)
        found = file_example(against, path, kind)
        if isinstance(found, Example):
            return found
        self.on_origin(path, found)
        return self.shots(found.shots)


def parse_clock(clock: str) -> float:
    """Parse a time such as 1:02:03.5, 2:03 or 123.5 into seconds.

    Raises:
        InvalidInput: The text is not a time, or is negative.

    Example:
        >>> parse_clock("1:02:03.5")
        3723.5
    """
    value = clock_s(clock)
    if value is None:
        try:
            value = float(clock)
        except ValueError:
            value = -1.0
    if not 0 <= value < np.inf:
        raise InvalidInput(f"{clock!r} is not a time; give 0:03:10.5, 3:10 or 190.5")
    return value
