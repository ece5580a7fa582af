"""A text compared with one modality of shots."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from mediafm_store import weights as shipped
from mediafm_store.arrays import Blocks, Modality, Vectors, block, unit_rows
from mediafm_store.encoders.encoder import Encoder, Encoders, encode_query
from mediafm_store.indexing.known import ReadCache
from mediafm_store.indexing.nearest import nearest
from mediafm_store.likeness.sampling import cached, passages
from mediafm_store.likeness.scale import Part
from mediafm_store.matching.matcher import CandidateQuery, NullDistribution
from mediafm_store.matching.null_distribution import QUERIES
from mediafm_store.picture_text.caption_map import CaptionMap
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.spaces import Space

_COMMON_QUERIES = "common_queries.txt"
_ALIKE = 0.01
"""Spread of cosines below which shots are all the same: they are then compared as they are. With
the default encoders and real films it is 0.04 and more."""
Cosines = Float32[np.ndarray, "shots texts"]


@runtime_checkable
class Asker(Protocol):
    """Compares texts with blocks of one modality."""

    @property
    def key(self) -> str:
        """Another one where texts are compared otherwise."""
        ...

    def queries(self, texts: Sequence[str]) -> Vectors:
        """Texts as unit vectors, in whatever space they are compared in."""
        ...

    def common(self) -> Vectors:
        """Everyday texts in the same way."""
        ...

    def directions(self, queries: Vectors) -> Blocks:
        """Directions among blocks, with which an index proposes candidates."""
        ...

    def cosines(self, blocks: Blocks, queries: Vectors) -> Cosines:
        """Cosines of texts with blocks; 0 where a block is zero."""
        ...


@dataclass(frozen=True)
class _ByMap:
    """Pictures, by a map that was learned from pictures with captions."""

    map: CaptionMap
    text: Encoder

    @property
    def key(self) -> str:
        """Maps of the same encoders differ in their matrices."""
        return f"map {self.text.fingerprint} {self.map.picture_matrix.sum()}"

    def queries(self, texts: Sequence[str]) -> Vectors:
        """In the space of the map."""
        return self.map.texts(encode_query(self.text, texts))

    def common(self) -> Vectors:
        """Vectors after the map, which are comparable with texts."""
        return self.map.common

    def directions(self, queries: Vectors) -> Blocks:
        """Among the blocks of the picture encoder."""
        return self.map.directions(queries)

    def cosines(self, blocks: Blocks, queries: Vectors) -> Cosines:
        """In the space of the map."""
        return self.map.pictures(blocks) @ queries.T


@dataclass(frozen=True)
class _ByEncoder:
    """Descriptions of items, grouped by the encoder that made them."""

    encoder: Encoder

    @property
    def key(self) -> str:
        """The encoder's."""
        return self.encoder.fingerprint

    def queries(self, texts: Sequence[str]) -> Vectors:
        """In the space of its descriptions."""
        return encode_query(self.encoder, texts)

    def common(self) -> Vectors:
        """Encoded when they are asked for."""
        lines = shipped.lines(_COMMON_QUERIES)
        return self.queries([lines[i * len(lines) // QUERIES] for i in range(QUERIES)])

    def directions(self, queries: Vectors) -> Blocks:
        """Descriptions are compared as they are."""
        return queries

    def cosines(self, blocks: Blocks, queries: Vectors) -> Cosines:
        """With descriptions."""
        return blocks @ queries.T


@dataclass(frozen=True, eq=False)
class Evidence:
    """One text compared with the blocks of one modality in one space."""

    store: Storage
    space: Space
    modality: Modality
    """Whose block of the vectors is compared."""
    part: Part
    """The part of a score that it counts to."""
    weight: float
    asker: Asker
    query: Float32[np.ndarray, "1 dims"]
    _cosines: dict[str, float] = field(default_factory=dict)
    """Cosines of shots that were compared already."""

    def probe(self) -> CandidateQuery:
        """For an index to propose candidates."""
        return CandidateQuery(self.space, self._padded(self.asker.directions(self.query)))

    def cosines(self, known: ReadCache, ids: Sequence[str]) -> Float32[np.ndarray, " shots"]:
        """Cosines of shots; nan for a shot that lacks the modality or does not exist."""
        if new := [row_id for row_id in dict.fromkeys(ids) if row_id not in self._cosines]:
            blocks = self._blocks(known.vectors(self.space, new))
            cosines = self.asker.cosines(blocks, self.query)[:, 0]
            cosines = np.where(blocks.any(axis=1), cosines, np.nan)
            self._cosines.update(zip(new, cosines.tolist(), strict=True))
        return np.array([self._cosines[row_id] for row_id in ids], np.float32)

    def scores(self, known: ReadCache, ids: Sequence[str]) -> Float32[np.ndarray, " shots"]:
        """In standard deviations above a random shot; nan where the modality is absent."""
        mean, spread = self._usual
        return (self.cosines(known, ids) - mean) / spread

    def null(self) -> NullDistribution:
        """The best cosines of everyday texts."""
        return cached(
            passages(self.store, self.space),
            ("text", str(self.store.path), self.space.table, self.modality, self.asker.key),
            self._best_of_common,
        )

    @cached_property
    def _usual(self) -> tuple[np.float32, np.float32]:
        """The mean and the standard deviation over random shots that have the modality.

        0 and 1 where these are one shot or all alike.
        """
        rows = sampled(self.store, self.space)
        blocks = self._blocks(rows)
        cosines = self.asker.cosines(blocks[blocks.any(axis=1)], self.query)
        if not len(cosines) or cosines.std() < _ALIKE:
            return np.float32(0), np.float32(1)
        return np.float32(cosines.mean()), np.float32(cosines.std())

    def _best_of_common(self) -> NullDistribution:
        common = self.asker.common()
        near = nearest(self.store, self.space, self._padded(self.asker.directions(common)), 10)
        every = {
            row_id: row for one in near for row_id, row in zip(one.ids, one.vectors, strict=True)
        }
        rows = np.stack([np.zeros(self.space.dim, np.float32), *every.values()])
        cosines = self.asker.cosines(self._blocks(rows)[1:], common)
        place = {row_id: i for i, row_id in enumerate(every)}
        best = [
            cosines[[place[row_id] for row_id in one.ids], query].max()
            for query, one in enumerate(near)
            if one.ids
        ]
        return NullDistribution(np.sort(np.array(best, np.float32)))

    def _blocks(self, vectors: Vectors) -> Blocks:
        """Blocks of vectors, scaled to length 1 or zero."""
        return unit_rows(vectors[:, block(self.modality)])

    def _padded(self, blocks: Blocks) -> Vectors:
        """Blocks as vectors of the space."""
        rows = np.zeros((len(blocks), self.space.dim), np.float32)
        rows[:, block(self.modality)] = blocks
        return rows


def sampled(store: Storage, space: Space) -> Vectors:
    """Vectors of random shots of a space."""
    sample = passages(store, space)
    rows = [np.zeros((0, space.dim), np.float16), *(p.vectors for p in sample)]
    question = ("random shots", str(store.path), space.table)
    return cached(sample, question, lambda: np.concatenate(rows).astype(np.float32))


def comparable_parts(
    store: Storage, encoders: Encoders, captions: CaptionMap | None
) -> Iterator[tuple[Part, Modality, Space, Asker]]:
    """Parts that a text can be compared with: part, modality, space, and encoder."""
    described = store.live("described")
    if captions is not None and "visual" in encoders:
        asker = _ByMap(captions, encoders["text"])
        yield "visual", "visual", store.live("fused"), asker
    elif "visual" in encoders:
        yield "visual", "visual", described, _ByEncoder(encoders["visual"])
    if "audio" in encoders:
        yield "audio", "audio", described, _ByEncoder(encoders["audio"])
    yield "text", "text", described, _ByEncoder(encoders["text"])
