import json
import re
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from mediafm_cli.main import app
from mediafm_store.storage.storage import Storage
from tests.conftest import ROOT, random_vectors, title_rows
from tests.helpers import command

COMMANDS = command.commands()
GROUPS = sorted({name.split()[0] for name in COMMANDS if " " in name})


def mediafm(*arguments, **options):
    """Run the command as a user does."""
    return subprocess.run(
        [sys.executable, "-c", "from mediafm_cli.main import main; main()", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


@pytest.fixture(scope="module")
def small_store(tmp_path_factory):
    path = tmp_path_factory.mktemp("cli") / "store"
    store = Storage(path, create=True)
    for seed, title in enumerate(["alpha", "beta", "gamma"]):
        tags = ["Space"] if seed < 2 else []
        store.add_title(title_rows(store, title, random_vectors(6, seed), tags=tags))
    return path


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(name):
    result = CliRunner().invoke(app, [*name.split(), "--help"])
    assert result.exit_code == 0
    assert f"mediafm {name}" in result.stdout
    assert "Example" in result.stdout
    assert len(COMMANDS[name].help) > 20


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_in_the_readme(name):
    assert f"mediafm {name}" in (ROOT / "README.md").read_text()


def test_examples_of_help_use_options_that_exist():
    for name, verb in COMMANDS.items():
        known = {o for p in verb.params for o in (*p.opts, *p.secondary_opts)}
        used = re.findall(r"(?<= )--?[a-z][a-z-]*", verb.epilog)
        assert set(used) <= known
        examples = verb.epilog.partition(": ")[2].split("; ")
        assert all(one.startswith(f"mediafm {name}") for one in examples), verb.epilog


@pytest.mark.parametrize("name", GROUPS)
def test_a_group_alone_shows_its_help_and_does_nothing(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = command.mediafm(name)
    assert done.returncode == 2
    told = done.stdout + done.stderr
    assert f"mediafm {name} [OPTIONS] COMMAND" in told
    verbs = [other.split()[1] for other in COMMANDS if other.startswith(f"{name} ")]
    assert all(re.search(rf"^  {verb} ", told, re.MULTILINE) for verb in verbs)
    assert not list(tmp_path.iterdir())


def test_an_option_of_another_command_is_refused_in_a_line():
    done = command.mediafm("tags", "list", "--accept", "alpha=Space")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1] == "Error: No such option: --accept"


@pytest.mark.parametrize("option", ["--n", "--top", "--frames", "--shots", "--memory", "--compare"])
def test_one_thing_has_one_name(option):
    assert not [n for n, verb in COMMANDS.items() for p in verb.params if option in p.opts]


def test_times_are_seconds_or_clocks(small_store):
    at = ("--json", "--store", small_store)
    found = [
        command.mediafm("breaks", "rank", "alpha", "--min-gap", gap, "--margin", margin, *at)
        for gap, margin in (("0:00:04", "0:02"), ("4", "2.0"))
    ]
    assert found[0].stdout
    assert found[0] == found[1]
    done = command.mediafm("breaks", "rank", "alpha", "--break-s", "1:00:01", *at)
    assert (done.returncode, "give 1 second to 1 hour" in done.stderr) == (2, True)


def test_weights_may_be_repeated(small_store):
    at = ("search", "--shot", "alpha/1", "--least", 0, "--json", "--store", small_store)
    once = command.mediafm(*at, "--weights", "audio=0.5,text=0")
    assert once.stdout
    assert command.mediafm(*at, "--weights", "audio=0.5", "--weights", "text=0") == once
    done = command.mediafm(*at, "--weights", "text=1,text=0")
    assert (done.returncode, "once at most" in done.stderr) == (2, True)


@pytest.mark.parametrize("fps", ["24000/1001", "23.976"])
def test_rates_are_fractions_or_numbers(small_store, tmp_path, fps):
    out = tmp_path / "x.csv"
    done = command.mediafm(
        *("search", "--shot", "alpha/1", "--least", 0, "--out", out, "--fps", fps),
        *("--store", small_store),
    )
    assert (done.returncode, out.exists()) == (0, True)
    done = command.mediafm("search", "--shot", "alpha/1", "--out", out, "--fps", "0/1")
    assert (done.returncode, "no frame rate" in done.stderr) == (2, True)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_is_printed(shell):
    import os

    # The shell is else the one that the command was called from.
    env = os.environ | {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    done = mediafm("--show-completion", shell, env=env)
    assert (done.returncode, done.stderr) == (0, "")
    assert "COMPLETE" in done.stdout


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("mediafm ti", {"titles"}),
        ("mediafm index ", {"build", "refresh", "status"}),
        ("mediafm titles show --store STORE ", {"alpha", "beta", "gamma"}),
        ("mediafm titles show --store STORE al", {"alpha"}),
        ("mediafm spaces show --store STORE f", {"fused"}),
        ("mediafm probes show --store STORE/nothing ", set()),
    ],
)
def test_a_shell_completes_names_of_the_store(small_store, typed, wanted):
    import os

    line = typed.replace("STORE", str(small_store))
    words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)}
    code = "from mediafm_cli.main import app; app(prog_name='mediafm')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | words | {"_MEDIAFM_COMPLETE": "complete_bash"},
    )
    assert set(done.stdout.split()) == wanted, done.stderr


def test_help_loads_nothing_that_takes_long():
    code = (
        "import sys; sys.argv = ['mediafm', '--help']; from mediafm_cli.main import run; run();"
        " print('loaded:', *{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(done.stdout.rpartition("loaded: ")[2].split())
    heavy = {"torch", "numpy", "lancedb", "polars", "pyarrow", "faiss", "av", "sklearn", "scipy"}
    assert "typer" in loaded
    assert not loaded & heavy


def test_rows_go_to_stdout_as_json(small_store):
    everything = ("--least", 0, "--no-fold", "--store", small_store)
    done = mediafm("search", "--shot", "alpha/00002", "-k", 3, "--json", *everything)
    assert (done.returncode, done.stderr) == (0, "")
    hits = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(hits) == 3
    assert "alpha/00002" not in {h["shot"] for h in hits}
    for hit in hits:
        assert hit["score"] == pytest.approx(sum(hit["shares"].values()), abs=1e-5)


def test_a_table_names_time_and_shares(small_store):
    done = mediafm("search", "--shot", "alpha/00002", "--least", 0, "--store", small_store)
    assert done.returncode == 0
    assert {"shot", "time", "score", "visual", "audio", "text", "said,"} <= set(done.stdout.split())
    assert re.search(r"\d:\d\d:\d\d\.\d", done.stdout)


def test_names_cannot_steer_the_terminal(store):
    store.add_title(title_rows(store, "sly", random_vectors(1), name="\x1b[31mred\x1b]0;x\x07"))
    done = mediafm("titles", "list", "--store", store.path)
    assert "red" in done.stdout
    assert "\x1b" not in done.stdout
    assert "\x07" not in done.stdout


def test_the_store_may_come_from_the_environment(small_store):
    import os

    done = mediafm("titles", "list", "--json", env=os.environ | {"MEDIAFM_STORE": str(small_store)})
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == [
        "alpha",
        "beta",
        "gamma",
    ]


def test_tags_and_breaks(small_store):
    tags = mediafm("tags", "apply", "gamma", "--json", "--store", small_store)
    assert tags.returncode == 0
    found = mediafm(
        "breaks", "rank", "alpha", "--min-gap", 0, "--margin", 0, "--json", "--store", small_store
    )
    rows = [json.loads(line) for line in found.stdout.splitlines()]
    assert len(rows) == 5
    assert all(row["reasons"] for row in rows)


def test_an_index_gives_the_same_answers(small_store):
    query = ("search", "--shot", "beta/00001", "--least", 0, "--json", "--store", small_store)
    exact = mediafm(*query).stdout
    built = mediafm("index", "build", "--json", "--store", small_store)
    facts = [json.loads(line) for line in built.stdout.splitlines()]
    assert {f["space"] for f in facts} == {"fused_v1", "described_v1"}
    assert all(f["recall_at_10"] == 1 for f in facts)
    assert mediafm(*query).stdout == exact
    store = Storage(small_store)
    store.add_title(title_rows(store, "delta", store.vectors(store.live("fused"), "beta").vectors))
    assert json.loads(mediafm(*query).stdout.splitlines()[0])["shot"] == "delta/00001"


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["search", "--shot", "nope/1"], 1, "no shot 'nope/1'"),
        (["search"], 2, "--clip"),
        (["search", "--unlike", "alpha/00000"], 2, "--clip"),
        (["search", "--like", "nope"], 1, "sintel@0:03:10-0:03:40"),
        (["search", "--shot", "alpha/00000", "--from", "x"], 1, "not a time"),
        (["search", "--shot", "alpha/00000", "--from", "3"], 1, "name that too"),
        (["search", "--title", "alpha", "--from", "99"], 1, "12.0 s long"),
        (["search", "--picture", "nope.png"], 1, "nope.png"),
        (["search", "--text", " "], 1, "empty"),
        (["search", "--shot", "alpha/00000", "--space", "context"], 1, "mediafm train"),
        (["search", "--shot", "alpha/00000", "--weights", "smell=1"], 2, "smell"),
        (["search", "--shot", "alpha/00000", "-k", "0"], 2, "-k"),
        (["search", "--clip", "nope.mp4"], 1, "nope.mp4"),
        (["search", "--shot", "a/0", "--device", "cuda"], 1, "no shot"),
        (["breaks", "rank", "nope"], 1, "no title 'nope'"),
        (["tags", "apply", "nope"], 1, "no title 'nope'"),
        (["embed"], 1, "mediafm train"),
        (["train", "--preset", "huge"], 1, "tiny"),
        (["index", "build", "nope"], 1, "nope"),
        (["index", "build", "--kind", "nope"], 1, "flat"),
        (["titles", "shots", "nope"], 1, "no title 'nope'"),
        (["ingest", "nope.mp4"], 1, "nope.mp4 does not exist"),
        (["plugins", "nope"], 2, "nope"),
    ],
)
def test_errors_are_one_line_with_a_cure(small_store, arguments, status, words):
    store = [] if arguments[0] == "plugins" else ["--store", str(small_store)]
    done = command.mediafm(*arguments, *store)
    assert done.returncode == status
    assert done.stdout == ""
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    if status == 1:
        assert len(done.stderr.splitlines()) == 1
        assert done.stderr.startswith("Error: ")


def test_an_error_is_one_line_of_the_process_too(small_store):
    done = mediafm("train", "--preset", "huge", "--store", small_store)
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("Error: ")


def test_no_store_is_told(tmp_path):
    done = mediafm("titles", "list", "--store", tmp_path / "nothing")
    assert done.returncode == 1
    assert "mediafm ingest" in done.stderr


def test_ctrl_c_is_told_and_exits_with_130(small_store, monkeypatch, capsys):
    import mediafm_store.retrieval.search as module
    from mediafm_cli import main

    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "shots_like", interrupt)
    query = ["mediafm", "search", "--shot", "alpha/00001", "--store", str(small_store)]
    monkeypatch.setattr(sys, "argv", query)
    assert main.run() == 130
    assert "Interrupted" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "film.mp4").write_text("never opened")
    done = mediafm("ingest", tmp_path, "--store", "/proc/nothing/store")
    assert done.returncode == 1
    assert "/proc/nothing" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_warnings_are_said_once_by_each_command_of_a_process(tmp_path):
    (tmp_path / "gone.mp4").symlink_to("nothing")
    for _ in range(2):
        done = command.mediafm("ingest", tmp_path, "--store", tmp_path / "store")
        assert done.stderr.count("gone.mp4 is left out") == 1
