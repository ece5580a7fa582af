"""Rows on their way into the tables and out of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from mediafm_store.arrays import HalfVectors, Vectors
from mediafm_store.errors import SpaceMismatch
from mediafm_store.store.schema import vectors_schema
from mediafm_store.store.spaces import Space


@dataclass(frozen=True)
class TitleRows:
    """Everything that one ingest writes of a title. Rows are dicts of the columns in `schema`,
    without `title` and `revision`, which the store fills in; a title row that was made from a
    stored one keeps its `revision`."""

    title: Mapping[str, Any]
    shots: Sequence[Mapping[str, Any]]
    cues: Sequence[Mapping[str, Any]]
    thumbnails: Sequence[Mapping[str, Any]]
    vectors: Mapping[Space, Vectors]
    """By space: one row a shot, or one in a space of titles."""


def half_vectors(rows: pa.Table) -> HalfVectors:
    """The column of vectors as numpy has it."""
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
