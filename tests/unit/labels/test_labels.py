"""Labels come in from files, row by row, or not at all."""

import json

import polars as pl
import pytest
from typer.testing import CliRunner

from mediafm_cli.main import app
from mediafm_store.errors import InvalidInput
from mediafm_store.labels.labels import import_labels, labelled
from mediafm_store.probing.dataset import groups_of, items_of
from tests.conftest import random_vectors, title_rows


@pytest.fixture
def films(store):
    """Three titles of four shots of two seconds, two of them of one series."""
    for number, name in enumerate(("alpha", "beta", "gamma")):
        series = "s" if number < 2 else ""
        store.add_title(title_rows(store, name, random_vectors(4, number), series=series))
    return store


def written(tmp_path, name, text):
    (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path / name


def values(items):
    return {
        (title_id, label): items.targets[i, j]
        for i, title_id in enumerate(items.ids)
        for j, label in enumerate(items.labels)
        if items.targets[i, j] == items.targets[i, j]
    }


def test_tags_of_titles_from_csv(films, tmp_path):
    file = written(
        tmp_path, "genre.csv", "title,labels\nalpha,Drama;Crime\nbeta,Drama\ngamma,War\n"
    )
    (found,) = import_labels(films, file)
    assert (found.task, found.items, found.labels, found.rows) == ("genre", 3, 3, 4)
    items = items_of(films, "genre")
    assert (items.level, items.kind) == ("titles", "tags")
    assert values(items) == {
        **{("alpha", name): float(name != "War") for name in ("Crime", "Drama", "War")},
        **{("beta", name): float(name == "Drama") for name in ("Crime", "Drama", "War")},
        **{("gamma", name): float(name == "War") for name in ("Crime", "Drama", "War")},
    }
    assert groups_of(films, items.titles).tolist()[:2] == [0, 0]
    assert len(set(groups_of(films, items.titles))) == 2


def test_shots_segments_and_grades(films, tmp_path):
    lines = [
        {"shot": "alpha/00001", "value": 0.25, "task": "clicks"},
        {"title": "beta", "start": "0:01", "end": 5, "value": 3, "task": "clicks"},
        {"title": "beta", "start": 2.5, "label": "good", "task": "break"},
    ]
    text = "\n".join(map(json.dumps, lines))
    found = import_labels(films, written(tmp_path, "x.jsonl", text + "\n\n"))
    assert [(f.task, f.rows) for f in found] == [("break", 1), ("clicks", 2)]
    items = items_of(films, "clicks")
    assert (items.level, items.kind, items.ids) == ("clips", "grades", ["alpha/00001", "beta@1-5"])
    assert items.spans == [None, (1.0, 5.0)]
    assert items.targets.tolist() == [[0.25], [3.0]]
    assert items_of(films, "break").spans == [(2.5, 2.5)]


def test_parquet_with_lists(films, tmp_path):
    table = pl.DataFrame({"title": ["alpha", "beta"], "labels": [["a", "b"], ["a"]]})
    table.write_parquet(tmp_path / "tone.parquet")
    (found,) = import_labels(films, tmp_path / "tone.parquet")
    assert (found.task, found.rows) == ("tone", 3)


def test_a_later_file_replaces_values_and_the_table_keeps_its_versions(films, tmp_path):
    file = written(tmp_path, "a.csv", "title,label,value\nalpha,x,1\nbeta,x,0\n")
    (before,) = import_labels(films, file)
    (after,) = import_labels(
        films, written(tmp_path, "b.csv", "title,label,value\nbeta,x,1\n"), task="a"
    )
    assert (after.rows, values(items_of(films, "a"))) == (2, {("alpha", "x"): 1, ("beta", "x"): 1})
    assert after.version > before.version
    old = films.view("labels", version=before.version).arrow().to_pylist()
    assert {r["title"]: r["value"] for r in old} == {"alpha": 1.0, "beta": 0.0}


@pytest.mark.parametrize(
    ("row", "error"),
    [
        ("nope,x,1,,", "no title 'nope'"),
        ("alpha,x,many,,", "'many' is no number"),
        ("alpha,x,nan,,", "'nan' is no number"),
        ("alpha,,,,", "neither label nor value"),
        ("alpha,x,1,5,3", "5 to 3 s is no segment of 'alpha', which is 8.0 s long"),
        ("alpha,x,1,5,500", "5 to 500 s is no segment"),
        ("alpha,x,1,,4", "end without start"),
        ("alpha,x,1,5,6,7", "more cells than columns"),
    ],
)
def test_a_wrong_row_is_named_and_nothing_is_written(films, tmp_path, row, error):
    file = written(tmp_path, "x.csv", f"title,label,value,start,end\nalpha,y,1,,\n{row}\n")
    with pytest.raises(InvalidInput, match=r"x\.csv, line 3: ") as raised:
        import_labels(films, file)
    assert error in str(raised.value)
    assert labelled(films) == []


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("x.txt", "", "labels come as .csv, .jsonl or .parquet"),
        ("x.csv", "", "has no labels"),
        ("x.csv", "title,colour\nalpha,red\n", "line 2: unknown column 'colour'"),
        ("x.jsonl", '{"title": "alpha", "label": "x"}\n[1]\n', "line 2: no object"),
        ("x.jsonl", '{"title": \n', "line 1: no JSON"),
        ("x.jsonl", '{"shot": "alpha/00009", "label": "x"}\n', "no shot 'alpha/00009'"),
        ("x.jsonl", '{"shot": "alpha/00000", "title": "beta", "label": "x"}\n', "is of 'alpha'"),
        ("x.jsonl", '{"title": "alpha", "label": 5}\n', "5 is no label"),
        ("x.parquet", "no", "cannot be read as Parquet"),
    ],
)
def test_wrong_files(films, tmp_path, name, text, error):
    with pytest.raises(InvalidInput) as raised:
        import_labels(films, written(tmp_path, name, text))
    assert error in str(raised.value)
    assert "\n" not in str(raised.value)
    with pytest.raises(InvalidInput, match="no file"):
        import_labels(films, tmp_path / "nothing.csv")


def test_what_has_none_of_the_labels_has_an_empty_list(films, tmp_path):
    rows = '{"title": "alpha", "labels": ["x", "y"]}\n{"title": "beta", "labels": []}\n'
    (after,) = import_labels(films, written(tmp_path, "a.jsonl", rows))
    assert (after.items, after.labels) == (2, 2)
    items = items_of(films, "a")
    assert items.labels == ["x", "y"]
    assert dict(zip(items.ids, items.targets.tolist(), strict=True)) == {
        "alpha": [1, 1],
        "beta": [0, 0],
    }
    import_labels(films, written(tmp_path, "a.jsonl", '{"title": "beta", "label": "y"}\n'))
    assert values(items_of(films, "a"))["beta", "y"] == 1


def test_many_wrong_lines_are_counted(films, tmp_path):
    text = "title,label\n" + "nope,x\n" * 9
    with pytest.raises(InvalidInput, match=r"line 2: .* \(also wrong: line 3, 4, 5, 6\.\.\.\)"):
        import_labels(films, written(tmp_path, "x.csv", text))


def test_labels_of_titles_that_are_gone_do_not_count(films, tmp_path):
    import_labels(films, written(tmp_path, "g.csv", "title,label\nalpha,x\ngamma,x\n"))
    films.tables.delete("titles", "id = 'gamma'")
    assert items_of(films, "g").ids == ["alpha"]


def test_the_command(films, tmp_path):
    file = written(tmp_path, "genre.csv", "title,label\nalpha,Drama\n")
    run = CliRunner().invoke
    store = ["--store", str(films.path)]
    assert "No labels yet" in run(app, ["labels", "list", *store]).output
    done = run(app, ["labels", "import", str(file), "--json", *store])
    assert json.loads(done.stdout)["rows"] == 1
    assert "genre" in run(app, ["labels", "list", *store]).stdout
    assert run(app, ["labels", "import", *store]).exit_code == 2


def test_several_labels_in_a_cell_and_what_contradicts(films, tmp_path):
    import_labels(films, written(tmp_path, "g.csv", "title,label\nalpha,Drama; Noir\n"))
    assert items_of(films, "g").labels == ["Drama", "Noir"]
    text = "title,label,value\nalpha,Drama,1\nalpha,Drama,0\n"
    with pytest.raises(InvalidInput, match=r"line 3: alpha has another value for 'Drama'"):
        import_labels(films, written(tmp_path, "g.csv", text))
    import_labels(films, written(tmp_path, "h.csv", "title;label\nalpha;Drama\n"))
    assert items_of(films, "h").labels == ["Drama"]
