"""Features of one's own: as arrays and as tables, good and bad, and all that follows on them."""

import json
import os
from fractions import Fraction

import lancedb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mediafm_store import BreakConstraints
from mediafm_store.ad_breaks.rank import rank_breaks
from mediafm_store.arrays import block, unit_rows
from mediafm_store.encoders.blocks import BlockMap
from mediafm_store.errors import InvalidInput, SpaceMismatch
from mediafm_store.evaluation.model import evaluate_model
from mediafm_store.storage.storage import Storage
from tests.helpers.features import bring, film, save
from tests.helpers.plain import PlainEncoder
from tests.helpers.plain import search_all as search


def as_table(films: dict[str, dict[str, np.ndarray]]) -> pa.Table:
    """Rows are shots."""
    rows = [
        {"title": title} | {name: values[i].tolist() for name, values in arrays.items()}
        for title, arrays in films.items()
        for i in range(len(arrays["start_s"]))
    ]
    return pa.Table.from_pylist(rows)


def fused(store, title=None):
    return store.vectors(store.live("fused"), title).vectors


def test_vectors_become_blocks_as_those_of_any_encoder(store, tmp_path):
    arrays = film()
    arrays["audio"][3] = 0
    (result,) = bring(store, save(tmp_path / "My Film.npz", **arrays))
    assert (result.title, result.state, result.shots, result.film_s) == (
        "my_film",
        "ingested",
        6,
        12,
    )
    found = fused(store, "my_film")
    for modality, name in (("visual", "visual"), ("audio", "audio")):
        native = arrays[name].astype(np.float32)
        expected = BlockMap.plain(native.shape[1]).blocks(native)
        np.testing.assert_allclose(unit_rows(found[:, block(modality)]), expected, atol=2e-3)
    assert (found[:, block("text")] == 0).all()
    assert (found[3, block("audio")] == 0).all()
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-3)
    shots = store.shots("my_film").to_dicts()
    assert [s["start_s"] for s in shots] == [0, 2, 4, 6, 8, 10]
    assert {s["brightness"] for s in shots} == {None}


def test_frames_are_exact(store, tmp_path):
    arrays = film()
    for name in ("start_s", "end_s"):
        del arrays[name]
    arrays["shots"] = np.stack([10 * np.arange(6), 10 * np.arange(6) + 9], axis=1)
    path = save(tmp_path / "a.npz", **arrays)
    (failed,) = bring(store, path)
    assert "--fps 24000/1001" in failed.error
    bring(store, path, fps="24000/1001")
    shot = store.shots("a").to_dicts()[2]
    assert Fraction(shot["time_base_num"], shot["time_base_den"]) == Fraction(1001, 24000)
    assert (shot["start"], shot["end"]) == (20, 30)


@pytest.mark.parametrize("kind", ["parquet", "lance"])
def test_a_table_holds_what_arrays_do(store, tmp_path, kind):
    films = {f"film_{i}": film(5 + i, i, scene=np.arange(5 + i) // 2) for i in range(3)}
    for name, arrays in films.items():
        save(tmp_path / f"{name}.npz", **arrays)
    bring(store, *sorted(tmp_path.glob("*.npz")))
    path = tmp_path / f"all.{kind}"
    if kind == "parquet":
        pq.write_table(as_table(films), path, row_group_size=4)
    else:
        lancedb.connect(tmp_path).create_table("all", as_table(films))
    other = Storage(tmp_path / "other", create=True)
    assert [r.state for r in bring(other, path)] == ["ingested"] * 3
    np.testing.assert_array_equal(fused(other), fused(store))
    columns = ["id", "start_s", "end_s", "scene", "words"]
    assert other.shots().select(columns).equals(store.shots().select(columns))
    assert [r.state for r in bring(other, path)] == ["unchanged"] * 3


def test_unchanged_titles_are_left_alone_and_changed_ones_are_not(store, tmp_path):
    path = save(tmp_path / "a.npz", **film())
    assert [r.state for r in bring(store, path)] == ["ingested"]
    before = store.title("a")["revision"]
    save(path, **film())  # written again, the same
    assert [r.state for r in bring(store, path)] == ["unchanged"]
    assert store.title("a")["revision"] == before
    save(path, **film(seed=1))
    assert [r.state for r in bring(store, path)] == ["ingested"]
    (tmp_path / "a.json").write_text(json.dumps({"title": "A Film", "series": "Films"}))
    assert [r.state for r in bring(store, path)] == ["ingested"]
    assert (store.title("a")["name"], store.title("a")["series"]) == ("A Film", "Films")
    assert store.vectors(store.live("metadata"), "a").vectors.any()


def test_a_store_keeps_to_its_vectors(store, tmp_path):
    bring(store, save(tmp_path / "a.npz", **film()), made_by={"visual": "vgg"})
    other = save(tmp_path / "b.npz", **film(seed=1))
    with pytest.raises(SpaceMismatch, match="--made-by visual=vgg"):
        bring(store, other)
    wide = save(tmp_path / "c.npz", **film(seed=2, visual=np.ones((6, 21))))
    results = bring(store, other, wide, made_by={"visual": "vgg"})
    assert [r.state for r in results] == ["ingested", "failed"]
    assert "visual vectors of 21" in results[1].error
    lacking = film(seed=3)
    del lacking["audio"]
    (result,) = bring(store, save(tmp_path / "d.npz", **lacking), made_by={"visual": "vgg"})
    assert result.state == "ingested"
    assert result.warnings[0] == "d: no audio vectors (audio) in d.npz"
    assert (fused(store, "d")[:, block("audio")] == 0).all()


BAD = {
    "it ends before it starts": {"end_s": np.zeros(6)},
    "before the end of the shot before it": {"end_s": np.full(6, 100.0)},
    "one row a shot": {"visual": np.ones((5, 20))},
    "nan or inf": {"audio": np.full((6, 900), np.nan)},
    "give seconds or frames from 0 on": {"start_s": np.full(6, -1.0)},
    "5 for 6 shots": {"words": np.array(["a"] * 5)},
    "one number a shot": {"scene": np.zeros((6, 2))},
    "Python objects": {"words": np.array([{}] * 6, dtype=object)},
    "it has no shots": {
        "visual": np.zeros((0, 20)),
        "audio": np.zeros((0, 900)),
        "start_s": np.zeros(0),
        "end_s": np.zeros(0),
    },
    "[shots, width]": {"visual": np.zeros(6)},
}


@pytest.mark.parametrize("told", BAD)
def test_a_bad_file_is_one_line_and_the_others_go_in(store, tmp_path, told):
    bad = save(tmp_path / "bad.npz", **film(**BAD[told]))
    failed, fine = bring(store, bad, save(tmp_path / "good.npz", **film(8)))
    assert failed.state == "failed"
    assert told in failed.error
    assert "bad.npz" in failed.error
    assert "\n" not in failed.error
    assert fine.state == "ingested"
    assert store.titles()["id"].to_list() == ["good"]


def test_options_that_fit_nothing_are_refused(store, tmp_path):
    path = save(tmp_path / "a.npz", **film())
    with pytest.raises(InvalidInput, match="--text 'speech' is in none of the files"):
        bring(store, path, arrays={"text": "speech"})
    with pytest.raises(InvalidInput, match="is no frame rate"):
        bring(store, path, fps="0")
    with pytest.raises(InvalidInput, match="does not exist"):
        bring(store, tmp_path / "b.npz")
    with pytest.raises(InvalidInput, match=r"give files called \.npz"):
        bring(store, tmp_path)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    place=st.floats(0, 1),
    change=st.sampled_from(["cut", "flip", "insert"]),
    noise=st.binary(min_size=1, max_size=20),
)
def test_damaged_files_never_leave_half_a_title(tmp_path_factory, place, change, noise):
    folder = tmp_path_factory.mktemp("damaged")
    path = save(folder / "a.npz", **film())
    whole = path.read_bytes()
    at = int(place * len(whole))
    after = {"cut": b"", "flip": noise + whole[at + len(noise) :], "insert": noise + whole[at:]}
    path.write_bytes(whole[:at] + after[change])
    store = Storage(folder / "store", create=True)
    (result,) = bring(store, path)
    assert (result.state == "ingested") == (len(store.titles()) == 1)
    if result.state == "failed":
        assert str(path) in result.error
        return
    assert len(store.shots("a")) == len(fused(store, "a")) == result.shots
    assert np.isfinite(fused(store, "a")).all()


@settings(max_examples=25, deadline=None)
@given(
    lengths=st.lists(st.floats(1e-3, 1e4), min_size=1, max_size=12),
    width=st.integers(1, 1000),
    scale=st.sampled_from([1e-200, 1e-5, 1.0, 1e5, 1e200]),
)
def test_any_times_and_widths_go_in_as_they_are(tmp_path_factory, lengths, width, scale):
    folder = tmp_path_factory.mktemp("any")
    ends = np.cumsum(lengths)
    vectors = scale * np.random.default_rng(width).normal(size=(len(ends), width))
    path = save(folder / "a.npz", visual=vectors, start_s=ends - lengths, end_s=ends)
    store = Storage(folder / "store", create=True)
    (result,) = bring(store, path)
    assert result.state == "ingested", result.error
    shots = store.shots("a")
    np.testing.assert_allclose(shots["end_s"].to_numpy(), ends, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(fused(store, "a"), axis=1), 1, atol=2e-3)


def test_shots_are_found_without_a_video(imported):
    hits = search(imported, shot="f0/00009", k=3)
    assert len(hits) == 3
    assert sum("f0/00008" <= h.shot <= "f0/00015" for h in hits) >= 2


def test_words_are_found_and_only_where_somebody_speaks(imported):
    encoders = {m: PlainEncoder(m) for m in ("visual", "audio", "text")}
    hits = search(imported, text="line 2 7", encoders=encoders, k=5)
    assert hits[0].shot == "f2/00007"
    assert all(h.words for h in hits)


def test_a_clip_of_a_film_cannot_be_compared(imported, tmp_path):
    (tmp_path / "clip.mp4").write_bytes(b"")
    with pytest.raises(InvalidInput, match="no encoder makes such of a file"):
        search(imported, clip=tmp_path / "clip.mp4")


def test_breaks_are_ranked_by_change_alone(imported):
    breaks = rank_breaks(imported, "f1", k=3, constraints=BreakConstraints(min_gap_s=5))
    assert len(breaks) == 3


def test_the_model_is_better_than_single_shots_where_scenes_are_labelled(imported):
    report = evaluate_model(imported, device="cpu")
    assert (report.titles, report.shots, report.labelled, report.held_out) == (6, 480, 6, 1)
    assert report.msm["model"] < report.msm["title mean"]
    assert report.auc["context"] > report.auc["isolated"] + 0.02
    assert report.ap["context"] > report.ap["isolated"] + 0.02
    assert report.duplicates < 0.1


def test_many_titles_are_one_commit_and_a_bad_one_stops_no_other(store, tmp_path, monkeypatch):
    files = [save(tmp_path / f"t{seed}.npz", **film(4, seed)) for seed in range(6)]
    bring(store, *files[:3])
    commits = store.table("shots").version
    assert [r.state for r in bring(store, *files)] == ["unchanged"] * 3 + ["ingested"] * 3
    assert store.table("shots").version == commits + 1

    write = store.add_titles

    def refuse(many):
        if any(rows.title["id"] == "t7" for rows in many):
            raise InvalidInput("t7 is refused")
        write(many)

    monkeypatch.setattr(store, "add_titles", refuse)
    more = [save(tmp_path / f"t{seed}.npz", **film(4, seed)) for seed in (6, 7, 8)]
    results = bring(store, *more)
    assert [(r.title, r.state, r.error) for r in results] == [
        ("t6", "ingested", ""),
        ("t7", "failed", "t7 is refused"),
        ("t8", "ingested", ""),
    ]
    assert "t7" not in store.revisions()
    assert {"t6", "t8"} <= store.revisions().keys()


def test_titles_that_moved_are_noted_in_one_commit(store, tmp_path):
    files = [save(tmp_path / f"t{seed}.npz", **film(4, seed)) for seed in range(3)]
    bring(store, *files)
    for file in files:
        os.utime(file, (1, 1))
    before = store.table("titles").version
    assert {r.state for r in bring(store, *files)} == {"unchanged"}
    assert store.table("titles").version == before + 1
    assert bring(store, *files)[0].state == "unchanged"
    assert store.table("titles").version == before + 1  # it is known now
