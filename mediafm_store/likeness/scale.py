"""Bring each modality to a common scale: centred, and divided by its spread in the store.

Encoders differ in the similarity of unrelated items: two random shots have a cosine of 0.42 by
sound and 0.13 by picture, so plain cosines are dominated by sound. The scale measures how much
more alike two shots are than two random shots of the same store.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np
from jaxtyping import Float32

from mediafm_store.arrays import MODALITIES, Vectors, block, unit_rows
from mediafm_store.likeness.sampling import cached, passages
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.spaces import Passage, Space

Part = Literal["visual", "audio", "text", "context"]
PARTS: tuple[Part, ...] = get_args(Part)
"""What a score is made of: the modalities of a shot by itself, and the shot in context."""
NAMES: Mapping[Part, str] = {
    "visual": "picture",
    "audio": "sound",
    "text": "words",
    "context": "context",
}
"""What people call them."""
_PRIOR = 8
"""Shots of mean zero that are added to a sample before its mean is taken: a mean over two or three
shots would take away what they are."""
_MOST_COMPARED = 256
"""Shots of a sample of which all pairs are compared, or up to twice as many."""
_LEAST_SPREAD = 0.05
"""Of cosines. Smaller ones are found only where a store holds the same shot again and again."""


class Scale(NamedTuple):
    """The common scale of one space."""

    blocks: tuple[tuple[Part, slice], ...]
    """Columns of each part of a score in a vector."""
    mean: Float32[np.ndarray, " dim"]
    """Mean of the blocks, each scaled to length 1."""
    spread: Float32[np.ndarray, " blocks"]
    """Standard deviation of the cosines of random pairs of centred blocks."""

    def standardised(self, vectors: Vectors) -> Vectors:
        """Vectors so that the inner product of two blocks is their cosine in units of `spread`.

        A modality that is absent is a block of zeros, which is neither like nor unlike anything.
        """
        made = np.zeros_like(vectors)
        for _, at in self.blocks:
            there = vectors[:, at].any(axis=1, keepdims=True)
            made[:, at] = np.where(there, unit_rows(vectors[:, at]) - self.mean[at], 0)
        return self.to_length(made)

    def products(
        self, rows: Float32[np.ndarray, "rows dim"], vectors: Float32[np.ndarray, "n dim"]
    ) -> dict[Part, Float32[np.ndarray, "rows n"]]:
        """Contribution of each part to the inner products of standardised rows and stored vectors.

        The same as with `standardised` vectors, which are not made: a vector is read once.
        """
        found = {}
        for (part, at), spread in zip(self.blocks, self.spread, strict=True):
            mean, some = self.mean[at], vectors[:, at]
            length = np.sqrt(np.einsum("ij,ij->i", some, some))
            with_mean = np.concatenate([rows[:, at], mean[None]])
            cosines = with_mean @ some.T / np.where(length > 0, length, 1)
            centred = cosines[:-1] - (rows[:, at] @ mean)[:, None]
            # The length of a unit vector without the mean, by the law of cosines.
            left = np.sqrt(np.maximum(1 - 2 * cosines[-1] + mean @ mean, 0))
            there = (length > 0) & (left > 0)
            scaled = np.where(there, left, 1) * np.sqrt(spread)
            found[part] = np.where(there, centred / scaled, 0).astype(np.float32)
        return found

    def to_length(self, rows: Vectors) -> Vectors:
        """Standardised vectors that were added up, each block of its length again, or zero."""
        made = np.zeros_like(rows)
        for (_, at), spread in zip(self.blocks, self.spread, strict=True):
            made[:, at] = unit_rows(rows[:, at]) / np.sqrt(spread)
        return made

    def as_one(self, rows: Vectors) -> Float32[np.ndarray, "1 dim"]:
        """Several standardised vectors as one: their mean."""
        return self.to_length(rows.mean(axis=0, keepdims=True))

    def proposing(self, row: Float32[np.ndarray, " dim"]) -> Float32[np.ndarray, " dim"]:
        """A weighted, standardised vector as an index is asked with it.

        The index holds vectors as they are stored, neither centred nor of equal spread. Its answers
        are therefore only candidates.
        """
        made = row.copy()
        for (_, at), spread in zip(self.blocks, self.spread, strict=True):
            made[at] /= np.sqrt(spread)
        return made / (np.linalg.norm(made) or np.float32(1))


def scale_of(store: Storage, space: Space) -> Scale:
    """Estimate the scale of a space from a random sample of it."""
    sample = passages(store, space)
    return cached(
        sample, ("scale", str(store.path), space.table), lambda: _measure_scale(space, sample)
    )


def _measure_scale(space: Space, sample: Sequence[Passage]) -> Scale:
    """The scale by the shots of a sample; those of one passage are not compared."""
    blocks = _blocks_of(space)
    rows = np.concatenate(
        [np.zeros((0, space.dim), np.float32), *(p.vectors.astype(np.float32) for p in sample)]
    )
    passage = np.repeat(np.arange(len(sample)), [len(p.vectors) for p in sample])
    step = max(1, len(rows) // _MOST_COMPARED)
    mean, spread = np.zeros(space.dim, np.float32), []
    for _, at in blocks:
        unit = unit_rows(rows[:, at])
        there = unit.any(axis=1)
        mean[at] = unit.sum(axis=0) / (there.sum() + _PRIOR)
        some = np.flatnonzero(there)[::step]
        centred = unit_rows(unit[some] - mean[at])
        cosines = (centred @ centred.T)[passage[some][:, None] != passage[some]]
        spread.append(max(_LEAST_SPREAD, float(cosines.std())) if len(cosines) else 1.0)
    return Scale(blocks, mean, np.array(spread, np.float32))


def _blocks_of(space: Space) -> tuple[tuple[Part, slice], ...]:
    """Column ranges of the parts in the vectors of a space; context is one block."""
    if space.name == "context":
        return (("context", slice(0, space.dim)),)
    return tuple((m, block(m)) for m in MODALITIES)
