"""Muon for the hidden matrices, AdamW for the rest, and the learning rate over time."""

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Literal, NamedTuple, overload

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from mediafm_store.model.transformer import ShotTransformer

OptimizerName = Literal["muon", "adamw"]
_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
"""Keller Jordan's quintic: steep at zero rather than convergent, https://kellerjordan.github.io/posts/muon/"""


def _orthogonalise(g: Float[Tensor, "*many m n"], steps: int = 5) -> Float[Tensor, "*many m n"]:
    """Bring all singular values of each matrix near 1 (about 0.7 to 1.2) by Newton-Schulz.

    In bfloat16 on CUDA, else in float32: `torch.optim.Muon` always takes bfloat16, which was
    measured 8 to 37 times slower on CPUs without bfloat16 units.
    """
    a, b, c = _NEWTON_SCHULZ
    x = g.to(torch.bfloat16 if g.is_cuda else torch.float32)
    tall = g.shape[-2] > g.shape[-1]
    x = x.mT if tall else x
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp(min=1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    turned: Tensor = (x.mT if tall else x).to(g.dtype)
    return turned


class Muon(Optimizer):
    """Momentum, orthogonalised: every update of a matrix turns all its directions equally far.

    As `torch.optim.Muon` (decoupled weight decay, Nesterov momentum, steps scaled up for tall
    matrices), except for the precision of the Newton-Schulz iteration, and that on a GPU matrices
    of one shape are turned together.
    """

    def __init__(
        self,
        params: Iterable[nn.Parameter],
        *,
        lr: float,
        weight_decay: float = 0.0,
        momentum: float = 0.95,
    ) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], float]) -> float: ...
    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Update every matrix that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for matrices in _grouped_by_shape(p for p in group["params"] if p.grad is not None):
                self.update(matrices, group["lr"], group["weight_decay"], group["momentum"])
        return loss

    def update(
        self, matrices: Sequence[nn.Parameter], lr: float, weight_decay: float, momentum: float
    ) -> None:
        """Update matrices of one shape in place."""
        grads = [m.grad for m in matrices if m.grad is not None]
        averages = [self.average(m) for m in matrices]
        torch._foreach_lerp_(averages, grads, 1 - momentum)
        ahead = torch._foreach_lerp(grads, averages, momentum)  # Nesterov
        turns = _orthogonalise(torch.stack(ahead)).unbind()
        rows, columns = matrices[0].shape
        weights: list[Tensor] = list(matrices)
        torch._foreach_mul_(weights, 1 - lr * weight_decay)
        torch._foreach_add_(weights, turns, alpha=-lr * max(1, rows / columns) ** 0.5)

    def average(self, matrix: nn.Parameter) -> Tensor:
        """Mean of its gradients so far."""
        state = self.state[matrix]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(matrix)
        average: Tensor = state["momentum_buffer"]
        return average


def _grouped_by_shape(matrices: Iterable[nn.Parameter]) -> Collection[list[nn.Parameter]]:
    """Group matrices of one shape on a GPU, where a batched product costs little more than one.

    A CPU is busy with one at a time, and needs less memory that way.
    """
    alike: dict[object, list[nn.Parameter]] = {}
    for matrix in matrices:
        alike.setdefault(matrix.shape if matrix.is_cuda else id(matrix), []).append(matrix)
    return alike.values()


class ParameterSplit(NamedTuple):
    """Every parameter of a model, exactly once."""

    muon: list[nn.Parameter]
    decayed: list[nn.Parameter]
    rest: list[nn.Parameter]


def split_parameters(model: ShotTransformer) -> ParameterSplit:
    """Hidden matrices to Muon; projections in and out, tokens, positions and gains to AdamW."""
    split = ParameterSplit([], [], [])
    for name, parameter in model.named_parameters():
        if name.startswith("blocks.") and parameter.ndim == 2:
            split.muon.append(parameter)
        elif name.endswith(("_in.weight", "_out.weight")):
            split.decayed.append(parameter)
        else:
            split.rest.append(parameter)
    return split


def make_optimizers(
    split: ParameterSplit,
    name: OptimizerName,
    *,
    muon_lr: float,
    adamw_lr: float,
    weight_decay: float,
) -> list[Optimizer]:
    """Muon and AdamW over the split, or AdamW over all; tokens, positions, gains don't decay."""
    decayed = split.decayed if name == "muon" else split.muon + split.decayed
    groups = [
        {"params": decayed, "weight_decay": weight_decay},
        {"params": split.rest, "weight_decay": 0.0},
    ]
    adamw = AdamW(groups, lr=adamw_lr, betas=(0.9, 0.95))
    if name == "adamw":
        return [adamw]
    return [Muon(split.muon, lr=muon_lr, weight_decay=weight_decay), adamw]


def lr_factor(step: int, *, steps: int, warmup: int) -> float:
    """Learning-rate multiplier: linear warm-up, then cosine decay to 0. Steps count from 1."""
    if step <= warmup:
        return step / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))
