"""The simulated catalogue of the benchmark of scale."""

import numpy as np
import polars as pl

from benchmarks.simulated import LABELLED, TOPICS, make_catalogue, title_of, topic_of
from mediafm_store.arrays import unit_rows
from mediafm_store.importing.importer import import_features
from mediafm_store.labels.labels import import_labels
from mediafm_store.storage.storage import Storage
from tests.helpers.features import READER

TITLES = 40


def test_a_simulated_catalogue_is_imported_and_its_topics_can_be_told(tmp_path):
    features, labels = make_catalogue(tmp_path / "made", TITLES, shots=10)
    store = Storage(tmp_path / "store", create=True)
    results = import_features(store, [features], encoder=READER)
    assert [(r.title, r.state, r.shots) for r in results] == [
        (title_of(number), "ingested", 10) for number in range(TITLES)
    ]
    row = store.title(title_of(33))
    assert (row["name"], row["series"]) == ("Title 33", "series 1")
    assert store.shots(title_of(0))["words"].to_list()[:2] == ["line 0 of a title", ""]

    means = store.vectors(store.live("fused")).by_title()
    vectors = unit_rows(np.stack([means[title_of(n)].mean(axis=0) for n in range(TITLES)]))
    alike = vectors @ vectors.T - 2 * np.eye(TITLES)
    same = [topic_of(int(best)) == topic_of(n) for n, best in enumerate(alike.argmax(axis=1))]
    assert np.mean(same) > 2 / len(TOPICS)  # twice what chance gives

    (told,) = import_labels(store, labels)
    assert (told.task, told.titles) == ("topic", min(TITLES, LABELLED))


def test_a_part_of_a_catalogue_does_not_depend_on_the_others(tmp_path):
    few, many = (make_catalogue(tmp_path / str(n), n, shots=5)[0] for n in (3, 300))
    assert pl.read_parquet(few).equals(pl.read_parquet(many).head(15))
