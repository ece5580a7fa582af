"""The model and the indexes on a GPU: `python -m benchmarks.gpu`; `--quick` is for any machine.

  train   a training step of each size: shots a second, and what each part of it takes
  whole   a training of 100 steps from its start to its end, exams and all
  embed   contextual vectors of titles, from memory to memory
  bert    Hugging Face's BertModel of the same size over padded batches, with AdamW
  index   FAISS: what is made of a million rows, and how it is searched
  tuned   an index as `mediafm index build` makes it

`of peak` is 6 x weights x shots / seconds, as a share of what the card can do in dense bfloat16.
`busy` is the share of the time in which the GPU computes, of steps that follow each other.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks import bert
from benchmarks.common import print_table, write_results
from mediafm_indexes.build import IndexTarget, build, trainers
from mediafm_indexes.faiss_index import FaissIndex, has_gpu, sample_for
from mediafm_indexes.index import Device
from mediafm_store.arrays import BLOCK, unit_rows
from mediafm_store.model.sequences import TitleSequence
from mediafm_store.model.transformer import PRESETS, ShotTransformer
from mediafm_store.model.windows import embed_titles
from mediafm_store.training.batching import endless
from mediafm_store.training.optim import OptimizerName
from mediafm_store.training.process_group import ALONE
from mediafm_store.training.run import StepShare, TrainConfig, TrainingRun
from mediafm_store.training.run import _seeded as seeded
from mediafm_store.training.trainer import train_model
from mediafm_store.training.validation import ValidationSet

PEAK = {"H100": 989e12, "H200": 989e12}
"""Operations a second in dense bfloat16, by NVIDIA's data sheets (SXM)."""
LONGEST = 512
DIM = 3 * BLOCK
LATENT = 256
"""Directions in which the vectors of an index mostly lie, as films' do."""
CLUSTER = 200
"""Rows that are alike."""
KINDS = ("fp16", "pca-ivf-sq8")
CANDIDATES, K = 100, 10
OPTIMIZERS: tuple[OptimizerName, ...] = ("muon", "adamw")


class Scale(NamedTuple):
    """How much is measured."""

    presets: Sequence[str]
    steps_of: Sequence[int]
    """Shots a step."""
    shots: int
    """Of all titles."""
    seconds: float
    """For each figure."""
    trained: str
    """The preset of a whole training."""
    rows: int
    built: int
    """Rows of the index that is also tuned and measured, as `mediafm index build` does."""


FULL = Scale(
    presets=("tiny", "small", "base", "large"),
    steps_of=(2048, 16_384),
    shots=40_000,
    seconds=0.8,
    trained="base",
    rows=1_000_000,
    built=100_000,
)
QUICK = Scale(
    presets=("tiny",),
    steps_of=(512,),
    shots=2_000,
    seconds=0.5,
    trained="tiny",
    rows=6_000,
    built=6_000,
)


def main() -> None:
    """Print the tables and write benchmarks/results/gpu.json, what there is if it is cut off."""
    parts: dict[str, Callable[[Scale, torch.device], Iterator[dict[str, Any]]]] = {
        "train": steps,
        "whole": whole,
        "embed": embedding,
        "bert": berts,
        "index": index,
        "tuned": tuned,
    }
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a minute on a CPU")
    parser.add_argument("--only", nargs="+", choices=parts, default=list(parts))
    given = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    figures: dict[str, Any] = {"device": name_of(device), "cuda": torch.version.cuda}
    for name in given.only:
        rows = figures[name] = []
        try:
            rows.extend(parts[name](QUICK if given.quick else FULL, device))
        finally:
            print(name)
            print_table(rows or [{"nothing": ""}])
            write_results("gpu", figures)
        torch.cuda.empty_cache()


def name_of(device: torch.device) -> str:
    """What computes."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"


@cache
def titles(shots: int) -> list[TitleSequence]:
    """Random shots, in titles of 32 to 800."""
    rng = np.random.default_rng(0)
    made: list[TitleSequence] = []
    while sum(title.shots for title in made) < shots:
        count = min(int(rng.integers(32, 800)), shots)
        vectors = unit_rows(rng.standard_normal((count, DIM), np.float32))
        made.append(TitleSequence(vectors, np.zeros(BLOCK, np.float32), id=str(len(made))))
    return made


def wait(device: torch.device) -> None:
    """Until all is computed."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def seconds_of(job: Callable[[], object], scale: Scale, device: torch.device) -> float:
    """The median, after three that warm up."""
    took: list[float] = []
    while len(took) < 6 or sum(took) < scale.seconds:
        wait(device)
        began = time.perf_counter()
        job()
        wait(device)
        took.append(time.perf_counter() - began)
    return median(took[3:])


# Training


def steps(scale: Scale, device: torch.device) -> Iterator[dict[str, Any]]:
    """A row for each size of model and of step."""
    for preset in scale.presets:
        for shots in scale.steps_of:
            yield step_of(preset, shots, scale, device)


def step_of(preset: str, shots: int, scale: Scale, device: torch.device) -> dict[str, Any]:
    """What a step takes, and what its parts take one after the other."""
    run, plain = (
        new_run(preset, TrainConfig(batch_shots=shots, optimizer=name), device)
        for name in OPTIMIZERS
    )
    every = titles(scale.shots)
    share = run.share(next(endless(every, size=LONGEST, batch_shots=shots, generator=seeded(0))))
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    numbers = iter(range(1, 1_000_000))
    took = seconds_of(lambda: run.step(next(numbers), share), scale, device)
    peak = torch.cuda.max_memory_allocated() if device.type == "cuda" else 0
    alone = partial(seconds_of, scale=scale, device=device)
    muon, adamw = (alone(optimizer.step) for optimizer in run.optimizers)
    operations = 6 * sum(p.numel() for p in run.model.parameters()) * share.shots / took
    most = next((p for card, p in PEAK.items() if card in name_of(device)), None)
    return {
        "preset": preset,
        "shots a step": share.shots,
        "sequences": len(share.sequences),
        "step ms": 1e3 * took,
        "shots/s": share.shots / took,
        "TFLOP/s": operations / 1e12,
        "of peak": operations / most if most else None,
        "busy": busy(run, share, device),
        "copy ms": 1e3 * alone(lambda: run.question(1, share.sequences)),
        "gradients ms": 1e3 * alone(lambda: run.gradients(1, share.sequences)),
        "Muon ms": 1e3 * muon,
        "AdamW ms": 1e3 * adamw,
        "of it Muon": muon / took,
        "AdamW for all, step ms": 1e3 * alone(lambda: plain.step(1, share)),
        "peak GB": peak / 1e9,
    }


def random_model(preset: str, device: torch.device) -> ShotTransformer:
    """Time depends on sizes alone, and a start takes seconds."""
    torch.manual_seed(0)
    with device:
        model = ShotTransformer(PRESETS[preset])
    model.mix.fill_(1 / len(model.mix))
    return model


def new_run(preset: str, config: TrainConfig, device: torch.device) -> TrainingRun:
    """A training before its first step."""
    exam = ValidationSet([], size=1, mask_rate=0.2, draws=0, generator=seeded(0), device=device)
    run = TrainingRun(random_model(preset, device), exam, config, ALONE)
    run.turned = 1.0
    return run


def busy(run: TrainingRun, share: StepShare, device: torch.device) -> float | None:
    """Share of the time of some steps in which kernels run, as the profiler sees it."""
    if device.type != "cuda":
        return None
    with profile(activities=[ProfilerActivity.CUDA]) as seen:
        wait(device)
        began = time.perf_counter()
        for number in range(5):
            run.step(number + 1, share)
        wait(device)
        took = time.perf_counter() - began
    return sum(event.self_device_time_total for event in seen.key_averages()) / 1e6 / took


def whole(scale: Scale, device: torch.device) -> Iterator[dict[str, Any]]:
    """What stands around the steps of a training: its start, and the exams between."""
    config = TrainConfig(steps=10 if scale is QUICK else 100, patience=99)
    every = titles(scale.shots)
    ends: list[float] = []
    began = time.perf_counter()
    result = train_model(
        every,
        PRESETS[scale.trained],
        config,
        device=device,
        on_step=lambda step: ends.append(time.perf_counter()),
    )
    took = time.perf_counter() - began
    between = np.diff([began, *ends])
    asked = np.array([step.validation is not None for step in result.history])
    yield {
        "preset": scale.trained,
        "titles": len(every),
        "steps": len(ends),
        "all s": took,
        "before step 2 s": float(between[0]),
        "step ms": 1e3 * float(np.median(between[~asked])),
        "step and exam ms": 1e3 * float(np.median(between[asked])),
    }


# Embedding


def embedding(scale: Scale, device: torch.device) -> Iterator[dict[str, Any]]:
    """From arrays to arrays."""
    every = titles(scale.shots)
    for preset in scale.presets:
        model = random_model(preset, device).eval()
        took = second_pass(lambda made: sum(1 for _ in embed_titles(made, every)), model, device)
        yield {"preset": preset, "shots/s": sum(t.shots for t in every) / took}


def second_pass(job: Callable[[Any], object], model: Any, device: torch.device) -> float:
    """Seconds of a job that was done once before."""
    job(model)
    wait(device)
    began = time.perf_counter()
    job(model)
    wait(device)
    return time.perf_counter() - began


# What one would take instead


def berts(scale: Scale, device: torch.device) -> Iterator[dict[str, Any]]:
    """A row for each size; in bfloat16 as ours, and copies to the GPU count in both."""
    batches = bert.padded(titles(scale.shots), LONGEST, scale.steps_of[0])
    with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
        yield from (bert_of(preset, batches, scale, device) for preset in scale.presets)


def bert_of(
    preset: str, batches: Sequence[bert.Batch], scale: Scale, device: torch.device
) -> dict[str, Any]:
    """Steps over as many real shots as ours."""
    model = bert.BertOfShots(PRESETS[preset]).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=device.type == "cuda")
    chances, turn = seeded(0), cycle(batches)

    def step() -> None:
        shots, real = next(turn)
        bert.train_step(model, optimizer, (shots.to(device), real.to(device)), chances)

    def embed(model: bert.BertOfShots) -> None:
        for shots, real in batches:
            bert.embed(model, [(shots.to(device), real.to(device))])

    took = seconds_of(step, scale, device)
    shots = sum(int(real.sum()) for _, real in batches)
    return {
        "preset": preset,
        "shots a step": shots // len(batches),
        "step ms": 1e3 * took,
        "shots/s": shots / len(batches) / took,
        "embed shots/s": shots / second_pass(embed, model, device),
    }


# Indexes


def index(scale: Scale, device: torch.device) -> Iterator[dict[str, Any]]:
    """Kinds that a GPU searches, and the smaller of them on the CPU, too."""
    where: Device = "cuda" if has_gpu() else "cpu"
    vectors = np.concatenate(list(alike(scale.rows, device)))
    queries = vectors[np.random.default_rng(0).choice(scale.rows, 150, replace=False)]
    queries = queries.astype(np.float32)
    truth = exact(queries, vectors, device)
    for kind in KINDS:
        made, took = filled(kind, vectors, where)
        told = {"kind": kind, "on": where, "rows": scale.rows, "build s": took}
        yield from (told | found for found in searched(made, queries, truth))
    if where == "cuda":
        with tempfile.TemporaryDirectory() as scratch:
            made.save(Path(scratch) / kind)
            made = FaissIndex.load(Path(scratch) / kind, device="cpu")
        yield from (told | {"on": "cpu"} | found for found in searched(made, queries, truth))


def filled(kind: str, vectors: np.ndarray, where: Device) -> tuple[FaissIndex, float]:
    """An index of all vectors, and how long it took to make."""
    some = np.random.default_rng(1).permutation(len(vectors))[: sample_for(len(vectors))]
    sample = vectors[np.sort(some)].astype(np.float32)
    began = time.perf_counter()
    made = FaissIndex.train(sample, rows=len(vectors), kind=kind, device=where)
    for part in np.array_split(vectors, max(1, len(vectors) // 20_000)):
        made.add(part.astype(np.float32))
    return made, time.perf_counter() - began


def alike(rows: int, device: torch.device) -> Iterator[np.ndarray]:
    """Unit float16 vectors in clusters, which mostly lie in `LATENT` directions."""
    chances = torch.Generator(device).manual_seed(0)
    draw = partial(torch.randn, generator=chances, device=device)
    basis = torch.linalg.qr(draw(DIM, LATENT))[0].T
    spread = torch.linspace(2, 0.2, LATENT, device=device)
    for first in range(0, rows, CLUSTER * 100):
        count = min(CLUSTER * 100, rows - first)
        centres = draw(-(-count // CLUSTER), LATENT).repeat_interleave(CLUSTER, 0)[:count]
        inside = (centres + 0.7 * draw(count, LATENT)) * spread
        made = inside @ basis + 0.05 * draw(count, DIM)
        yield torch.nn.functional.normalize(made, dim=-1).half().cpu().numpy()


def exact(queries: np.ndarray, vectors: np.ndarray, device: torch.device) -> np.ndarray:
    """The rows nearest to each query, itself among them."""
    asked = torch.from_numpy(queries).to(device)
    parts = []
    for part in torch.from_numpy(vectors).split(100_000):
        parts.append((asked @ part.to(device).float().T).cpu())
    return torch.cat(parts, dim=1).topk(K + 1).indices.numpy()


def searched(made: FaissIndex, queries: np.ndarray, truth: np.ndarray) -> Iterator[dict[str, Any]]:
    """Of one query at a time, and of all at once; `recall` is of K in as many candidates."""
    for effort in sorted({min(effort, made.efforts[-1]) for effort in (16, 64, 256)}):
        search = partial(made.search, k=CANDIDATES, effort=effort)
        first = clock(partial(search, queries[:1]))
        took = [clock(partial(search, query[None])) for query in queries[:50]]
        together = clock(partial(search, queries))
        hits = [np.isin(t, f.rows).mean() for t, f in zip(truth, search(queries), strict=True)]
        yield {
            "effort": effort,
            "first s": first,
            "p50 ms": 1e3 * median(took),
            "150 at once, ms each": 1e3 * together / len(queries),
            "recall": float(np.mean(hits)),
        }


def clock(job: Callable[[], object]) -> float:
    """Seconds."""
    began = time.perf_counter()
    job()
    return time.perf_counter() - began


def tuned(scale: Scale, device: torch.device) -> Iterator[dict[str, Any]]:
    """Both kinds where FAISS has a GPU, the smaller one without."""
    places: list[tuple[str, Device]] = [(KINDS[1], "cpu")]
    if has_gpu():
        places += [(kind, "cuda") for kind in KINDS]
    for kind, where in places:
        with tempfile.TemporaryDirectory() as scratch:
            began = time.perf_counter()
            facts = build(
                Path(scratch),
                alike(scale.built, device),
                dim=DIM,
                generator=np.random.default_rng(0),
                kinds=trainers([kind]),
                wanted=IndexTarget(memory_bytes=16e9, device=where),
            )
            took = time.perf_counter() - began
        yield {
            "kind": kind,
            "on": where,
            "rows": scale.built,
            "build s": took,
            "effort": facts.settings.effort,
            "p50 ms": facts.measured.p50_ms,
            "recall": facts.measured.recall_at_10,
        }


if __name__ == "__main__":
    main()
