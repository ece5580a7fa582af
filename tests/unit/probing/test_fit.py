"""Probes on a store: fitted to labels, kept, applied, refused for other vectors."""

import json
import logging
import shutil

import numpy as np
import polars as pl
import pytest

from mediafm_store.arrays import FUSED, unit_rows
from mediafm_store.errors import InvalidInput, NotFound, SpaceMismatch
from mediafm_store.labels.labels import import_labels
from mediafm_store.probing.dataset import items_of
from mediafm_store.probing.fit import fit_probe
from mediafm_store.probing.options import ProbeOptions
from mediafm_store.probing.pooling import pool_vectors
from mediafm_store.probing.predict import apply_probe
from mediafm_store.probing.refit import refit_probes
from mediafm_store.probing.registry import newest_probe, probes
from mediafm_store.storage.storage import Storage
from tests.conftest import random_vectors, title_rows
from tests.helpers import command

SHOTS, TITLES = 5, 24
KINDS = ("Drama", "War")
KIND = random_vectors(2, 100)


def planted(path) -> Storage:
    """24 titles, half of them dramas and a third of war films, by three of their shots."""
    store = Storage(path, create=True)
    rng = np.random.default_rng(0)
    for number in range(TITLES):
        vectors = random_vectors(SHOTS, number)
        for kind, has in enumerate(has_kinds(number)):
            vectors[1:4] += 0.5 * has * KIND[kind]
        said = "guns and war" if number % 3 == 0 else "people talk and talk"
        name = f"film{number:02d}"
        store.add_title(title_rows(store, name, unit_rows(vectors), synopsis=said))
    context = store.registry.only_version(
        "context", "one", dim=FUSED, made_by="a test", fused="test"
    )
    for name in store.revisions():
        found = store.vectors(store.live("fused"), name)
        noise = 0.02 * rng.normal(size=found.vectors.shape).astype(np.float32)
        store.add_vectors(context, store.title(name), found.ids, unit_rows(found.vectors + noise))
    return store


def liked(store, number):
    """The more of a drama a shot is."""
    vectors = store.vectors(store.live("fused"), f"film{number:02d}").vectors
    return vectors @ KIND[0]


def has_kinds(number):
    return number % 2 == 0, number % 3 == 0


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The store, with labels of all titles but the last six."""
    folder = tmp_path_factory.mktemp("probes")
    store = planted(folder / "store")
    rows = [
        {"title": f"film{n:02d}", "label": kind, "value": float(has)}
        for n in range(TITLES - 6)
        for kind, has in zip(KINDS, has_kinds(n), strict=True)
    ]
    pl.DataFrame(rows).write_parquet(folder / "genre.parquet")
    import_labels(store, folder / "genre.parquet")
    clips = [
        {"title": f"film{n:02d}", "start": 2.0 * s, "end": 2.0 * s + 2, "value": float(v)}
        for n in range(TITLES)
        for s, v in enumerate(100 * n + liked(store, n))
    ]
    pl.DataFrame(clips).write_parquet(folder / "clicks.parquet")
    import_labels(store, folder / "clicks.parquet")
    return store


@pytest.fixture(scope="module")
def genre(built):
    return fit_probe(built, "genre", ProbeOptions(words=True))


def test_new_titles_are_told_apart(built, genre):
    new = [f"film{n:02d}" for n in range(TITLES - 6, TITLES)]
    said = apply_probe(built, "genre", new)
    assert [(p.item, p.label) for p in said] == [(t, k) for t in new for k in KINDS]
    truth = [has for n in range(TITLES - 6, TITLES) for has in has_kinds(n)]
    right = [p.applies == has for p, has in zip(said, truth, strict=True)]
    assert sum(right) >= 10
    assert all(0 < p.score < 1 for p in said)


def test_figures_stand_beside_others_and_chance(built, genre):
    figures = genre.facts["figures"]
    for other in ("chance", "concatenation", "visual", "audio", "text", "vectors alone"):
        assert f"macro_ap {other}" in figures
    value, low, high = figures["macro_ap context"]
    assert low <= value <= high
    assert value > figures["macro_ap chance"][0] + 0.3
    rows = built.rows("evaluations", "what = 'probe' AND name = 'genre'")
    assert set(rows["version"]) == {"genre v1"}
    assert set(rows["fingerprint"]) == {built.live("context").fingerprint}
    assert set(rows.filter(pl.col("measure") == "ap")["label"]) == set(KINDS)
    (curve,) = rows.filter((pl.col("measure") == "ap") & (pl.col("label") == "War"))["detail"]
    assert json.loads(curve).keys() == {"precision", "recall"}


def test_it_is_read_back_as_it_was(built, genre):
    again = newest_probe(Storage(built.path), "genre")
    assert again.labels == genre.labels == KINDS
    assert again.facts == json.loads(json.dumps(genre.facts))
    inputs = {"vector": random_vectors(3), "words": genre.words.matrix(["war", "", "talk"])}
    np.testing.assert_array_equal(again.linear.decide(inputs), genre.linear.decide(inputs))
    assert again.words.vocabulary == genre.words.vocabulary


def test_fitting_again_makes_a_version(built, genre):
    before = len(probes(built))
    second = fit_probe(built, "genre", ProbeOptions(pool="concatenation", folds=3))
    assert second.version == 2
    assert len(probes(built)) == before + 1
    assert newest_probe(built, "genre", 1).pool == "context"
    built.tables.delete("probes", "version = 2 AND name = 'genre'")


def test_order_within_titles(built):
    """What a title is worth as a whole is 100 a title; only the order within one can be learnt."""
    ranking = fit_probe(built, "clicks", ProbeOptions(kind="ranking", folds=4))
    assert ranking.level == "clips"
    assert ranking.facts["figures"]["kendall_tau context"][0] > 0.3
    assert abs(ranking.facts["figures"]["kendall_tau chance"][0]) < 0.25
    said = apply_probe(built, "clicks", ["film00"])
    assert [p.item for p in said] == [f"film00/{i:05d}" for i in range(SHOTS)]
    assert {p.applies for p in said} == {None}


def test_clips_are_the_mean_of_their_shots(built):
    items = items_of(built, "clicks")
    found = pool_vectors(built, items, "context")
    space = built.live("context")
    for row, (item, title, span) in enumerate(
        list(zip(items.ids, items.titles, items.spans, strict=True))[:7]
    ):
        assert item.startswith(f"{title}@")
        shot = built.vectors(space, title).vectors[int(span[0] // 2)]
        np.testing.assert_allclose(found[row], shot, atol=1e-3)


def test_other_vectors_are_refused(built, genre, tmp_path):
    two = built.registry.version("context", "two", dim=FUSED, made_by="a test", fused="test")
    built.registry.promote(two)
    try:
        with pytest.raises(
            SpaceMismatch, match=r"context_v1 \(fingerprint one\), live is context_v2"
        ):
            apply_probe(built, "genre")
    finally:
        built.registry.promote(next(s for s in built.spaces() if s.fingerprint == "one"))


def test_probes_are_fitted_to_vectors_that_went_live_and_stay_for_those_before(tmp_path, built):
    store = Storage(shutil.copytree(built.path, tmp_path / "store"))
    fit_probe(store, "genre", ProbeOptions(folds=3, seed=7))
    one = store.live("context")
    two = store.registry.version("context", "two", dim=FUSED, made_by="a test", fused="test")
    for title in store.revisions():
        found = store.vectors(one, title)
        store.add_vectors(two, store.title(title), found.ids, unit_rows(-found.vectors))
    assert refit_probes(store) == []
    before = newest_probe(store, "genre")
    store.registry.promote(two)
    (anew,) = [probe for probe in refit_probes(store) if probe.task == "genre"]
    assert (anew.version, anew.fingerprint, anew.pool) == (before.version + 1, "two", before.pool)
    assert (anew.facts["folds"], anew.facts["seed"]) == (3, 7)
    assert apply_probe(store, "genre")
    store.registry.promote(one)
    assert newest_probe(store, "genre").version == before.version
    assert [probe.task for probe in refit_probes(store)] == []


def test_bad_input(built, tmp_path):
    with pytest.raises(NotFound, match="no labels of task 'nope'"):
        fit_probe(built, "nope")
    with pytest.raises(NotFound, match="no probe 'nope'"):
        apply_probe(built, "nope")
    with pytest.raises(InvalidInput, match="are grades"):
        fit_probe(built, "clicks", ProbeOptions(kind="tags"))
    built.registry.only_version("title", "one", dim=FUSED, made_by="a test", fused="test")
    with pytest.raises(InvalidInput, match="have no title vectors"):
        fit_probe(built, "clicks", ProbeOptions(kind="ranking", pool="title"))
    (tmp_path / "few.csv").write_text("title,label\nfilm00,x\nfilm01,y\n")
    import_labels(built, tmp_path / "few.csv")
    with pytest.raises(InvalidInput, match="too few titles"):
        fit_probe(built, "few", ProbeOptions(pool="context"))


def test_a_damaged_probe_is_said_to_be(built, genre):
    row = built.rows("probes").to_dicts()[0]
    built.put("probes", [{**row, "name": "bad", "weights": row["weights"][:50]}])
    with pytest.raises(InvalidInput, match="probe bad v1 is damaged"):
        probes(built)
    built.tables.delete("probes", "name = 'bad'")


def test_labels_that_title_vectors_were_made_from_are_warned_of(tmp_path, caplog):
    store = Storage(tmp_path / "store", create=True)
    told = {"made_by": "a test", "fused": "test"}
    title = None
    for number in range(12):
        genres = ["Drama"] if number % 2 else ["War"]
        store.add_title(title_rows(store, f"f{number}", random_vectors(2, number), genres=genres))
        title = title or store.registry.only_version("title", "one", dim=FUSED, **told)
        row = store.title(f"f{number}")
        store.add_vectors(title, row, [f"f{number}"], random_vectors(1, number))
    lines = "".join(f"f{n},{'Drama' if n % 2 else 'War'}\n" for n in range(12))
    (tmp_path / "g.csv").write_text("title,label\n" + lines)
    import_labels(store, tmp_path / "g.csv")
    with caplog.at_level(logging.WARNING, "mediafm_store"):
        fit_probe(store, "g", ProbeOptions(folds=3))
    assert "title vectors know the titles' genres and tags" in caplog.text


def test_the_command(built, genre):
    def mediafm(*arguments):
        return command.mediafm("probes", *arguments, "--store", built.path)

    assert "genre v1" in mediafm("list")[1]
    status, printed, _ = mediafm("show", "genre")
    assert status == 0
    assert "macro_ap" in printed
    rows = [
        json.loads(line) for line in mediafm("apply", "genre", "film23", "--json")[1].splitlines()
    ]
    assert [r["label"] for r in rows] == list(KINDS)
    assert mediafm("fit")[0] == 2
    assert mediafm("apply", "genre", "nope")[0] == 1


def test_no_titles_are_none(built, genre):
    assert apply_probe(built, genre.task, []) == []
    assert apply_probe(built, genre.task)
