"""Train a ShotTransformer by masked shot modelling."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from mediafm_store.model.sequences import Title
from mediafm_store.model.transformer import ModelConfig, ShotTransformer
from mediafm_store.training.initialization import fit_mix, start_model
from mediafm_store.training.masking import trivial_predictors
from mediafm_store.training.process_group import ALONE, ProcessGroup, process_group
from mediafm_store.training.resume import ResumeState, key_of
from mediafm_store.training.run import Best, Step, TrainConfig, TrainingRun
from mediafm_store.training.split import split_titles
from mediafm_store.training.validation import ValidationSet

_PRACTICE = 32
"""Training titles that are enough to weigh averages."""
Start = Callable[..., ShotTransformer]


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
    """Validation loss of trivial predictors, and of the model before any step."""
    stopped: str
    """Why training ended."""
    n_train: int
    """Titles trained on."""
    held_out: list[str]
    """The ids of the others."""
    rank: int
    """Which of the processes that trained together this is; the first writes the checkpoint."""


def train_model(
    titles: Sequence[Title],
    model_config: ModelConfig,
    config: TrainConfig,
    *,
    device: str | torch.device = "cpu",
    unfinished: Path | str | None = None,
    on_step: Callable[[Step], None] = lambda step: None,
    save: Callable[[TrainResult], None] = lambda result: None,
    start: Start = start_model,
) -> TrainResult:
    """Hold out some titles, initialize from the others' principal directions, train, keep the best.

    Titles of a store are read when needed, and only those that this process computes. Under
    `torchrun` each process takes its share of a step, which is larger by their number.

    If there is a file at `unfinished`, a path or an address such as s3://bucket/file, training is
    resumed from it if titles and settings are the same. It is written once a minute, and removed
    when the first process has called `save` with the result. `start` makes the model.

    Raises:
        InvalidInput: If too few titles can be used.
    """
    with process_group(device) as world:
        run, training, held_out = _prepare(
            titles, model_config, config, device=device, world=world, start=start
        )
        baselines = {name: run.exam.grade(guess) for name, guess in trivial_predictors().items()}
        baselines["untrained"] = run.exam.grade(run.model)
        run.best = Best.now(run.model, 0, baselines["untrained"])
        state: ResumeState | None = None
        if unfinished is not None:
            state = ResumeState(str(unfinished), key_of(titles, model_config, config), world)
            state.restore(run)
        stopped = run.fit(training, on_step, state.keep if state else lambda run: None)
        run.model.load_state_dict(run.best.weights)
        result = TrainResult(
            model=run.model.eval(),
            history=run.history,
            validation=run.best.validation,
            best_step=run.best.step,
            baselines=baselines,
            stopped=stopped,
            n_train=len(training),
            held_out=[title.id for title in held_out],
            rank=world.rank,
        )
        if not world.rank:
            save(result)
        if state:
            state.remove()
    return result


def _prepare(
    titles: Sequence[Title],
    model_config: ModelConfig,
    config: TrainConfig,
    *,
    device: str | torch.device,
    world: ProcessGroup,
    start: Start,
) -> tuple[TrainingRun, list[Title], list[Title]]:
    """Prepare everything before the first step; return the training and the validation titles."""
    generator = torch.Generator().manual_seed(config.seed)
    training, held_out = split_titles(titles, share=config.validation_share, generator=generator)
    exam, practice = (  # before the model is made: all sizes sit the same exam
        ValidationSet(
            some,
            size=model_config.max_shots,
            mask_rate=config.mask_rate,
            draws=config.validation_draws,
            generator=generator,
            device=device,
            world=among,
        )
        for some, among in ((held_out, world), (training[:_PRACTICE], ALONE))
    )
    model = start(model_config, training, generator=generator).to(device)
    fit_mix(model, practice)
    world.agree(model)
    return TrainingRun(model, exam, config, world), training, held_out
