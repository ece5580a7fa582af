import polars as pl
import pytest
from lancedb.query import LanceEmptyQueryBuilder

from mediafm_store.errors import InvalidInput, NotFound, SpaceMismatch
from mediafm_store.storage.rows import MadeVectors
from mediafm_store.storage.storage import Storage
from tests.conftest import random_vectors, title_rows


class Killed(BaseException):
    """As SIGKILL: no handler of the program may see it."""


def test_what_is_written_is_read(store):
    vectors = random_vectors(3)
    store.add_title(title_rows(store, "sintel", vectors, tags=["Dragon"]))
    stored = store.vectors(store.live("fused"))
    assert stored.ids == ["sintel/00000", "sintel/00001", "sintel/00002"]
    assert abs(stored.vectors - vectors).max() < 1e-3  # float16 on disk
    assert store.titles().select("id", "shots", "tags").rows() == [("sintel", 3, ["Dragon"])]
    assert store.shots("sintel")["index"].to_list() == [0, 1, 2]
    assert store.thumbnails(["sintel/00002"]) == {"sintel/00002": b"jpeg"}


def test_some_columns_of_shots(store):
    for title in ("b", "a"):
        store.add_title(title_rows(store, title, random_vectors(3)))
    for title in (None, "a"):
        some = store.shots(title, columns=["words", "id"])
        assert some.equals(store.shots(title).select("words", "id"))


def test_vectors_by_id_come_in_order_of_ids(store):
    store.add_title(title_rows(store, "a", random_vectors(4)))
    fused = store.live("fused")
    found = store.vectors_by_id(fused, ["a/00003", "a/00001", "b/00000"])
    assert found.ids == ["a/00001", "a/00003"]
    assert (found.vectors == store.vectors(fused).vectors[[1, 3]]).all()
    assert store.vectors_by_id(fused, []).vectors.shape == (0, 2304)


def test_a_title_is_replaced_as_a_whole(store):
    store.add_title(title_rows(store, "a", random_vectors(5)))
    store.add_title(title_rows(store, "b", random_vectors(2, 1)))
    store.add_title(title_rows(store, "a", random_vectors(3, 2)))
    assert store.shots().group_by("title").len().sort("title").rows() == [("a", 3), ("b", 2)]
    assert len(store.vectors(store.live("fused"), "a").ids) == 3
    store.add_title(title_rows(store, "a", random_vectors(4, 3)))
    # The revision before is left to those who read it; that before it is gone.
    assert store.table("shots").count_rows() == 4 + 3 + 2
    assert len(store.shots("a")) == 4


@pytest.mark.parametrize("table", ["shots", "thumbnails", "fused_v1", "described_v1", "titles"])
def test_a_write_that_stops_half_way_changes_nothing(store, monkeypatch, table):
    store.add_title(title_rows(store, "a", random_vectors(2)))
    before = store.titles()
    opened = store.tables.open

    def stop_before(name):
        if name == table:
            raise Killed
        return opened(name)

    monkeypatch.setattr(store.tables, "delete", lambda name, condition: None)

    rows = [title_rows(store, t, random_vectors(4, 3)) for t in ("a", "b")]
    for new in rows:
        with monkeypatch.context() as patched:
            patched.setattr(store, "_sweep", lambda titles, valid: None)
            patched.setattr(store.tables, "open", stop_before)
            with pytest.raises(Killed):
                store.add_title(new)
    again = Storage(store.path)
    assert again.titles().equals(before)
    assert again.shots()["id"].to_list() == ["a/00000", "a/00001"]
    assert again.vectors(again.live("fused")).ids == ["a/00000", "a/00001"]
    assert set(again.thumbnails(["a/00000", "b/00000"])) == {"a/00000"}
    for new in rows:
        again.add_title(new)
    assert again.shots().group_by("title").len().sort("title").rows() == [("a", 4), ("b", 4)]
    assert again.table("shots").count_rows() == 2 + 4 + 4  # two of the revision before


def test_other_encoders_are_refused_with_both_fingerprints(store):
    store.registry.only_version("fused", "one", dim=2304, made_by="net A", fused="test")
    with pytest.raises(SpaceMismatch, match=r"net A.*one.*net B.*two.*new store"):
        store.registry.only_version("fused", "two", dim=2304, made_by="net B", fused="test")


def test_a_new_version_is_live_only_once_promoted(store):
    store.add_title(title_rows(store, "a", random_vectors(2)))
    version, promote = store.registry.version, store.registry.promote
    promote(version("context", "one", dim=2304, made_by="checkpoint 1", fused="test"))
    first = store.live("context")
    second = version("context", "two", dim=2304, made_by="checkpoint 2", fused="test")
    assert (first.table, second.table) == ("context_v1", "context_v2")
    assert store.live("context") == first
    assert version("context", "two", dim=2304, made_by="other words", fused="test") == second
    promote(second, version("title", "two", dim=2304, made_by="checkpoint 2", fused="test"))
    assert store.live("title").made_by == "checkpoint 2"
    assert [s.live for s in store.spaces() if s.name == "context"] == [False, True]


def test_vectors_of_a_replaced_title_are_lacking_again(store):
    for title in ("a", "b"):
        store.add_title(title_rows(store, title, random_vectors(1)))
    context = store.registry.version(
        "context", "one", dim=2304, made_by="checkpoint 1", fused="test"
    )
    for title in ("a", "b"):
        store.add_vectors(context, store.title(title), [f"{title}/00000"], random_vectors(1))
    assert store.lacking(context) == []
    store.add_title(title_rows(store, "a", random_vectors(3)))
    assert store.lacking(context) == ["a"]
    assert store.vectors(context).ids == ["b/00000"]


def test_vectors_of_a_wrong_shape_are_refused(store):
    store.add_title(title_rows(store, "a", random_vectors(2)))
    fused, row = store.live("fused"), store.title("a")
    with pytest.raises(SpaceMismatch, match="2304"):
        store.add_vectors(fused, row, ["a/00000"], random_vectors(1)[:, :100])


def test_tags_are_replaced_title_by_title(store):
    store.add_titles([title_rows(store, title, random_vectors(1)) for title in "ab"])
    told = {
        "task": "tags",
        "score": 0.5,
        "threshold": 0.3,
        "applies": True,
        "source": "text",
        "evidence": ["b"],
    }

    def put(title, *tags):
        rows = [{"title": title, "tag": tag, **told} for tag in tags]
        store.put("tags", rows, instead_of=f"title = '{title}'")

    put("a", "x", "y")
    put("b", "x")
    put("a", "z")
    assert store.tags().select("title", "tag").rows() == [("a", "z"), ("b", "x")]


def test_quotes_in_ids_are_only_letters(store):
    title = "it's' OR '1'='1"
    store.add_title(title_rows(store, title, random_vectors(1)))
    store.add_title(title_rows(store, "b", random_vectors(1)))
    assert store.shots(title)["title"].unique().to_list() == [title]
    assert store.title(title)["id"] == title


def test_what_is_missing_is_told_with_a_cure(store, tmp_path):
    with pytest.raises(NotFound, match="mediafm ingest"):
        Storage(tmp_path / "nothing")
    with pytest.raises(NotFound, match="mediafm titles list"):
        store.title("nope")
    with pytest.raises(NotFound, match="sintel/00042"):
        store.shot("nope/1")
    with pytest.raises(NotFound, match="mediafm ingest"):
        store.live("fused")
    with pytest.raises(NotFound, match="mediafm embed"):
        store.live("title")
    with pytest.raises(NotFound, match="fused, described"):
        store.live("nope")
    (tmp_path / "file").write_text("x")
    with pytest.raises(InvalidInput, match="a store is a folder"):
        Storage(tmp_path / "file", create=True)


def test_tables_read_in_polars_and_duckdb(store):
    import duckdb

    store.add_title(title_rows(store, "a", random_vectors(4)))
    lazy = store.table("shots").to_polars()
    assert lazy.filter(pl.col("start_s") >= 4).select("id").collect().height == 2
    shots = store.shots().to_arrow()
    rows = duckdb.sql("SELECT title, count(*) FROM shots GROUP BY title").fetchall()
    assert rows == [("a", 4)]
    assert shots.num_rows == 4


def test_vectors_of_a_title_that_was_replaced_meanwhile_are_not_seen(store):
    store.add_title(title_rows(store, "a", random_vectors(5)))
    context = store.registry.version(
        "context", "one", dim=2304, made_by="checkpoint 1", fused="test"
    )
    row = store.title("a")
    ids = store.vectors(store.live("fused"), "a").ids
    store.add_title(title_rows(store, "a", random_vectors(3, 1)))
    store.add_vectors(context, row, ids, random_vectors(5))
    assert store.lacking(context) == ["a"]
    assert store.vectors(context).ids == []


def test_a_reader_sees_a_title_as_it_was_or_as_it_is(store, monkeypatch):
    """A title is replaced between a reader's look at the revisions and at the rows."""
    store.add_title(title_rows(store, "a", random_vectors(5)))
    reader, select = Storage(store.path), Storage(store.path).tables.select

    def replaced_meanwhile(name, *arguments):
        if name == "shots":
            store.add_title(title_rows(store, "a", random_vectors(3, 1)))
        return select(name, *arguments)

    monkeypatch.setattr(reader.tables, "select", replaced_meanwhile)
    assert len(reader.shots("a")) == 5
    monkeypatch.undo()
    assert len(reader.shots("a")) == 3


WRITER = """
import sys
from mediafm_store.storage.storage import Storage
from tests.conftest import random_vectors, title_rows

store = Storage(sys.argv[1])
for n in range(6):
    store.add_title(title_rows(store, "film", random_vectors(3 + n, n)))
"""


def test_two_writers_of_one_title_leave_it_whole(store):
    import subprocess
    import sys

    from tests.conftest import ROOT

    store.add_title(title_rows(store, "film", random_vectors(2)))
    command = [sys.executable, "-c", WRITER, str(store.path)]
    writers = [subprocess.Popen(command, cwd=ROOT) for _ in range(2)]
    assert [w.wait(120) for w in writers] == [0, 0]
    n = store.title("film")["shots"]
    assert n == 8
    assert len(store.shots("film")) == n
    assert len(store.vectors(store.live("fused"), "film").ids) == n


def test_broken_tables_are_one_clear_error(store):
    import shutil

    store.add_title(title_rows(store, "a", random_vectors(3)))
    for data in (store.path / "shots.lance" / "data").iterdir():
        data.write_bytes(data.read_bytes()[:40])
    with pytest.raises(InvalidInput, match="cannot be read") as error:
        Storage(store.path).shots()
    assert "\n" not in str(error.value)
    shutil.rmtree(store.path / "titles.lance")
    (store.path / "titles.lance").mkdir()
    with pytest.raises(InvalidInput, match="cannot be read"):
        Storage(store.path)


def test_titles_that_come_together_are_one_commit_a_table(store):
    rows = [title_rows(store, f"t{i}", random_vectors(2, i)) for i in range(20)]
    before = {name: store.table(name).version for name in ("titles", "shots", "fused_v1")}
    store.add_titles(rows)
    assert {name: store.table(name).version - v for name, v in before.items()} == dict.fromkeys(
        before, 1
    )
    assert store.rows_by_title(store.live("fused")) == {f"t{i}": 2 for i in range(20)}
    assert abs(store.vectors(store.live("fused"), "t7").vectors - random_vectors(2, 7)).max() < 1e-3
    store.add_titles([])  # nothing is nothing


def test_titles_that_come_together_are_seen_all_or_none(store, monkeypatch):
    store.add_title(title_rows(store, "a", random_vectors(2)))
    rows = [title_rows(store, t, random_vectors(3, i)) for i, t in enumerate("abc")]

    def stop(*arguments, **options):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(store.tables, "replace", stop)  # the last of all is the row of the title
        with pytest.raises(Killed):
            store.add_titles(rows)
    again = Storage(store.path)
    assert again.shots().group_by("title").len().rows() == [("a", 2)]
    again.add_titles(rows)
    assert again.rows_by_title(again.live("fused")) == {"a": 3, "b": 3, "c": 3}
    assert again.table("fused_v1").count_rows() == 2 + 9  # that before, none of the kill's


def test_one_title_of_several_that_was_changed_keeps_all_out(store):
    store.add_title(title_rows(store, "a", random_vectors(2)))
    stale = title_rows(store, "a", random_vectors(3), revision="of before")
    with pytest.raises(InvalidInput, match="'a' was changed by another program"):
        store.add_titles([title_rows(store, "b", random_vectors(2)), stale])
    assert list(store.revisions()) == ["a"]


def test_vectors_of_several_titles_are_one_commit(store):
    store.add_titles([title_rows(store, t, random_vectors(3, i)) for i, t in enumerate("abc")])
    context = store.registry.version("context", "one", dim=2304, made_by="a test", fused="test")
    rows = {t: store.title(t) for t in "abc"}

    def made(title, seed):
        ids = [f"{title}/{i:05d}" for i in range(3)]
        return MadeVectors(rows[title], ids, random_vectors(3, seed))

    store.add_vectors_of(context, [made("a", 1), made("b", 2)])
    store.add_title(title_rows(store, "b", random_vectors(3, 8)))  # its vectors do not hold now
    version = store.table("context_v1").version
    store.add_vectors_of(context, [made("a", 3), made("b", 4), made("c", 5)])
    assert store.table("context_v1").version == version + 2  # what was of b is deleted
    assert store.lacking(context) == ["b"]
    assert store.table("context_v1").count_rows() == 6
    assert abs(store.vectors(context, "a").vectors - random_vectors(3, 1)).max() < 1e-3


def test_vectors_title_by_title(store):
    counts = {"a": 3, "b": 1, "c": 4}
    store.add_titles([title_rows(store, t, random_vectors(n, n)) for t, n in counts.items()])
    store.add_title(title_rows(store, "b", random_vectors(2, 9)))
    fused = store.live("fused")
    found = dict(store.vectors_by_title(fused))
    assert found.keys() == {"a", "b", "c"}
    for title, (ids, vectors) in found.items():
        wanted = store.vectors(fused, title)
        assert ids == wanted.ids
        assert (vectors == wanted.vectors).all()
    assert [title for title, _ in store.vectors_by_title(fused, ["c"])] == ["c"]
    metadata = dict(store.vectors_by_title(store.live("metadata"), ["a", "b"]))
    assert {title: found.ids for title, found in metadata.items()} == {"a": ["a"], "b": ["b"]}


def test_tables_stay_compact_by_themselves(store, monkeypatch):
    monkeypatch.setattr("mediafm_store.tables.lancedb_tables._COMPACTED", 8)
    for i in range(20):
        store.add_title(title_rows(store, f"t{i:02d}", random_vectors(1, i)))
    files, versions = store.tables.files("fused_v1")
    assert files < 8
    assert versions > 20  # those before can still be read
    assert list(store.rows_by_title(store.live("fused"))) == [f"t{i:02d}" for i in range(20)]


def test_a_compaction_that_another_machine_overtakes_has_time(store, monkeypatch):
    """Compaction alone is not repeated by LanceDB: the write before it counts, other errors do."""
    monkeypatch.setattr("mediafm_store.tables.lancedb_tables._COMPACTED", 1)
    rows = title_rows(store, "a", random_vectors(2))
    table = type(store.table("titles"))

    def fail(reason):
        def optimize(self, **options):
            raise RuntimeError(reason)

        return optimize

    monkeypatch.setattr(table, "optimize", fail("lance error: Retryable commit conflict for 12"))
    store.add_title(rows)
    assert list(store.revisions()) == ["a"]
    monkeypatch.setattr(table, "optimize", fail("disk is full"))
    with pytest.raises(InvalidInput, match="disk is full"):
        store.add_title(rows)


def test_titles_are_changed_together(store):
    store.add_titles([title_rows(store, t, random_vectors(1, i)) for i, t in enumerate("abc")])
    version = store.table("titles").version
    store.update_titles({"a": {"media": "/a"}, "c": {"media": "/c"}})
    assert store.table("titles").version == version + 1
    assert store.titles()["media"].to_list() == ["/a", "/films/b.mp4", "/c"]
    with pytest.raises(NotFound, match="'d'"):
        store.update_titles({"a": {"media": "/b"}, "d": {"media": "/d"}})
    assert store.title("a")["media"] == "/a"


def test_a_writer_goes_through_a_table_once(store, monkeypatch):
    """Or again if another program has written; else a bulk job would take the square of it."""
    looked = []
    batches = store.tables.batches

    def count(name, *arguments, **options):
        looked.append(name)
        return batches(name, *arguments, **options)

    monkeypatch.setattr(store.tables, "batches", count)
    context = store.registry.version("context", "one", dim=2304, made_by="a test", fused="test")
    for i in range(4):
        store.add_title(title_rows(store, f"t{i}", random_vectors(2, i)))
        store.add_vectors(context, store.title(f"t{i}"), ["x", "y"], random_vectors(2, i))
    assert sorted(looked) == ["context_v1", "shots"]
    looked.clear()
    other = Storage(store.path)
    for seed in (5, 6):  # the first of these revisions is hidden by the second
        other.add_title(title_rows(other, "t1", random_vectors(3, seed)))
    assert store.table("shots").count_rows() == 8 - 2 + 6
    store.add_title(title_rows(store, "t1", random_vectors(2, 7)))
    assert looked == ["shots"]
    assert store.table("shots").count_rows() == 6 + 3 + 2
    assert store.lacking(context) == ["t1"]


def test_titles_are_looked_for_without_reading_all_vectors(store, monkeypatch):
    for seed, title in enumerate(["alpha", "beta", "gamma"]):
        store.add_title(title_rows(store, title, random_vectors(2, seed)))
    read = []
    to_arrow = LanceEmptyQueryBuilder.to_arrow

    def spy(query, *arguments, **options):
        rows = to_arrow(query, *arguments, **options)
        read.append(set(rows.column_names))
        return rows

    monkeypatch.setattr(LanceEmptyQueryBuilder, "to_arrow", spy)
    (batch,) = store.vector_batches(store.live("fused"), {"beta"})
    assert batch.ids == ["beta/00000", "beta/00001"]
    assert any("_rowid" in columns for columns in read)
    assert all("vector" not in columns for columns in read)
