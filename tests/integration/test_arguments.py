"""Arguments that nothing can hold: whole numbers out of bounds, bytes that are no text."""

import json

import pytest

from mediafm_cli.output import emit
from mediafm_store.errors import InvalidInput
from mediafm_store.ingestion.ingest import ingest
from tests.conftest import random_vectors, title_rows
from tests.helpers.command import mediafm


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "--seed", "9" * 20),
        ("train", "--seed", "-1"),
        ("train", "--steps", "9" * 30),
        ("probes", "fit", "genre", "--seed", "-1"),
        ("search", "--shot", "a/1", "--k", "9" * 20),
        ("ingest", "film.mp4", "--workers", "9" * 20),
        ("export", "shots", "x.parquet", "--version", "9" * 20),
    ],
)
def test_a_number_out_of_bounds_is_told(tmp_path, arguments):
    done = mediafm(*arguments, *(() if arguments[0] == "ingest" else ("--store", tmp_path / "no")))
    assert done.returncode == 2
    assert f"Invalid value for '{arguments[-2]}'" in done.stderr


def test_so_many_workers_there_cannot_be(store, tmp_path, plain_encoders):
    (film := tmp_path / "film.mp4").touch()
    with pytest.raises(InvalidInput, match="workers must be 1 to 1024, are 2000"):
        ingest(store, [film], encoders=plain_encoders, workers=2000)


def test_an_argument_that_is_no_text_is_told(store, tmp_path):
    (tmp_path / "labels.csv").write_text("title,label\nfilm,Drama\n")
    store.add_title(title_rows(store, "film", random_vectors(2)))
    for task in ("caf\udcff", "\ud83d"):
        done = mediafm(
            *("labels", "import", tmp_path / "labels.csv", "--task", task, "--store", store.path)
        )
        assert done.returncode == 1
        assert done.stderr == f"Error: {task!a} is no text: arguments must be in UTF-8\n"


def test_names_that_are_no_text_are_printed_as_json(capsys):
    rows = [{"file": "caf\udcff.mp4 é \\"}]
    emit(rows, as_json=True)
    assert json.loads(capsys.readouterr().out) == rows[0]
