"""How good a model is, as numbers, table and page; a clip from within its title."""

import json
import math
import re
import tracemalloc
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from mediafm_cli.main import app
from mediafm_store import TrainConfig
from mediafm_store.arrays import FUSED, unit_rows
from mediafm_store.embedding.embed import embed_clip, open_model
from mediafm_store.errors import InvalidInput, NotFound
from mediafm_store.evaluation import model as evaluate
from mediafm_store.evaluation.model import evaluate_model
from mediafm_store.model import scene_metrics
from mediafm_store.model.scene_metrics import LabelledFilm, effective_rank, random_pair_cosine
from mediafm_store.model.scene_metrics import _scene_ap as scene_ap
from mediafm_store.model.scene_metrics import _scene_auc as scene_auc
from mediafm_store.model.sequences import read
from mediafm_store.model.windows import embed_titles
from mediafm_store.report.pages import write_model_page
from mediafm_store.training.checkpoints import latest
from mediafm_store.training.masking import trivial_predictors
from mediafm_store.training.train import stored_titles, train
from tests.conftest import random_vectors, title_rows


def mediafm(*arguments):
    done = CliRunner().invoke(app, list(map(str, arguments)))
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="module")
def report(imported):
    return evaluate_model(imported, device="cpu")


def test_masked_shots_are_those_of_titles_held_out(imported, report):
    assert set(report.msm) == {"model", *trivial_predictors()}
    assert report.held_out == 1
    assert all(0 < value < 1.5 for value in report.msm.values())
    assert evaluate_model(imported, device="cpu") == report


def test_a_report_on_titles_that_are_all_gone_is_refused(imported, store, tmp_path):
    for seed in range(3):
        store.add_title(title_rows(store, f"t{seed}", random_vectors(9, seed), series="one"))
    store.add_title(title_rows(store, "t3", random_vectors(9, 3)))
    train(store, preset="tiny", config=TrainConfig(steps=0), device="cpu")
    config = store.path / "checkpoints" / "0001" / "config.json"
    facts = json.loads(config.read_text())
    facts["facts"]["held_out"] = ["another"]
    config.write_text(json.dumps(facts))
    with pytest.raises(NotFound, match="train anew"):
        evaluate_model(store, device="cpu")


def test_figures_are_those_of_all_titles_together(imported, report):
    """They are made title by title, so that no store is too large."""
    model = open_model(imported, latest(imported), "cpu")
    titles = read(stored_titles(imported))
    fused = [title.fused for title in titles]
    context = [made.shots for made in embed_titles(model, titles)]
    scenes = [imported.shots(title.id)["scene"].to_numpy().astype(np.int64) for title in titles]
    films = [[*map(LabelledFilm, some, scenes)] for some in (fused, context)]
    assert report.auc == scene_auc(*films)
    assert report.ap == scene_ap(*films)
    rng = np.random.default_rng(0)
    spaces = {"isolated": np.concatenate(fused), "context": np.concatenate(context)}
    pairs = {name: random_pair_cosine(every, rng=rng) for name, every in spaces.items()}
    assert report.random_cosine == pairs
    for name, every in spaces.items():
        sample = every[rng.permutation(len(every))[: scene_metrics.SAMPLE]]
        assert report.rank[name] == effective_rank(sample)
    assert report.duplicates == sum(map(scene_metrics.twins, fused)) / len(spaces["isolated"])
    assert report.shots == len(spaces["isolated"])


def test_vectors_are_not_held_in_memory(store, monkeypatch):
    """Four times the titles need no more; only of those held out some stay."""
    monkeypatch.setattr(evaluate, "SAMPLE", 50)
    peaks = []
    for first, last in ((0, 10), (10, 40)):
        for number in range(first, last):
            store.add_title(title_rows(store, f"t{number:02d}", random_vectors(200, number)))
        train(store, preset="tiny", config=TrainConfig(steps=0), device="cpu")
        tracemalloc.start()
        assert evaluate_model(store, device="cpu").shots == 200 * last
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 200 * 30 * FUSED * 4 / 2


def test_shots_are_masked_as_they_were_in_training(store):
    for seed in range(3):
        store.add_title(title_rows(store, f"t{seed}", random_vectors(30, seed)))
    rates, losses = (0.1, 0.8), []
    for rate in rates:
        train(store, preset="tiny", config=TrainConfig(steps=0, mask_rate=rate), device="cpu")
        config = latest(store) / "config.json"
        for told in (rate, rates[0]):
            content = json.loads(config.read_text())
            content["facts"]["mask_rate"] = told
            config.write_text(json.dumps(content))
            losses.append(evaluate_model(store, device="cpu").msm["mean of 4 neighbours"])
    assert losses[0] == losses[1] == losses[3] != losses[2]
    content["facts"]["mask_rate"] = "all"
    config.write_text(json.dumps(content))
    with pytest.raises(InvalidInput, match="says 'all' of its shots were hidden; train again"):
        evaluate_model(store, device="cpu")


def test_without_labels_scenes_are_not_measured(store):
    for seed in range(3):
        store.add_title(title_rows(store, f"t{seed}", random_vectors(9, seed)))
    train(store, preset="tiny", config=TrainConfig(steps=0), device="cpu")
    report = evaluate_model(store, device="cpu")
    assert (report.auc, report.ap, report.labelled) == (None, None, 0)


def test_the_command_prints_what_the_function_returns(imported, report):
    table = mediafm("evaluate", "model", "--store", imported.path, "--device", "cpu")
    assert re.search(rf"same scene +context +{report.auc['context']:.3f} +higher", table)
    (line,) = mediafm(
        "evaluate", "model", "--json", "--store", imported.path, "--device", "cpu"
    ).splitlines()
    assert json.loads(line)["msm"] == pytest.approx(report.msm)


class TextInput(HTMLParser):
    """The texts of a page, and that its tags close."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):  # noqa: ARG002
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data.strip())


def test_the_page_shows_every_figure(imported, report, tmp_path):
    path = tmp_path / "scene_metrics.html"
    mediafm("evaluate", "model", "--store", imported.path, "--html", path, "--device", "cpu")
    page = TextInput(path.read_text())
    assert not page.open
    figures = [
        *report.msm.values(),
        *report.auc.values(),
        *report.ap.values(),
        *report.rank.values(),
    ]
    for value in figures:
        assert f"{value:.3f}" in page.texts
    assert "https://" not in path.read_text()


def test_the_page_escapes_and_leaves_out_what_is_not_known(imported, report, tmp_path):
    odd = type(report)(
        **{**vars(report), "preset": "<b>x</b>", "auc": {"isolated": math.nan, "context": 0.5}}
    )
    write_model_page(tmp_path / "odd.html", store=imported, report=odd)
    text = (tmp_path / "odd.html").read_text()
    assert "<b>x</b>" not in text
    assert "&lt;b&gt;x" in text
    assert "nan" not in text


def test_a_clip_is_the_mean_of_its_shots_in_three_ways(imported):
    clip = embed_clip(imported, "f2", 61.0, 69.5, device="cpu")
    assert clip.shots == [f"f2/{i:05d}" for i in range(30, 35)]
    ids, context = imported.vectors(imported.live("context"), "f2")
    inside = [ids.index(shot) for shot in clip.shots]
    mean = unit_rows(context[inside].mean(axis=0, keepdims=True))
    np.testing.assert_allclose(clip.context, mean, atol=2e-3)
    _, fused = imported.vectors(imported.live("fused"), "f2")
    np.testing.assert_allclose(
        clip.fused, unit_rows(fused[inside].mean(0, keepdims=True)), atol=1e-5
    )
    assert 0.3 < float((clip.isolated @ clip.context.T).item()) < 0.9999


def test_a_clip_of_a_whole_title_has_no_more_context(imported):
    clip = embed_clip(imported, "f1", 0, 1000, device="cpu")
    np.testing.assert_allclose(clip.isolated, clip.context, atol=1e-6)


def test_a_clip_that_is_not_there_is_refused(imported):
    with pytest.raises(InvalidInput, match=r"no shots from 400 to 500 s; it is 160\.0 s long"):
        embed_clip(imported, "f1", 400, 500, device="cpu")
    with pytest.raises(NotFound, match="no title 'f9'"):
        embed_clip(imported, "f9", 0, 5, device="cpu")


def test_the_command_prints_a_clips_vectors(imported):
    arguments = (
        "f2",
        "--from",
        "1:01",
        "--to",
        "69.5",
        "--store",
        imported.path,
        "--device",
        "cpu",
    )
    found = json.loads(mediafm("clips", "embed", "--json", *arguments))
    clip = embed_clip(imported, "f2", 61.0, 69.5, device="cpu")
    for name in ("fused", "isolated", "context"):
        np.testing.assert_allclose(found[name], getattr(clip, name)[0], atol=1e-6)
    assert "context against isolated" in mediafm("clips", "embed", *arguments)


def test_training_leaves_a_history_and_tells_tensorboard(store, tmp_path):
    tensorboard = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    for seed in range(3):
        store.add_title(title_rows(store, f"t{seed}", random_vectors(9, seed)))
    board = tmp_path / "board"
    arguments = ("--preset", "tiny", "--steps", 12, "--store", store.path, "--device", "cpu")
    mediafm("train", *arguments, "--tensorboard", board)
    rows = (store.path / "checkpoints" / "0001" / "history.csv").read_text().splitlines()
    names, *steps = (row.split(",") for row in rows)
    assert names[:4] == ["step", "steps", "loss", "validation"]
    assert [int(step[0]) for step in steps] == list(range(1, 13))
    assert [bool(step[3]) for step in steps] == [i in {10, 12} for i in range(1, 13)]
    seen = tensorboard.EventAccumulator(str(board)).Reload()
    losses = [event.value for event in seen.Scalars("loss")]
    assert losses == pytest.approx([float(step[2]) for step in steps], abs=1e-6)
    assert len(seen.Scalars("validation")) == 2


def test_import_from_the_command_line(tmp_path):
    np.savez(
        tmp_path / "a.npz",
        vgg=np.random.default_rng(0).normal(size=(6, 9)),
        shots=np.stack([10 * np.arange(6), 10 * np.arange(6) + 9], axis=1),
    )
    options = ("--visual", "vgg", "--fps", "25", "--store", tmp_path / "store", "--json")
    row = json.loads(mediafm("import", tmp_path / "a.npz", *options))
    assert (row["title"], row["state"], row["shots"], row["film_s"]) == ("a", "ingested", 6, 2.4)
    assert torch.tensor(row["took_s"]) > 0
