"""Files that declare more than memory holds are refused before they are read."""

import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.helpers.features import bring, film, save


def declared(path, **shapes):
    """A film whose arrays are said to be larger than they are: nothing may be read of them."""
    save(path, **film())
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as members:
        for name, (shape, dtype) in shapes.items():
            with members.open(f"{name}.npy", "w") as out:
                head = {"descr": dtype, "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(out, head)
    return path


@pytest.mark.parametrize(
    ("name", "held", "told"),
    [
        ("text", ((1_000_000, 1024), "<f4"), "text has 1,000,000 shots"),
        ("text", ((6, 200_000), "<f4"), "text has 200,000 numbers a shot"),
        ("text", ((100_000, 1024), "<f2"), "text has 100,000 shots of 1,024 numbers"),
        ("words", ((6,), "<U50000000"), "words is <U50000000 (6,), larger than 400 MB"),
        ("scene", ((10**9,), "<i8"), "scene has 1,000,000,000 shots"),
        ("fps", ((10**9,), "<i8"), "fps has 1,000,000,000 shots"),
    ],
)
def test_arrays(store, tmp_path, name, held, told):
    (result,) = bring(store, declared(tmp_path / "a.npz", **{name: held}))
    assert result.state == "failed"
    assert told in result.error
    assert "a.npz" in result.error


def test_arrays_that_are_not_read_may_be_large(store, tmp_path):
    (result,) = bring(store, declared(tmp_path / "a.npz", frames=((10**7, 48, 27, 3), "|u1")))
    assert result.state == "ingested"


def table_of(titles, width, list_size=-1):
    """Rows of zeros, which take no room in a file."""
    rows = len(titles)
    values = pa.array(np.zeros(rows * width, np.float32))
    lists = (
        pa.FixedSizeListArray.from_arrays(values, width)
        if list_size > 0
        else pa.ListArray.from_arrays(np.arange(0, rows * width + 1, width, dtype=np.int32), values)
    )
    starts = np.arange(rows, dtype=np.float64)
    columns = {"title": titles, "start_s": starts, "end_s": starts + 1, "visual": lists}
    return pa.table(columns)


@pytest.mark.parametrize("list_size", [-1, 20_000])
def test_wide_tables(store, tmp_path, list_size):
    path = tmp_path / "wide.parquet"
    pq.write_table(table_of(["a", "b"], 20_000, list_size), path)
    (result,) = bring(store, path)
    assert result.state == "failed"
    assert "visual has 20,000 numbers a shot" in result.error


def test_a_long_title_of_a_table_is_passed_over(store, tmp_path):
    path = tmp_path / "long.parquet"
    pq.write_table(table_of(["long"] * 200_001 + ["short"] * 5, 2), path)
    results = bring(store, path)
    assert [result.state for result in results] == ["failed", "ingested"]
    assert "long.parquet, title long: it has 200,001 shots" in results[0].error
    assert store.titles()["id"].to_list() == ["short"]
