"""Read a store's tables with Polars, DuckDB and NumPy.

python examples/read_with_polars.py my-store
"""

import sys

import numpy as np
import polars as pl

import mediafm_store as mfm


def main(folder: str) -> None:
    """Print what three libraries make of a store."""
    store = mfm.open(folder)

    # Polars, lazy: only the columns that are used are read.
    shots = store.table("shots").lazy()
    lengths = shots.group_by("title").agg(pl.len(), pl.col("duration_s").mean())
    print(lengths.sort("title").collect())

    # DuckDB.
    print(
        store.table("shots").duckdb().filter("words <> ''").aggregate("title, count(*) AS spoken")
    )

    # Vectors come with what is known of their shots.
    long = store.table("fused", where="duration_s > 2").arrow()
    print(len(long), "shots of more than two seconds")
    for vector in long["vector"].to_pylist()[:1]:
        block = np.array(vector[:768], np.float32)
        print("share of the picture in the first one's length:", (block**2).sum())


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("give a store: python examples/read_with_polars.py my-store")
    try:
        main(sys.argv[1])
    except mfm.MediaFMError as error:
        sys.exit(str(error))
