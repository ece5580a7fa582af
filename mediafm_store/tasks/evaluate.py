"""How good a trained model is, on the store that it is to serve."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from mediafm_store.arrays import Vectors
from mediafm_store.errors import NotFound
from mediafm_store.model.exam import Exam
from mediafm_store.model.facts import read_facts
from mediafm_store.model.masking import Predictor, trivial_predictors
from mediafm_store.model.packed import TitleShots
from mediafm_store.model.quality import (
    Labelled,
    effective_rank,
    near_duplicates,
    random_pair_cosine,
    scene_ap,
    scene_auc,
)
from mediafm_store.model.run import TrainConfig
from mediafm_store.model.transformer import ShotTransformer
from mediafm_store.model.windows import embed_titles
from mediafm_store.store.store import Store
from mediafm_store.tasks.checkpoints import context_fingerprint, latest
from mediafm_store.tasks.embed import open_model
from mediafm_store.tasks.encoding import DeviceChoice
from mediafm_store.tasks.evaluations import Figure, record_if_writable
from mediafm_store.tasks.train import all_shots

DRAWS = 8
OWN = ("model", "context")
"""What a model is; all beside it needs no training."""


@dataclass(frozen=True)
class ModelReport:
    """Of one checkpoint. Measures that a store gives no data for are None."""

    checkpoint: Path
    preset: str
    titles: int
    shots: int
    held_out: int
    """Titles that were not trained on, and that `msm` is measured on."""
    msm: dict[str, float]
    """Mean cosine distance at masked shots, of the model and of trivial predictors; 0 is best."""
    labelled: int
    """Titles whose shots carry scene numbers; `auc` and `ap` are means over these."""
    auc: dict[str, float] | None
    """Two shots of one scene above two of different scenes, equally far apart; chance is .5."""
    ap: dict[str, float] | None
    """Average precision of finding where scenes end."""
    random_cosine: dict[str, float]
    """Mean cosine of two shots picked at random."""
    rank: dict[str, float]
    """How many directions the vectors use."""
    duplicates: float
    """Share of shots that have a near duplicate in their title."""


def evaluate_model(
    store: Store, *, checkpoint: str | Path | None = None, device: DeviceChoice = "auto"
) -> ModelReport:
    """Measure a checkpoint (default: the newest) on the titles of a store.

    Masked shots are predicted in the titles that were held out when it was trained. Scenes count
    where `shots.scene` is filled, in all titles: training sees no labels. The figures are kept in
    the table `evaluations`, if it can be written to. Raises NotFound if none of the held-out titles
    are in the store any more.
    """
    folder = latest(store) if checkpoint is None else Path(checkpoint)
    model = open_model(store, folder, device)
    facts = read_facts(folder)
    titles = all_shots(store)
    held_out = [title for title in titles if title.id in set(facts.get("held_out", ()))]
    if not held_out:
        raise NotFound(
            f"none of the titles that checkpoint {folder} was not trained on are in {store.path};"
            " train anew with `mediafm train`"
        )
    fused = [title.fused for title in titles]
    context = [made.shots for made in embed_titles(model, titles)]
    labels = scenes(store, titles)
    alone, within = of_scenes(fused, labels), of_scenes(context, labels)
    spaces = {"isolated": np.concatenate(fused), "context": np.concatenate(context)}
    rng = np.random.default_rng(0)
    report = ModelReport(
        checkpoint=folder,
        preset=str(facts.get("preset", "")),
        titles=len(titles),
        shots=sum(len(shots) for shots in fused),
        held_out=len(held_out),
        msm=masked_shots(model, held_out),
        labelled=len(labels),
        auc=scene_auc(alone, within) if labels else None,
        ap=scene_ap(alone, within) if labels else None,
        random_cosine={n: random_pair_cosine(v, rng=rng) for n, v in spaces.items()},
        rank={n: effective_rank(v, rng=rng) for n, v in spaces.items()},
        duplicates=near_duplicates(fused),
    )
    record_if_writable(
        store,
        "model",
        figures(report),
        name=report.preset,
        version=f"checkpoint {folder.name}",
        fingerprint=context_fingerprint(folder, store.live("fused").fingerprint),
    )
    return report


def figures(report: ModelReport) -> list[Figure]:
    """What is kept of a report. Near duplicates are a fact of the catalogue, not of the model."""
    measured: list[tuple[str, Mapping[str, float], Literal["higher", "lower"]]] = [
        ("masked_shots", report.msm, "lower"),
        ("same_scene", report.auc or {}, "higher"),
        ("scene_ends", report.ap or {}, "higher"),
        ("random_pairs", report.random_cosine, "lower"),
        ("effective_rank", report.rank, "higher"),
    ]
    return [
        Figure(measure, value, of, better=better, own=of in OWN)
        for measure, values, better in measured
        for of, value in values.items()
    ]


def masked_shots(model: ShotTransformer, titles: list[TitleShots]) -> dict[str, float]:
    """The loss of the model and of predictors that it must beat."""
    exam = Exam(
        titles,
        size=model.config.max_shots,
        mask_rate=TrainConfig().mask_rate,
        draws=DRAWS,
        generator=torch.Generator().manual_seed(0),
        device=model.cls.device,
    )
    guesses: dict[str, Predictor] = {"model": model, **trivial_predictors()}
    return {name: exam.grade(guess) for name, guess in guesses.items()}


def scenes(store: Store, titles: list[TitleShots]) -> dict[int, np.ndarray]:
    """The scene of each shot, -1 where there is none, of those titles that have scenes."""
    by_title = store.shots(columns=["title", "scene"]).partition_by("title", as_dict=True)
    found = {}
    for place, title in enumerate(titles):
        numbers = by_title[title.id,]["scene"].fill_null(-1).to_numpy()
        if len(set(numbers[numbers >= 0])) > 1:
            found[place] = numbers.astype(np.int64)
    return found


def of_scenes(vectors: list[Vectors], labels: dict[int, np.ndarray]) -> list[Labelled]:
    """The titles that have scenes."""
    return [Labelled(vectors[place], numbers) for place, numbers in labels.items()]
