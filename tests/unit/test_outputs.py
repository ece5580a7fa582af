"""Files that are written: links, pipes, devices and rights stay what they are, halves vanish."""

import os
import resource
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mediafm_store.errors import InvalidInput
from mediafm_store.exporters import export
from mediafm_store.files import whole_file, write_text
from mediafm_store.segments import segments_of_shots
from mediafm_store.storage.storage import Storage
from mediafm_store.timelines.writers import write_timeline
from tests.conftest import ROOT, random_vectors, title_rows
from tests.helpers.command import mediafm


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    store = Storage(tmp_path_factory.mktemp("films") / "store", create=True)
    store.add_title(title_rows(store, "alpha", random_vectors(4)))
    return store


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def writers(store):
    """Each way to an output: a function of a path."""
    shots = segments_of_shots(store, ["alpha/1"])
    return {
        "text": lambda path: write_text(path, "new"),
        "timeline": lambda path: write_timeline(path, shots, file_format=".csv"),
        "parquet": lambda path: export(store, "shots", path, file_format="parquet"),
        "safetensors": lambda path: export(store, "fused", path, file_format="safetensors"),
    }


WRITERS = ["text", "timeline", "parquet", "safetensors"]


@pytest.mark.parametrize("name", WRITERS)
def test_a_link_stays_and_what_it_leads_to_is_replaced(films, tmp_path, name):
    write = writers(films)[name]
    (tmp_path / "real").mkdir()
    (target := tmp_path / "real" / "file").write_text("old")
    target.chmod(0o640)
    (link := tmp_path / "link").symlink_to("real/file")
    write(link)
    assert link.is_symlink()
    assert target.read_bytes() != b"old"
    assert mode(target) == 0o640
    (dangling := tmp_path / "dangling").symlink_to("real/new")
    write(dangling)
    assert dangling.is_symlink()
    assert (tmp_path / "real" / "new").stat().st_size == target.stat().st_size
    assert sorted(os.listdir(tmp_path / "real")) == ["file", "new"]


@pytest.mark.parametrize("name", WRITERS)
def test_new_files_have_the_rights_of_new_files(films, tmp_path, name):
    before = os.umask(0o027)
    try:
        writers(films)[name](tmp_path / "file")
    finally:
        os.umask(before)
    assert mode(tmp_path / "file") == 0o640


@pytest.mark.parametrize("name", WRITERS)
def test_a_pipe_is_written_into(films, tmp_path, name):
    writers(films)[name](tmp_path / "file")
    os.mkfifo(pipe := tmp_path / "pipe")
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)
    reader.start()
    writers(films)[name](pipe)
    reader.join(20)
    assert [len(content) for content in read] == [(tmp_path / "file").stat().st_size]
    assert pipe.is_fifo()


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux alone has one")
def test_a_full_disk_is_one_line_that_names_the_file(films, name):
    with pytest.raises(InvalidInput, match="cannot write /dev/full: No space left"):
        writers(films)[name](Path("/dev/full"))
    assert Path("/dev/full").is_char_device()


def test_an_interruption_leaves_the_old_file_alone(tmp_path):
    (path := tmp_path / "file").write_text("old")

    def interrupted():
        with whole_file(path) as part:
            part.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_what_cannot_be_written_is_told(tmp_path):
    with pytest.raises(InvalidInput, match=r"there is no folder .*; make it first"):
        write_text(tmp_path / "no" / "file", "text")
    with pytest.raises(InvalidInput, match="it is a folder; name a file in it"):
        write_text(tmp_path, "text")
    with pytest.raises(InvalidInput, match=r"cannot write .*: File name too long"):
        write_text(tmp_path / ("a" * 300), "text")
    assert os.listdir(tmp_path) == []


COMMAND = [sys.executable, "-m", "mediafm_cli"]


@pytest.mark.slow
@pytest.mark.parametrize("path", ["-", "/dev/stdout"])
def test_a_page_goes_to_stdout_alone(films, tmp_path, path):
    command = [*COMMAND, "titles", "shots", "alpha", "--json", "--store", films.path, "--html"]
    piped = subprocess.run([*command, path], capture_output=True, check=True, cwd=ROOT)
    page = tmp_path / "page.html"
    with page.open("wb") as out:
        subprocess.run([*command, path], stdout=out, check=True, cwd=ROOT)
    assert piped.stdout == page.read_bytes()
    assert page.read_text().rstrip().endswith("</html>")


@pytest.mark.slow
def test_a_table_goes_to_stdout_alone(films):
    command = [*COMMAND, "export", "shots", "-", "--format", "parquet", "--store", films.path]
    done = subprocess.run(command, capture_output=True, check=True, cwd=ROOT)
    assert done.stdout[:4] == done.stdout[-4:] == b"PAR1"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux alone has one")
def test_the_command_tells_of_a_full_disk(films):
    done = mediafm("titles", "shots", "alpha", "--store", films.path, "--html", "/dev/full")
    assert done.returncode == 1
    assert done.stderr == "Error: cannot write /dev/full: No space left on device\n"


@pytest.mark.parametrize("name", WRITERS[1:])
def test_a_disk_that_is_full_is_told_in_a_line(films, tmp_path, name):
    """A file may grow no larger than its first bytes, which the system says as of a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8, hard))
    try:
        with pytest.raises(InvalidInput, match=r"file.*(File too large|FileTooLarge)") as told:
            writers(films)[name](tmp_path / "file")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "\n" not in str(told.value)
    assert not (tmp_path / "file").exists()
