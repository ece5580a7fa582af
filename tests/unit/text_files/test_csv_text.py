"""Tables as spreadsheets save them."""

from pathlib import Path

import pytest

from mediafm_store.ads.ads import read_ads
from mediafm_store.errors import InvalidInput
from mediafm_store.labels.labels import import_labels
from mediafm_store.probing.dataset import items_of
from mediafm_store.shots.shot_list import read_shot_list
from mediafm_store.text_files.csv_text import read_records, read_table
from mediafm_store.text_search.captions import _read as read_captions
from tests.conftest import random_vectors, title_rows

ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]


def written(folder, name, text, encoding="utf-8"):
    (folder / name).write_bytes(text.encode(encoding))
    return folder / name


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("divider", [",", ";", "\t"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_every_encoding_divider_and_end_of_line(tmp_path, encoding, divider, ends):
    quoted = f'"Très; bien, déjà{divider}vu"'
    rows = [["Title", "LABEL"], ["Amélie", "Komödie"], ["", " "], ["Gaunt", quoted]]
    text = ends.join(divider.join(row) for row in rows) + ends
    assert list(read_records(written(tmp_path, "L.CSV", text, encoding))) == [
        (2, {"title": "Amélie", "label": "Komödie"}),
        (4, {"title": "Gaunt", "label": quoted.strip('"')}),
    ]


def test_rows_are_named_by_the_line_that_they_begin_in(tmp_path):
    text = 'a,b\n"1\n2",x\n\n"3\n4\n5",y\nz\n'
    found = list(read_records(written(tmp_path, "x.csv", text)))
    assert [line for line, _ in found] == [2, 5, 8]
    assert found[1][1]["a"] == "3\n4\n5"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a,b\n1,2,3\n", "line 2: more cells than columns"),
        ('a,b\n1,2\n"3,4\n5,6\n', "line 3: unexpected end of data"),
        ('a,b\n1,"2"3\n', "line 2: "),
        ("a,A\n1,2\n", "two columns are called 'a'"),
    ],
)
def test_a_row_that_cannot_be_read_is_named_by_its_line(tmp_path, text, told):
    with pytest.raises(InvalidInput, match=rf"x\.csv(, |: ){told}"):
        list(read_records(written(tmp_path, "x.csv", text)))


def test_without_a_header_a_table_is_empty(tmp_path):
    table = read_table(written(tmp_path, "x.csv", "a,b\n1,2\n"), lambda cells: "c" in cells)
    assert (table.header, list(table.rows)) == ([], [])


@pytest.fixture
def films(store):
    for number, name in enumerate(("alpha", "beta")):
        store.add_title(title_rows(store, name, random_vectors(4, number)))
    return store


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_labels_as_excel_saves_them(films, tmp_path, encoding):
    text = 'Title;Labels;Value\r\nalpha;"Komödie; Drama";0,5\r\nbeta;Komödie;1\r\n'
    (found,) = import_labels(films, written(tmp_path, "L.CSV", text, encoding))
    assert (found.task, found.rows) == ("L", 3)
    items = items_of(films, "L")
    assert items.labels == ["Drama", "Komödie"]
    assert items.targets[0].tolist() == [0.5, 0.5]


def test_no_label_is_written_as_an_empty_list(films, tmp_path):
    file = written(tmp_path, "l.csv", 'title,label\nalpha,[]\nbeta,"[""x"", ""y""]"\n')
    import_labels(films, file)
    items = items_of(films, "l")
    assert items.labels == ["x", "y"]
    assert dict(zip(items.ids, items.targets.tolist(), strict=True)) == {
        "alpha": [0, 0],
        "beta": [1, 1],
    }


@pytest.mark.parametrize("cell", ["[x]", "['x']", "[1]", "[" * 50_000 + "]"])
def test_what_looks_like_a_list_must_be_one(films, tmp_path, cell):
    with pytest.raises(InvalidInput, match="line 2: ") as raised:
        import_labels(films, written(tmp_path, "l.csv", f"title,label\nalpha,{cell}\n"))
    assert len(str(raised.value)) < 400


def test_a_number_that_may_be_a_thousand_or_one_is_refused(films, tmp_path):
    file = written(tmp_path, "l.csv", 'title,value\nalpha,"1,000"\n')
    with pytest.raises(InvalidInput, match="line 2: '1,000' is no number"):
        import_labels(films, file)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_lists_of_shots_ads_and_captions_are_read_the_same_way(tmp_path, encoding):
    shots = written(tmp_path, "S.CSV", "Été;Start\r\na;0\r\nb;2,5\r\n", encoding)
    assert read_shot_list(shots, 24) == [2.5]

    text = "id;text;tags;duration_s\r\na1;Café à Paris;Noël;30\r\na2;;déjà; \r\n"
    first, second = read_ads(written(tmp_path, "A.CSV", text, encoding))
    assert (first.text, first.tags, first.duration_s) == ("Café à Paris", ("Noël",), 30)
    assert (second.text, second.tags, second.duration_s) == ("", ("déjà",), None)

    (tmp_path / "a.png").touch()
    text = "Picture\tText\r\na.png\tUn été, déjà\r\n"
    assert read_captions(written(tmp_path, "C.CSV", text, encoding)).texts == ["Un été, déjà"]


@pytest.mark.parametrize(
    ("row", "told"),
    [("a;x;soon;y", "duration_s is seconds"), ("a;;;", "neither text"), ("b;x;1;[1]", "tags is")],
)
def test_a_wrong_ad_in_a_table_is_named_by_its_line(tmp_path, row, told):
    with pytest.raises(InvalidInput, match=f"line 2: .*{told}"):
        read_ads(written(tmp_path, "a.csv", f"id;text;duration_s;tags\n{row}\n"))


def test_a_text_without_end_is_not_read():
    with pytest.raises(InvalidInput, match="too many for a text"):
        read_table(Path("/dev/zero"))
