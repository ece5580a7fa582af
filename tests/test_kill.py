"""SIGKILL in the middle of an ingest, at the moment that the second title is being cut."""

import signal
import subprocess
import sys

import pytest

from mediafm_store import Store, ingest

pytestmark = pytest.mark.slow

KILLED_IN_SECOND = """
import os, signal, sys
from pathlib import Path
from mediafm_store import Store, ingest

started = []

def progress(stage, done_s, total_s):
    if len(started) == 2 and stage == sys.argv[3] and done_s > 1:
        os.kill(os.getpid(), signal.SIGKILL)

store = Store(sys.argv[2], create=True)
ingest(store, [Path(sys.argv[1])], on_start=started.append, on_progress=progress)
"""

KILLED_WHILE_WRITING = """
import os, signal, sys
from pathlib import Path
from mediafm_store import Store, ingest

def replace(name, *arguments, **options):
    if name == "titles" and len(store.titles()) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    put(name, *arguments, **options)

store = Store(sys.argv[2], create=True)
put, store._tables.replace = store._tables.replace, replace
ingest(store, [Path(sys.argv[1])])
"""


@pytest.mark.parametrize(
    ("script", "stage"),
    [(KILLED_IN_SECOND, "picture"), (KILLED_IN_SECOND, "sound"), (KILLED_WHILE_WRITING, "")],
)
def test_a_killed_ingest_leaves_the_first_title_whole(
    script, stage, sample_films, encoders, tmp_path
):
    path = tmp_path / "store"
    done = subprocess.run(
        [sys.executable, "-c", script, str(sample_films), str(path), stage], check=False
    )
    assert done.returncode == -signal.SIGKILL
    first, second = sorted(p.stem for p in sample_films.glob("*.mp4"))
    store = Store(path)
    assert store.titles()["id"].to_list() == [first]
    assert set(store.shots()["title"]) == {first}
    ids = store.shots(first)["id"].to_list()
    assert store.vectors(store.live("fused")).ids == ids
    assert len(store.thumbnails(ids)) == len(ids)

    results = ingest(Store(path), [sample_films], encoders=encoders)
    assert [r.state for r in results] == ["unchanged", "ingested"]
    assert Store(path).titles()["id"].to_list() == [first, second]
    assert Store(path).table("shots").count_rows() == len(Store(path).shots())
