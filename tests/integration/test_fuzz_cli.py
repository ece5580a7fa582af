"""Odd values for every option of every command: an answer, or a line that says what is wrong."""

import io
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import unwrap
from pathlib import Path
from typing import Literal, NamedTuple, get_args, get_origin, get_type_hints

import pytest

from mediafm_store.encoding import load_encoders
from mediafm_store.ingestion.ingest import ingest
from mediafm_store.labels.labels import import_labels
from mediafm_store.probing.fit import fit_probe
from mediafm_store.probing.options import ProbeOptions
from mediafm_store.storage.storage import Storage
from tests.conftest import random_vectors
from tests.helpers.command import commands, mediafm
from tests.helpers.odd_films import make_film, pictures
from tests.helpers.plain import PLUGINS
from tests.helpers.planted import put_in_context

STATUSES = {0, 1, 2, 130}
TEXTS = ["", "-", "a=b=c", "../x", "\ud83d", "caf\udcff", "é" * 3000]
NUMBERS = ["-1", "0", "nan", "1e999", "9" * 30]
TIMES = ["0", "-1", "nan", "inf", "99:99:99", "1e999", "9" * 30]
FILES = ["", "-", "nowhere/x", "FOLDER", "EMPTY", "ODD.json", "/dev/full", "/dev/zero", "x" * 300]
ENCODERS = ["hf", "yamnet=5", "os:system", "json:dumps", "..:x", "x:y:z", "FOLDER", "caf\udcff"]
BY_NAME = {"encoder": ENCODERS, "detector": ENCODERS, "kind": ENCODERS, "format": ENCODERS}
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
    "ingest": [base("FILM", options=PLAIN)],
    "import": [base("EMPTY")],
    "train": [base(options=["--preset", "tiny", "--steps", "0", "--device", "cpu"])],
    "embed": [base(options=["--device", "cpu"])],
    "evaluate model": [base(options=["--device", "cpu"])],
    "evaluate search": [base(), base(options=["--labels", "ODD.json"])],
    "reports show": [base()],
    "reports compare": [base("genre_v1", "genre_v1")],
    "index build": [base()],
    "index refresh": [base()],
    "index status": [base()],
    "search": [base(options=["--shot", "film/0", *PLAIN])],
    "captions fit": [base("EMPTY", options=PLAIN)],
    "captions show": [base(options=PLAIN)],
    "labels import": [base("LABELS")],
    "labels list": [base()],
    "labels remove": [base("genre", options=["--dry-run"])],
    "probes fit": [base("genre")],
    "probes list": [base()],
    "probes show": [base("genre")],
    "probes apply": [base("genre", "film")],
    "tags apply": [base("film")],
    "tags list": [base("film")],
    "tags review": [base()],
    "breaks rank": [base("film")],
    "breaks match-ads": [base("ODD.json", "film", options=PLAIN)],
    "clips cut": [base("film/0", options=["--into", "OUT"])],
    "clips embed": [base("film", options=["--device", "cpu"])],
    "export": [base("fused", "OUT/x.npy"), base("shots", "OUT/x.parquet")],
    "spaces list": [base()],
    "spaces show": [base("fused")],
    "spaces backfill": [base(options=["--dry-run", *PLAIN])],
    "spaces promote": [base("fused")],
    "spaces rollback": [base("fused")],
    "spaces retire": [base("fused", "1")],
    "titles list": [base()],
    "titles show": [base("film")],
    "titles shots": [base("film")],
    "titles scenes": [base("film")],
    "titles map": [base()],
    "titles rename": [base("film", "Film")],
    "titles remove": [base("film0", options=["--dry-run"])],
    "doctor": [base()],
    "plugins": [base("encoders")],
}
ENDLESS = {"serve", "demo"}
"""They go on until they are stopped, or for minutes."""
LEFT_OUT = {("train", "preset")}
"""Large models take minutes."""


@pytest.fixture(scope="module")
def places(tmp_path_factory) -> dict[str, str]:
    """A small store, and files, by what they are called above."""
    folder = tmp_path_factory.mktemp("fuzz")
    film, empty, odd = (folder / name for name in ("film.mp4", "empty.csv", "ODD.json"))
    labels = folder / "labels.csv"
    make_film(film, images=list(pictures(96, size=(64, 48))), sounds=["mono"])
    empty.touch()
    odd.write_text('{"title": "film", "label": "\\ud83d"}')
    for number in range(5):
        images = list(pictures(96, size=(64, 48), shot=13 + 5 * number))
        make_film(folder / f"film{number}.mp4", images=images, sounds=["mono"])
        (folder / f"film{number}.json").write_text('{"tags": ["slow"], "genres": ["War"]}')
    kinds = [("film", "Drama"), *((f"film{n}", "Drama" if n < 2 else "War") for n in range(5))]
    labels.write_text("title,label\n" + "".join(f"{name},{kind}\n" for name, kind in kinds))
    store = Storage(folder / "store", create=True)
    encoders = load_encoders([name.partition("=")[2] for name in PLUGINS], device="cpu")
    ingest(store, folder, encoders=encoders)
    put_in_context(store, {title: random_vectors(n, n) for title, n in store.shot_counts().items()})
    import_labels(store, labels, task="genre")
    fit_probe(store, "genre", ProbeOptions(folds=2))
    own = {
        "LABELS": labels,
        "FILM": film,
        "EMPTY": empty,
        "ODD.json": odd,
        "OUT": folder / "out",
        "FOLDER": folder,
    }
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
    if name in ("start", "end", "min_gap", "margin", "break_s"):
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
                stored = ["--store=STORE"] if "store" in [name for name, *_ in taken] else []
                yield [*one.options, *extra, *stored, "--", *arguments]


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


FUNCTIONS = {name: unwrap(one.callback) for name, one in commands().items()}


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
            known.get(w, w.replace("STORE", str(store)).replace("OUT", known["OUT"])) for w in words
        ]
        try:
            with limited(MOST_S):
                done = mediafm(*command.split(), *said)
        except BaseException as error:
            wrong.append((words, repr(error)[:300]))
            continue
        if done.returncode not in STATUSES or "Traceback" in done.stderr:
            wrong.append((words, done.returncode, done.stderr[-300:]))
    assert wrong == []


def test_every_command_is_tried():
    assert BASES.keys() | ENDLESS == FUNCTIONS.keys()
