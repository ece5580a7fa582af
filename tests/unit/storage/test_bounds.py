"""Conditions in SQL are bounded before anything parses them."""

import pytest

from mediafm_store.errors import InvalidInput
from mediafm_store.storage.bounds import _LONGEST as LONGEST
from mediafm_store.storage.storage import Storage
from tests.conftest import random_vectors, title_rows
from tests.helpers.asking import search
from tests.helpers.command import mediafm


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    store = Storage(tmp_path_factory.mktemp("films") / "store", create=True)
    store.add_title(title_rows(store, "alpha", random_vectors(4)))
    return store


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("1+" * 10_000 + '"index" > 1', "too long"),
        ("1+" * 400 + '"index" > 1', "too complex"),
        (" AND ".join(['"index" > 1'] * 1000), "too complex"),
        ("(" * 21 + '"index" > 1' + ")" * 21, "too complex"),
        ("words IN ('a', 'b') AND " * 900 + "silent", "too long|too complex"),
        ("LENGTH(LPAD(words, 10000000, 'x')) > 5", "cannot call 'lpad'"),
        ("\"RPAD\" (words, 5, 'x') = ''", "cannot call 'RPAD'"),
        ("`lpad`(words, 5, 'x') = ''", "cannot hold `"),
        ("REPLACE(words, '', words) = ''", "cannot call 'replace'"),
        ("CONCAT(words, words) = ''", "cannot call 'concat'"),
        ("words || words = ''", r"cannot hold \|\|"),
        ("[words, words] = tags", r"cannot hold a list in \[ \]"),
        ("ARRAY[words] = tags", r"cannot hold a list in \[ \]"),
        ("E'\\' || ' = words", "cannot hold E'"),
        ("silent -- '", "cannot hold --"),
        ("silent /* ' */", r"cannot hold /\*"),
        ("words = '", "cannot hold '"),
        ("words = '\ud83d'", "cannot be understood"),
        ("", "cannot be understood"),
    ],
)
def test_what_is_out_of_bounds_is_one_clear_line(films, where, told):
    for ask in (films.matching, lambda where: films.view("shots", where=where)):
        with pytest.raises(InvalidInput, match=told) as raised:
            ask(where)
        assert "\n" not in str(raised.value)
        assert len(str(raised.value)) < 1000


@pytest.mark.parametrize(
    ("where", "shots"),
    [
        ("words IN ('it''s (', '--', '||') OR LENGTH(words) = 0", 4),
        ("title IN (" + ", ".join(f"'{i}'" for i in range(1500)) + ", 'alpha')", 4),
        (" OR ".join(f'"index" = {i}' for i in range(70)), 4),
        ("NOT (silent OR (black AND (duration_s > 5.5)))", 4),
        ("CASE WHEN \"index\" > 2 THEN title ELSE '' END = 'alpha'", 1),
        ('CAST("index" AS DECIMAL(10)) BETWEEN 1 AND (2)', 2),
        ("looks[1] = 'blue' AND ARRAY_CONTAINS(looks, 'blue') AND LOWER(name) ILIKE 'al%'", 4),
        ('-"index" < -1 AND "index" % 2 = 1 AND id ~ \'3$\'', 1),
    ],
)
def test_what_people_ask_is_answered(films, where, shots):
    assert len(where) < LONGEST
    assert len(films.matching(where)) == shots


def test_the_command_and_a_search_are_bounded_too(films):
    deep = "1+" * 5000 + '"index" > 1'
    with pytest.raises(InvalidInput, match="too complex"):
        search(films, shot="alpha/00000", where=deep)
    done = mediafm("search", "--shot", "alpha/00000", "--where", deep, "--store", films.path)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: the condition '1+1+")
    assert done.stderr.count("\n") == 1
