"""What every exporter must do: a view of two titles is written, and read back equal."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from safetensors import safe_open

from mediafm_store import plugins
from mediafm_store.errors import InvalidInput
from mediafm_store.exporters import export
from mediafm_store.storage import views
from tests.conftest import random_vectors, title_rows

NAMES = plugins.names("exporters")


@pytest.fixture
def films(store, monkeypatch):
    """Two titles, read in batches of four rows; one has words that a format could mistake."""
    monkeypatch.setattr(views, "_ROWS", 4)
    store.add_title(title_rows(store, "alpha", random_vectors(6, 1)))
    odd = title_rows(store, "beta", random_vectors(5, 2), genres=["Drama"])
    odd.shots[1]["words"] = 'She said: "a, b";\n<c> & d\té'
    odd.shots[2]["loudness_db"] = None
    store.add_title(odd)
    return store


def from_csv(path: Path, view) -> list[dict]:
    """Cells by the types of the view; lists are JSON."""
    kinds = view.lazy().drop("vector").collect_schema()
    nested = {name for name, kind in kinds.items() if kind.is_nested()}
    types = {name: pl.String if name in nested else kind for name, kind in kinds.items()}
    rows = pl.read_csv(path, schema=types).to_dicts()
    return [
        {name: json.loads(v) if name in nested and v else v for name, v in row.items()}
        for row in rows
    ]


def from_npy(path: Path, view) -> list[dict]:
    rows = pl.read_parquet(path.with_suffix(".rows.parquet")).to_dicts()
    vectors = np.load(path).tolist()
    return [row | {"vector": vector} for row, vector in zip(rows, vectors, strict=True)]


def from_safetensors(path: Path, view) -> list[dict]:
    with safe_open(path, "numpy") as file:
        ids, vectors = json.loads(file.metadata()["ids"]), file.get_tensor("vectors").tolist()
    return [{"id": i, "vector": vector} for i, vector in zip(ids, vectors, strict=True)]


def from_json_lines(path: Path, view) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


READERS = {
    "parquet": lambda path, view: pq.read_table(path).to_pylist(),
    "csv": from_csv,
    "npy": from_npy,
    "safetensors": from_safetensors,
    "jsonl": from_json_lines,
}
LEFT_OUT = {"csv": {"vector"}, "jsonl": {"vector"}}
"""What a format does not hold; safetensors holds ids and vectors alone."""


@pytest.mark.parametrize("name", NAMES)
def test_two_titles_are_read_back_equal(films, tmp_path, name):
    if name not in READERS:
        pytest.skip(f"nothing here reads .{name}: add a reader to READERS")
    path, view = tmp_path / f"rows.{name}", films.view("fused")
    assert path in export(films, "fused", path)
    found = READERS[name](path, view)
    columns = set(view.schema.names) - LEFT_OUT.get(name, set())
    columns = {"id", "vector"} if name == "safetensors" else columns
    rows = view.arrow().to_pylist()
    assert len(rows) == 11
    assert found == [{column: row[column] for column in row if column in columns} for row in rows]


@pytest.mark.parametrize("name", NAMES)
def test_files_appear_in_their_folder_alone(films, tmp_path, name):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / f"rows.{name}").write_bytes(b"before")
    before = films.view("fused").arrow()
    written = export(films, "fused", folder / f"rows.{name}")
    assert sorted(written) == sorted(folder.iterdir())
    assert all(path.stat().st_size > len(b"before") for path in written)
    assert films.view("fused").arrow().equals(before)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_says_more_than_a_suffix(films, tmp_path, name):
    (first, *_) = export(films, "fused", tmp_path / "rows.doc", file_format=name)
    assert first == tmp_path / "rows.doc"


def test_an_unknown_suffix_is_refused_and_the_known_ones_named(films, tmp_path):
    with pytest.raises(InvalidInput, match=f"suffixes {', '.join(NAMES)}, or --format"):
        export(films, "fused", tmp_path / "rows.doc")
    assert not (tmp_path / "rows.doc").exists()
