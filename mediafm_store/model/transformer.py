"""The shot transformer: a pre-norm encoder over [CLS] [GLOBAL] shot_1 ... shot_n, top to bottom.

As in BERT (Devlin et al. 2018, arXiv:1810.04805), shots hidden behind [MASK] are predicted from the
others. What the layers find is added to a plain average of the neighbours at full width, which is
hard to beat on a small catalogue (docs/decisions/0003-model-start.md), so a model is never worse
than that before training, and keeps what its hidden size has no room for.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from mediafm_store.errors import BadInput

SPECIAL = 2
"""How many tokens stand before the shots: [CLS] and [GLOBAL]."""
SPECIAL_DISTANCE = 8.0
"""How far from every shot they seem, in shots: seen well by the heads that look far."""
SLOPES = (0.5, 1.5)
"""Of the distance penalty, as -log2: from 0.71 a shot at the first head to 0.35 at the last."""
NORM_EPS = 1e-2
"""Large, so that a token near zero stays small: [MASK] starts at zero, and a usual epsilon would
blow its first update up to full length, into everyone's average."""
CONTEXT = 3.0
"""What surrounds a shot, beside the shot itself: at 3 a contextual vector tells scenes apart better
than a moving average does, and 9 of 10 times the shot nearest to it is still its own."""
TEXT_SHARE = 3**-0.5
"""Length of one block of a fused vector that has all three modalities."""


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of a ShotTransformer; saved beside the weights. Raises BadInput if they don't fit."""

    dim: int = 2304
    """Length of a fused vector, and of an output vector."""
    metadata_dim: int = 768
    """Length of a title's metadata vector: a text block, the last of a fused vector."""
    hidden: int = 768
    layers: int = 12
    heads: int = 12
    max_shots: int = 512
    """Shots a sequence; `windows.embed_title` cuts longer titles."""

    def __post_init__(self) -> None:
        if min(self.hidden, self.layers, self.heads, self.max_shots) < 1:
            raise BadInput(f"a model needs sizes of at least 1: {self}")
        if self.hidden % self.heads:
            raise BadInput(f"{self.heads} heads must divide a hidden size of {self.hidden}")
        if max(self.hidden, self.metadata_dim) > self.dim:
            raise BadInput(f"hidden and metadata_dim must not exceed dim: {self}")


PRESETS: dict[str, ModelConfig] = {
    "tiny": ModelConfig(hidden=128, layers=2, heads=4),
    "small": ModelConfig(hidden=256, layers=4, heads=4),
    "base": ModelConfig(),
    "large": ModelConfig(hidden=1024, layers=24, heads=16),
}


class ShotEmbeddings(NamedTuple):
    """What the model makes of a batch of titles; rows have length 1, padding is meaningless."""

    shots: Float[Tensor, "batch shots dim"]
    title: Float[Tensor, "batch dim"]


def distance_bias(
    valid: Bool[Tensor, "batch shots"], heads: int
) -> Float[Tensor, "batch heads tokens tokens"]:
    """What is added to the attention logits: padding hidden, distant shots penalised.

    The penalty is linear in the distance, with a slope a head (ALiBi: Press et al. 2021,
    arXiv:2108.12409, made two-sided). [CLS] and [GLOBAL] see all shots alike.
    """
    place = torch.arange(valid.shape[1], device=valid.device, dtype=torch.float32)
    distance = F.pad((place[:, None] - place).abs(), (SPECIAL, 0), value=SPECIAL_DISTANCE)
    distance = F.pad(distance, (0, 0, SPECIAL, 0))  # rows look, columns are looked at
    slopes = 2 ** -torch.linspace(*SLOPES, heads, device=valid.device)
    hidden = ~F.pad(valid, (SPECIAL, 0), value=True)
    return (-slopes[:, None, None] * distance).masked_fill(hidden[:, None, None], -torch.inf)


class Block(nn.Module):
    """Attention, then an MLP, each on the normed residual and added to it."""

    def __init__(self, hidden: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.RMSNorm(hidden, eps=NORM_EPS)
        self.query = nn.Linear(hidden, hidden, bias=False)
        self.key = nn.Linear(hidden, hidden, bias=False)
        self.value = nn.Linear(hidden, hidden, bias=False)
        self.out = nn.Linear(hidden, hidden, bias=False)
        self.mlp_norm = nn.RMSNorm(hidden, eps=NORM_EPS)
        self.up = nn.Linear(hidden, 4 * hidden, bias=False)
        self.down = nn.Linear(4 * hidden, hidden, bias=False)

    def forward(
        self,
        x: Float[Tensor, "batch tokens hidden"],
        bias: Float[Tensor, "batch heads tokens tokens"],
    ) -> Float[Tensor, "batch tokens hidden"]:
        """One layer of the encoder."""
        x = x + self.attend(self.attention_norm(x), bias)
        x = x + self.down(F.gelu(self.up(self.mlp_norm(x))))
        return x

    def attend(
        self,
        x: Float[Tensor, "batch tokens hidden"],
        bias: Float[Tensor, "batch heads tokens tokens"],
    ) -> Float[Tensor, "batch tokens hidden"]:
        """Multi-head attention."""
        q, k, v = (  # each batch heads tokens hidden/heads
            project(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for project in (self.query, self.key, self.value)
        )
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        added: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return added


def surroundings(
    fused: Float[Tensor, "batch shots dim"],
    visible: Bool[Tensor, "batch shots"],
    decay: Float[Tensor, ""],
) -> Float[Tensor, "batch shots dim"]:
    """At each place the mean of a title's visible shots, weighted by exp(-decay * distance)."""
    place = torch.arange(fused.shape[1], device=fused.device, dtype=torch.float32)
    weights = torch.exp(-decay * (place[:, None] - place).abs()) * visible[:, None]
    return weights / weights.sum(2, keepdim=True).clamp(min=1e-9) @ fused


class ShotTransformer(nn.Module):
    """Contextual vectors of shots and titles. Make one with `start.start_model`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.decay = nn.Parameter(torch.tensor(0.35))  # the start fits it to the training titles
        self.shot_in = nn.Linear(config.dim, config.hidden, bias=False)
        self.metadata_in = nn.Linear(config.metadata_dim, config.hidden, bias=False)
        self.cls = nn.Parameter(torch.zeros(config.hidden))
        self.title = nn.Parameter(torch.zeros(config.hidden))
        self.mask = nn.Parameter(torch.zeros(config.hidden))
        self.positions = nn.Parameter(torch.zeros(config.max_shots, config.hidden))
        self.blocks = nn.ModuleList(
            Block(config.hidden, config.heads) for _ in range(config.layers)
        )
        self.shot_out = nn.Linear(config.hidden, config.dim, bias=False)

    def forward(
        self,
        fused: Float[Tensor, "batch shots dim"],
        metadata: Float[Tensor, "batch metadata_dim"],
        valid: Bool[Tensor, "batch shots"],
        masked: Bool[Tensor, "batch shots"] | None = None,
    ) -> ShotEmbeddings:
        """Contextual vectors; shots where `masked` is true are replaced by [MASK] first."""
        hidden = torch.zeros_like(valid) if masked is None else masked
        if fused.shape[1] > self.config.max_shots:
            raise BadInput(
                f"a sequence of {fused.shape[1]} shots is longer than the model's"
                f" {self.config.max_shots}; embed it with `embed_title`"
            )
        bias = distance_bias(valid, self.config.heads)
        x = self.tokens(fused, metadata, hidden)
        for block in self.blocks:
            x = block(x, bias)
        plain = self.plain(fused, metadata, valid & ~hidden)
        x = F.normalize(plain + self.shot_out(x[:, 1:]), dim=-1)  # [CLS] is only there to be seen
        return ShotEmbeddings(shots=x[:, 1:], title=x[:, 0])

    def tokens(
        self,
        fused: Float[Tensor, "batch shots dim"],
        metadata: Float[Tensor, "batch metadata_dim"],
        masked: Bool[Tensor, "batch shots"],
    ) -> Float[Tensor, "batch tokens hidden"]:
        """[CLS] [GLOBAL] shot_1 ... shot_n, before the first layer."""
        shots = torch.where(masked[..., None], self.mask, self.shot_in(fused))
        shots = shots + self.positions[: fused.shape[1]]
        title = self.title + self.metadata_in(metadata)
        cls = self.cls.expand_as(title)
        return torch.cat([torch.stack([cls, title], dim=1), shots], dim=1)

    def plain(
        self,
        fused: Float[Tensor, "batch shots dim"],
        metadata: Float[Tensor, "batch metadata_dim"],
        visible: Bool[Tensor, "batch shots"],
    ) -> Float[Tensor, "batch 1+shots dim"]:
        """Vectors of [GLOBAL] and the shots that need no training, and that training corrects.

        A shot is itself, if it can be seen, and what surrounds it. A title is the mean of its shots
        and its metadata, as long as the text block of a shot is: no loss is asked of [GLOBAL], so
        this is what makes its vector a summary; the layers' correction of it is that of a shot
        which sees all others.
        """
        seen = fused * visible[..., None]
        shots = seen + CONTEXT * surroundings(fused, visible, self.decay)
        mean = seen.sum(1) / visible.sum(1, keepdim=True).clamp(min=1)
        text = F.pad(TEXT_SHARE * metadata, (self.config.dim - self.config.metadata_dim, 0))
        return torch.cat([(mean + text)[:, None], shots], dim=1)
