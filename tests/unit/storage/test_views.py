"""The tables as other tools read them."""

import json
import subprocess
import sys

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors import safe_open
from torch.utils.data import DataLoader

from mediafm_store.errors import InvalidInput, NotFound
from mediafm_store.exporters import export
from mediafm_store.storage import views
from mediafm_store.storage.storage import Storage
from tests.conftest import random_vectors, shot_row, title_rows


@pytest.fixture
def films(store, monkeypatch):
    """Two titles, one of which was replaced, read in small batches."""
    monkeypatch.setattr(views, "_ROWS", 4)
    store.add_title(title_rows(store, "alpha", random_vectors(9, 1)))
    store.add_title(title_rows(store, "beta", random_vectors(5, 2), genres=["Drama"]))
    store.add_title(title_rows(store, "alpha", random_vectors(6, 3), genres=["Comedy"]))
    return store


def test_vectors_come_with_what_is_known_of_their_shots(films):
    rows = films.view("fused").arrow()
    assert rows.column_names[0] == "id"
    assert rows.column_names[-1] == "vector"
    assert "revision" not in rows.column_names
    ids, vectors = films.vectors(films.live("fused"))
    frame = pl.DataFrame(pl.from_arrow(rows)).sort("id")
    assert frame["id"].to_list() == ids
    assert np.allclose(np.stack(frame["vector"].to_list()), vectors)
    shots = films.shots()
    assert frame.select(shots.columns).equals(shots)


def test_titles_have_vectors_too(films):
    rows = films.view("metadata").arrow()
    assert sorted(rows["id"].to_pylist()) == ["alpha", "beta"]
    assert set(rows["name"].to_pylist()) == {"Alpha", "Beta"}
    assert rows.schema.field("vector").type == pa.list_(pa.float16(), 768)


@pytest.mark.parametrize("name", ["titles", "shots", "thumbnails", "cues", "spaces", "tags"])
def test_every_table_can_be_viewed(films, name):
    view = films.view(name)
    assert view.arrow().schema == view.schema
    assert view.lazy().collect().shape == (view.arrow().num_rows, len(view.schema))


def test_polars_reads_only_what_it_needs(films, monkeypatch):
    read = []
    batches = films.tables.batches

    def noting(self, name, columns, *arguments, **options):
        read.append((name, columns))
        return batches(name, columns, *arguments, **options)

    monkeypatch.setattr(type(films.tables), "batches", noting)
    lazy = films.view("fused").lazy()
    long = lazy.filter(pl.col("start_s") >= 4).select("id", "start_s").collect()
    assert len(long) == 7
    assert all("vector" not in columns for _, columns in read)
    assert len(lazy.head(3).collect()) == 3


def test_duckdb_pandas_and_arrow_agree(films):
    view = films.view("fused")
    arrow = view.arrow()
    relation = view.duckdb()
    found = relation.project("id, vector[1]").order("id").fetchall()
    assert [row[0] for row in found] == sorted(arrow["id"].to_pylist())
    frame = view.pandas()
    assert frame["id"].to_list() == arrow["id"].to_pylist()
    by_id = {i: v[0] for i, v in zip(frame["id"], frame["vector"], strict=True)}
    assert [row[1] for row in found] == [pytest.approx(float(by_id[row[0]])) for row in found]


@pytest.mark.parametrize("workers", [0, 2])
def test_torch_streams_batches_each_once(films, workers):
    context = {"multiprocessing_context": "spawn"} if workers else {}
    loader = DataLoader(
        films.view("fused").torch(), batch_size=None, num_workers=workers, **context
    )
    batches = list(loader)
    assert sorted(i for batch in batches for i in batch["id"]) == films.shots()["id"].to_list()
    assert {batch["vector"].shape[1] for batch in batches} == {2304}
    assert {str(batch["vector"].dtype) for batch in batches} == {"torch.float32"}


def test_a_condition_chooses_shots(films):
    rows = films.view("fused", where="array_contains(genres, 'Drama') AND start_s > 2").arrow()
    assert rows["id"].to_pylist() == ["beta/00002", "beta/00003", "beta/00004"]
    assert films.view("shots", where="title = 'nobody'").arrow().num_rows == 0
    with pytest.raises(InvalidInput, match="a condition is on shots; titles has none"):
        films.view("titles", where="duration_s > 1")


def test_a_table_as_it_was(store):
    store.add_title(title_rows(store, "alpha", random_vectors(3, 1)))
    then = store.versions("fused")["version"][-1]
    shots_then = store.view("shots").arrow()
    shots_version = store.versions("shots")["version"][-1]
    store.add_title(title_rows(store, "alpha", random_vectors(5, 2)))
    assert store.view("fused").arrow().num_rows == 5
    was = store.view("fused", version=then).arrow()
    assert was.num_rows == 3
    assert np.allclose(np.stack(was["vector"].to_pylist()), random_vectors(3, 1), atol=1e-3)
    assert store.view("shots", version=shots_version).arrow().equals(shots_then)
    with pytest.raises(InvalidInput, match="fused_v1 has no version 99"):
        store.view("fused", version=99)


def test_what_is_not_there_is_told(films):
    with pytest.raises(NotFound, match="no table 'odd'; there are fused"):
        films.view("odd")
    with pytest.raises(NotFound, match="no context vectors yet"):
        films.view("context")


def test_a_view_is_of_one_moment(films):
    view = films.view("fused")
    before = view.arrow()
    films.add_title(title_rows(films, "gamma", random_vectors(2, 8)))
    films.add_title(title_rows(films, "beta", random_vectors(2, 9)))
    assert view.arrow().equals(before)
    assert films.view("fused").arrow().num_rows == 10


def test_exports_hold_what_the_view_holds(films, tmp_path):
    rows = films.view("fused").arrow()
    vectors = np.stack(rows["vector"].to_pylist())
    (written,) = export(films, "fused", tmp_path / "out" / "v.parquet")
    assert pq.read_table(written).equals(rows)
    written = export(films, "fused", tmp_path / "v.npy")
    assert [p.name for p in written] == ["v.npy", "v.rows.parquet"]
    assert (np.load(written[0]) == vectors).all()
    assert pl.read_parquet(written[1])["id"].to_list() == rows["id"].to_pylist()
    (written,) = export(films, "fused", tmp_path / "v.safetensors")
    with safe_open(written, "numpy") as file:
        assert (file.get_tensor("vectors") == vectors).all()
        assert json.loads(file.metadata()["ids"]) == rows["id"].to_pylist()
    (written,) = export(films, "titles", tmp_path / "titles.parquet")
    assert len(pl.read_parquet(written)) == 2
    with pytest.raises(InvalidInput, match="titles has no vectors"):
        export(films, "titles", tmp_path / "titles.npy")
    with pytest.raises(InvalidInput, match=r"suffixes csv, npy, parquet, safetensors"):
        export(films, "titles", tmp_path / "titles.doc")


def test_an_export_that_fails_leaves_the_old_file(films, tmp_path):
    path = tmp_path / "v.parquet"
    path.write_bytes(b"before")

    def broken(view, to):
        to.write_bytes(b"half")
        raise RuntimeError

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("mediafm_store.exporters._exporter_for", lambda path, file_format: broken)
        with pytest.raises(RuntimeError):
            export(films, "fused", path)
    assert path.read_bytes() == b"before"
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".exp")] == []


def test_the_command_line_exports(films, tmp_path):
    command = [sys.executable, "-m", "mediafm_cli", "export", "shots", tmp_path / "s.parquet"]
    options = ["--where", "array_contains(genres, 'Drama')", "--json", "--store", films.path]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["file"] == str(tmp_path / "s.parquet")
    assert len(pl.read_parquet(tmp_path / "s.parquet")) == 5


def test_an_empty_store_has_empty_tables(tmp_path):
    store = Storage(tmp_path / "empty", create=True)
    assert store.view("shots").arrow().num_rows == 0
    assert set(shot_row("a/00000", 0)) <= set(store.view("shots").schema.names)


def test_torch_gives_tensors_of_numbers_in_batches_of_any_size(films):
    view = films.view("fused")
    batches = list(view.torch(["index", "start_s", "black", "vector", "title"], batch_size=5))
    assert [len(batch["title"]) for batch in batches] == [5, 5, 1]
    assert list(batches[0]) == ["index", "start_s", "black", "vector", "title"]
    types = {name: str(getattr(value, "dtype", list)) for name, value in batches[0].items()}
    assert types == {
        "index": "torch.int32",
        "start_s": "torch.float64",
        "black": "torch.bool",
        "vector": "torch.float32",
        "title": "<class 'list'>",
    }
    whole = view.arrow()
    for name in ("index", "start_s", "black"):
        together = [value for batch in batches for value in batch[name].tolist()]
        assert together == whole[name].to_pylist()
    (gaps,) = view.torch(["scene", "words"])
    assert gaps["scene"] == [None] * 11
    with pytest.raises(InvalidInput, match="fused_v1 has no column 'odd'; there are id, title"):
        view.torch(["odd"])
    with pytest.raises(InvalidInput, match="batch_size must be 1 or more"):
        view.torch(batch_size=0)


def test_fractions_with_gaps_have_nan(store):
    rows = title_rows(store, "alpha", random_vectors(2, 1))
    rows.shots[1]["loudness_db"] = None
    store.add_title(rows)
    (batch,) = store.view("shots").torch(["loudness_db"])
    assert batch["loudness_db"].dtype.is_floating_point
    assert batch["loudness_db"].isnan().tolist() == [False, True]


def test_csv_has_all_that_fits_a_cell(films, tmp_path, caplog):
    (written,) = export(films, "fused", tmp_path / "v.csv")
    assert "v.csv leaves out vector; .parquet has all" in caplog.text
    found = pl.read_csv(written)
    wanted = films.view("fused").lazy().drop("vector").collect()
    assert found.columns == wanted.columns
    for name in ("id", "start", "start_s", "brightness", "black"):
        assert found[name].to_list() == pytest.approx(wanted[name].to_list())
    assert [json.loads(cell) for cell in found["colours"]] == wanted["colours"].to_list()
    export(films, "titles", tmp_path / "titles.csv")
    genres = pl.read_csv(tmp_path / "titles.csv")["genres"]
    assert sorted(genres) == ['["Comedy"]', '["Drama"]']


def test_a_table_without_rows_is_a_csv_of_its_header(films, tmp_path):
    (written,) = export(films, "tags", tmp_path / "tags.csv")
    assert written.read_text() == ",".join(films.view("tags").schema.names) + "\n"
