"""Read a store's tables with Polars, DuckDB and NumPy.

python examples/read_with_polars.py my-store
"""

import sys

import duckdb
import polars as pl

import mediafm_store as mfm

store = mfm.Store(sys.argv[1])

# Titles and shots are Polars data frames.
shots = store.shots()
print(shots.group_by("title").agg(pl.len(), pl.col("duration_s").mean()).sort("title"))

# DuckDB reads them through Arrow.
arrow = shots.to_arrow()
print(duckdb.sql("SELECT title, count(*) AS spoken FROM arrow WHERE words <> '' GROUP BY title"))

# Vectors are NumPy arrays, one row a shot, in the order of their ids.
ids, vectors = store.vectors(store.live("fused"))
print(
    shots.join(pl.DataFrame({"id": ids, "fused": vectors}), on="id").select("id", "fused").head(3)
)
print("share of the picture in the first shot's length:", (vectors[0, :768] ** 2).sum())
