"""Titles that are read from a store when training comes to them."""

import numpy as np
import pytest
import torch

from mediafm_store.model.sequences import LazyTitle, TitleSequence, read, read_each
from mediafm_store.model.transformer import ModelConfig
from mediafm_store.storage.storage import Storage
from mediafm_store.training.batching import endless
from mediafm_store.training.initialization import _sample_shots as sample_shots
from mediafm_store.training.initialization import start_model
from mediafm_store.training.process_group import ProcessGroup
from mediafm_store.training.run import TrainConfig, TrainingRun
from mediafm_store.training.run import _seeded as seeded
from mediafm_store.training.train import stored_titles
from mediafm_store.training.trainer import train_model
from mediafm_store.training.validation import ValidationSet
from tests.conftest import random_vectors, title_rows

MODEL = ModelConfig(hidden=16, layers=1, heads=4, max_shots=24)
LENGTHS = {"alpha": 30, "alpha-beta": 60, "beta": 2, "gamma": 9, "delta": 24, "epsilon": 70}


@pytest.fixture
def catalogue(store) -> Storage:
    """Titles of several lengths; one was replaced, so that its old rows are still in the tables."""
    store.add_title(title_rows(store, "beta", random_vectors(40, 99)))
    for seed, (title, shots) in enumerate(LENGTHS.items()):
        series = "greek" if title in ("gamma", "delta") else ""
        store.add_title(title_rows(store, title, random_vectors(shots, seed), series=series))
    return store


def in_memory(store: Storage) -> list[TitleSequence]:
    """The same titles, read as a whole."""
    fused, metadata = store.vectors(store.live("fused")), store.vectors(store.live("metadata"))
    about = dict(zip(metadata.ids, metadata.vectors, strict=True))
    series = dict(store.titles().select("id", "series").iter_rows())
    return [TitleSequence(v, about[t], series[t], t) for t, v in fused.by_title().items()]


def same(one: TitleSequence, other: TitleSequence) -> bool:
    return (one.id, one.series) == (other.id, other.series) and all(
        np.array_equal(a, b) for a, b in zip(one[:2], other[:2], strict=True)
    )


def test_titles_that_are_read_late_are_those_that_are_read_at_once(catalogue):
    stored, whole = stored_titles(catalogue), in_memory(catalogue)
    assert {t.id: t.shots for t in stored} == LENGTHS
    assert all(map(same, read(stored), whole))
    assert all(map(same, read_each(stored), whole))
    backwards = [t.at(slice(3, 20)) for t in stored[::-1]] + [stored[0]]
    expected = [t.at(slice(3, 20)) for t in whole[::-1]] + [whole[0]]
    assert [t.shots for t in backwards] == [len(t.fused) for t in expected]
    assert all(map(same, read(backwards), expected))
    some = np.array([5, 1, 5])
    assert same(read([stored[0].at(some)])[0], whole[0].at(some))


def test_what_is_written_while_training_reads_is_not_seen(catalogue):
    stored, whole = stored_titles(catalogue), in_memory(catalogue)
    catalogue.add_title(title_rows(catalogue, "alpha", random_vectors(30, 50)))
    catalogue.add_title(title_rows(catalogue, "alpha", random_vectors(30, 51)))
    assert all(map(same, read(stored), whole))


def test_a_title_has_another_key_when_it_was_replaced(catalogue):
    before = {t.id: t.key for t in stored_titles(catalogue)}
    assert before == {t.id: t.key for t in stored_titles(catalogue)}
    catalogue.add_title(title_rows(catalogue, "gamma", random_vectors(9, 50)))
    after = {t.id: t.key for t in stored_titles(catalogue)}
    assert [t for t in after if after[t] != before[t]] == ["gamma"]


def test_training_is_the_same_from_a_store_and_from_memory(catalogue):
    config = TrainConfig(steps=4, warmup=1, validate_every=2, batch_shots=64)
    found, expected = (
        train_model(titles, MODEL, config)
        for titles in (stored_titles(catalogue), in_memory(catalogue))
    )
    assert [s._replace(shots_per_s=0) for s in found.history] == [
        s._replace(shots_per_s=0) for s in expected.history
    ]
    assert found.baselines == expected.baselines
    weights = expected.model.state_dict()
    assert all(torch.equal(w, weights[n]) for n, w in found.model.state_dict().items())


def test_each_sequence_of_a_step_is_read_by_one_process(catalogue):
    asked: list[LazyTitle] = []

    def counted(title: LazyTitle) -> LazyTitle:
        def reading(titles):
            asked.extend(titles)
            return title.read(titles)

        return title._replace(read=reading)

    titles = [counted(t) for t in stored_titles(catalogue)]
    model = start_model(MODEL, titles, generator=seeded(0))
    exam = ValidationSet([], size=1, mask_rate=0.2, draws=0, generator=seeded(0))
    runs = [TrainingRun(model, exam, TrainConfig(), ProcessGroup(rank, 3)) for rank in range(3)]
    steps = endless(titles, size=24, batch_shots=90, generator=seeded(0))
    for batch in (next(steps) for _ in range(6)):
        asked.clear()
        shares = [run.share(batch) for run in runs]
        assert [(t.id, t.places.tolist()) for t in asked] == [
            (t.id, t.places.tolist()) for t in batch
        ]
        numbers = [number for share in shares for number, _ in share.sequences]
        assert numbers == list(range(len(batch)))
        assert {share.shots for share in shares} == {sum(t.shots for t in batch)}


def test_steps_are_read_when_they_come(catalogue):
    """Of a training that takes two steps no more than these, and the two that are read ahead."""
    read_shots = 0

    def counted(title: LazyTitle) -> LazyTitle:
        def reading(titles):
            nonlocal read_shots
            read_shots += sum(t.shots for t in titles)
            return title.read(titles)

        return title._replace(read=reading)

    titles = [counted(t) for t in stored_titles(catalogue)]

    def most(steps: int) -> int:
        nonlocal read_shots
        read_shots = 0
        train_model(titles, MODEL, TrainConfig(steps=steps, validate_every=100, batch_shots=48))
        return read_shots

    assert 2 * 24 <= most(2) - most(0) <= 2 * 48


def test_a_sample_is_of_all_titles_and_each_shot_is_in_it_once(catalogue):
    titles = in_memory(catalogue)
    every = np.concatenate([t.fused for t in titles])
    all_of_it = sample_shots(stored_titles(catalogue), 10**6, generator=seeded(1))
    assert np.array_equal(all_of_it.numpy(), every)
    some = sample_shots(stored_titles(catalogue), 50, generator=seeded(1)).numpy()
    assert len(np.unique(some, axis=0)) == 50
    assert {row.tobytes() for row in some} <= {row.tobytes() for row in every}


def test_an_exam_asks_about_a_bounded_number_of_shots(catalogue, monkeypatch):
    monkeypatch.setattr("mediafm_store.training.validation._MOST_SHOTS", 60)
    titles = stored_titles(catalogue)
    exam = ValidationSet(titles, size=24, mask_rate=0.2, draws=2, generator=seeded(0))
    first = {batch.lengths for batch, _ in exam.questions}
    assert first == {(24, 24)}, "with the next window they would be 72"
