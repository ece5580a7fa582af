"""Step after step: what one training does between its start and its end."""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import torch
from jaxtyping import Bool
from torch import Tensor, nn

from mediafm_store.model.sequences import Packed, Title, TitleSequence, pack, read
from mediafm_store.model.transformer import ShotTransformer
from mediafm_store.parallel import ahead, groups
from mediafm_store.training.augmentation import draw_turn, turn, turned_share
from mediafm_store.training.batching import endless
from mediafm_store.training.masking import cosine_distances, mask_shots
from mediafm_store.training.optim import OptimizerName, lr_factor, make_optimizers, split_parameters
from mediafm_store.training.process_group import ProcessGroup
from mediafm_store.training.validation import ValidationSet

_READ_AHEAD = 2
"""Steps whose vectors are read while another is computed: 19 MB each."""


@dataclass(frozen=True)
class TrainConfig:
    """Settings of a training besides the titles and the sizes of the model."""

    steps: int = 300
    batch_shots: int = 2048
    """Shots a step and process, as far as whole titles make them up. If a training goes on with
    fewer or more processes than it began with, its steps stay as large as they were."""
    mask_rate: float = 0.2
    turned: float | None = None
    """Share of the titles that are turned (`augment`); None: the fewer the more shots there are."""
    optimizer: OptimizerName = "muon"
    muon_lr: float = 1e-3
    """Learning rate of matrices, relative to a matrix of length 1 in all directions."""
    adamw_lr: float = 1e-5
    weight_decay: float = 0.01
    warmup: int = 20
    """Steps over which the learning rates rise from 0."""
    clip: float = 1.0
    """Largest norm of a step's gradient."""
    validation_share: float = 0.15
    """Share of the titles to validate on; at least one."""
    validate_every: int = 10
    """Steps."""
    validation_draws: int = 4
    """Different masks over each validation title, the same ones every time."""
    patience: int = 8
    """Validations without a new best after which training stops."""
    seed: int = 0


class Step(NamedTuple):
    """Report of a training step."""

    step: int
    """From 1."""
    steps: int
    """Largest number of steps."""
    loss: float
    validation: float | None
    """Masked shot modelling loss on the held-out titles, where this step measured it."""
    lr: float
    """Muon's."""
    grad_norm: float
    shots_per_s: float
    """Throughput of the training step alone, over all processes."""


class StepShare(NamedTuple):
    """Part of a step that one process computes."""

    shots: int
    """Shots of the whole step."""
    sequences: list[tuple[int, TitleSequence]]
    """Its own, each by its number in the step."""


class Best(NamedTuple):
    """The weights that were best on the held-out titles so far."""

    step: int
    validation: float
    weights: dict[str, Tensor]

    @classmethod
    def now(cls, model: ShotTransformer, step: int, validation: float) -> "Best":
        """A copy of the model as it is."""
        return cls(step, validation, {k: w.clone() for k, w in model.state_dict().items()})


class TrainingRun:
    """A model in training, its optimizers, and the best it has been."""

    best: Best

    def __init__(
        self,
        model: ShotTransformer,
        exam: ValidationSet,
        config: TrainConfig,
        world: ProcessGroup,
    ) -> None:
        self.model, self.exam, self.config, self.world = model, exam, config, world
        self.device = model.cls.device
        self.history: list[Step] = []
        self.directions = nn.functional.normalize(model.shot_in.weight.detach().clone()).T
        self.optimizers = make_optimizers(
            split_parameters(model),
            config.optimizer,
            muon_lr=config.muon_lr,
            adamw_lr=config.adamw_lr,
            weight_decay=config.weight_decay,
        )
        self.full_lr = [[g["lr"] for g in o.param_groups] for o in self.optimizers]
        self.turned = 0.0
        self.step_shots = config.batch_shots * world.size

    def fit(
        self,
        training: Sequence[Title],
        on_step: Callable[[Step], None],
        keep: Callable[["TrainingRun"], None],
    ) -> str:
        """Step until the steps are over or patience is; return why they ended.

        `keep` is called where the run could go on if it were cut off.
        """
        chosen = self.config.turned
        self.turned = turned_share(sum(t.shots for t in training)) if chosen is None else chosen
        batches = endless(
            training,
            size=self.model.config.max_shots,
            batch_shots=self.step_shots,
            generator=_seeded(self.config.seed, 0),
        )
        shares = map(self.share, islice(batches, len(self.history), self.config.steps))
        with closing(ahead(shares, size=_READ_AHEAD)) as coming:
            while not self.stale and (share := next(coming, None)):
                number = len(self.history) + 1
                step = self.step(number, share)
                if _validates(number, self.config):
                    found = self.exam.grade(self.model)
                    step = step._replace(validation=found)
                    if found < self.best.validation:
                        self.best = Best.now(self.model, number, found)
                self.history.append(step)
                on_step(step)
                if step.validation is not None:
                    keep(self)
        if self.stale:
            return f"no better validation loss since step {self.best.step}"
        return f"all {self.config.steps} steps done"

    @property
    def stale(self) -> bool:
        """True if there was no improvement for `patience` validations."""
        waited = len(self.history) - self.best.step
        return waited >= self.config.patience * self.config.validate_every

    def share(self, batch: Sequence[Title]) -> StepShare:
        """Read what this process computes of a step; the others read theirs."""
        mine = self.world.share(list(enumerate(batch)))
        found = read(title for _, title in mine)
        numbers = [number for number, _ in mine]
        return StepShare(sum(s.shots for s in batch), list(zip(numbers, found, strict=True)))

    def step(self, number: int, share: StepShare) -> Step:
        """One update of the weights."""
        began = time.perf_counter()
        factor = lr_factor(number, steps=self.config.steps, warmup=self.config.warmup)
        self.model.zero_grad()
        loss = self.gradients(number, share.sequences)
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
            shots_per_s=share.shots / (time.perf_counter() - began),
        )

    def gradients(self, number: int, mine: Sequence[tuple[int, TitleSequence]]) -> Tensor:
        """Leave the gradients of a step in the parameters, and return its loss.

        Both are means over the masked shots of all processes. A share larger than `batch_shots`,
        as those of few processes that go on for many, is computed in parts.
        """
        total = torch.zeros(2, device=self.device)
        for some in groups(mine, lambda one: one[1].shots, most=self.config.batch_shots):
            titles, masked = self.question(number, some)
            distances = cosine_distances(self.model(titles, masked), titles.fused[masked])
            total += torch.stack([distances.detach().sum(), masked.sum()])
            torch.autograd.backward(distances.sum())
        total = self.world.sum(total)
        self.world.sum_gradients(list(self.model.parameters()))
        count = total[1].clamp(min=1)
        torch._foreach_div_([p.grad for p in self.model.parameters() if p.grad is not None], count)
        return total[0] / count

    def question(
        self, number: int, sequences: Sequence[tuple[int, TitleSequence]]
    ) -> tuple[Packed, Bool[Tensor, " shots"]]:
        """Some of a step's sequences, by their number in it, and which of their shots are hidden.

        Each has its own chances, which do not depend on the process that gets it.
        """
        chances = [_seeded(self.config.seed, number, place) for place, _ in sequences]
        titles = pack([shots for _, shots in sequences]).to(self.device)
        lengths = titles.lengths
        tickets = [torch.rand(n, generator=g) for n, g in zip(lengths, chances, strict=True)]
        masked = mask_shots(
            titles.eligible, lengths, rate=self.config.mask_rate, tickets=torch.cat(tickets)
        )
        if self.turned:
            count = self.directions.shape[1]
            turns = [draw_turn(count, share=self.turned, generator=g) for g in chances]
            titles = turn(titles, self.directions, torch.stack(turns).to(self.device))
        return titles, masked


def _validates(number: int, config: TrainConfig) -> bool:
    """True if the held-out titles are evaluated after this step."""
    return number % config.validate_every == 0 or number == config.steps


def _seeded(*numbers: int) -> torch.Generator:
    """Chances that these numbers determine."""
    mixed = 0
    for number in numbers:
        mixed = (mixed * 1_000_003 + number + 1) % 2**63
    return torch.Generator().manual_seed(mixed)
