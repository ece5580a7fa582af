"""Versions of vectors: from being registered to being live, and back."""

import json
import shutil

import numpy as np
import pytest

from mediafm_store import TrainConfig
from mediafm_store.arrays import MODALITIES, unit_rows
from mediafm_store.embedding.embed import embed
from mediafm_store.errors import GateFailed, InvalidInput, NotFound, SpaceMismatch
from mediafm_store.indexing.build import build_index
from mediafm_store.indexing.status import index_status
from mediafm_store.ingestion.backfill import BackfillOptions, backfill
from mediafm_store.ingestion.ingest import ingest
from mediafm_store.releases.gates import gates
from mediafm_store.releases.spaces import promote, retire, rollback
from mediafm_store.storage.storage import Storage
from mediafm_store.training.train import train
from tests.conftest import random_vectors, title_rows
from tests.helpers import command
from tests.helpers.plain import PlainEncoder
from tests.helpers.plain import search_all as search


class Other(PlainEncoder):
    """Another encoder of a modality."""

    def __init__(self, modality):
        super().__init__(modality)
        self.name, self.fingerprint = f"other-{modality}", "other"

    def encode(self, items):
        encoded = super().encode(items)
        return type(encoded)(-encoded.blocks, -encoded.described, encoded.labels)


OTHERS = {m: Other(m) for m in MODALITIES}


def states(store):
    return {space.table: space.state for space in store.spaces()}


@pytest.fixture
def films(store):
    for seed, title in enumerate(["alpha", "beta", "gamma"]):
        store.add_title(title_rows(store, title, random_vectors(12, seed)))
    return store


def contextual(store, fingerprint, make=lambda vectors: vectors, titles=None):
    """A version of context and title, written for some titles."""
    told = {"dim": 2304, "made_by": f"checkpoint {fingerprint}", "fused": "test"}
    spaces = [store.registry.version(name, fingerprint, **told) for name in ("context", "title")]
    for title in titles or store.titles()["id"]:
        ids, vectors = store.vectors(store.live("fused"), title)
        row = store.title(title)
        store.add_vectors(spaces[0], row, ids, make(vectors))
        store.add_vectors(spaces[1], row, [title], make(vectors)[:1])
    return spaces


def test_a_version_goes_live_with_those_made_with_it(films):
    contextual(films, "one")
    assert states(films)["context_v1"] == "registered"
    promoted = promote(films, "context")
    assert [s.table for s in promoted.spaces] == ["context_v1", "title_v1"]
    assert films.live("context").fingerprint == films.live("title").fingerprint == "one"
    contextual(films, "two")
    assert films.live("context").fingerprint == "one"
    promote(films, "title", 2)
    assert films.live("context").fingerprint == "two"
    assert states(films)["context_v1"] == "validated"


def test_gates_protect_what_is_live(films, caplog):
    contextual(films, "one")
    promote(films, "context")
    narrow = lambda v: unit_rows(v + 40 * v[:1])  # noqa: E731
    contextual(films, "narrow", narrow)
    with pytest.raises(GateFailed, match=r"anisotropy.*cosine of .* may be .*--force"):
        promote(films, "context")
    assert films.live("context").fingerprint == "one"
    row = next(r for r in films.registry.rows() if r["fingerprint"] == "narrow")
    assert [g["name"] for g in row["gates"] if not g["passed"]] == ["anisotropy"]
    assert not promote(films, "context", 1).forced

    assert promote(films, "context", 2, force=True).forced
    row = next(r for r in films.registry.rows() if r["fingerprint"] == "narrow")
    assert (row["state"], row["forced"]) == ("live", True)
    assert "context_v2 goes live although it failed at anisotropy" in caplog.text


def test_an_unfinished_version_does_not_go_live(films):
    contextual(films, "one")
    promote(films, "context")
    contextual(films, "two", titles=["alpha"])
    with pytest.raises(GateFailed, match="complete: 2 titles lack vectors"):
        promote(films, "context")


def test_labelled_scenes_are_a_gate(imported, tmp_path):
    """A version that mixes the shots up is kept out where scenes are known."""
    import shutil

    shutil.copytree(imported.path, tmp_path / "store")
    store = Storage(tmp_path / "store")
    assert {g.name for g in gates(store, store.live("context"))} == {
        *("complete", "anisotropy", "scenes", "masked shots", "index recall"),
    }
    told = {"dim": 2304, "made_by": "checkpoint x", "fused": store.live("fused").fingerprint}
    mixed = store.registry.version("context", "mixed", **told)
    for title in store.titles()["id"]:
        ids, vectors = store.vectors(store.live("context"), title)
        order = np.random.default_rng(0).permutation(len(ids))
        store.add_vectors(mixed, store.title(title), ids, vectors[order])
    failed = [g.name for g in gates(store, mixed) if not g.passed]
    assert failed == ["scenes"]
    # What is live has an index; one that failed before does not get any.
    assert index_status(store, mixed).kind == "none"


def test_rollback_brings_back_what_was_live_before(films, caplog):
    contextual(films, "one")
    promote(films, "context")
    with pytest.raises(NotFound, match="no version of context was live before version 1 in"):
        rollback(films, "context")
    contextual(films, "two")
    promote(films, "context")
    films.add_title(title_rows(films, "delta", random_vectors(3, 9)))
    rollback(films, "context")
    assert films.live("context").fingerprint == films.live("title").fingerprint == "one"
    assert "1 titles came later and are not in context_v1, as delta" in caplog.text
    with pytest.raises(NotFound, match="no version of context was live before version 1 in"):
        rollback(films, "context")


def live_after(store, *steps):
    """The live version of context after each step: a promotion of a version, or a rollback."""
    found = []
    for step in steps:
        if step == "back":
            rollback(store, "title" if len(found) % 2 else "context")
        else:
            promote(store, "context", step, force=True)
        assert store.live("title").version == store.live("context").version
        found.append(store.live("context").version)
    return found


def test_each_rollback_goes_back_one_further(films):
    for fingerprint in ("one", "two", "three", "four"):
        contextual(films, fingerprint)
    assert live_after(films, 1, 2, 3, "back", "back") == [1, 2, 3, 2, 1]
    with pytest.raises(NotFound, match="no version of context was live before version 1 in"):
        rollback(films, "context")
    assert films.live("context").version == 1
    # What is promoted now follows version 1, and what was rolled back is no history of it.
    assert live_after(films, 2, 4, "back", 3, "back", "back") == [2, 4, 2, 3, 2, 1]
    # A version may have been live twice, in between or again and again.
    assert live_after(films, 2, 2, 1, 1, "back", "back") == [2, 2, 1, 1, 2, 1]


def test_a_rollback_passes_over_vectors_that_are_gone(films):
    for fingerprint in ("one", "two", "three"):
        contextual(films, fingerprint)
    live_after(films, 1, 2, 3)
    retire(films, "context", 2)
    assert live_after(films, "back") == [1]


def test_contextual_vectors_have_a_history_for_each_fused_ones(films):
    """Those of other fused vectors are no way back, and come back with theirs."""
    contextual(films, "one")
    contextual(films, "two")
    live_after(films, 1, 2)
    told = {"made_by": "another test", "fused": "other"}
    for name, dim in (("fused", 2304), ("described", 2304), ("metadata", 768)):
        films.registry.version(name, "other", dim=dim, **told)
    promote(films, "fused", 2, force=True)
    for name in ("context", "title"):
        films.registry.version(name, "three", dim=2304, **told)
    promote(films, "context", 3, force=True)
    with pytest.raises(NotFound, match="no version of context was live before version 3"):
        rollback(films, "context")
    rollback(films, "metadata")
    assert (films.live("fused").version, films.live("context").version) == (1, 2)
    assert live_after(films, "back") == [1]
    with pytest.raises(NotFound, match="no version of fused was live before version 1"):
        rollback(films, "fused")
    promote(films, "fused", 2, force=True)
    assert films.live("context").version == 3


def test_retired_vectors_are_gone_and_can_be_made_again(films):
    contextual(films, "one")
    promote(films, "context")
    contextual(films, "two")
    promote(films, "context")
    build_index(films, films.live("context"))
    with pytest.raises(InvalidInput, match="context version 2 is live"):
        retire(films, "context", 2)
    assert [s.table for s in retire(films, "context", 1)] == ["context_v1", "title_v1"]
    assert states(films)["context_v1"] == "retired"
    with pytest.raises(NotFound, match="deleted; make them again"):
        promote(films, "context", 1)
    films.add_title(title_rows(films, "alpha", random_vectors(5, 77)))  # sweeps all live tables
    assert contextual(films, "one")[0].version == 3


def test_contextual_vectors_of_other_fused_ones_are_refused(films):
    told = {"dim": 2304, "made_by": "checkpoint 9", "fused": "elsewhere"}
    films.registry.version("context", "odd", **told)
    with pytest.raises(SpaceMismatch, match=r"elsewhere.*live are test.*promote those first"):
        promote(films, "context")


def test_what_happens_meanwhile_is_not_undone(films):
    """Gates take long: another program may retire or promote a version in that time."""
    one, _ = contextual(films, "one")
    promote(films, "context")
    two, _ = contextual(films, "two")
    films.registry.retire(two)
    with pytest.raises(NotFound, match="context version 2 was retired meanwhile"):
        films.registry.promote(two)
    assert films.registry.set_state(two, "validated").state == "retired"
    with pytest.raises(InvalidInput, match="context version 1 is live"):
        films.registry.retire(one)  # it was not when it was looked up
    assert films.registry.set_state(one, "backfilled").state == "live"


def test_an_ingest_that_began_before_a_promotion_is_refused(films):
    rows = title_rows(films, "delta", random_vectors(3, 9))
    told = {"made_by": "another test", "fused": "other"}
    others = [
        films.registry.version(name, "other", dim=dim, **told)
        for name, dim in (("fused", 2304), ("described", 2304), ("metadata", 768))
    ]
    films.registry.promote(*others)
    with pytest.raises(SpaceMismatch, match="other are live by now, these are test"):
        films.add_title(rows)


def test_vectors_of_an_older_revision_replace_nothing(films):
    context, _ = contextual(films, "one")
    row = films.title("alpha")
    films.add_title(title_rows(films, "alpha", random_vectors(4, 50)))
    contextual(films, "one", titles=["alpha"])
    before = films.vectors(context, "alpha")
    films.add_vectors(context, row, [f"alpha/{i:05d}" for i in range(12)], random_vectors(12, 3))
    after = films.vectors(context, "alpha")
    assert (after.ids, after.vectors.tolist()) == (before.ids, before.vectors.tolist())


def test_a_store_without_titles_has_nothing_to_measure(store):
    told = {"dim": 2304, "made_by": "checkpoint 1", "fused": "f"}
    store.registry.only_version("fused", "f", **told)
    store.registry.version("context", "c", **told)
    assert [g.name for g in promote(store, "context").gates["context_v1"]] == ["complete"]


def test_unknown_versions_are_told(films):
    with pytest.raises(NotFound, match="no space fused version 9; there are described_v1"):
        promote(films, "fused", 9)
    with pytest.raises(NotFound, match="no space odd"):
        retire(films, "odd", 1)


@pytest.fixture(scope="module")
def filmed(tmp_path_factory, sample_films, plain_encoders):
    """Two real files, ingested, trained on and embedded."""
    store = Storage(tmp_path_factory.mktemp("filmed") / "store", create=True)
    ingest(store, [sample_films], encoders=plain_encoders)
    train(store, preset="tiny", config=TrainConfig(steps=0), device="cpu")
    embed(store, device="cpu")
    return store


@pytest.mark.slow
def test_other_encoders_are_brought_in_without_disturbing_anyone(filmed, plain_encoders):
    store = filmed
    ids, before = store.vectors(store.live("fused"))
    costs, done = [], []
    first = backfill(
        store,
        OTHERS,
        BackfillOptions(dry_run=True),
        on_cost=costs.append,
        on_title=lambda r: done.append(r.title),
    )
    assert len(first.results) == len(done) == 1
    assert (costs[0].titles, costs[0].shots) == (2, len(ids))
    assert costs[0].sample == done[0]
    assert costs[0].seconds > 0
    assert states(store)["fused_v2"] == "registered"
    with pytest.raises(GateFailed, match="1 titles lack vectors"):
        promote(store, "fused", 2)

    rest = backfill(store, OTHERS, on_title=lambda r: done.append(r.title))
    assert len(rest.results) == 1  # the first is not done again
    assert sorted(done) == store.titles()["id"].to_list()
    assert states(store)["fused_v2"] == "backfilled"
    assert (store.vectors(store.live("fused")).vectors == before).all()

    promoted = promote(store, "fused")
    assert {s.table for s in promoted.spaces} == {"fused_v2", "described_v2", "metadata_v2"}
    assert not store.has("context")  # it was made from the other fused vectors
    made = store.vectors(store.live("fused"))
    assert made.ids == ids
    assert np.allclose(made.vectors, -before, atol=2e-3)
    assert search(store, shot=ids[0], k=1)

    with pytest.raises(SpaceMismatch, match=r"plain.*spaces backfill"):
        ingest(store, [], encoders=plain_encoders)
    rollback(store, "fused")
    assert states(store)["context_v1"] == "live"
    assert (store.vectors(store.live("fused")).vectors == before).all()


@pytest.mark.slow
def test_an_ingest_after_new_encoders_leaves_films_alone(filmed, sample_films, plain_encoders):
    store = filmed
    backfill(store, OTHERS)
    promote(store, "fused", 2)
    assert {r.state for r in ingest(store, [sample_films], encoders=OTHERS)} == {"unchanged"}
    promote(store, "fused", 1)
    assert {r.state for r in ingest(store, [sample_films], encoders=plain_encoders)} == {
        "unchanged"
    }


def test_a_film_that_is_gone_is_told_and_the_others_are_done(filmed, tmp_path):
    import shutil

    shutil.copytree(filmed.path, tmp_path / "store")
    store = Storage(tmp_path / "store")
    title = store.titles()["id"][0]
    store.update_title(title, media=str(tmp_path / "gone.mp4"))
    others = {m: Other(m) for m in MODALITIES}
    for encoder in others.values():
        encoder.fingerprint = "third"
    results = backfill(store, others).results
    assert sorted(r.state for r in results) == ["failed", "ingested"]
    assert "gone.mp4" in next(r.error for r in results if r.error)


def test_imported_vectors_have_no_films_to_go_back_to(imported):
    with pytest.raises(InvalidInput, match="were imported"):
        backfill(imported, OTHERS)


def test_a_backfill_looks_at_as_many_pictures_a_shot_as_are_asked_for(filmed, tmp_path):
    store, looked = Storage(shutil.copytree(filmed.path, tmp_path / "store")), []

    class Counts(Other):
        def encode(self, items):
            looked.append(len(items))
            return super().encode(items)

    for frames in (1, 5):
        looked.clear()
        encoders = {**OTHERS, "visual": Counts("visual")}
        encoders["visual"].fingerprint = f"counts {frames}"
        backfill(store, encoders, BackfillOptions(keyframes=frames))
        assert sum(looked) == frames * len(store.shots())
    with pytest.raises(InvalidInput, match="keyframes must be 1 or more"):
        BackfillOptions(keyframes=0)


def test_a_model_may_embed_without_going_live(imported, tmp_path):
    store = Storage(shutil.copytree(imported.path, tmp_path / "store"))
    live = store.live("context")
    train(store, preset="tiny", config=TrainConfig(steps=1, seed=5), device="cpu")
    done = command.mediafm("embed", "--no-promote", "--json", "--store", store.path)
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout)
    assert (row["context"], row["titles"]) == ("context_v2", 6)
    assert store.live("context") == live
    assert states(store)["context_v2"] == states(store)["title_v2"] == "backfilled"
    promote(store, "context", 2, force=True)
    assert store.live("context").table == "context_v2"


def test_encoders_in_use_are_not_backfilled(filmed, plain_encoders):
    with pytest.raises(InvalidInput, match="made the live vectors"):
        backfill(filmed, plain_encoders)


def test_the_command_line_lists_shows_and_promotes(films):
    def mediafm(*arguments):
        return command.mediafm("spaces", *arguments, "--store", films.path)

    contextual(films, "one")
    promote(films, "context")
    contextual(films, "narrow", lambda v: unit_rows(v + 40 * v[:1]))
    listed = [json.loads(line) for line in mediafm("list", "--json").stdout.splitlines()]
    assert [r["table"] for r in listed] == [s.table for s in films.spaces()]
    assert {r["vectors"] for r in listed if r["name"] == "context"} == {36}
    refused = mediafm("promote", "context", "2")
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1].startswith("Error: context version 2 stays out of use")
    assert "FAILED: two random shots" in mediafm("show", "context", "2").stdout
    assert mediafm("promote", "context", "2", "--force").returncode == 0
    assert "live (forced)" in mediafm("list").stdout
    assert mediafm("rollback", "context").returncode == 0
    assert mediafm("retire", "context", "2").returncode == 0
    assert mediafm("retire", "context").returncode == 2
    assert mediafm("promote").returncode == 2
    assert mediafm("backfill").returncode == 2
