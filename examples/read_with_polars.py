"""Read a store's tables with Polars, DuckDB and NumPy.

python examples/read_with_polars.py my-store
"""

import sys

import numpy as np
import polars as pl

import mediafm_store as mfm

store = mfm.Store(sys.argv[1])

# Polars, lazy: only the columns that are used are read.
shots = store.view("shots").lazy()
lengths = shots.group_by("title").agg(pl.len(), pl.col("duration_s").mean())
print(lengths.sort("title").collect())

# DuckDB.
print(store.view("shots").duckdb().filter("words <> ''").aggregate("title, count(*) AS spoken"))

# Vectors come with what is known of their shots.
long = store.view("fused", where="duration_s > 2").arrow()
vectors = np.stack(long["vector"].to_numpy(zero_copy_only=False)).astype(np.float32)
print("share of the picture in the first shot's length:", (vectors[0, :768] ** 2).sum())
