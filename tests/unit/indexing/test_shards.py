"""Indexes of several shards: they answer as one, are refreshed one by one, and built by engines."""

import pickle
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st

from mediafm_indexes import DamagedError, VectorSearcher, build, combine_shards, load, recall_at_k
from mediafm_indexes.index import Neighbours
from mediafm_indexes.metadata import SearchParams, read_metadata, sums, write_facts
from mediafm_indexes.vectors_file import Vectors, write_vectors
from mediafm_store import IndexConfig
from mediafm_store.errors import InvalidInput
from mediafm_store.health import doctor
from mediafm_store.indexing import build as index
from mediafm_store.indexing import shard_builder as building
from mediafm_store.indexing.build import build_indexes, mend_index, refresh_indexes
from mediafm_store.indexing.config import read_config
from mediafm_store.indexing.directories import (
    index_folder,
    new_generation,
    newest_build,
    shard_folders,
)
from mediafm_store.indexing.nearest import nearest
from mediafm_store.indexing.shard_builder import BuildShard
from mediafm_store.indexing.shard_plan import _divided as divided
from mediafm_store.indexing.shard_plan import plan
from mediafm_store.indexing.space_index import _OPENED as OPENED
from mediafm_store.indexing.space_index import config_of, open_index
from mediafm_store.indexing.status import index_status
from mediafm_store.storage.storage import Storage
from tests.conftest import WORKERS, random_vectors, title_rows
from tests.integration.test_cli import mediafm

ROWS = 20
"""Of each title."""
TITLES = ["alpha", "beta", "delta", "gamma", "omega"]


@pytest.fixture
def films(store):
    store.add_titles(
        [title_rows(store, t, random_vectors(ROWS, seed)) for seed, t in enumerate(TITLES)]
    )
    return store


@pytest.fixture
def sharded(films):
    """Shards of alpha and beta; delta and gamma; omega."""
    rebuilt(films, 2 * ROWS)
    return films


def rebuilt(store, rows, *, target=0.99, **options):
    config = IndexConfig(shard_rows=rows, target=target)
    return build_indexes(store, [store.live("fused")], config, **options)[0]


def refreshed(store, **options):
    return refresh_indexes(store, [store.live("fused")], **options)[0]


def shards(store):
    """What each shard holds: titles, dead ones too."""
    opened = open_index(store, store.live("fused"))
    return [[run.title for run in shard.runs] for shard in opened.shards]


def files(store):
    """The file of the vectors of each shard."""
    folders = shard_folders(newest_build(index_folder(store, store.live("fused"))))
    return [(folder / "vectors.f16").stat().st_ino for folder in folders]


def by_sorting(store, query, k, wanted=lambda shot_id: True):
    """The answers that a store has to give, the slow way."""
    ids, vectors = store.vectors(store.live("fused"))
    order = np.argsort(-(vectors @ query), kind="stable")
    return [ids[i] for i in order if wanted(ids[i])][:k]


def check_answers(store):
    """With and without filters, for a query that is a row and one that is none."""
    fused = store.live("fused")
    half = store.matching('"index" < 7')
    wanted = {shot_id for shot_id in half if not shot_id.startswith("beta/")}
    for query in (store.vectors(fused, "gamma").vectors[3], random_vectors(1, 99)[0]):
        answers = nearest(store, fused, query[None], 30)[0]
        assert answers.ids == by_sorting(store, query, 30)
        assert np.allclose(answers.scores, answers.vectors @ query, atol=1e-6)
        few = nearest(store, fused, query[None], 30, ids=half, without=["beta"])[0].ids
        assert few == by_sorting(store, query, 30, wanted.__contains__)


# Search


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=5),
    k=st.integers(1, 40),
    queries=st.integers(1, 3),
    share=st.floats(0, 1),
)
def test_shards_answer_as_one_exact_search(tmp_path_factory, sizes, k, queries, share):
    rng = np.random.default_rng(k)
    vectors = rng.normal(size=(sum(sizes), 8)).astype(np.float16)
    asked = rng.normal(size=(queries, 8)).astype(np.float32)
    only = rng.random(len(vectors)) < share
    parts = []
    for part in np.split(vectors, np.cumsum(sizes)[:-1]):
        folder = tmp_path_factory.mktemp("shard")
        write_vectors(folder, [part])
        stored = Vectors(folder, rows=len(part), dim=8)
        parts.append(VectorSearcher(stored, None, SearchParams(effort=0, candidates=0)))
    one = combine_shards(parts)
    scores = asked @ vectors.astype(np.float32).T
    for among in (None, only):
        allowed = scores if among is None else np.where(among, scores, -np.inf)
        found = one.search(asked, k, only=among)
        count = min(k, len(vectors) if among is None else int(only.sum()))
        assert [len(of.rows) for of in found] == [count] * queries
        for of, exact in zip(found, allowed, strict=True):
            assert np.allclose(of.scores, np.sort(exact)[::-1][:count], atol=1e-3)
            assert np.allclose(exact[of.rows], of.scores, atol=1e-3)
            assert np.array_equal(one.read(of.rows), vectors[of.rows].astype(np.float32))


def test_tuned_shards_find_together_what_they_should(tmp_path):
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(40, 64))
    x = centres[rng.integers(40, size=12_000)] + 0.5 * rng.normal(size=(12_000, 64))
    vectors = (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float16)
    for name, part in zip("ab", np.split(vectors, 2), strict=True):
        (tmp_path / name).mkdir()
        build(tmp_path / name, [part], dim=64, generator=np.random.default_rng(0))
    found = combine_shards([load(tmp_path / n)[0] for n in "ab"])
    queries = vectors[::40].astype(np.float32)
    for only in (None, rng.random(len(vectors)) < 0.1):
        scores = queries @ vectors.astype(np.float32).T
        if only is not None:
            scores[:, ~only] = -np.inf
        order = np.argsort(-scores, axis=1)[:, :50]
        exact = [Neighbours(o, s[o]) for o, s in zip(order, scores, strict=True)]
        assert recall_at_k(found.search(queries, 10, only=only), exact, 10) >= 0.99


def test_a_store_answers_from_shards_as_from_its_table(sharded):
    assert index_status(sharded, sharded.live("fused")).shards == 3
    assert shards(sharded) == [["alpha", "beta"], ["delta", "gamma"], ["omega"]]
    check_answers(sharded)
    sharded.add_title(title_rows(sharded, "new", random_vectors(5, 7)))
    sharded.add_title(title_rows(sharded, "gamma", random_vectors(6, 8)))
    check_answers(sharded)


# Division


@given(st.lists(st.integers(1, 50), min_size=1, max_size=40), st.integers(1, 200))
def test_titles_are_divided_evenly(rows, most):
    counts = {f"t{n}": count for n, count in enumerate(rows)}
    groups = divided(counts, most)
    assert [title for group in groups for title in group] == list(counts)
    sizes = [sum(counts[title] for title in group) for group in groups]
    assert max(sizes) <= most + max(rows)
    assert len(groups) <= -(-sum(rows) // most)


def test_a_small_space_has_one_shard_which_is_the_index_itself(films):
    assert rebuilt(films, 5 * ROWS).shards == 1
    folder = newest_build(index_folder(films, films.live("fused")))
    names = {"facts.json", "config.json", "vectors.f16", "checks.u64", "ids.arrow", "runs.json"}
    assert {path.name for path in folder.iterdir()} == names
    check_answers(films)


# Refresh


def test_new_rows_go_to_the_last_shard_while_it_has_room(sharded):
    before = files(sharded)
    sharded.add_title(title_rows(sharded, "a-new", random_vectors(ROWS, 7)))
    status = refreshed(sharded)
    assert (status.shards, status.rows, status.new) == (3, 6 * ROWS, 0)
    assert shards(sharded)[2] == ["omega", "a-new"]
    assert files(sharded)[:2] == before[:2]
    check_answers(sharded)

    before = files(sharded)
    sharded.add_title(title_rows(sharded, "b-new", random_vectors(3, 8)))
    assert refreshed(sharded).shards == 4
    assert shards(sharded)[3] == ["b-new"]
    assert files(sharded)[:3] == before
    check_answers(sharded)

    again = newest_build(index_folder(sharded, sharded.live("fused")))
    assert refreshed(sharded).shards == 4
    assert newest_build(index_folder(sharded, sharded.live("fused"))) == again  # nothing to do


def test_only_shards_that_are_mostly_dead_are_built_anew(sharded):
    before = files(sharded)
    sharded.add_title(title_rows(sharded, "delta", random_vectors(ROWS, 50)))
    status = refreshed(sharded)
    assert (status.rows, status.replaced, status.new) == (5 * ROWS, 0, 0)
    assert files(sharded)[0] == before[0]
    assert sorted(chain(*shards(sharded))) == TITLES
    check_answers(sharded)


def test_a_few_dead_rows_stay_where_they_are(films):
    films.add_title(title_rows(films, "beta", random_vectors(3, 33)))
    rebuilt(films, 3 * ROWS)
    before, held = files(films), shards(films)
    films.add_title(title_rows(films, "beta", random_vectors(3, 34)))
    status = refreshed(films)
    (held_by,) = (n for n, titles in enumerate(held) if "beta" in titles)
    assert status.replaced == 3
    assert status.new == 0
    assert held_by < len(held) - 1
    assert files(films)[held_by] == before[held_by]
    check_answers(films)


def test_one_shard_becomes_several(films):
    assert rebuilt(films, 5 * ROWS).shards == 1
    before = files(films)
    films.add_title(title_rows(films, "new", random_vectors(ROWS, 7)))
    assert refreshed(films).shards == 2
    assert files(films)[0] == before[0]
    check_answers(films)


def test_a_refresh_keeps_to_what_was_asked_for(films):
    fused = films.live("fused")
    build_indexes(films, [fused], IndexConfig("flat", 0.9, 2.0, 3 * ROWS))
    films.add_title(title_rows(films, "new", random_vectors(3 * ROWS, 7)))
    assert (refreshed(films).kind, refreshed(films).target) == ("flat", 0.9)
    assert shards(films) == [["alpha", "beta", "delta"], ["gamma", "omega"], ["new"]]
    made = open_index(films, fused).shards
    assert [shard.facts.kind for shard in made] == ["flat"] * 3
    asked = {read_config(shard.folder) for shard in made}
    assert asked == {IndexConfig("flat", 0.9, 2.0, 3 * ROWS)}


def with_config(store, text):
    """That of the only shard, as if it had been built with this; None: as before there were any."""
    (shard,) = folders(store)
    (shard / "config.json").unlink()
    if text is not None:
        (shard / "config.json").write_text(text)
    write_facts(shard, replace(read_metadata(shard), checksums=sums(shard)))
    OPENED.clear()
    return config_of(store, store.live("fused"))


def test_a_shard_without_a_config_has_its_target(films):
    rebuilt(films, 5 * ROWS, target=0.9)
    assert with_config(films, None) == IndexConfig(target=0.9)


def test_no_file_says_what_is_imported(films):
    rebuilt(films, 5 * ROWS)
    told = '{"kind": "antigravity:fly", "target": 0.9, "memory_gb": 1, "shard_rows": 5}'
    assert with_config(films, told) == IndexConfig(None, 0.9, 1, 5)


@pytest.mark.parametrize("text", ["{", "[]", '{"kind": "flat", "target": 2}', '{"kind": 1}'])
def test_an_odd_config_is_told(films, caplog, text):
    rebuilt(films, 5 * ROWS)
    assert with_config(films, text) == IndexConfig()
    assert "was asked for cannot be read" in caplog.text


def test_a_mended_index_is_as_it_was_asked_for(films):
    build_indexes(films, [films.live("fused")], IndexConfig("flat", 0.9, 2.0))
    spoil(folders(films)[0] / "ids.arrow")
    mended = mend_index(films, films.live("fused"))
    assert (mended.kind, mended.target, mended.rows) == ("flat", 0.9, 5 * ROWS)
    assert config_of(films, films.live("fused")) == IndexConfig("flat", 0.9, 2.0)


def test_a_shard_that_is_made_elsewhere_is_told(films, monkeypatch):
    """By workers that have another disk at the same path."""
    monkeypatch.setattr(index, "_SEEN_S", 0.2)
    monkeypatch.setattr(BuildShard, "__call__", lambda self, shard, tell: None)
    with pytest.raises(InvalidInput, match="was made where this machine does not see it"):
        rebuilt(films, 2 * ROWS)


def test_a_refresh_that_waits_plans_by_what_the_other_program_made(films, monkeypatch):
    fused, wait, first = films.live("fused"), index.new_generation, []
    rebuilt(films, 2 * ROWS)

    @contextmanager
    def waited(store, space):
        if not first:
            first.append(space)
            build_indexes(store, [space], IndexConfig("flat", 0.9))
        with wait(store, space) as generation:
            yield generation

    monkeypatch.setattr(index, "new_generation", waited)
    films.add_title(title_rows(films, "new", random_vectors(3, 7)))
    assert (refreshed(films).new, refreshed(films).kind) == (0, "flat")
    assert config_of(films, fused) == IndexConfig("flat", 0.9)
    check_answers(films)


def test_several_spaces_are_indexed_in_one_run(films):
    spaces = [films.live("fused"), films.live("described"), films.live("fused")]
    made = build_indexes(films, spaces, IndexConfig(shard_rows=2 * ROWS), workers=2)
    assert [(one.space, one.shards) for one in made] == [
        ("fused_v1", 3),
        ("described_v1", 3),
        ("fused_v1", 3),
    ]


# Damage


def spoil(path: Path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)
    OPENED.clear()


def folders(store):
    return shard_folders(newest_build(index_folder(store, store.live("fused"))))


def test_titles_of_a_shard_that_cannot_be_read_are_compared_and_indexed_anew(sharded, caplog):
    before = files(sharded)
    damaged = folders(sharded)[1]
    spoil(damaged / "ids.arrow")
    check_answers(sharded)
    assert f"the index in {damaged} cannot be used" in caplog.text
    assert index_status(sharded, sharded.live("fused")).new == 2 * ROWS
    refreshed(sharded)
    caplog.clear()
    check_answers(sharded)
    assert caplog.text == ""
    assert files(sharded)[0] == before[0]


def test_a_bad_byte_costs_a_search_one_shard(sharded, caplog, monkeypatch):
    """What is read of the table is that shard's titles, and no others."""
    damaged = folders(sharded)[1]
    opened = open_index(sharded, sharded.live("fused"))  # as whole
    byte = np.memmap(damaged / "vectors.f16", np.uint8, "r+")
    byte[len(byte) // 2] ^= 4
    read, batches = [], Storage.vector_batches

    def noted(self, space, titles=None):
        read.append(titles)
        return batches(self, space, titles)

    monkeypatch.setattr(Storage, "vector_batches", noted)
    query = random_vectors(1, 99)[0]
    assert opened.shards[1].folder == damaged
    found = [nearest(sharded, sharded.live("fused"), query[None], 100)[0].ids for _ in range(2)]
    assert set(map(frozenset, read)) == {frozenset({"delta", "gamma"})}
    monkeypatch.undo()
    assert found == [by_sorting(sharded, query, 100)] * 2
    assert caplog.text.count(f"the index in {damaged} cannot be used") == 1


def test_a_damaged_file_is_told_the_same_by_workers():
    error = DamagedError(Path("a/b"), "cannot be read")
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.path) == ("a/b cannot be read", Path("a/b"))


@pytest.mark.parametrize("odd", [-1.0, float("inf"), float("nan")])
def test_odd_numbers_are_told(odd):
    with pytest.raises(InvalidInput, match=f"memory is in gigabytes, 0 or more, is {odd}"):
        IndexConfig(memory_gb=odd)


def test_damage_of_a_kept_shard_does_not_keep_others_from_being_made(films, caplog):
    build_indexes(films, [films.live("fused")], IndexConfig("flat", shard_rows=2 * ROWS))
    byte = np.memmap(folders(films)[0] / "vectors.f16", np.uint8, "r+")
    byte[len(byte) // 2] ^= 4  # which reading it for a search does not show
    films.add_title(title_rows(films, "new", random_vectors(2 * ROWS, 7)))
    assert refreshed(films).new == 0
    assert caplog.text == ""
    assert [f.state for f in doctor(films, fix=True) if f.check == "damage"] == ["fixed"]
    assert [f.state for f in doctor(films) if f.check == "damage"] == ["fine"]


def test_a_damaged_last_shard_is_not_extended(sharded):
    byte = np.memmap(folders(sharded)[2] / "vectors.f16", np.uint8, "r+")
    byte[len(byte) // 2] ^= 4
    sharded.add_title(title_rows(sharded, "new", random_vectors(3, 7)))
    refreshed(sharded)
    assert [f.state for f in doctor(sharded) if f.check == "damage"] == ["fine"]
    check_answers(sharded)


@pytest.mark.parametrize("name", ["0001/vectors.f16", "0002/facts.json"])
def test_doctor_checks_every_shard(sharded, name):
    spoil(newest_build(index_folder(sharded, sharded.live("fused"))) / name)
    told = [f for f in doctor(sharded) if f.check == "damage"]
    assert [finding.state for finding in told] == ["wrong"]
    assert Path(name).name in told[0].said
    doctor(sharded, fix=True)
    assert [f.state for f in doctor(sharded) if f.check == "damage"] == ["fine"]
    check_answers(sharded)


# Kills

KILLED = """
import os, signal, sys
from mediafm_store import IndexConfig
from mediafm_store.indexing.build import build_indexes
from mediafm_store.storage.storage import Storage
from mediafm_store.indexing import shard_builder as building

made, first = [], building.build
def build(*arguments, **options):
    if made:
        os.kill(os.getpid(), signal.SIGKILL)
    made.append(first(*arguments, **options))

building.build = build
store = Storage(sys.argv[1])
build_indexes(store, [store.live("fused")], IndexConfig(shard_rows=40))
"""


def unfinished(store):
    """What is left of an index that was not finished: shards and halves of shards."""
    folder = index_folder(store, store.live("fused")) / ".building"
    return sorted(folder.iterdir(), key=lambda path: path.name.startswith("half-"))


def test_a_killed_build_leaves_the_index_before_and_is_gone_on_with(sharded, monkeypatch):
    before = newest_build(index_folder(sharded, sharded.live("fused")))
    done = subprocess.run([sys.executable, "-c", KILLED, sharded.path], check=False)
    assert done.returncode == -signal.SIGKILL
    assert newest_build(index_folder(sharded, sharded.live("fused"))) == before
    made, half = unfinished(sharded)
    assert half.name.startswith("half-")
    check_answers(sharded)
    built = counted(monkeypatch)
    rebuilt(sharded, 2 * ROWS)
    assert len(built) == 2
    assert not made.parent.exists()
    check_answers(sharded)


def test_shards_of_another_plan_are_not_gone_on_with(sharded, monkeypatch):
    subprocess.run([sys.executable, "-c", KILLED, sharded.path], check=False)
    sharded.add_title(title_rows(sharded, "alpha", random_vectors(ROWS, 70)))
    built = counted(monkeypatch)
    rebuilt(sharded, 2 * ROWS)
    assert len(built) == 3
    check_answers(sharded)


def counted(monkeypatch):
    """The rows of each shard that is built from now on."""
    build, rows = building.build, []

    def noted(folder, batches, **options):
        rows.append(build(folder, batches, **options).rows)

    monkeypatch.setattr(building, "build", noted)
    return rows


def test_a_finished_shard_that_cannot_be_read_is_made_again(sharded, monkeypatch):
    """As a machine that lost its power may leave it."""
    subprocess.run([sys.executable, "-c", KILLED, sharded.path], check=False)
    (unfinished(sharded)[0] / "facts.json").write_bytes(b"")
    built = counted(monkeypatch)
    rebuilt(sharded, 2 * ROWS)
    assert len(built) == 3
    check_answers(sharded)


def test_the_doctor_goes_on_with_a_killed_refresh(sharded, monkeypatch):
    new = [title_rows(sharded, f"new{n}", random_vectors(2 * ROWS, n)) for n in range(3)]
    sharded.add_titles(new)
    refresh = KILLED.replace("build_indexes", "refresh_indexes")
    refresh = refresh.replace(", IndexConfig(shard_rows=40)", "")
    subprocess.run([sys.executable, "-c", refresh, sharded.path], check=False)
    assert len(unfinished(sharded)) == 2
    (told,) = (f for f in doctor(sharded) if f.check == "strays")
    assert told.cure.startswith("the same command again goes on with it")
    built = counted(monkeypatch)
    doctor(sharded, fix=True)
    assert built == [2 * ROWS] * 2
    assert {f.state for f in doctor(sharded) if f.check in {"strays", "stale indexes"}} == {"fine"}
    check_answers(sharded)


def test_a_shard_that_fails_costs_no_other(films, monkeypatch):
    build, failed = building.build, []

    def full(folder, batches, **options):
        if folder.parents[1].name == "described_v1" and not failed:
            failed.append(folder)
            raise OSError(28, "No space left on device")
        return build(folder, batches, **options)

    monkeypatch.setattr(building, "build", full)
    spaces = [films.live("described"), films.live("fused")]
    with pytest.raises(InvalidInput, match="No space left"):
        build_indexes(films, spaces, IndexConfig(shard_rows=2 * ROWS))
    assert index_status(films, spaces[1]).shards == 3
    assert index_status(films, spaces[0]).kind == "none"
    built = counted(monkeypatch)
    build_indexes(films, spaces[:1], IndexConfig(shard_rows=2 * ROWS))
    assert built == [2 * ROWS]
    assert index_status(films, spaces[0]).shards == 3


def test_a_shard_made_twice_does_not_end_the_run(films, monkeypatch):
    """A worker that was held to be dead renames its shard while another still makes it."""
    build, plan_of, last = building.build, index.plan, []

    def noted(*arguments, **options):
        found = plan_of(*arguments, **options)
        last.append(found.made[-1].folder)
        return found

    def twice(folder, batches, **options):
        if build(folder, batches, **options).rows == ROWS:
            shutil.copytree(folder, last[0])

    monkeypatch.setattr(index, "plan", noted)
    monkeypatch.setattr(building, "build", twice)
    assert rebuilt(films, 2 * ROWS).shards == 3
    assert last[0].parent.name == ".building"
    check_answers(films)


def test_a_space_is_free_as_soon_as_its_index_is_made(films, monkeypatch):
    """Others may write for it while shards of other spaces are made."""
    build, spaces = building.build, [films.live("described"), films.live("fused")]
    seen = []

    def looked(folder, *arguments, **options):
        if folder.parents[1].name == "fused_v1":
            with FileLock(index_folder(films, spaces[0]) / ".lock", timeout=0):
                seen.append(newest_build(index_folder(films, spaces[0])))
        return build(folder, *arguments, **options)

    monkeypatch.setattr(building, "build", looked)
    build_indexes(films, spaces)
    assert seen[0].name == "000001"


def one_shard(films, generation, kind=None):
    """All titles, to be made."""
    fused = films.live("fused")
    counts = films.rows_by_title(fused)
    told = {"config": IndexConfig(kind), "device": "cpu", "scratch": generation.folder}
    (shard,) = plan(fused, counts, [], films.revisions(), **told).made
    return shard


@pytest.mark.parametrize("batch", [1, 2])
def test_a_build_is_stopped_while_vectors_are_copied_and_added(films, batch):
    told = []

    def stop(progress):
        told.append(progress)
        if len(told) == batch:
            raise KeyboardInterrupt

    with new_generation(films, films.live("fused")) as generation, pytest.raises(KeyboardInterrupt):
        BuildShard(films)(one_shard(films, generation, "flat"), stop)
    assert not generation.folder.exists()
    assert index_status(films, films.live("fused")).kind == "none"


def test_two_workers_may_make_the_same_shard(films):
    """One that was held to be dead, and the one in its place."""
    with new_generation(films, films.live("fused")) as generation:
        shard = one_shard(films, generation)
        for _ in range(2):
            BuildShard(films)(shard, lambda told: None)
        generation.complete([shard.folder])
    check_answers(films)


# Engines


def test_ray_builds_what_threads_build(films, local_ray, tmp_path):
    others = Storage(shutil.copytree(films.path, tmp_path / "other"))
    by_threads = rebuilt(films, 2 * ROWS)
    by_ray = rebuilt(others, 2 * ROWS, engine="ray", workers=WORKERS)
    assert by_ray.shards == by_threads.shards == 3
    assert shards(others) == shards(films)
    check_answers(others)
    for one, other in zip(
        *(shard_folders(newest_build(index_folder(s, s.live("fused")))) for s in (films, others)),
        strict=True,
    ):
        assert (one / "vectors.f16").read_bytes() == (other / "vectors.f16").read_bytes()

    others.add_title(title_rows(others, "a-new", random_vectors(ROWS, 7)))
    before = files(others)
    assert refreshed(others, engine="ray", workers=WORKERS).new == 0
    assert files(others)[:2] == before[:2]
    check_answers(others)


@pytest.mark.parametrize("engine", ["threads", "ray"])
def test_progress_is_told(films, engine, request):
    if engine == "ray":
        request.getfixturevalue("local_ray")
    told = []
    spaces, config = (
        [films.live("fused"), films.live("described")],
        IndexConfig("flat", shard_rows=50),
    )
    build_indexes(
        films, spaces, config, engine=engine, workers=2, on_vectors=lambda *far: told.append(far)
    )
    assert told == sorted(told)
    assert {everything for _, everything in told} == {2 * 2 * 5 * ROWS}
    assert told[-1] == (20 * ROWS, 20 * ROWS)
    assert len(set(told)) > (4 if engine == "threads" else 3)


def test_odd_wishes_are_told(films):
    with pytest.raises(InvalidInput, match="a shard has 1 row or more, is to have 0"):
        rebuilt(films, 0)
    with pytest.raises(InvalidInput, match="engine 'odd' is not one of"):
        rebuilt(films, 10, engine="odd")


def test_the_command_line(films):
    def told(*arguments):
        done = mediafm("index", *arguments, "fused", "--store", films.path)
        assert done.returncode == 0, done.stderr
        return done.stdout.split("\n")[-2].split()

    assert told("build", "--shard-rows", "40", "--workers", "2")[2:4] == ["3", "100"]
    films.add_title(title_rows(films, "new", random_vectors(ROWS, 7)))
    assert told("refresh")[2:5] == ["3", "120", "0"]
    assert told("status")[2:5] == ["3", "120", "0"]
    wrong = mediafm("index", "refresh", "--target", ".5", "--store", films.path)
    assert wrong.returncode == 2
    assert "Error: No such option: --target" in wrong.stderr
    wrong = mediafm("index", "build", "--engine", "odd", "--store", films.path)
    assert wrong.returncode == 1
    assert "engine 'odd' is not one of: threads, ray, ray://HOST:PORT" in wrong.stderr
