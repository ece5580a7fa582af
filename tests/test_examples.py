"""Every script in examples/ runs, one after the other, on one store."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.slow
SCRIPTS = ["ingest_and_search.py", "read_with_polars.py", "tag_new_title.py"]


def test_every_example_is_run():
    assert sorted(p.name for p in (ROOT / "examples").glob("*.py")) == sorted(SCRIPTS)


def test_examples(sample_films, tmp_path):
    store, film = tmp_path / "store", sorted(sample_films.glob("*.mp4"))[1]
    arguments = {
        "ingest_and_search.py": [sample_films, store],
        "read_with_polars.py": [store],
        "tag_new_title.py": [store, film],
    }
    printed = {}
    for script in SCRIPTS:
        done = subprocess.run(
            [sys.executable, ROOT / "examples" / script, *arguments[script]],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        printed[script] = done.stdout
    assert "shots like" in printed["ingest_and_search.py"]
    assert "spoken" in printed["read_with_polars.py"]
    assert "because of" in printed["tag_new_title.py"]
