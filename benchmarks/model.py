"""The contextual model on films with labelled scenes: `python -m benchmarks.model`.

Films are dealt into five folds; a model is trained on four of them, without labels, and measured on
the fifth. `--features FOLDER` takes other films: a .npz each, with `shot_scene` [shots], -1 where
there is none, and vectors `feat_NAME` [shots, width]; `--use` says which of them are the blocks.

  msm        mean cosine distance between a masked shot and its prediction; 0 is best
  auc        two shots of one scene above two of different scenes, equally far apart; chance .5
  ap         average precision of finding the cuts that end a scene
  speed      against Hugging Face's BertModel of the same size over padded batches, in one run
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from benchmarks import bert
from benchmarks.common import ROOT, print_table, write_results
from mediafm_store.arrays import BLOCK, MODALITIES, Modality, Vectors, unit_rows
from mediafm_store.encoders.blocks import BlockMap
from mediafm_store.features.fusion import fuse
from mediafm_store.model.scene_metrics import LabelledFilm, stratified_auc
from mediafm_store.model.scene_metrics import _boundary_ap as boundary_ap
from mediafm_store.model.scene_metrics import _mean as mean
from mediafm_store.model.scene_metrics import _scene_ap as scene_ap
from mediafm_store.model.scene_metrics import _scene_auc as scene_auc
from mediafm_store.model.sequences import Packed, TitleSequence, read
from mediafm_store.model.transformer import PRESETS, ModelConfig, ShotTransformer
from mediafm_store.model.windows import embed_titles
from mediafm_store.training.batching import endless, windows
from mediafm_store.training.initialization import start_model
from mediafm_store.training.masking import Predictor, trivial_predictors
from mediafm_store.training.process_group import ALONE
from mediafm_store.training.run import StepShare, TrainConfig, TrainingRun
from mediafm_store.training.run import _seeded as seeded
from mediafm_store.training.trainer import train_model
from mediafm_store.training.validation import ValidationSet

FOLDS, REPEATS, DRAWS = 5, 7, 8
PRESET, COMPARED = "tiny", "small"
BATCH_SHOTS = 2048
SCALES = (1_000, 10_000, 100_000)
NOTHING = np.zeros(BLOCK, np.float32)


class Film(NamedTuple):
    """A film with labelled scenes."""

    name: str
    shots: TitleSequence
    scenes: np.ndarray


class Variant(NamedTuple):
    """One line of the table of ablations."""

    name: str
    config: TrainConfig
    model: ModelConfig = PRESETS[PRESET]
    start: Callable[..., ShotTransformer] = start_model
    prepare: Callable[[list[TitleSequence]], list[TitleSequence]] = list


def main() -> None:
    """Measure all and write benchmarks/results/model.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = ROOT.parent / "shared" / "data" / "ovsd"
    parser.add_argument("--features", type=Path, default=default, help="folder of .npz")
    parser.add_argument("--use", nargs="+", default=["VGG19", "HSV"], help="names of vectors")
    parser.add_argument("--step", choices=PRESETS, help=argparse.SUPPRESS)
    parser.add_argument("--scale", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step or given.scale:
        print(json.dumps(one_step(given.step) if given.step else scaling(given.scale)))
        return
    films = load(given.features, given.use)
    shots = sum(len(f.scenes) for f in films)
    print(f"{len(films)} films, {shots} shots, {FOLDS} folds")
    figures = quality(films)
    figures |= {"ablations": ablations(films)}
    figures |= speed([film.shots for film in films])
    figures |= {"scaling": [alone("--scale", str(count)) for count in SCALES]}
    print_table(figures["scaling"])
    figures |= {"step_at_512_shots": [alone("--step", preset) for preset in PRESETS]}
    print_table(figures["step_at_512_shots"])
    facts = {"films": [f.name for f in films], "features": given.use, "shots": shots}
    write_results("model", facts | figures)


def load(folder: Path, names: Sequence[str]) -> list[Film]:
    """The films that have all of the features."""
    found = []
    for path in sorted(folder.glob("*.npz")):
        with np.load(path, allow_pickle=False) as arrays:
            if all(f"feat_{name}" in arrays for name in names):
                features = [arrays[f"feat_{name}"] for name in names]
                shots = TitleSequence(fused(features), NOTHING, id=path.stem)
                found.append(Film(path.stem, shots, arrays["shot_scene"].astype(np.int64)))
    if len(found) < FOLDS:
        sys.exit(f"{len(found)} films in {folder} have {' and '.join(names)}; {FOLDS} are needed")
    return found


def fused(features: Sequence[np.ndarray]) -> Vectors:
    """As `mediafm import` makes it of the same arrays; blocks for which there are none are zero."""
    blocks: dict[Modality, np.ndarray] = {
        m: np.zeros((len(features[0]), BLOCK), np.float32) for m in MODALITIES
    }
    for modality, native in zip(MODALITIES, features, strict=False):
        blocks[modality] = BlockMap.plain(native.shape[1]).blocks(native.astype(np.float32))
    return fuse(blocks)


def folds(films: Sequence[Film]) -> Iterator[tuple[list[TitleSequence], list[Film]]]:
    """Films to train on, and films never seen."""
    order = np.random.default_rng(0).permutation(len(films))
    for held_out in np.array_split(order, FOLDS):
        yield (
            [films[i].shots for i in order if i not in held_out],
            [films[i] for i in held_out],
        )


def exam_of(films: Sequence[Film]) -> ValidationSet:
    """Masked shots of films never seen."""
    return ValidationSet(
        [film.shots for film in films],
        size=PRESETS[PRESET].max_shots,
        mask_rate=0.2,
        draws=DRAWS,
        generator=torch.Generator().manual_seed(1),
    )


def contextual(model: ShotTransformer, films: Sequence[Film]) -> list[LabelledFilm]:
    """Films as the model sees them."""
    made = embed_titles(model, [film.shots for film in films])
    return [LabelledFilm(m.shots, film.scenes) for m, film in zip(made, films, strict=True)]


def quality(films: Sequence[Film]) -> dict[str, Any]:
    """The model beside what needs none."""
    measures: dict[str, dict[str, list[float]]] = {
        "msm": {},
        "stratified_auc": {},
        "boundary_ap": {},
    }
    for training, held_out in folds(films):
        model = train_model(training, PRESETS[PRESET], TrainConfig()).model
        exam = exam_of(held_out)
        guesses: dict[str, Predictor] = {"model": model, **trivial_predictors()}
        alone = [LabelledFilm(film.shots.fused, film.scenes) for film in held_out]
        context = contextual(model, held_out)
        found = {
            "msm": {
                name.replace("mean of 4 neighbours", "neighbour mean").replace(
                    " ", "_"
                ): exam.grade(g)
                for name, g in guesses.items()
            },
            "stratified_auc": scene_auc(alone, context),
            "boundary_ap": scene_ap(alone, context),
        }
        for measure, values in found.items():
            for name, value in values.items():
                measures[measure].setdefault(name, []).append(value)
    for measure, kinds in measures.items():
        rows = [
            {measure: name, "mean": float(np.mean(folds)), **dict(enumerate(folds))}
            for name, folds in kinds.items()
        ]
        print_table([{str(k): v for k, v in row.items()} for row in rows])
    return {
        measure: {
            name: {"mean": float(np.mean(values)), "folds": values}
            for name, values in kinds.items()
        }
        for measure, kinds in measures.items()
    }


# Ablations


def ablations(films: Sequence[Film]) -> list[dict[str, Any]]:
    """What each part is worth, at 100 steps; means over the folds."""
    short = TrainConfig(steps=100, patience=100)
    fast = replace(short, muon_lr=3e-3, adamw_lr=1e-3)
    plain = replace(short, turned=0.0)
    variants = [
        Variant("as it is", short),
        Variant("no step: the start", replace(short, steps=0)),
        Variant("titles not turned", plain),
        Variant("high rates", fast),
        Variant("high rates, titles not turned", replace(fast, turned=0.0)),
        Variant("AdamW for all", replace(short, optimizer="adamw")),
        Variant("AdamW for all, high rate", replace(fast, optimizer="adamw")),
        Variant("block dropout", short, prepare=with_blocks_dropped),
        Variant("time crops of 64 shots", short, prepare=cropped),
        Variant("preset small", short, PRESETS["small"]),
        Variant("layers start at random", fast, start=random_layers),
        Variant("layers start at random, no averages", fast, start=without_averages),
        Variant("not whitened", replace(short, steps=0), start=not_whitened),
    ]
    rows = [ablation(films, variant) for variant in variants]
    print_table(rows)
    return rows


def ablation(films: Sequence[Film], variant: Variant) -> dict[str, Any]:
    """`drift`: how much the loss on validation titles has risen from the start to the last step."""
    rows = []
    for training, held_out in folds(films):
        result = train_model(
            variant.prepare(training), variant.model, variant.config, start=variant.start
        )
        context = contextual(result.model, held_out)
        last = result.history[-1].validation if result.history else None
        start = result.baselines["untrained"]
        rows.append(
            {
                "best step": float(result.best_step),
                "drift": (start if last is None else last) - start,
                "msm": exam_of(held_out).grade(result.model),
                "auc": stratified_auc(context),
                "ap": boundary_ap(context),
            }
        )
    return {"variant": variant.name} | {k: mean(row[k] for row in rows) for k in rows[0]}


def with_blocks_dropped(titles: list[TitleSequence]) -> list[TitleSequence]:
    """Each title, and again for each block that it has without that block."""
    found = list(titles)
    for title in titles:
        for place in range(len(MODALITIES)):
            less = title.fused.copy()
            less[:, BLOCK * place : BLOCK * (place + 1)] = 0
            if less.any() and not np.array_equal(less, title.fused):
                found.append(title._replace(fused=unit_rows(less)))
    return found


def cropped(titles: list[TitleSequence]) -> list[TitleSequence]:
    """Titles in pieces."""
    return read(windows(titles, 64))


def random_layers(
    config: ModelConfig, titles: Sequence[TitleSequence], *, generator: torch.Generator
) -> ShotTransformer:
    """As usual for transformers: all matrices from a normal distribution; averages stay."""
    model = start_model(config, titles, generator=generator)
    for parameter in model.parameters():
        if parameter.ndim == 2:
            torch.nn.init.normal_(parameter, std=0.02, generator=generator)
    return model


class LayersAlone(ShotTransformer):
    """Predicts by its layers, without averages of the neighbours."""

    def expected(self, titles: Packed, masked: Tensor) -> Tensor:
        """Nothing."""
        return torch.zeros_like(titles.fused[masked])


def without_averages(
    config: ModelConfig, titles: Sequence[TitleSequence], *, generator: torch.Generator
) -> ShotTransformer:
    """The plain transformer."""
    model = LayersAlone(config)
    model.load_state_dict(random_layers(config, titles, generator=generator).state_dict())
    return model


def not_whitened(
    config: ModelConfig, titles: Sequence[TitleSequence], *, generator: torch.Generator
) -> ShotTransformer:
    """Contextual vectors are averages of fused ones as they are."""
    model = start_model(config, titles, generator=generator)
    model.whitening = type(model.whitening)(config.dim, config.metadata_dim)
    return model


# Speed


def speed(titles: list[TitleSequence]) -> dict[str, Any]:
    """Training and embedding, ours and BERT's in turn; medians of the ratios of shots a second."""
    config = PRESETS[COMPARED]
    run, shares = new_run(config, titles)
    theirs = bert.BertOfShots(config)
    optimizer = torch.optim.AdamW(theirs.parameters(), lr=1e-4)
    chances = torch.Generator().manual_seed(0)
    order = torch.randperm(len(titles), generator=chances).tolist()
    padded = bert.padded([titles[i] for i in order], config.max_shots, BATCH_SHOTS)
    shots = sum(len(t.fused) for t in titles)
    adamw, _ = new_run(config, titles, TrainConfig(optimizer="adamw"))

    def ours(which: TrainingRun) -> Callable[[], int]:
        def step() -> int:
            share = next(shares)
            which.step(1, share)
            return share.shots

        return step

    def their_step() -> int:
        batch = padded[int(torch.randint(len(padded), (), generator=chances))]
        bert.train_step(theirs, optimizer, batch, chances)
        return int(batch[1].sum())

    def embed_ours() -> int:
        return sum(len(made.shots) for made in embed_titles(run.model, titles))

    def embed_theirs() -> int:
        bert.embed(theirs, padded)
        return shots

    rates: dict[str, list[float]] = {}
    jobs = {
        "train": ours(run),
        "train, AdamW": ours(adamw),
        "train, BERT": their_step,
        "embed": embed_ours,
        "embed, BERT": embed_theirs,
    }
    for repeat in range(REPEATS + 1):
        for name, job in jobs.items():
            began = time.perf_counter()
            done = job()
            if repeat:  # the first warms up
                rates.setdefault(name, []).append(done / (time.perf_counter() - began))
    real = sum(int(r.sum()) for _, r in padded)
    figures = {
        "train_over_hf_bert": ratio(rates["train"], rates["train, BERT"]),
        "train_adamw_over_hf_bert": ratio(rates["train, AdamW"], rates["train, BERT"]),
        "embed_over_hf_bert": ratio(rates["embed"], rates["embed, BERT"]),
        "padding_of_hf_bert": sum(r.numel() for _, r in padded) / real - 1,
    }
    print_table([{"preset": COMPARED} | figures])
    return figures | {"shots_per_s": {name: median(found) for name, found in rates.items()}}


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Of two rates, that were measured in turn."""
    return median(a / b for a, b in zip(ours, theirs, strict=True))


def new_run(
    config: ModelConfig, titles: list[TitleSequence], how: TrainConfig | None = None
) -> tuple[TrainingRun, Iterator[StepShare]]:
    """A training before its first step, and what its steps are made of."""
    model = start_model(config, titles, generator=seeded(0))
    exam = ValidationSet([], size=1, mask_rate=0.2, draws=0, generator=seeded(0))
    run = TrainingRun(model, exam, how or TrainConfig(), ALONE)
    run.turned = 1.0
    batches = endless(titles, size=config.max_shots, batch_shots=BATCH_SHOTS, generator=seeded(0))
    return run, map(run.share, batches)


def scaling(shots: int) -> dict[str, Any]:
    """Start, a pass of training and one of embedding, over titles of 500 random shots."""
    rng = np.random.default_rng(0)
    titles = []
    for _ in range(shots // 500):
        vectors = unit_rows(rng.standard_normal((500, 3 * BLOCK), np.float32))
        titles.append(TitleSequence(vectors, NOTHING))
    began = time.perf_counter()
    run, shares = new_run(PRESETS[PRESET], titles)
    started = time.perf_counter()
    done = 0
    while done < shots:
        share = next(shares)
        run.step(1, share)
        done += share.shots
    trained = time.perf_counter()
    for _ in embed_titles(run.model.eval(), titles):
        pass
    embedded = time.perf_counter()
    return {
        "shots": shots,
        "start s": started - began,
        "pass s": trained - started,
        "embed s": embedded - trained,
        "peak MB": peak_mb(),
    }


def alone(*arguments: str) -> dict[str, Any]:
    """`one_step` or `scaling` in a process of its own, so that memory is its own."""
    command = [sys.executable, "-m", "benchmarks.model", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def peak_mb() -> float:
    """The most memory that this process has taken; since it started, as getrusage does not say."""
    status = Path("/proc/self/status").read_text()
    return float(status.partition("VmHWM:")[2].split()[0]) / 1024


def one_step(preset: str) -> dict[str, Any]:
    """Time and memory of a training step over one title of 512 shots."""
    rng = np.random.default_rng(0)
    vectors = unit_rows(rng.standard_normal((512, 3 * BLOCK), np.float32))
    before = peak_mb()
    run, shares = new_run(PRESETS[preset], [TitleSequence(vectors, NOTHING)])
    took = []
    for number in (1, 2, 3):
        began = time.perf_counter()
        run.step(number, next(shares))
        took.append(time.perf_counter() - began)
    parameters = sum(p.numel() for p in run.model.parameters())
    return {
        "preset": preset,
        "layers": run.model.config.layers,
        "million parameters": parameters / 1e6,
        "step s": median(took),
        "MB": peak_mb() - before,
    }


if __name__ == "__main__":
    main()
