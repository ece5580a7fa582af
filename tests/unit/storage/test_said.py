"""Words that are said literally: the full-text index, phrases, languages, what was replaced."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from mediafm_store.errors import InvalidInput
from mediafm_store.retrieval.selection import LEAST_DEPTH
from mediafm_store.storage.storage import Storage
from tests.helpers.plain import search_all as search
from tests.helpers.planted import add_film

LINES = {
    "wolf": ["The wolf is at the door.", "Open the door, wolf!", "Don't go. Don't.", None],
    "mix": ["Über die Straße", "我爱北京天安门", "ПРИВЕТ, мир", "Élan vital", "50% of C++ & co"],
}


def films(store) -> Storage:
    for title, lines in LINES.items():
        add_film(store, title, ["lake"] * len(lines), text=lines)
    return store


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    """Nothing changes it."""
    return films(Storage(tmp_path_factory.mktemp("said") / "store", create=True))


def found(store, words, k=10, **more) -> list[str]:
    return [f"{h.title}/{int(h.shot[-5:])}" for h in search(store, said=words, k=k, **more)]


@pytest.mark.parametrize(
    ("words", "shots"),
    [
        # Any of the words; more of them, rarer ones, and more often in fewer words are better.
        *[("wolf", {"wolf/0", "wolf/1"}), ("vital go", {"mix/3", "wolf/2"})],
        *[("door vital", {"wolf/0", "wolf/1", "mix/3"}), ("nothing", set()), ("is", {"wolf/0"})],
        # In a row and in this order, whatever stands between them.
        *[('"the wolf"', {"wolf/0"}), ('"wolf the"', set()), ('"door wolf"', {"wolf/1"})],
        *[('  "the door" ', {"wolf/0", "wolf/1"}), ('"wolf"', {"wolf/0", "wolf/1"})],
        *[('"at door"', set()), ('"door, WOLF!"', {"wolf/1"}), ("don't", {"wolf/2"})],
        # Several in quotes, or quotes that do not close, are words.
        *[('"the wolf" "don\'t"', {"wolf/0", "wolf/1", "wolf/2"}), ('"wolf', {"wolf/0", "wolf/1"})],
        *[("“wolf”", {"wolf/0", "wolf/1"}), ('vital" go', {"mix/3", "wolf/2"})],
        # Letters of any case and language, with or without their marks.
        *[("WOLF", {"wolf/0", "wolf/1"}), ("über", {"mix/0"}), ("ÜBER", {"mix/0"})],
        *[("u\u0308ber", {"mix/0"}), ("straße", {"mix/0"}), ("STRASSE", {"mix/0"})],
        *[("élan", {"mix/3"}), ("elan", {"mix/3"}), ("привет", {"mix/2"}), ("МИР", {"mix/2"})],
        *[("北京", {"mix/1"}), ("天安门", {"mix/1"}), ('"我爱北京"', {"mix/1"}), ("上海", set())],
    ],
)
def test_words_are_found_where_they_are_said(spoken, words, shots):
    assert set(found(spoken, words)) == shots


@pytest.mark.parametrize(
    "words",
    [
        *[
            '"',
            '""',
            "'",
            "''",
            '"\'"',
            "; DROP TABLE shots",
            "') OR 1=1 --",
            "' OR ''='",
            "%",
            "_",
        ],
        *[
            "*",
            "wo*",
            "?",
            "wol~",
            "NOT",
            "AND OR",
            "-",
            "\\",
            "\0",
            "(",
            "[a-z]+",
            "{}",
            "$1",
            "🎬",
        ],
        *["a" * 100_000, "x " * 5000, '"' + "y " * 2000 + '"', "\n", "words:wolf", "woLf^"],
    ],
)
def test_no_words_do_harm(spoken, words):
    """They are words and nothing else: neither SQL nor a language of queries."""
    if not words.strip():
        with pytest.raises(InvalidInput, match="must not be empty"):
            found(spoken, words)
        return
    shots = found(spoken, words)
    assert set(shots) <= ({"wolf/0", "wolf/1"} if "wolf" in words.lower() else set())
    assert sorted(spoken.revisions()) == ["mix", "wolf"]
    assert len(spoken.shots()) == 9


FORMS = ["'", "\u2019", "\u2018", "\u02bc", "\uff07", "\u00b4", "`"]


@pytest.fixture(scope="module")
def apostrophes(tmp_path_factory):
    """Each way to write one, and lines that are only like them."""
    store = Storage(tmp_path_factory.mktemp("apostrophes") / "store", create=True)
    lines = [f"We don{form}t know." for form in FORMS]
    add_film(store, "all", ["lake"] * (len(FORMS) + 1), text=[*lines, "Done. T is known."])
    return store


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("asked", ["don{}t", '"we don{}t know"', "“We don{}t know”", "«don{}t»"])
def test_an_apostrophe_finds_all_ways_to_write_it(apostrophes, form, asked):
    every = {f"all/{number}" for number in range(len(FORMS))}
    assert set(found(apostrophes, asked.format(form))) == every


def test_quotes_of_all_kinds_ask_for_words_in_a_row(spoken):
    for quotes in ('""', "“”", "„“", "«»"):
        assert found(spoken, f"{quotes[0]}the wolf{quotes[1]}") == ["wolf/0"]


def test_chances_compare_like_with_like(spoken):
    """Those of a shot are of the shot, whatever words it is looked for with."""
    asked = {"shot": "mix/00000", "k": 50}
    alone = {hit.shot: hit.chance for hit in search(spoken, **asked)}
    with_words = {hit.shot: hit.chance for hit in search(spoken, **asked, said="wolf")}
    assert with_words.keys() == alone.keys()
    assert with_words == alone
    assert len(set(alone.values()) - {None}) > 0


def test_more_of_the_words_is_better(spoken):
    assert found(spoken, "open the wolf")[0] == "wolf/1"
    hits = search(spoken, said="wolf door open")
    assert hits[0].score == 1
    assert hits.chance is None
    assert 0 < hits[1].score < 1
    for hit in hits:
        assert hit.shares == {"visual": 0, "audio": 0, "text": hit.score, "context": 0}
        assert hit.chance is None
        assert "wolf" in hit.words


def test_a_condition_is_respected_before_the_best_are_taken(store):
    add_film(store, "loud", ["lake"] * 300, text=["dragon"] * 300)
    add_film(
        store, "low", ["lake"] * 5, text=["here is a dragon of many words"] * 5, genres=["Drama"]
    )
    where = "array_contains(genres, 'Drama') AND index > 1"
    assert set(found(store, "dragon", where=where)) == {"low/2", "low/3", "low/4"}
    assert set(found(store, "dragon", k=2, where=where)) < {"low/2", "low/3", "low/4"}
    assert found(store, "dragon", where="index > 1000") == []
    assert len(found(store, "dragon", k=302)) == 302
    best = found(store, "dragon", k=3, like=["loud/00000"], exclude_same_title=True, where=where)
    assert set(best) == {"low/2", "low/3", "low/4"}


def test_words_of_replaced_revisions_are_not_found_and_do_not_crowd_out(store):
    """The rows before stay in the table, and in its index, until the next write of the title."""
    add_film(store, "film", ["lake"] * 300, text=["dragon dragon dragon"] * 300)
    add_film(store, "other", ["lake"] * 6, text=["a dragon that is far from all those"] * 6)
    assert len(found(store, "dragon", k=400)) == 306
    add_film(store, "film", ["lake"] * 2, text=["wolf", None])
    assert store.table("shots").count_rows("title = 'film'") == 302 > LEAST_DEPTH
    assert set(found(store, "dragon", k=6)) == {f"other/{i}" for i in range(6)}
    assert len(store.said("dragon", 4)) == 4
    assert found(store, "wolf") == ["film/0"]
    add_film(store, "film", ["lake"], text=["cave"])
    assert found(store, "wolf") == []
    assert found(store, "cave") == ["film/0"]


def test_rows_that_came_after_the_index_are_found(store):
    films(store)
    assert found(store, "wolf") != []
    indexes = store.table("shots").list_indices()
    assert len(indexes) == 1
    add_film(store, "new", ["lake", "wood"], text=["a wolf of late", "Drachen"])
    assert set(found(store, "wolf")) == {"wolf/0", "wolf/1", "new/0"}
    assert set(found(store, '"wolf of late"')) == {"new/0"}
    assert found(Storage(store.path), "drachen") == ["new/1"]
    assert len(store.table("shots").list_indices()) == 1
    store.tables.compact("shots")
    assert set(found(store, "wolf")) == {"wolf/0", "wolf/1", "new/0"}
    assert found(store, "nothing") == []


def test_where_nobody_speaks_nothing_is_found(store):
    add_film(store, "silent", ["lake", "wood"])
    assert found(store, "wolf") == []
    add_film(store, "loud", ["lake"], text=["wolf"])
    assert found(store, "wolf") == ["loud/0"]


@pytest.mark.parametrize("unit", ["scene", "title"])
def test_scenes_and_titles_in_which_words_are_said(spoken, unit):
    hits = search(spoken, said="vital", unit=unit, least=0.0)
    assert [h.title for h in hits] == ["mix"]
    assert "mix/00003" in hits[0].shots
    assert hits[0].shot == "mix/00003"


READER = """
import os, sys
from mediafm_store.storage.storage import Storage
from tests.helpers.asking import search
from mediafm_store.errors import MediaFMError

Storage(sys.argv[1]).titles()  # imports what it needs, which nobody may not read on every machine
os.setgid(65534)
os.setuid(65534)
try:
    print(len(search(Storage(sys.argv[1]), said="wolf", least=0, fold=False)))
except MediaFMError as error:
    print(error)
"""


@pytest.mark.skipif(
    not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can become someone else"
)
@pytest.mark.parametrize("indexed", [False, True])
def test_a_store_that_may_only_be_read(store, indexed):
    films(store)
    if indexed:
        store.said("wolf", 1)
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)  # pytest's own folders are closed to others
        path = Path(shutil.copytree(store.path, Path(folder) / "store"))
        told = subprocess.run(
            [sys.executable, "-c", READER, path],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"HOME": "/nonexistent"},
        )
    assert told.stderr == ""
    if indexed:
        assert told.stdout == "2\n"
    else:
        assert told.stdout.startswith(f"store {path} cannot be written: ")
        assert told.stdout.endswith("full-text index, so let it be by someone who may write\n")
        assert told.stdout.count("\n") == 1
