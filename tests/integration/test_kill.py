"""SIGKILL in the middle of an ingest, at the moment that the second title is being cut."""

import signal
import subprocess
import sys

import pytest

from mediafm_store.ingestion.ingest import ingest
from mediafm_store.storage.storage import Storage

pytestmark = pytest.mark.slow

KILLED_IN_SECOND = """
import os, signal, sys
from pathlib import Path
from mediafm_store.ingestion.ingest import ingest
from mediafm_store.storage.storage import Storage

first = min(Path(sys.argv[1]).glob("*.mp4"))

def progress(film):
    if film.media != first and film.done_s >= float(sys.argv[3]) * film.total_s:
        os.kill(os.getpid(), signal.SIGKILL)

store = Storage(sys.argv[2], create=True)
ingest(store, [Path(sys.argv[1])], on_progress=progress)
"""

KILLED_WHILE_WRITING = """
import os, signal, sys
from pathlib import Path
from mediafm_store.ingestion.ingest import ingest
from mediafm_store.storage.storage import Storage

def replace(name, *arguments, **options):
    if name == "titles" and len(store.titles()) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    put(name, *arguments, **options)

store = Storage(sys.argv[2], create=True)
put, store.tables.replace = store.tables.replace, replace
ingest(store, [Path(sys.argv[1])])
"""


@pytest.mark.parametrize(
    ("script", "after"),
    [(KILLED_IN_SECOND, "0.1"), (KILLED_IN_SECOND, "1"), (KILLED_WHILE_WRITING, "")],
)
def test_a_killed_ingest_leaves_the_first_title_whole(
    script, after, sample_films, encoders, tmp_path
):
    path = tmp_path / "store"
    done = subprocess.run(
        [sys.executable, "-c", script, str(sample_films), str(path), after], check=False
    )
    assert done.returncode == -signal.SIGKILL
    first, second = sorted(p.stem for p in sample_films.glob("*.mp4"))
    store = Storage(path)
    assert store.titles()["id"].to_list() == [first]
    assert set(store.shots()["title"]) == {first}
    ids = store.shots(first)["id"].to_list()
    assert store.vectors(store.live("fused")).ids == ids
    assert len(store.thumbnails(ids)) == len(ids)

    results = ingest(Storage(path), [sample_films], encoders=encoders)
    assert [r.state for r in results] == ["unchanged", "ingested"]
    assert Storage(path).titles()["id"].to_list() == [first, second]
    assert Storage(path).table("shots").count_rows() == len(Storage(path).shots())
