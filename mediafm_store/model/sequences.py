"""Titles as the model reads them: many of them end to end, without padding between."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int64
from torch import Tensor

from mediafm_store.parallel import groups

Rows = slice | Int64[np.ndarray, " rows"]
"""Some shots of a title, by number."""
_READ = 2048
"""Shots that are read at a time where all of some titles are wanted: 19 MB."""


class TitleSequence(NamedTuple):
    """Shots of one title, as the model takes them."""

    fused: Float32[np.ndarray, "shots dim"]
    metadata: Float32[np.ndarray, " metadata_dim"]
    """A text block; zeros where nothing is known about the title."""
    series: str = ""
    """Series of the title; titles of one series are never split between training and validation."""
    id: str = ""

    @property
    def shots(self) -> int:
        """Number of shots."""
        return len(self.fused)

    @property
    def key(self) -> str:
        """Content hash of the vectors."""
        digest = hashlib.blake2b(self.fused.tobytes())
        digest.update(self.metadata.tobytes())
        return digest.hexdigest()

    def at(self, rows: Rows) -> "TitleSequence":
        """Sequence of some of its shots."""
        return self._replace(fused=self.fused[rows])


class LazyTitle(NamedTuple):
    """A title, or some of its shots, whose vectors are read from a store when needed."""

    id: str
    series: str
    key: str
    """Content hash of the vectors."""
    places: Int64[np.ndarray, " shots"]
    """Offsets of the fused vectors, for `read`."""
    metadata: int
    """Offset of the metadata vector."""
    read: Callable[[Sequence["LazyTitle"]], list[TitleSequence]]
    """Reads titles of this store, all of them together."""

    @property
    def shots(self) -> int:
        """Number of shots."""
        return len(self.places)

    def at(self, rows: Rows) -> "LazyTitle":
        """Sequence of some of its shots."""
        return self._replace(places=self.places[rows])


Title = TitleSequence | LazyTitle


def read(titles: Iterable[Title]) -> list[TitleSequence]:
    """Titles with their vectors; those of a store are all read now."""
    every = list(titles)
    unread = [t for t in every if isinstance(t, LazyTitle)]
    found = iter(unread[0].read(unread) if unread else ())
    return [next(found) if isinstance(t, LazyTitle) else t for t in every]


def read_each(titles: Iterable[Title]) -> Iterator[TitleSequence]:
    """Yield titles with their vectors, few of them in memory at the same time."""
    for group in groups(titles, lambda t: t.shots, most=_READ):
        yield from read(group)


class Packed(NamedTuple):
    """Sequences of shots, concatenated; attention does not cross their borders."""

    fused: Float[Tensor, "shots dim"]
    metadata: Float[Tensor, "sequences metadata_dim"]
    lengths: tuple[int, ...]
    """Shots of each sequence."""

    @property
    def eligible(self) -> Bool[Tensor, " shots"]:
        """The shots that may be hidden: a zero vector has no direction to predict."""
        return self.fused.any(-1)

    def to(self, device: str | torch.device) -> "Packed":
        """Copy on a device."""
        return self._replace(fused=self.fused.to(device), metadata=self.metadata.to(device))


def pack(titles: Sequence[TitleSequence]) -> Packed:
    """Concatenate titles."""
    fused = np.concatenate([t.fused for t in titles])
    metadata = np.stack([t.metadata for t in titles])
    lengths = tuple(len(t.fused) for t in titles)
    return Packed(torch.from_numpy(fused), torch.from_numpy(metadata), lengths)
