"""Quality of a trained model on the store that it serves."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from mediafm_store.arrays import FUSED, Vectors
from mediafm_store.embedding.embed import open_model
from mediafm_store.encoding import DeviceChoice
from mediafm_store.errors import InvalidInput, NotFound
from mediafm_store.model.metadata import read_facts
from mediafm_store.model.scene_metrics import (
    SAMPLE,
    LabelledFilm,
    effective_rank,
    film_aps,
    film_aucs,
    over_films,
    paired_cosine,
    twins,
)
from mediafm_store.model.sequences import Title, TitleSequence, read_each
from mediafm_store.model.transformer import ShotTransformer
from mediafm_store.model.windows import embed_titles
from mediafm_store.storage.evaluations import Metric, record_if_writable
from mediafm_store.storage.storage import Storage
from mediafm_store.training.checkpoints import context_fingerprint, latest
from mediafm_store.training.masking import Predictor, trivial_predictors
from mediafm_store.training.run import TrainConfig
from mediafm_store.training.train import stored_titles
from mediafm_store.training.validation import ValidationSet

_DRAWS = 8
_SPACES = ("isolated", "context")
_OWN = ("model", "context")
"""What a model is; all beside it needs no training."""


@dataclass(frozen=True)
class ModelReport:
    """Report on one checkpoint. Measures that a store has no data for are None."""

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
    """Number of directions that the vectors use (effective rank)."""
    duplicates: float
    """Share of shots that have a near duplicate in their title."""


def evaluate_model(
    store: Storage, *, checkpoint: str | Path | None = None, device: DeviceChoice = "auto"
) -> ModelReport:
    """Measure a checkpoint on the titles of a store.

    Masked shots are predicted in the titles that were held out in its training. Scene measures need
    `shots.scene`, and use all titles: training sees no labels. The metrics are stored in the table
    `evaluations`, if it can be written to.

    Args:
        store: The store that has the titles.
        checkpoint: Folder of a checkpoint; None for the newest.
        device: Device of the model.

    Raises:
        NotFound: None of the held-out titles is in the store any more.
    """
    folder = latest(store) if checkpoint is None else Path(checkpoint)
    model = open_model(store, folder, device)
    facts = read_facts(folder)
    titles = stored_titles(store)
    held_out = [title for title in titles if title.id in set(facts.get("held_out", ()))]
    if not held_out:
        raise NotFound(
            f"none of the titles that checkpoint {folder} was not trained on are in {store.path};"
            " train anew with `mediafm train`"
        )
    rate = _mask_rate(folder, facts)
    labels = _scene_numbers(store, titles)
    report = ModelReport(
        checkpoint=folder,
        preset=str(facts.get("preset", "")),
        titles=len(titles),
        shots=sum(title.shots for title in titles),
        held_out=len(held_out),
        msm=_masked_shots(model, held_out, rate),
        labelled=len(labels),
        **_of_vectors(model, titles, labels),
    )
    record_if_writable(
        store,
        "model",
        _model_metrics(report),
        name=report.preset,
        version=f"checkpoint {folder.name}",
        fingerprint=context_fingerprint(folder, store.live("fused").fingerprint),
    )
    return report


def _model_metrics(report: ModelReport) -> list[Metric]:
    """Metrics of a report to store. Near duplicates describe the catalogue, not the model."""
    measured: list[tuple[str, Mapping[str, float], Literal["higher", "lower"]]] = [
        ("masked_shots", report.msm, "lower"),
        ("same_scene", report.auc or {}, "higher"),
        ("scene_ends", report.ap or {}, "higher"),
        ("random_pairs", report.random_cosine, "lower"),
        ("effective_rank", report.rank, "higher"),
    ]
    return [
        Metric(measure, value, of, better=better, own=of in _OWN)
        for measure, values, better in measured
        for of, value in values.items()
    ]


def _of_vectors(
    model: ShotTransformer, titles: Sequence[Title], labels: Mapping[int, np.ndarray]
) -> dict[str, Any]:
    """Fields of a report that need the vectors of all titles, in one pass over them."""
    shots, rng = sum(title.shots for title in titles), np.random.default_rng(0)
    pairs = [_Sample.of(space, shots, 2 * SAMPLE, rng) for space in _SPACES]
    directions = [_Sample.of(space, shots, SAMPLE, rng) for space in _SPACES]
    aucs, aps, repeated, start = [], [], 0, 0
    for place, (alone, context) in enumerate(_alone_and_in_context(model, titles)):
        for sample in (*pairs, *directions):
            sample.take(start, alone if sample.space == "isolated" else context)
        start += len(alone)
        repeated += twins(alone)
        if place in labels:
            film = LabelledFilm(alone, labels[place]), LabelledFilm(context, labels[place])
            aucs.append(film_aucs(*film))
            aps.append(film_aps(*film))
    return {
        "auc": over_films(aucs) or None,
        "ap": over_films(aps) or None,
        "random_cosine": {sample.space: paired_cosine(sample.rows) for sample in pairs},
        "rank": {sample.space: effective_rank(sample.rows) for sample in directions},
        "duplicates": repeated / max(1, shots),
    }


@dataclass
class _Sample:
    """Some vectors of a space, taken title by title."""

    space: str
    order: np.ndarray
    """The places of those that are wanted, among all of the store."""
    rows: Vectors

    @classmethod
    def of(cls, space: str, shots: int, count: int, rng: np.random.Generator) -> "_Sample":
        """Draw up to `count` of all shots at random."""
        order = rng.permutation(shots)[:count]
        return cls(space, order, np.empty((len(order), FUSED), np.float32))

    def take(self, start: int, vectors: Vectors) -> None:
        """Keep those that are wanted of a title whose first shot has the place `start`."""
        wanted = np.flatnonzero((self.order >= start) & (self.order < start + len(vectors)))
        self.rows[wanted] = vectors[self.order[wanted] - start]


def _alone_and_in_context(
    model: ShotTransformer, titles: Iterable[Title]
) -> Iterator[tuple[Vectors, Vectors]]:
    """The vectors of titles as they are and as the model sees them, few of them in memory."""
    waiting: deque[Vectors] = deque()

    def passing() -> Iterator[TitleSequence]:
        for title in read_each(titles):
            waiting.append(title.fused)
            yield title

    for made in embed_titles(model, passing()):
        yield waiting.popleft(), made.shots


def _mask_rate(folder: Path, facts: Mapping[str, Any]) -> float:
    """Share of shots that were masked in training; old checkpoints have the default."""
    rate = facts.get("mask_rate", TrainConfig.mask_rate)
    if not isinstance(rate, int | float) or not 0 < rate <= 1:
        raise InvalidInput(
            f"checkpoint {folder} says {rate!r} of its shots were hidden; train again"
        )
    return float(rate)


def _masked_shots(model: ShotTransformer, titles: Sequence[Title], rate: float) -> dict[str, float]:
    """Loss of the model on masked shots, and of the baselines that it must beat."""
    exam = ValidationSet(
        titles,
        size=model.config.max_shots,
        mask_rate=rate,
        draws=_DRAWS,
        generator=torch.Generator().manual_seed(0),
        device=model.cls.device,
    )
    guesses: dict[str, Predictor] = {"model": model, **trivial_predictors()}
    return {name: exam.grade(guess) for name, guess in guesses.items()}


def _scene_numbers(store: Storage, titles: Sequence[Title]) -> dict[int, np.ndarray]:
    """The scene of each shot, -1 where there is none, of those titles that have scenes."""
    by_title = store.shots(columns=["title", "scene"]).partition_by("title", as_dict=True)
    found = {}
    for place, title in enumerate(titles):
        numbers = by_title[title.id,]["scene"].fill_null(-1).to_numpy()
        if len(set(numbers[numbers >= 0])) > 1:
            found[place] = numbers.astype(np.int64)
    return found
