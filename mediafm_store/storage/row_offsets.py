"""Offsets of the vectors of titles in a table, and reading by them."""

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
import polars as pl
import pyarrow as pa
from jaxtyping import Int64

from mediafm_store.arrays import HalfVectors
from mediafm_store.storage.rows import half_vectors
from mediafm_store.storage.views import only_valid
from mediafm_store.tables.lancedb_tables import Tables
from mediafm_store.tables.spaces import Space

_ROWS = 65_536
_NUMBER = r"/(\d+)$"
"""Number of a shot in its id; a title's id has none."""


class RowOffsets:
    """The vectors of a space by their place in its table, as it was when this was made.

    To read by place takes as long in a large table as in a small one; a condition goes through the
    titles of all rows.
    """

    def __init__(self, tables: Tables, space: Space, revisions: Mapping[str, str]) -> None:
        self._tables, self._table = tables, tables.open(space.table)
        self.of: dict[str, Int64[np.ndarray, " rows"]] = {}
        """Offsets by title, of those revisions that have vectors, in play order."""
        parts: dict[str, list[pl.DataFrame]] = defaultdict(list)
        columns, version, start = ["id", "title", "revision"], self._table.version, 0
        for rows in tables.batches(space.table, columns, _ROWS, version=version):
            places = pa.array(np.arange(start, start + rows.num_rows))
            start += rows.num_rows
            seen = pl.DataFrame(
                pl.from_arrow(only_valid(rows.append_column("place", places), revisions))
            )
            number = pl.col("id").str.extract(_NUMBER).cast(pl.Int64).alias("number")
            for (title,), part in seen.select("title", number, "place").group_by("title"):
                parts[str(title)].append(part.drop("title"))
        for title in sorted(parts, key=lambda title: f"{title}/"):
            self.of[title] = pl.concat(parts[title]).sort("number")["place"].to_numpy()

    def read(self, places: Int64[np.ndarray, " rows"]) -> HalfVectors:
        """The vectors at some places, in this order."""
        once, order = np.unique(places, return_inverse=True)
        return half_vectors(self._tables.take(self._table, once.tolist(), ["vector"]))[order]
