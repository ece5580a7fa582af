"""Kills, full disks, stores that may only be read, ids that look like paths."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from benchmarks.kills import kills
from mediafm_store import IndexConfig
from mediafm_store.errors import InvalidInput
from mediafm_store.indexing.build import build_index
from mediafm_store.indexing.directories import index_folder, newest_build
from mediafm_store.storage.storage import Storage
from tests.conftest import ROOT, random_vectors, title_rows
from tests.helpers.plain import search_all as search


@pytest.mark.slow
def test_nothing_is_lost_when_a_worker_is_killed_at_random(tmp_path):
    rounds = list(kills(tmp_path, 6, seed=7))
    assert sum(r.lost for r in rounds) == 0
    assert sum(r.wrong for r in rounds) == 0
    assert sum(r.done for r in rounds) > 0


FULL_DISK = """
import resource, sys
from mediafm_store.indexing.build import build_index
from mediafm_store.storage.storage import Storage
from mediafm_store.errors import MediaFMError
from tests.conftest import random_vectors, title_rows

store = Storage(sys.argv[1])
rows = title_rows(store, "large", random_vectors(200, 5))
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
for write in (lambda: store.add_title(rows), lambda: build_index(store, store.live("fused"))):
    try:
        write()
    except (MediaFMError, OSError) as error:
        print(type(error).__name__, str(error).count("\\n"))
    else:
        print("written")
"""


def test_a_disk_that_is_full_loses_nothing(store):
    """No file may be longer than 300 kB: the same error as on a disk without space."""
    store.add_title(title_rows(store, "small", random_vectors(90)))
    build_index(store, store.live("fused"))
    before = store.shots()
    index = newest_build(index_folder(store, store.live("fused")))
    told = subprocess.run(
        [sys.executable, "-c", FULL_DISK, store.path],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert told.stdout.splitlines() == ["InvalidInput 0", "InvalidInput 0"]
    again = Storage(store.path)
    assert again.shots().equals(before)
    assert newest_build(index_folder(again, again.live("fused"))) == index
    assert len(search(again, shot="small/00003", k=50)) == 50
    again.add_title(title_rows(again, "large", random_vectors(200, 5)))
    assert len(again.shots("large")) == 200


READER = """
import os, sys
from mediafm_store.indexing.status import index_status
from mediafm_store.storage.storage import Storage
from tests.helpers.asking import search
from mediafm_store.errors import MediaFMError

Storage(sys.argv[1]).titles()  # imports what it needs, which nobody may not read on every machine
os.setgid(65534)
os.setuid(65534)
store = Storage(sys.argv[1])
found = search(store, shot="alpha/00003", k=5, least=0, same_scene=True, fold=False)
print(len(found), index_status(store, store.live("fused")).rows)
try:
    store.check_writable()
except MediaFMError as error:
    print(error)
"""


@pytest.mark.skipif(
    not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can become someone else"
)
def test_a_store_that_may_only_be_read_can_be_searched(store):
    store.add_title(title_rows(store, "alpha", random_vectors(9)))
    build_index(store, store.live("fused"))
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)  # pytest's own folders are closed to others
        path = Path(shutil.copytree(store.path, Path(folder) / "store"))
        environment = os.environ | {"HOME": "/nonexistent"}
        told = subprocess.run(
            [sys.executable, "-c", READER, path],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )
    assert told.stderr == ""
    assert told.stdout.splitlines() == ["5 9", f"store {path} cannot be written to; check who may"]


@pytest.mark.parametrize("title_id", ["../out", "/etc/passwd", "a/../../b", "..", "c:\\x"])
def test_an_id_that_looks_like_a_path_stays_in_the_store(store, title_id, tmp_path):
    outside = {p for p in tmp_path.rglob("*") if store.path not in p.parents}
    store.add_title(title_rows(store, title_id, random_vectors(2)))
    build_index(store, store.live("fused"))
    assert store.titles()["id"].to_list() == [title_id]
    assert {p for p in tmp_path.rglob("*") if store.path not in p.parents} == outside


def test_no_file_of_an_index_is_unpickled(store, monkeypatch):
    """Pickle runs what it reads."""

    def refuse(*_arguments, **_options):
        raise AssertionError("pickle")

    store.add_title(title_rows(store, "alpha", random_vectors(9)))
    build_index(store, store.live("fused"), IndexConfig("flat"))
    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(f"pickle.{name}", refuse)
    assert len(search(Storage(store.path), shot="alpha/00003", k=5)) == 5


def test_a_store_without_its_folder_rights_is_told(store, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(InvalidInput, match="cannot be written to"):
        build_index(store, store.registry.only_version("fused", "f", dim=4, made_by="x", fused="f"))
