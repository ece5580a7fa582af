"""Tags from similar titles, from names, and from probes; people answer, probes learn."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from mediafm_cli.main import app
from mediafm_store import Feedback
from mediafm_store.arrays import unit_rows
from mediafm_store.errors import InvalidInput, NotFound
from mediafm_store.labels.labels import import_labels
from mediafm_store.probing.fit import fit_probe
from mediafm_store.probing.options import ProbeOptions
from mediafm_store.probing.registry import by_chance
from mediafm_store.storage.storage import Storage
from mediafm_store.tags import apply as applying
from mediafm_store.tags.apply import apply_tags
from mediafm_store.tags.review import _distance as distance
from mediafm_store.tags.review import answer_tags, uncertain_tags
from mediafm_store.tags.tag import Tag, read_tags, write_tags
from mediafm_store.tags.tag import _row_of as row_of
from tests.conftest import random_vectors, title_rows
from tests.helpers.command import mediafm


@pytest.fixture
def genres(store):
    """Three space films and three cat films; one of each kind without tags."""
    kinds = random_vectors(2)
    for i, (kind, tags) in enumerate(
        [(0, ["space"]), (0, ["space", "slow"]), (1, ["cats"]), (1, ["cats"]), (0, []), (1, [])]
    ):
        vectors = unit_rows(kinds[[kind]] + 0.3 * random_vectors(4, 10 + i))
        store.add_title(title_rows(store, f"film{i}", vectors, tags=tags))
    return store


def test_tags_come_from_similar_titles(genres):
    found = apply_tags(genres)
    best = {t.title: t for t in reversed(found)}
    assert set(best) == {"film4", "film5"}
    assert (best["film4"].tag, best["film5"].tag) == ("space", "cats")
    assert set(best["film4"].evidence) == {"film0", "film1"}
    assert all(0 < t.score <= 1 for t in found)
    assert best["film4"].applies
    stored = genres.tags().select("title", "tag").rows()
    assert sorted(stored) == sorted((t.title, t.tag) for t in found)


def test_titles_that_have_been_tagged_by_similar_ones_are_left_alone(genres):
    assert apply_tags(genres)
    assert apply_tags(genres) == []
    again = unit_rows(random_vectors(2)[[1]] + 0.3 * random_vectors(4, 99))
    genres.add_title(title_rows(genres, "film4", again))
    assert {t.title for t in apply_tags(genres)} == {"film4"}
    assert {t.title for t in apply_tags(genres, ["film5"])} == {"film5"}


def test_a_named_title_gets_what_it_does_not_have(genres):
    best, *others = apply_tags(genres, ["film0"])
    assert best.tag == "slow"
    assert all(t.tag == "cats" and t.score < 0.1 < best.score for t in others)


def test_bad_input(genres, store, tmp_path):
    with pytest.raises(NotFound, match="nope"):
        apply_tags(genres, ["nope"])
    with pytest.raises(NotFound, match="no probe 'nope'"):
        apply_tags(genres, task="nope")
    for option in (["--engine", "ray"], ["--workers", "2"]):
        asked = ["tags", "apply", "--name", "cats", *option, "--store", str(genres.path)]
        refused = CliRunner().invoke(app, asked)
        assert refused.exit_code == 2
        assert "leave out --engine and --workers" in " ".join(refused.output.split())
    bare = Storage(tmp_path / "bare", create=True)
    bare.add_title(title_rows(bare, "a", np.asarray(random_vectors(2))))
    with pytest.raises(InvalidInput, match="no title of the store has tags"):
        apply_tags(bare)


KINDS = ("cats", "space")
LABELLED, TITLES = 14, 18


def is_kind(number):
    return float(number % 2 == 0), float(number % 3 == 0)


def planted(path):
    """Titles of which the last two shots show what they are, and labels of the first fourteen."""
    store, directions = Storage(path / "store", create=True), random_vectors(2, 100)
    for number in range(TITLES):
        vectors = random_vectors(4, number)
        vectors[2:] += 2 * np.array(is_kind(number), np.float32) @ directions
        name = f"film{number:02d}"
        store.add_title(title_rows(store, name, unit_rows(vectors), synopsis="About things"))
    rows = [
        {"title": f"film{n:02d}", "label": kind, "value": has}
        for n in range(LABELLED)
        for kind, has in zip(KINDS, is_kind(n), strict=True)
    ]
    pl.DataFrame(rows).write_parquet(path / "kind.parquet")
    import_labels(store, path / "kind.parquet")
    return store


@pytest.fixture(scope="module")
def probed(tmp_path_factory):
    store = planted(tmp_path_factory.mktemp("tags"))
    fit_probe(store, "kind", ProbeOptions(folds=3))
    return store


def test_ray_tags_as_threads_do(probed, local_ray, tmp_path, monkeypatch):
    monkeypatch.setattr(applying, "_AT_ONCE", 3)
    new = [f"film{n:02d}" for n in range(LABELLED, TITLES)]
    by_threads, by_ray = (
        apply_tags(Storage(shutil.copytree(probed.path, tmp_path / engine)), new, engine=engine)
        for engine in ("threads", "ray")
    )
    assert by_threads == by_ray
    assert [tag.title for tag in by_ray] == sorted(tag.title for tag in by_ray)
    assert {tag.title for tag in by_ray} == set(new)


def test_a_probe_tags_the_titles_that_nobody_labelled(probed, monkeypatch):
    monkeypatch.setattr(applying, "_AT_ONCE", 3)
    told = []
    found = apply_tags(probed, on_titles=lambda *what: told.append(what))
    assert told == [("kind v1", 3, 4), ("kind v1", 4, 4)]
    new = [f"film{n:02d}" for n in range(LABELLED, TITLES)]
    assert {t.title for t in found} == set(new)
    certain = {(t.title, t.tag) for t in found if t.applies}
    truth = {
        (f"film{n:02d}", kind)
        for n in range(LABELLED, TITLES)
        for kind, has in zip(KINDS, is_kind(n), strict=True)
        if has
    }
    assert len(certain ^ truth) <= 1
    for tag in found:
        if (tag.title, tag.tag) in truth & certain:
            assert set(tag.evidence[:2]) == {f"{tag.title}/00002", f"{tag.title}/00003"}
    rows = probed.tags().filter(pl.col("title").is_in(new))
    assert dict(rows.select("title", "applies").group_by("title").len().iter_rows()).keys() == set(
        new
    )
    assert apply_tags(probed) == []  # nothing is left to do
    again = apply_tags(probed, [new[0]])
    assert {(t.title, t.tag) for t in again} == {
        (t.title, t.tag) for t in found if t.title == new[0]
    }


def test_what_labels_say_is_not_said_again(probed, caplog):
    row = applying.from_probe(probed, applying.newest_probe(probed, "kind"), ["film00"])[0]
    probed.put("tags", [row_of(row)])  # from before it was labelled
    assert apply_tags(probed, ["film00"]) == []
    assert "labels of kind say it already: film00" in caplog.text
    assert probed.tags().filter(pl.col("title") == "film00").is_empty()


def test_a_threshold_of_0_is_no_error(probed):
    probe = applying.newest_probe(probed, "kind")
    always = replace(probe.linear, thresholds=np.zeros_like(probe.linear.thresholds))
    found = applying.from_probe(probed, replace(probe, linear=always), ["film15"])
    assert {tag.tag for tag in found if tag.applies} == set(KINDS)


def test_a_tag_applies_in_the_table_as_in_python(store):
    """The table holds numbers of half the length."""
    store.add_title(title_rows(store, "film", random_vectors(2, 0)))
    made = [
        Tag("tags", "film", str(number), score, threshold, "neighbours", ())
        for number, (score, threshold) in enumerate(
            [(0.1, 0.1 + 1e-12), (0.7, 0.7), (0.3 - 1e-12, 0.3), (0.2, 0.3), (1 / 3, 0.33333334)]
        )
    ]
    write_tags(store, ["film"], made, instead="true")
    rows = {row["tag"]: row["applies"] for row in store.tags().to_dicts()}
    assert rows == {tag.tag: tag.applies for tag in read_tags(store)}
    assert rows == {tag.tag: tag.applies for tag in made}
    numbers = store.tags()
    assert (numbers["score"] >= numbers["threshold"]).to_list() == numbers["applies"].to_list()


def test_a_run_that_was_cut_off_goes_on(probed, monkeypatch):
    probed.tables.delete("tags", "true")
    monkeypatch.setattr(applying, "_AT_ONCE", 2)

    def stop(source, done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        apply_tags(probed, on_titles=stop)
    half = {t.title for t in read_tags(probed)}
    assert len(half) == 2
    rest = {t.title for t in apply_tags(probed)}
    assert (half | rest, half & rest) == ({f"film{n:02d}" for n in range(14, 18)}, set())


def test_the_most_uncertain_are_asked_and_answers_teach(tmp_path):
    store = planted(tmp_path)
    first = fit_probe(store, "kind", ProbeOptions(folds=3))
    apply_tags(store)
    asked = uncertain_tags(store, n=3)
    assert [distance(t) for t in asked] == sorted(distance(t) for t in read_tags(store))[:3]
    answers = [Feedback(t.title, t.tag, not t.applies) for t in asked]
    (learnt,) = answer_tags(store, answers)
    assert (learnt.task, learnt.answers, learnt.probe.version) == ("kind", 3, first.version + 1)
    reviewed = {(t.title, t.tag): t for t in read_tags(store) if t.source == "review"}
    assert {key: t.applies for key, t in reviewed.items()} == {
        (a.title, a.tag): a.accept for a in answers
    }
    assert not {(t.title, t.tag) for t in uncertain_tags(store)} & reviewed.keys()
    labels = store.rows("labels", "source = 'review'")
    assert labels["value"].to_list() == [float(a.accept) for a in answers]
    (other,) = answer_tags(store, [answers[0]._replace(accept=not answers[0].accept)])
    assert other.task == "kind"  # an answer can be taken back


def test_answers_to_proposals_of_neighbours_are_kept_though_no_probe_can_be_fitted(genres):
    apply_tags(genres)
    with pytest.raises(NotFound, match="'nope' was not proposed for title 'film4'"):
        answer_tags(genres, [Feedback("film4", "nope", True)])
    (learnt,) = answer_tags(genres, [Feedback("film4", "space", False)])
    assert (learnt.task, learnt.probe) == ("tags", None)
    assert "too few titles" in learnt.reason
    assert not next(t for t in read_tags(genres) if t.tag == "space" and t.title == "film4").applies
    apply_tags(genres, ["film4"])
    assert not next(t for t in read_tags(genres) if t.tag == "space" and t.title == "film4").applies


def test_a_probe_that_knows_no_more_than_a_guess_tags_nothing(tmp_path, caplog):
    store = planted(tmp_path)
    fit_probe(store, "kind", ProbeOptions(folds=3))
    rng = np.random.default_rng(3)
    rows = [
        {"title": f"film{n:02d}", "label": "lucky", "value": float(rng.random() < 0.5)}
        for n in range(LABELLED)
    ]
    pl.DataFrame(rows).write_parquet(tmp_path / "luck.parquet")
    import_labels(store, tmp_path / "luck.parquet")
    assert by_chance(fit_probe(store, "luck", ProbeOptions(folds=3)))
    assert {tag.task for tag in apply_tags(store)} == {"kind"}
    assert "probe luck v1 is no better than chance (macro_ap 0." in caplog.text
    with pytest.raises(InvalidInput, match="probe luck v1 is no better than chance"):
        apply_tags(store, task="luck")
    done = mediafm("tags", "apply", "--task", "luck", "--store", store.path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: probe luck v1 is no better than chance")


def test_nothing_left_to_do_and_nothing_found_are_told_apart(store):
    told = {"tags": ["space"]}
    store.add_title(title_rows(store, "one", random_vectors(2), **told))
    assert "every title is tagged" in mediafm("tags", "apply", "--store", store.path).stderr
    store.add_title(title_rows(store, "two", np.zeros((2, 2304), np.float32)))
    done = mediafm("tags", "apply", "--store", store.path)
    assert "nothing speaks for one in the 1 titles" in done.stderr
    assert done.returncode == 0


def test_the_commands(probed):
    store = ["--store", str(probed.path)]
    run = CliRunner().invoke
    probed.tables.delete("tags", "true")
    done = run(app, ["tags", "apply", "--json", *store])
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert {r["source"] for r in rows} == {"kind v1"}
    assert "No new tags" in run(app, ["tags", "apply", *store]).output
    listed = run(app, ["tags", "review", "-k", "2", "--json", *store])
    assert len(listed.stdout.splitlines()) == 2
    wrong = run(app, ["tags", "review", "--accept", "no-tag", *store])
    assert wrong.exit_code == 2
    command = [sys.executable, "-m", "mediafm_cli", "tags", "review", *store]
    row = rows[0]
    said = subprocess.run(
        [*command, "--accept", f"{row['title']}={row['tag']}", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(said.stdout)["probe"] == "kind v2"


def test_no_titles_are_none(genres):
    assert apply_tags(genres, []) == []
    assert genres.tags().is_empty()
