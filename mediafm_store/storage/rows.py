"""Rows on their way into the tables and out of them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from mediafm_store.arrays import HalfVectors, Vectors
from mediafm_store.errors import SpaceMismatch
from mediafm_store.records import Span
from mediafm_store.tables.schema import vectors_schema
from mediafm_store.tables.spaces import Space

AT_ONCE = 4096
"""Shots whose titles are best written in one commit: fused and described, 75 MB of vectors."""


@dataclass(frozen=True)
class TitleRows:
    """Everything that one ingest writes of a title.

    Rows are dicts of the columns in `schema`, without `title` and `revision`, which the store fills
    in; a title row that was made from a stored one keeps its `revision`.
    """

    title: Mapping[str, Any]
    shots: Sequence[Mapping[str, Any]]
    cues: Sequence[Mapping[str, Any]]
    thumbnails: Sequence[Mapping[str, Any]]
    vectors: Mapping[Space, Vectors]
    """Vectors by space: one row per shot, or one in a space of titles."""


class MadeVectors(NamedTuple):
    """Vectors that were computed from the stored rows of a title."""

    title: Mapping[str, Any]
    """Its row as it was read before."""
    ids: Sequence[str]
    """Ids of its shots, or its own, in the order of the vectors."""
    vectors: Vectors


def half_vectors(rows: pa.Table) -> HalfVectors:
    """Column of vectors as a numpy array."""
    dim = rows.schema.field("vector").type.list_size
    flat = rows["vector"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return flat.reshape(-1, dim)


def vector_rows(
    space: Space, key: Mapping[str, str], ids: Sequence[str], vectors: Vectors
) -> pa.Table:
    """Vectors as their table holds them; raise SpaceMismatch if they do not fit it."""
    if vectors.shape != (len(ids), space.dim):
        raise SpaceMismatch(
            f"{space.name} takes {len(ids)} vectors of {space.dim}, got {vectors.shape}"
        )
    flat = pa.array(vectors.astype(np.float16).reshape(-1))
    columns = [
        pa.array(ids, pa.string()),
        *(pa.array([key[k]] * len(ids), pa.string()) for k in ("title", "revision")),
        pa.FixedSizeListArray.from_arrays(flat, space.dim),
    ]
    return pa.Table.from_arrays(columns, schema=vectors_schema(space.dim))


def by_space(keyed: Iterable[tuple[TitleRows, Mapping[str, str]]]) -> dict[Space, list[pa.Table]]:
    """The vectors of titles as their tables hold them, one table a title."""
    found: dict[Space, list[pa.Table]] = defaultdict(list)
    for rows, key in keyed:
        shots = [row["id"] for row in rows.shots]
        for space, vectors in rows.vectors.items():
            ids = [key["title"]] if space.of_titles else shots
            found[space].append(vector_rows(space, key, ids, vectors))
    return found


def span_of(row: Mapping[str, Any]) -> Span:
    """Exact span of a stored shot."""
    return Span(row["start"], row["end"], Fraction(row["time_base_num"], row["time_base_den"]))


VECTOR = "vector"
