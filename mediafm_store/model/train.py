"""Train a ShotTransformer by masked shot modelling."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from mediafm_store.errors import BadInput
from mediafm_store.model.batches import Batch, endless
from mediafm_store.model.exam import Exam, predictor, trivial_predictors
from mediafm_store.model.masking import distances, mask_shots
from mediafm_store.model.optim import lr_factor, make_optimizers, split_parameters
from mediafm_store.model.start import fit_decay, start_model
from mediafm_store.model.transformer import ModelConfig, ShotTransformer
from mediafm_store.model.windows import TitleShots

PRACTICE = 32
"""Training titles that are enough to say how fast surroundings change."""


@dataclass(frozen=True)
class TrainConfig:
    """Everything that changes a run besides the titles and the sizes of the model."""

    steps: int = 300
    batch_shots: int = 2048
    """Shots a step, padding included; a single sequence may be longer."""
    mask_rate: float = 0.2
    muon_lr: float = 1e-4
    """How far a step turns a matrix that starts at length 1 in all directions."""
    adamw_lr: float = 1e-5
    weight_decay: float = 0.01
    warmup: int = 20
    """Steps over which the learning rates rise from 0."""
    clip: float = 1.0
    """Largest norm of a step's gradient."""
    validation_share: float = 0.1
    """Of the titles; at least one."""
    validate_every: int = 10
    """Steps."""
    validation_draws: int = 4
    """Different masks over each validation title, the same ones every time."""
    patience: int = 5
    """Validations without a new best after which training stops."""
    seed: int = 0


class Step(NamedTuple):
    """What a training step reports."""

    step: int
    """From 1."""
    steps: int
    """How many there will be at most."""
    loss: float
    validation: float | None
    """Masked shot modelling loss on the held-out titles, where this step measured it."""
    lr: float
    """Muon's."""
    grad_norm: float
    shots_per_s: float
    """Of the training step alone."""


@dataclass(frozen=True)
class TrainResult:
    """The model that was best on the held-out titles, which may be the one before any step."""

    model: ShotTransformer
    history: list[Step]
    validation: float
    """Loss of `model` on the held-out titles: mean cosine distance at masked shots, 0 is best."""
    best_step: int
    """After which step it was best; 0 if training never improved on the start."""
    baselines: dict[str, float]
    """The same loss of trivial predictors, and of the model before any step."""
    stopped: str
    """Why training ended."""
    n_train: int
    """Titles trained on."""
    n_validation: int
    """Titles held out."""


def train(
    titles: Sequence[TitleShots],
    model_config: ModelConfig,
    config: TrainConfig,
    *,
    device: str | torch.device = "cpu",
    on_step: Callable[[Step], None] = lambda step: None,
) -> TrainResult:
    """Hold out some titles, start from the others' principal directions, train, keep the best.

    Titles of a single shot are left out: nothing is there to predict it from. Raises BadInput if
    fewer than two titles remain.
    """
    generator = torch.Generator().manual_seed(config.seed)
    training, held_out = split_titles(titles, share=config.validation_share, generator=generator)
    exam, practice = (  # before the model is made: all sizes sit the same exam
        Exam(
            some,
            size=model_config.max_shots,
            mask_rate=config.mask_rate,
            draws=config.validation_draws,
            device=device,
            generator=generator,
        )
        for some in (held_out, training[:PRACTICE])
    )
    shots = torch.from_numpy(np.concatenate([t.fused for t in training]))
    model = start_model(model_config, shots, generator=generator).to(device)
    fit_decay(model, practice)
    baselines = {name: exam.grade(guess) for name, guess in trivial_predictors().items()}
    baselines["untrained"] = exam.grade(predictor(model))
    run = Run(model, exam, config, generator, Best.now(model, 0, baselines["untrained"]))
    batches = endless(
        training,
        size=model_config.max_shots,
        batch_shots=config.batch_shots,
        generator=generator,
    )
    history, stopped = run.fit((batch.to(device) for batch in batches), on_step)
    model.load_state_dict(run.best.weights)
    return TrainResult(
        model=model.eval(),
        history=history,
        validation=run.best.validation,
        best_step=run.best.step,
        baselines=baselines,
        stopped=stopped,
        n_train=len(training),
        n_validation=len(held_out),
    )


def split_titles(
    titles: Sequence[TitleShots], *, share: float, generator: torch.Generator
) -> tuple[list[TitleShots], list[TitleShots]]:
    """To train on, and to hold out: `share` of the titles, at least one and never all."""
    usable = [t for t in titles if np.any(t.fused, axis=1).sum() > 1]
    if len(usable) < 2:
        raise BadInput(
            f"training needs 2 titles of 2 or more shots, one of them to validate on; of"
            f" {len(titles)} titles {len(usable)} will do: ingest more"
        )
    order = torch.randperm(len(usable), generator=generator).tolist()
    held_out = min(max(1, round(share * len(usable))), len(usable) - 1)
    return [usable[i] for i in order[held_out:]], [usable[i] for i in order[:held_out]]


class Best(NamedTuple):
    """The weights that were best on the held-out titles so far."""

    step: int
    validation: float
    weights: dict[str, Tensor]

    @classmethod
    def now(cls, model: ShotTransformer, step: int, validation: float) -> "Best":
        """A copy of the model as it is."""
        return cls(step, validation, {k: w.clone() for k, w in model.state_dict().items()})


class Run:
    """A model in training, its optimizers, and the best it has been."""

    def __init__(
        self,
        model: ShotTransformer,
        exam: Exam,
        config: TrainConfig,
        generator: torch.Generator,
        best: Best,
    ) -> None:
        self.model, self.exam, self.config, self.best = model, exam, config, best
        self.generator = generator
        self.optimizers = make_optimizers(
            split_parameters(model),
            muon_lr=config.muon_lr,
            adamw_lr=config.adamw_lr,
            weight_decay=config.weight_decay,
        )
        self.full_lr = [[g["lr"] for g in o.param_groups] for o in self.optimizers]

    def fit(
        self, batches: Iterable[Batch], on_step: Callable[[Step], None]
    ) -> tuple[list[Step], str]:
        """Step until the steps are over or patience is; return all steps and why they ended."""
        history: list[Step] = []
        stale = 0
        for number, batch in zip(range(1, self.config.steps + 1), batches, strict=False):
            step = self.step(number, batch)
            if number % self.config.validate_every == 0 or number == self.config.steps:
                step = step._replace(validation=self.exam.grade(predictor(self.model)))
                stale = 0 if self.improved(step) else stale + 1
            history.append(step)
            on_step(step)
            if stale >= self.config.patience:
                return history, f"no better validation loss since step {self.best.step}"
        return history, f"all {self.config.steps} steps done"

    def step(self, number: int, batch: Batch) -> Step:
        """One update of the weights."""
        began = time.perf_counter()
        factor = lr_factor(number, steps=self.config.steps, warmup=self.config.warmup)
        masked = mask_shots(batch.eligible, rate=self.config.mask_rate, generator=self.generator)
        predicted = predictor(self.model)(batch, masked)
        loss = distances(predicted, batch.fused, masked).mean()
        self.model.zero_grad()
        torch.autograd.backward(loss)
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip)
        for optimizer, rates in zip(self.optimizers, self.full_lr, strict=True):
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * factor
            optimizer.step()
        return Step(
            step=number,
            steps=self.config.steps,
            loss=loss.item(),
            validation=None,
            lr=self.config.muon_lr * factor,
            grad_norm=norm.item(),
            shots_per_s=int(batch.valid.sum()) / (time.perf_counter() - began),
        )

    def improved(self, step: Step) -> bool:
        """Keep the weights if they are better on the held-out titles than any before."""
        if step.validation is None or step.validation >= self.best.validation:
            return False
        self.best = Best.now(self.model, step.step, step.validation)
        return True
