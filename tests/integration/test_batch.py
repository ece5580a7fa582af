"""What a job without a person needs: statuses, lines of progress, JSON for programs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mediafm_cli.lines import FilmLines, Lines
from mediafm_store import IngestResult
from mediafm_store.ingestion.worker import IngestProgress
from mediafm_store.storage.storage import Storage
from tests.conftest import random_vectors, title_rows
from tests.helpers.command import mediafm
from tests.helpers.features import film, save


def lines_of(stderr):
    return [json.loads(line) for line in stderr.splitlines()]


@pytest.fixture
def features(tmp_path):
    """A file that can be imported, and one that cannot."""
    save(tmp_path / "good.npz", **film())
    (tmp_path / "bad.npz").write_text("no")
    return [tmp_path / "good.npz", tmp_path / "bad.npz", "--store", tmp_path / "store"]


@pytest.mark.parametrize(("options", "status"), [([], 0), (["--strict"], 1)])
def test_one_that_fails_counts_with_strict(features, options, status):
    done = mediafm("import", *features, *options)
    assert done.returncode == status
    assert "1 of 2 titles failed; the others are in the store." in done.stderr
    assert mediafm("import", features[0], *features[2:], *options).returncode == 0


def test_errors_are_json_lines_with_json(features, tmp_path):
    done = mediafm("import", *features, "--strict", "--json")
    assert [row["state"] for row in map(json.loads, done.stdout.splitlines())] == [
        "ingested",
        "failed",
    ]
    first, last = [row for row in lines_of(done.stderr) if row["level"] == "error"]
    assert "bad.npz" in first["message"]
    assert last["message"].startswith("1 of 2 titles failed")
    for wrong, status in (
        (["titles", "shots", "nope"], 1),
        (["titles", "list", "--nope"], 2),
        (["nope"], 2),
    ):
        done = mediafm(*wrong, "--json", "--store", tmp_path / "store")
        assert done.returncode == status
        (row,) = lines_of(done.stderr)
        assert row["level"] == "error"
        assert "nope" in row["message"]


def test_all_that_is_told_is_json_if_asked_for(features, monkeypatch):
    done = mediafm("--log-format", "json", "import", *features)
    assert done.stdout.startswith("title")
    levels = {row["level"] for row in lines_of(done.stderr)}
    assert levels == {"error", "info"}
    monkeypatch.setenv("MEDIAFM_LOG_FORMAT", "json")
    assert lines_of(mediafm("titles", "list", *features[2:]).stderr)[0]["message"].startswith(
        "Titles: 1."
    )
    assert mediafm("titles", "shots", "nope", *features[2:]).stderr.startswith("{")
    monkeypatch.delenv("MEDIAFM_LOG_FORMAT")
    assert mediafm("titles", "shots", "nope", *features[2:]).stderr.startswith("Error: ")


class Clock:
    """A clock that a test moves."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def test_lines_come_at_most_each_half_minute_and_tenth_of_the_work(capsys):
    clock = Clock()
    lines = Lines(" titles/s", clock)
    for second in range(1000):
        clock.now = float(second)
        lines.update("embedding", second, 1000)
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 10
    assert told[1] == "embedding: 130 of 1,000 (13%), 1.00 titles/s, about 0:14:30 left"


def test_slow_work_is_told_of_every_ten_minutes_and_work_of_unknown_length_too(capsys):
    clock = Clock()
    slow, unknown = Lines("", clock), Lines("", clock)
    for second in range(0, 3601, 5):
        clock.now = float(second)
        slow.update("slow", second, 1_000_000)
        unknown.update("unknown", second, 0)
    told = capsys.readouterr().err.splitlines()
    assert sum(line.startswith("slow: ") for line in told) == 6
    assert "unknown: 30" in told


def test_lines_of_films_tell_frames_a_second_and_the_time_left(capsys):
    clock = Clock()
    lines = FilmLines(4, clock)
    one, two = Path("/films/one.mp4"), Path("/films/two.mp4")
    clock.now = 10.0
    lines.update(IngestProgress(one, 0, 0.0, 0.0))
    clock.now = 20.0
    lines.finish(IngestResult("one", one, "ingested", frames=2000))
    clock.now = 40.0
    lines.update(IngestProgress(two, 2000, 50.0, 100.0))
    assert capsys.readouterr().err == (
        "titles: 2 of 4 (38%), about 0:00:50 left, 100 frames/s, at two.mp4\n"
    )


def test_quick_work_in_a_pipe_says_nothing(tmp_path):
    store = Storage(tmp_path / "store", create=True)
    store.add_title(title_rows(store, "alpha", random_vectors(6)))
    done = mediafm("index", "build", "--json", "--store", store.path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["tags", "apply", "--accept", "a=b"], "No such option: --accept"),
        (["tags", "review", "alpha"], "unexpected extra argument(s) (alpha)"),
        (["tags", "list", "--engine", "ray"], "No such option: --engine"),
        (["spaces", "list", "--dry-run"], "No such option: --dry-run"),
        (["spaces", "rollback", "fused", "1"], "unexpected extra argument(s) (1)"),
        (["spaces", "promote", "fused", "--keyframes", "2"], "No such option: --keyframes"),
        (["probes", "list", "--words"], "No such option: --words"),
        (["probes", "fit", "genre", "alpha"], "unexpected extra argument(s) (alpha)"),
        (["captions", "show", "x.csv"], "unexpected extra argument(s) (x.csv)"),
        (["labels", "list", "--task", "x"], "No such option: --task"),
        (["index", "status", "--workers", "2"], "No such option: --workers"),
        (["evaluate", "search", "--html", "x.html"], "No such option: --html"),
        (["evaluate", "model", "--labels", "x.json"], "No such option: --labels"),
        (["breaks", "rank", "alpha", "--by", "ad"], "No such option: --by"),
        (["titles", "list", "--dry-run"], "No such option: --dry-run"),
        (["clips", "embed", "alpha", "--fast"], "No such option: --fast"),
        (["reports", "show", "--compare", "a"], "No such option: --compare"),
        (["embed", "--keyframes", "2"], "No such option: --keyframes"),
    ],
)
def test_options_of_another_command_are_refused(tmp_path, arguments, told):
    done = mediafm(*arguments, "--store", tmp_path / "nothing")
    assert (done.returncode, done.stdout) == (2, "")
    verb = " ".join(arguments[:1] if arguments[0] == "embed" else arguments[:2])
    assert f"mediafm {verb} " in done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert told in line


def test_a_table_in_a_pipe_is_not_cut(store):
    name, tags = "N" * 300, [f"tag {number}" for number in range(200)]
    store.add_title(title_rows(store, "alpha", random_vectors(1), name=name, tags=tags))
    done = subprocess.run(
        [sys.executable, "-m", "mediafm_cli", "titles", "list", "--store", store.path],
        capture_output=True,
        text=True,
        check=True,
    )
    header, row = done.stdout.splitlines()
    assert header.index("shots") + len("shots") == row.index("1 ") + 1
    assert name in row
    assert row.endswith("tag 199")
