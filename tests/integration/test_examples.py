"""Every script and notebook in examples/ runs, one after the other, on one store."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mediafm_store.ingestion.ingest import ingest
from mediafm_store.storage.storage import Storage
from tests.conftest import ROOT

pytestmark = pytest.mark.slow
FEW = "only 2 titles have tags to learn from: what is said is a guess\n"
SCRIPTS = ["ingest_and_search.py", "read_with_polars.py", "tag_new_title.py"]


def test_every_example_is_run():
    assert sorted(p.name for p in (ROOT / "examples").glob("*.py")) == sorted(SCRIPTS)


def run(script, *arguments):
    """An example in a process of its own."""
    return subprocess.run(
        [sys.executable, ROOT / "examples" / script, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def test_examples_say_in_a_line_what_they_lack(sample_films, tmp_path, plain_encoders):
    film, store = sorted(sample_films.glob("*.mp4"))[0], tmp_path / "store"
    ingest(Storage(store, create=True), film, encoders=plain_encoders)
    (empty := tmp_path / "empty").mkdir()
    (Path(empty) / "film.mp4").write_bytes(b"no film")
    for script, *arguments in (
        *((script,) for script in SCRIPTS),
        ("ingest_and_search.py", empty, tmp_path / "new"),
        ("ingest_and_search.py", tmp_path / "nowhere", tmp_path / "new"),
        ("read_with_polars.py", tmp_path / "nowhere"),
        ("tag_new_title.py", store, film),
        ("tag_new_title.py", store, empty / "film.mp4"),
    ):
        done = run(script, *arguments)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    done = run("read_with_polars.py", store)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_example_of_one_film_ends_in_no_traceback(sample_films, tmp_path):
    film = sorted(sample_films.glob("*.mp4"))[0]
    done = run("ingest_and_search.py", film, tmp_path / "one")
    assert (done.returncode, done.stderr.count("\n")) in ((0, 0), (1, 1)), done.stderr


def test_examples(sample_films, tmp_path):
    store, film = tmp_path / "store", sorted(sample_films.glob("*.mp4"))[1]
    arguments = {
        "ingest_and_search.py": [sample_films, store],
        "read_with_polars.py": [store],
        "tag_new_title.py": [store, film],
    }
    (notebook,) = (ROOT / "examples").glob("*.ipynb")
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    printed = {}
    for script in SCRIPTS:
        done = run(script, *arguments[script])
        told = FEW if script == "tag_new_title.py" else ""
        assert (done.returncode, done.stderr) == (0, told)
        printed[script] = done.stdout
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join(code)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"MEDIAFM_STORE": str(store)},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "FCM: NON-DROP FRAME" in done.stdout
    assert "shots like" in printed["ingest_and_search.py"]
    assert "spoken" in printed["read_with_polars.py"]
    assert "because of" in printed["tag_new_title.py"]
