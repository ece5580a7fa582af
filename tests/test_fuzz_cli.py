"""Odd values for every option of every command: an answer, or a line that says what is wrong."""

import io
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple, get_args, get_origin, get_type_hints

import pytest

from mediafm_cli.main import COMMANDS
from mediafm_store import Store, import_labels, ingest
from tests.command import mediafm
from tests.conftest import random_vectors
from tests.odd_films import make_film, pictures
from tests.plain import PLUGINS
from tests.planted import put_in_context

STATUSES = {0, 1, 2, 130}
TEXTS = ["", " ", "-", "=", "a=b=c", "../x", "%s", "'", "a\nb", "\ud83d", "caf\udcff", "é" * 3000]
NUMBERS = ["-1", "0", "3", "1.5", "nan", "inf", "1e999", "9" * 30, "x"]
TIMES = ["0", "-1", "nan", "inf", "99:99:99", "1e999", "0:00:01", "9" * 30, "x"]
FILES = ["", "-", "nowhere/x", "FOLDER", "EMPTY", "ODD.json", "/dev/full", "/dev/zero", "x" * 300]
NAMES = [*TEXTS, "hf", "yamnet=5", "os:system", "json:dumps", "..:x", "x:y:z", "FOLDER"]
BY_NAME = {"encoder": NAMES, "detector": NAMES, "kind": NAMES, "format": NAMES, "engine": TEXTS[:9]}
BY_NAME |= {"where": [*TEXTS, "1+" * 5000 + "1", "index", "index > 9" + "9" * 40, "words ~ '('"]}
MOST_S = 120
"""Of all values of one command."""


class Base(NamedTuple):
    """Arguments that are right."""

    arguments: tuple[str, ...]
    options: tuple[str, ...] = ()


def base(*arguments, options=()):
    return Base(arguments, tuple(options))


PLAIN = ("--device=cpu", *PLUGINS)
BASES = {
    "demo": [base("EMPTY", options=["--preset", "none"])],  # it takes minutes
    "ingest": [base("FILM", options=PLAIN)],
    "import": [base("EMPTY")],
    "train": [base(options=["--preset", "tiny", "--steps", "0", "--device", "cpu"])],
    "embed": [base(options=["--device", "cpu"])],
    "evaluate": [base("search"), base("search", options=["--labels", "ODD.json"])],
    "report": [base()],
    "index": [base("status"), base("build"), base("refresh")],
    "search": [base(options=["--shot", "film/0", *PLAIN]), base(options=["--text", "a", *PLAIN])],
    "captions": [base("fit", "EMPTY", options=PLAIN), base("show")],
    "scenes": [base("film")],
    "atlas": [base()],
    "labels": [base("import", "ODD.json"), base("list")],
    "probe": [base(action, "genre") for action in ("list", "show", "apply", "fit")],
    "tag": [base("list"), base("apply"), base("review")],
    "adbreaks": [base("film", options=PLAIN)],
    "cut": [base("film/0", options=["--into", "OUT"])],
    "export": [base("fused", "OUT/x.npy"), base("shots", "OUT/x.parquet")],
    "space": [base("list"), *(base(a, "fused") for a in ("show", "rollback", "retire"))],
    "doctor": [base()],
    "info": [base("film")],
    "plugins": [base("encoders")],
}
"""`serve` goes on until it is stopped."""
LEFT_OUT = {("train", "preset"), ("demo", "folder")}
"""Values of these that are right take minutes."""


@pytest.fixture(scope="module")
def places(tmp_path_factory) -> dict[str, str]:
    """A small store, and files, by what they are called above."""
    folder = tmp_path_factory.mktemp("fuzz")
    film, empty, odd = (folder / name for name in ("film.mp4", "empty.csv", "ODD.json"))
    make_film(film, images=list(pictures(96)))
    empty.touch()
    odd.write_text('{"title": "film", "label": "\\ud83d"}')
    (folder / "labels.csv").write_text("title,label\nfilm,Drama\nother,War\n")
    shutil.copy(film, folder / "other.mp4")
    store = Store(folder / "store", create=True)
    from mediafm_store import load_encoders

    encoders = load_encoders([name.partition("=")[2] for name in PLUGINS], device="cpu")
    ingest(store, [film, folder / "other.mp4"], encoders=encoders)
    put_in_context(store, {title: random_vectors(n, n) for title, n in store.shot_counts().items()})
    import_labels(store, folder / "labels.csv", task="genre")
    own = {"FILM": film, "EMPTY": empty, "ODD.json": odd, "OUT": folder / "out", "FOLDER": folder}
    return {name: str(path) for name, path in own.items()} | {"STORE": str(folder / "store")}


def parameters(function) -> Iterator[tuple[str, object, str | None]]:
    """Name, type and option (None: an argument) of what a command takes."""
    for name, hint in get_type_hints(function, include_extras=True).items():
        if name != "return":
            kind, about = get_args(hint)[:2]
            option = type(about).__name__ == "OptionInfo"
            named = [n.split("/")[0] for n in about.param_decls or () if n.startswith("--")]
            yield name, kind, (named or [f"--{name.replace('_', '-')}"])[0] if option else None


def odd_values(name: str, kind: object) -> list[list[str]]:
    """Values for a parameter, each as the words after its option."""
    inner = [k for k in get_args(kind) if k is not type(None)] or [kind]
    if get_origin(kind) is tuple or get_origin(inner[0]) is tuple:
        return [["film", "0", "1"], ["film", "nan", "inf"], ["", "-1", "1e999"], ["film", "5", "2"]]
    if get_origin(inner[0]) in (list, Literal):
        return odd_values(name, inner[0])
    if get_origin(kind) is Literal:
        return [[value] for value in [*map(str, inner), "", "none of them"]]
    if bool in inner:
        return [[]]
    values = {int: NUMBERS, float: NUMBERS, Path: FILES}.get(inner[0], TEXTS)
    if name in ("start", "end"):
        values = TIMES
    return [[value] for value in BY_NAME.get(name, values)]


def cases(command: str, function) -> Iterator[list[str]]:
    """The words of the command: one parameter of a base has an odd value."""
    for one in BASES[command]:
        taken = list(parameters(function))
        places = [name for name, _, option in taken if option is None]
        for name, kind, option in taken:
            if (command, name) in LEFT_OUT or name == "store":
                continue
            for value in odd_values(name, kind):
                arguments = list(one.arguments)
                if option is None:
                    arguments[places.index(name) :] = value
                extra = [] if option is None else [option, *value]
                yield [*one.options, *extra, "--store=STORE", "--", *arguments]


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    """End what goes on for longer."""

    def late(*_):
        raise TimeoutError(f"more than {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


FUNCTIONS = {
    name.rstrip("_"): getattr(module, name)
    for module in COMMANDS
    for name in [module.__name__.rpartition(".")[2]]
}


@pytest.mark.slow
@pytest.mark.parametrize("command", BASES)
def test_odd_values_are_answered_or_told(command, places, monkeypatch, tmp_path, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    store = shutil.copytree(places["STORE"], tmp_path / "store")
    wrong = []
    for words in cases(command, FUNCTIONS[command]):
        known = {**places, "STORE": str(store)}
        said = [
            known.get(w, w.replace("STORE", str(store)).replace("OUT/", f"{places['OUT']}/"))
            for w in words
        ]
        if command == "plugins":
            said.remove(f"--store={store}")
        try:
            with limited(MOST_S):
                done = mediafm(command, *said)
        except BaseException as error:
            wrong.append((words, repr(error)[:300]))
            continue
        if done.returncode not in STATUSES or "Traceback" in done.stderr:
            wrong.append((words, done.returncode, done.stderr[-300:]))
    assert wrong == []


def test_every_command_is_tried():
    assert BASES.keys() | {"serve"} == FUNCTIONS.keys()
