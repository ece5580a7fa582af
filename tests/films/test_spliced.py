"""Programmes joined from films: the joints are where breaks belong."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from benchmarks import spliced
from benchmarks.spliced import akin, grade, lengths, segments, write_programme
from mediafm_store import BreakConstraints
from mediafm_store.ad_breaks.rank import rank_breaks
from mediafm_store.ingestion.ingest import ingest
from mediafm_store.storage.storage import Storage

LENGTHS = {Path("sintel.mp4"): 400.0, Path("sintel_trailer.mp4"): 52.0, Path("city.mp4"): 90.0}


@pytest.mark.parametrize("seed", range(5))
def test_segments_do_not_overlap_and_change_films(seed):
    found = segments(LENGTHS, 7, np.random.default_rng(seed))
    assert len(found) >= 2
    for one, other in pairwise(found):
        assert not akin(one.film, other.film)
    for film, length in LENGTHS.items():
        spans = sorted((s.start_s, s.start_s + s.length_s) for s in found if s.film == film)
        assert all(a[1] <= b[0] for a, b in pairwise(spans))
        assert all(a >= 0 and b <= length + 1e-9 for a, b in spans)


@pytest.mark.slow
def test_joints_of_real_films_rank_first(films, encoders, tmp_path, monkeypatch):
    monkeypatch.setattr(spliced, "LENGTH_S", (14.0, 18.0))
    long = {film: length for film, length in lengths(films) if length >= 50}
    chosen = segments(long, 5, np.random.default_rng(1))
    joints = write_programme(tmp_path / "programme.mp4", chosen)
    store = Storage(tmp_path / "store", create=True)
    ingest(store, [tmp_path / "programme.mp4"], encoders=encoders)
    figures = grade(store, "programme", joints)
    assert figures["found"] >= len(joints) - 1
    assert figures["all signs, default weights"] > 2 * figures["chance"]
    constraints = BreakConstraints(min_gap_s=5, margin_s=5)
    first, *_ = rank_breaks(store, "programme", constraints=constraints, k=1)
    assert min(abs(first.seconds - joint) for joint in joints) < 1
