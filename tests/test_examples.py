"""Every script and notebook in examples/ runs, one after the other, on one store."""

import json
import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.slow
FEW = "only 2 titles have tags to learn from: what is said is a guess\n"
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
    (notebook,) = (ROOT / "examples").glob("*.ipynb")
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    printed = {}
    for script in SCRIPTS:
        done = subprocess.run(
            [sys.executable, ROOT / "examples" / script, *arguments[script]],
            capture_output=True,
            text=True,
            check=False,
        )
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
