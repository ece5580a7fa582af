"""Writers take turns, and say for whom they wait; a disk that is full is told with the file."""

import subprocess
import sys

import pytest

from mediafm_store.errors import InvalidInput
from mediafm_store.storage.storage import Storage
from mediafm_store.tables import turns
from mediafm_store.tags.tag import Tag, keep_answers, write_tags
from tests.conftest import ROOT, random_vectors, title_rows

HOLDS = """
import sys
from mediafm_store.storage.storage import Storage
with Storage(sys.argv[1]).tables.lock():
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def holder(store):
    """Another process that writes to the store."""
    store.add_title(title_rows(store, "a", random_vectors(2)))
    command = [sys.executable, "-c", HOLDS, str(store.path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as process:
        assert process.stdout.readline() == "held\n"
        yield process


def test_who_waits_too_long_is_told_for_whom(store, holder, monkeypatch, caplog):
    monkeypatch.setattr(turns, "_TOLD_S", 0.1)
    monkeypatch.setattr(turns, "_PATIENCE_S", 0.1)
    with pytest.raises(InvalidInput, match=rf"by process {holder.pid} on .*delete .*\.write\.lock"):
        store.update_title("a", name="b")
    assert f"waiting for store {store.path}, to which process {holder.pid} on" in caplog.text
    holder.stdin.close()
    holder.wait()
    store.update_title("a", name="b")


def test_who_has_the_lock_may_take_it_again(store):
    store.add_title(title_rows(store, "a", random_vectors(2)))
    with store.tables.lock(), Storage(store.path).tables.lock():
        Storage(store.path).update_title("a", name="b")
    assert store.title("a")["name"] == "b"


def test_an_answer_that_comes_while_tags_are_made_stays(store, monkeypatch):
    store.add_title(title_rows(store, "a", random_vectors(2)))
    tag = Tag("genre", "a", "Drama", 0.6, 0.5, "text", ())
    write_tags(store, ["a"], [tag], instead="true")
    put = store.put

    def answered_meanwhile(*arguments, **options):
        """What another program does: it has to wait for its turn."""
        done = subprocess.run(
            [sys.executable, "-c", TRIES, str(store.path)],
            cwd=ROOT,
            check=True,
            text=True,
            capture_output=True,
        )
        assert done.stdout == "waits\n"
        put(*arguments, **options)

    monkeypatch.setattr(store, "put", answered_meanwhile)
    write_tags(store, ["a"], [tag], instead="true")
    monkeypatch.undo()
    keep_answers(store, {tag: True})
    assert write_tags(store, ["a"], [tag], instead="true") == []
    assert store.tags()["source"].to_list() == ["review"]


TRIES = """
import sys
from filelock import FileLock, Timeout
try:
    FileLock(sys.argv[1] + "/.write.lock", timeout=0).acquire()
except Timeout:
    print("waits")
"""

FULL = """
import resource, sys
from mediafm_store import IndexConfig, TrainConfig
from mediafm_store.indexing.build import build_index
from mediafm_store.storage.storage import Storage
from mediafm_store.training.train import train
from mediafm_store.errors import InvalidInput
from mediafm_store.training import resume

store = Storage(sys.argv[1])
fused = store.live("fused")
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
try:
    if sys.argv[2] == "index":
        build_index(store, fused, IndexConfig("flat"), device="cpu")
    else:
        resume._EVERY_S = 0.0 if sys.argv[2] == "state" else 99.0
        train(store, preset="tiny", config=TrainConfig(steps=1), device="cpu")
except InvalidInput as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("what", "most", "named"),
    [
        ("index", 100_000, "indexes/fused_v1"),
        ("index", 300_000, "indexes/fused_v1"),
        ("train", 100_000, "checkpoints/0001"),
        ("state", 100_000, "checkpoints/unfinished-"),
    ],
)
def test_what_cannot_be_written_is_named(store, what, most, named):
    """A limit on the size of files stands for a disk that is full."""
    rows = [title_rows(store, t, random_vectors(16, s)) for s, t in enumerate("abcd")]
    store.add_titles(rows)
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(store.path), what, str(most)],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert f"{store.path}/{named}" in done.stdout, done.stderr
    assert "cannot be written: " in done.stdout
    assert len(done.stdout.splitlines()) == 1
    assert not list((store.path / "checkpoints").glob("0*"))
