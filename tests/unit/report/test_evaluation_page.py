"""What was measured: kept, told over versions, compared, drawn."""

import json
import os
from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score
from typer.testing import CliRunner

from mediafm_cli.main import app
from mediafm_store.arrays import unit_rows
from mediafm_store.charts import charts
from mediafm_store.charts.confusion import _MOST as MOST
from mediafm_store.charts.confusion import _OTHERS as OTHERS
from mediafm_store.charts.confusion import confused
from mediafm_store.errors import InvalidInput, NotFound
from mediafm_store.evaluation.comparison import compare
from mediafm_store.evaluation.coverage import coverage
from mediafm_store.evaluation.history import Dashboard, dashboard, series_of
from mediafm_store.evaluation.search import evaluate_search
from mediafm_store.indexing.build import build_index, refresh_index
from mediafm_store.model.same_scene import same_scene
from mediafm_store.releases.spaces import promote
from mediafm_store.report.evaluation_page import _ENDS as ENDS
from mediafm_store.report.evaluation_page import _sections as sections
from mediafm_store.report.evaluation_page import board_page
from mediafm_store.storage.evaluations import Metric, record, record_if_writable
from mediafm_store.storage.storage import Storage
from tests.conftest import random_vectors, title_rows
from tests.helpers.measured import measure
from tests.helpers.planted import add_film, put_in_context
from tests.unit.evaluation.test_model import TextInput

EVIL = "</script><img src=x onerror=alert(1)>'\""
OWN = ("", "context", "model")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def mediafm(*arguments):
    done = CliRunner().invoke(app, list(map(str, arguments)))
    assert done.exit_code == 0, done.output
    return done


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A store with one title, and much that was measured."""
    store = Storage(tmp_path_factory.mktemp("board") / "store", create=True)
    store.add_title(title_rows(store, "alpha", random_vectors(6), tags=["Space"]))
    measure(store, ["Drama", EVIL, "Western", "War"])
    return store


@pytest.fixture(scope="module")
def board(measured):
    return dashboard(measured)


def row(version="a v1", value=0.5, hours=0, **others):
    """A row of `evaluations`."""
    return {
        "run": f"r{hours}", "at": NOON + timedelta(hours=hours), "what": "probe", "name": "a",
        "version": version, "fingerprint": "f", "software": "0", "measure": "micro_ap",
        "of": "context", "label": "", "value": value, "low": None, "high": None,
        "better": "higher", "detail": "", "own": others.get("of", "context") in OWN,
    } | others  # fmt: skip


def only(rows):
    (series,) = series_of(rows)
    return series


# What is kept


def test_an_index_that_is_built_leaves_its_figures(store):
    store.add_title(title_rows(store, "alpha", random_vectors(40)))
    space = store.live("fused")
    status = build_index(store, space, device="cpu")
    rows = store.rows("evaluations").to_dicts()
    assert {(r["what"], r["name"], r["version"]) for r in rows} == {("index", "fused", "fused_v1")}
    assert {r["fingerprint"] for r in rows} == {space.fingerprint}
    assert {r["measure"] for r in rows} >= {"recall_at_10", "p50_ms", "memory_mb", "disk_mb"}
    filtered = {r["of"]: r["value"] for r in rows if r["of"].startswith("filter")}
    assert sorted(filtered.values()) == sorted(status.recall_filtered.values())


def test_an_index_is_measured_again_only_where_it_grew(store):
    store.add_title(title_rows(store, "alpha", random_vectors(40)))
    runs = lambda: len(store.rows("evaluations")["run"].unique())  # noqa: E731
    build_index(store, store.live("fused"), device="cpu")
    refresh_index(store, store.live("fused"), device="cpu")
    assert runs() == 1
    store.add_title(title_rows(store, "beta", random_vectors(20, 1)))
    refresh_index(store, store.live("fused"), device="cpu")
    assert runs() == 2


def test_a_promotion_leaves_what_its_gates_measured(store):
    add_film(store, "alpha", [f"view {i}" for i in range(12)])
    put_in_context(store, {"alpha": random_vectors(12)})
    promote(store, "context", 1)
    (kept,) = store.rows("evaluations").to_dicts()
    (told,) = [r for r in store.registry.rows() if r["name"] == "context"]
    assert (kept["what"], kept["version"]) == ("space", "context_v1")
    assert kept["measure"] == "random_pairs"
    (gate,) = [g for g in told["gates"] if g["name"] == "anisotropy"]
    assert f"{kept['value']:.3f}" in gate["said"]


def test_figures_of_nothing_are_left_out(store):
    figures = [Metric("a", float("nan")), Metric("b", 1.0)]
    record(store, "model", figures, name="tiny", version="checkpoint 0001", fingerprint="f")
    assert store.rows("evaluations")["measure"].to_list() == ["b"]
    record(store, "model", figures[:1], name="tiny", version="checkpoint 0001", fingerprint="f")
    assert len(store.rows("evaluations")) == 1


def test_who_cannot_write_still_measures(store, monkeypatch, caplog):
    def refuse(self):
        raise InvalidInput("store cannot be written to; check who may")

    monkeypatch.setattr(Storage, "check_writable", refuse)
    told = {"name": "tiny", "version": "checkpoint 0001", "fingerprint": "f"}
    record_if_writable(store, "model", [Metric("a", 1.0)], **told)
    assert "not kept: store cannot be written" in caplog.text
    assert store.rows("evaluations").is_empty()


# Searches


def slow_same_scene(vectors, scenes):
    """The same shot by shot, as it is defined."""
    found = []
    for i in range(len(scenes)):
        others = [j for j in range(len(scenes)) if j != i and scenes[j] >= 0]
        same = [scenes[j] == scenes[i] for j in others]
        if scenes[i] < 0 or not any(same) or all(same):
            continue
        scores = [float(vectors[i] @ vectors[j]) for j in others]
        best = [s for _, s in sorted(zip(scores, same, strict=True), key=lambda p: -p[0])]
        found.append(
            (roc_auc_score(same, scores), np.mean(best[:5]), sum(best[:10]) / min(10, sum(same)))
        )
    return np.array(found).reshape(-1, 3)


@given(st.lists(st.integers(-1, 3), min_size=1, max_size=24), st.integers(0, 99))
def test_ranking_by_scene_is_as_defined(numbers, seed):
    scenes = np.array(numbers)
    rng = np.random.default_rng(seed)
    vectors = unit_rows(rng.normal(size=(len(scenes), 8)).astype(np.float32))
    fast = same_scene(vectors, scenes)
    np.testing.assert_allclose(np.transpose(fast[:3]), slow_same_scene(vectors, scenes), atol=1e-6)
    assert ((fast.recall_chance >= 0) & (fast.recall_chance <= 1)).all()


def test_searches_are_judged_by_scenes(imported):
    before = len(imported.rows("evaluations", "what = 'search'"))
    report = evaluate_search(imported)
    assert (report.titles, report.shots, report.version) == (6, 480, "context_v1")
    found = {(f.measure, f.of): f for f in report.figures}
    assert set(found) == {
        *((m, of) for m in ("top_5", "recall_10", "scene_auc")
          for of in ("isolated", "smoothed", "context", "chance")),
    }  # fmt: skip
    for name in ("top_5", "recall_10"):
        assert found[name, "isolated"].value > 1.3 * found[name, "chance"].value
    assert found["top_5", "chance"].value == pytest.approx(7 / 79)
    for figure in report.figures:
        if figure.low is not None:
            assert figure.low <= figure.value <= figure.high
    rows = imported.rows("evaluations", "what = 'search'")
    assert len(rows) == before + len(report.figures)
    assert evaluate_search(imported) == report


def test_without_scenes_searches_cannot_be_judged(measured):
    with pytest.raises(NotFound, match="two labelled scenes"):
        evaluate_search(measured)


def test_evaluate_search_from_the_command_line(imported):
    done = mediafm("evaluate", "search", "--json", "--store", imported.path)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert {r["of"] for r in rows} == {"isolated", "smoothed", "context", "chance"}
    refused = CliRunner().invoke(
        app, ["evaluate", "search", "--html", "x.html", "--store", str(imported.path)]
    )
    assert refused.exit_code == 2


# Over versions

WORDS = st.sampled_from(["", "a", "b", "context", "chance", EVIL])
ROWS = st.lists(
    st.builds(
        row,
        version=st.sampled_from(["a v1", "a v2", "a v10", "checkpoint 0001", "", "7", "x\ny"]),
        value=st.floats(-1e3, 1e3),
        hours=st.integers(0, 5),
        what=st.sampled_from(["model", "probe", "index", "search", "space", "unheard of"]),
        name=WORDS,
        measure=st.sampled_from(["micro_ap", "ap", "confusion", "p50_ms", "new"]),
        of=WORDS,
        label=WORDS,
        better=st.sampled_from(["higher", "lower"]),
    ),
    max_size=12,
)


@given(ROWS)
def test_every_row_is_there_and_can_be_drawn(rows):
    series = series_of(rows)
    shown = Counter(
        (s.what, s.name, s.measure, s.of, s.label, p.version, p.value, p.run)
        for s in series
        for p in s.points
    )
    names = ("what", "name", "measure", "of", "label", "version", "value", "run")
    assert shown == Counter(tuple(r[n] for n in names) for r in rows)
    for one in sections(series):
        for group in one.groups:
            if group.trend:
                dots = [d for line in group.trend.lines for d in line.dots]
                assert len(dots) == sum(len(s.points) for s in group.series)


def test_versions_come_in_the_order_of_their_numbers():
    rows = [row("a v10", 0.1, 1), row("a v2", 0.2, 9), row("a v9", 0.3, 5), row("a v2", 0.4, 2)]
    series = only(rows)
    assert [p.version for p in series.points] == ["a v2", "a v2", "a v9", "a v10"]
    assert [p.value for p in series.points[:2]] == [0.4, 0.2]
    assert (series.before.version, series.newest.version) == ("a v9", "a v10")


@pytest.mark.parametrize(
    ("before", "after", "others", "expected"),
    [
        (0.5, 0.6, {}, "better"),
        (0.5, 0.4, {}, "worse"),
        (0.5, 0.6, {"better": "lower"}, "worse"),
        (0.5, 0.5002, {}, "same"),
        (0.5, 0.4, {"of": "chance"}, ""),
        (0.5, 0.4, {"what": "model", "of": "interpolation"}, ""),
        (0.5, 0.4, {"what": "model", "of": "model"}, "worse"),
        (10, 20, {"what": "index", "measure": "disk_mb", "of": "", "better": "lower"}, ""),
        (1.0, 1.1, {"what": "index", "measure": "p50_ms", "of": "", "better": "lower"}, "same"),
        (1.0, 1.5, {"what": "index", "measure": "p50_ms", "of": "", "better": "lower"}, "worse"),
    ],
)
def test_better_and_worse(before, after, others, expected):
    series = only([row("a v1", before, **others), row("a v2", after, 1, **others)])
    assert series.verdict == expected
    assert series.change == pytest.approx(after - before)


def test_one_version_is_compared_with_itself_as_it_was():
    assert only([row()]).verdict == ""
    again = only([row(value=0.5), row(value=0.4, hours=1)])
    assert (again.before.value, again.verdict) == (0.5, "worse")


def test_a_probes_own_vectors_come_first_and_count(board):
    micro = [s for s in board.series if (s.name, s.measure) == ("genre", "micro_ap")]
    assert [s.of for s in micro] == ["context", "isolated", "concatenation", "audio", "chance"]
    assert [s.ours for s in micro] == [True, False, False, False, False]


# Two versions


def test_two_versions_side_by_side(board):
    found = compare(board.series, "genre_v2", "genre v3")
    (micro,) = [
        d for d in found.differences if (d.series.measure, d.series.of) == ("micro_ap", "context")
    ]
    assert micro.change == pytest.approx(-0.04)
    assert (micro.verdict, micro.outside) == ("worse", False)
    assert "got worse: " in found.said
    assert "micro ap of context (0.700 to 0.660" in found.said
    back = compare(board.series, "genre v3", "genre v2")
    assert "nothing got worse" in back.said


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((0.5, 0.4, 0.6), (0.8, 0.7, 0.9), True),
        ((0.5, 0.4, 0.6), (0.58, 0.5, 0.7), False),
        ((0.5, 0.4, 0.6), (0.65, 0.3, 0.9), False),
        ((0.5, None, None), (0.9, 0.8, 1.0), None),
    ],
)
def test_outside_both_intervals(first, second, expected):
    rows = [
        row(f"a v{i}", value, i, low=low, high=high)
        for i, (value, low, high) in enumerate((first, second), 1)
    ]
    (one,) = compare(series_of(rows), "a_v1", "a_v2").differences
    assert one.outside is expected


def test_checkpoints_of_two_presets_can_be_compared():
    told = {"what": "model", "measure": "masked_shots", "of": "model", "better": "lower"}
    rows = [
        row("checkpoint 0001", 0.3, name="tiny", **told),
        row("checkpoint 0002", 0.2, name="base", **told),
    ]
    (one,) = compare(series_of(rows), "0001", "0002").differences
    assert one.verdict == "better"


def test_versions_that_are_not_there_are_refused(board):
    with pytest.raises(NotFound, match=r"version 'nope'; there are genre v1"):
        compare(board.series, "genre_v1", "nope")
    with pytest.raises(InvalidInput, match="genre v1 and pace v1 are not of one task"):
        compare(board.series, "genre_v1", "pace_v1")


# Coverage


def test_coverage_counts_titles(store):
    store.add_title(title_rows(store, "alpha", random_vectors(40), tags=["Space"]))
    store.add_title(title_rows(store, "beta", random_vectors(5, 1)))
    build_index(store, store.live("fused"), device="cpu")
    store.add_title(title_rows(store, "gamma", random_vectors(7, 2)))
    item = {"task": "genre", "item": "beta", "title": "beta", "label": "Drama", "value": 1.0}
    store.put("labels", [item | {"source": "file"}])
    tag = {"title": "alpha", "tag": "War", "score": 0.1, "threshold": 0.5, "source": "genre v1"}
    store.put("tags", [tag | {"applies": False}, tag | {"title": "gamma", "applies": True}])
    found = coverage(store)
    assert (found.titles, found.shots, found.hours) == (3, 52, pytest.approx(104 / 3600))
    assert dict(found.shares) == {
        "fused_v1 vectors": 3, "described_v1 vectors": 3, "metadata_v1 vectors": 3,
        "words": 0, "sound": 3, "tags or genres given": 1, "proposed tags": 1, "labels": 1,
    }  # fmt: skip
    assert [(i.space, i.rows, i.new) for i in found.indexes if i.kind != "none"] == [
        ("fused_v1", 45, 7)
    ]


def test_an_empty_store_has_a_page(store):
    page = board_page(dashboard(store), store="s")
    assert not TextInput(page).open
    assert "Nothing was measured yet" in page


# The page


def test_the_page_shows_the_figures_and_escapes(board):
    page = board_page(board, store="s", comparison=compare(board.series, "genre_v2", "genre_v3"))
    texts = TextInput(page).texts
    assert "<img" not in page
    assert "https://" not in page
    assert "nan" not in texts
    for value in ("0.660", "0.510", "0.410", "0.290", "0.991", "0.961", "0.691"):
        assert value in texts
    assert EVIL in texts


def test_hundreds_of_tags_are_folded(store):
    tags = [f"tag {i}" for i in range(100)]
    measure(store, tags)
    (probe, *_) = sections(series_of(store.rows("evaluations").to_dicts()))
    parts = (probe.best, probe.worst, probe.rest)
    best, worst, rest = ([tag.series.label for tag in part] for part in parts)
    assert len(best) == len(worst) == ENDS
    assert [*best, *rest, *worst] == tags  # made ever worse
    _, table = probe.confusion
    assert len(table.labels) == MOST
    assert table.labels[-1] == OTHERS


def test_a_confusion_keeps_its_counts():
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 9, (30, 30))
    table = confused({"labels": [str(i) for i in range(30)], "counts": counts.tolist()})
    assert sum(cell.number for line in table.rows for cell in line) == counts.sum()
    assert all(sum(cell.percent for cell in line) == pytest.approx(100) for line in table.rows)
    truth, predicted, count, of = table.pairs[0]
    assert counts[int(truth), int(predicted)] == count
    assert counts[int(truth)].sum() == of


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_axes_enclose_what_they_show(a, b):
    steps = charts._round_steps(min(a, b), max(a, b))
    assert 2 <= len(steps) <= 12
    size = steps[-1] - steps[0]
    assert steps[0] <= min(a, b) + 1e-6 * size
    assert steps[-1] >= max(a, b) - 1e-6 * size


def test_long_trainings_are_thinned():
    steps = [(i, float(i)) for i in range(1, 10_001)]
    thin = charts._thinned(steps)
    assert len(thin) <= charts._MOST_STEPS
    assert thin[-1][0] == 10_000
    chart = charts.training(steps, [(10, 0.5)], [("title mean", 0.6)])
    assert [line.name for line in chart.lines] == ["title mean", "training", "validation"]


def test_a_trained_store_has_curves(imported):
    (curve,) = dashboard(imported).curves
    assert (curve.checkpoint, curve.preset) == ("0001", "tiny")
    assert [step for step, _ in curve.training] == [1, 2]
    assert len(curve.validation) >= 1
    page = board_page(Dashboard((), [curve], coverage(imported)), store="s")
    assert "Checkpoint 0001" in page


# The command


def test_the_table_tells_what_changed(measured):
    lines = mediafm("reports", "show", "--store", measured.path).stdout.splitlines()
    (line,) = [x for x in lines if "micro_ap" in x and " context " in x]
    assert " ".join(line.split()) == (
        "probe genre genre v3 micro_ap context 0.660 0.610 to 0.710 -0.040 worse genre v2"
    )
    assert not any("Western" in x for x in lines)


def test_json_has_every_figure(measured, board):
    done = mediafm("reports", "show", "--json", "--store", measured.path)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == len(board.series)
    assert {r["label"] for r in rows} >= {"Western", EVIL}


def test_compare_on_the_command_line(measured, tmp_path):
    done = mediafm("reports", "compare", "genre_v2", "genre_v3", "--store", measured.path)
    assert "got worse: " in done.stderr
    assert "Western" in done.stdout
    path = tmp_path / "board.html"
    told = ("context_v1", "context_v2", "--html", path, "--store", measured.path)
    done = mediafm("reports", "compare", *told)
    assert (done.stdout, f"Wrote {path}" in done.stderr) == ("", True)
    assert 'id="compared"' in path.read_text()
    failed = CliRunner().invoke(
        app, ["reports", "compare", "a", "b", "--store", os.fspath(measured.path)]
    )
    assert isinstance(failed.exception, NotFound)


def test_nothing_measured_is_told(store):
    done = mediafm("reports", "show", "--store", store.path)
    assert (done.stdout, "Nothing was measured" in done.stderr) == ("", True)
