"""The shot transformer: a pre-norm encoder over [CLS] [GLOBAL] shot_1 ... shot_n, top to bottom.

As in BERT (Devlin et al. 2018, arXiv:1810.04805), shots hidden behind [MASK] are predicted from the
others. What the layers find is added to averages of the neighbours at full width, which are hard to
beat on a small catalogue (docs/decisions/0003-model-start.md), so a model is never worse than those
before training, and keeps what its hidden size has no room for.

Titles are packed end to end: matrices multiply all tokens at once, attention and averages go title
by title. So there is no padding, and no mask to hide it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from mediafm_store.errors import InvalidInput
from mediafm_store.model.sequences import Packed
from mediafm_store.model.smoothing import RANGES, NeighbourSmoother, averages, distances
from mediafm_store.model.whitening import Whitening

_SPECIAL = 2
"""Number of tokens before the shots: [CLS] and [GLOBAL]."""
_SPECIAL_DISTANCE = 8.0
"""Distance of these tokens from every shot, in shots: seen well by heads with a long range."""
_SLOPES = (0.5, 1.5)
"""Slopes of the distance penalty as -log2: from 0.71 per shot at the first head to 0.35."""
_NORM_EPS = 1e-2
"""Large, so that a token near zero stays small: [MASK] starts at zero, and a usual epsilon would
blow its first update up to full length, into everyone's average."""
TEXT_SHARE = 3**-0.5
"""Length of one block of a fused vector that has all three modalities."""


_MOST = {
    "dim": 1 << 15,
    "metadata_dim": 1 << 15,
    "hidden": 1 << 13,
    "layers": 256,
    "heads": 256,
    "max_shots": 1 << 15,
}
"""Upper limits of the sizes, far above any model here: sizes are read from files of others."""


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of a ShotTransformer; saved beside the weights.

    Raises:
        InvalidInput: If they do not fit together.
    """

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
        for name, most in _MOST.items():
            size = getattr(self, name)
            if type(size) is not int or not 1 <= size <= most:
                raise InvalidInput(
                    f"{name} of a model is a number from 1 to {most}, is {size!r:.50}"
                )
        if self.hidden % self.heads:
            raise InvalidInput(f"{self.heads} heads must divide a hidden size of {self.hidden}")
        if self.hidden > self.dim or self.dim % self.metadata_dim:
            raise InvalidInput(
                f"hidden must not exceed dim, and metadata_dim must divide it: {self}"
            )


PRESETS: dict[str, ModelConfig] = {
    "tiny": ModelConfig(hidden=128, layers=2, heads=4),
    "small": ModelConfig(hidden=256, layers=4, heads=4),
    "base": ModelConfig(),
    "large": ModelConfig(hidden=1024, layers=24, heads=16),
}


class ShotEmbeddings(NamedTuple):
    """Output of the model for packed titles; rows have length 1 (0 if the input is 0)."""

    shots: Float[Tensor, "shots dim"]
    title: Float[Tensor, "sequences dim"]


def _distance_bias(
    shots: int, heads: int, *, device: torch.device
) -> Float[Tensor, "heads tokens tokens"]:
    """Bias that is added to the attention logits: distant shots are penalised.

    The penalty is linear in the distance, with a slope a head (ALiBi: Press et al. 2021,
    arXiv:2108.12409, made two-sided). [CLS] and [GLOBAL] see all shots alike.
    """
    distance = F.pad(distances(shots, device), (_SPECIAL, 0), value=_SPECIAL_DISTANCE)
    distance = F.pad(distance, (0, 0, _SPECIAL, 0))  # rows look, columns are looked at
    slopes = 2 ** -torch.linspace(*_SLOPES, heads, device=device)
    return -slopes[:, None, None] * distance


class Block(nn.Module):
    """Attention, then an MLP, each on the normalised residual stream and added to it."""

    def __init__(self, hidden: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.RMSNorm(hidden, eps=_NORM_EPS)
        self.query = nn.Linear(hidden, hidden, bias=False)
        self.key = nn.Linear(hidden, hidden, bias=False)
        self.value = nn.Linear(hidden, hidden, bias=False)
        self.out = nn.Linear(hidden, hidden, bias=False)
        self.mlp_norm = nn.RMSNorm(hidden, eps=_NORM_EPS)
        self.up = nn.Linear(hidden, 4 * hidden, bias=False)
        self.down = nn.Linear(4 * hidden, hidden, bias=False)

    def forward(
        self,
        x: Float[Tensor, "tokens hidden"],
        bias: Float[Tensor, "heads longest longest"],
        lengths: Sequence[int],
    ) -> Float[Tensor, "tokens hidden"]:
        """One layer of the encoder, over sequences of `lengths` tokens."""
        x = x + self.attend(self.attention_norm(x), bias, lengths)
        x = x + self.down(F.gelu(self.up(self.mlp_norm(x))))
        return x

    def attend(
        self,
        x: Float[Tensor, "tokens hidden"],
        bias: Float[Tensor, "heads longest longest"],
        lengths: Sequence[int],
    ) -> Float[Tensor, "tokens hidden"]:
        """Multi-head attention within each sequence."""
        heads = (  # each heads tokens hidden/heads, cut into sequences
            project(x).unflatten(-1, (self.heads, -1)).transpose(0, 1).split(tuple(lengths), dim=1)
            for project in (self.query, self.key, self.value)
        )
        mixed = [
            F.scaled_dot_product_attention(
                q[None], k[None], v[None], attn_mask=bias[None, :, :n, :n]
            )[0]
            for n, q, k, v in zip(lengths, *heads, strict=True)
        ]
        added: Tensor = self.out(torch.cat(mixed, dim=1).transpose(0, 1).flatten(1))
        return added


class ShotTransformer(nn.Module):
    """Contextual vectors of shots and titles. Make one with `start.start_model`."""

    mix: Tensor
    """Weight of each average: one for each of `RANGES`, then the title's mean."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
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
        self.whitening = Whitening(config.dim, config.metadata_dim)
        self.surroundings = NeighbourSmoother()
        self.register_buffer("mix", torch.zeros(len(RANGES) + 1))

    def forward(
        self, titles: Packed, masked: Bool[Tensor, " shots"]
    ) -> Float[Tensor, "masked dim"]:
        """Predict the `masked` shots from the others, in play order, as unit fused vectors.

        Raises:
            InvalidInput: If a sequence is longer than the model's limit.
        """
        _, shots = self.layers(titles, masked)
        return F.normalize(self.expected(titles, masked) + self.shot_out(shots[masked]), dim=-1)

    def embed(self, titles: Packed) -> ShotEmbeddings:
        """Contextual vectors; nothing is masked.

        A shot's are its own fused vector and those around it, whitened. A title's is the mean of
        its shots and its metadata, as long as the text block of a shot is. To both the layers'
        correction is added; no loss is asked of [GLOBAL], so its is that of a shot which sees all.
        """
        nothing = torch.zeros(len(titles.fused), dtype=torch.bool, device=titles.fused.device)
        title, shots = self.layers(titles, nothing)
        white = self.whitening(titles.fused).split(titles.lengths)
        around = torch.cat([self.surroundings(piece) for piece in white])
        mean = torch.stack([piece.mean(0) for piece in titles.fused.split(titles.lengths)])
        added = shots @ self.whitening.turn(self.shot_out.weight.T)  # turned once, not shot by shot
        text = F.pad(TEXT_SHARE * titles.metadata, (self.config.dim - self.config.metadata_dim, 0))
        return ShotEmbeddings(
            F.normalize(around + added, dim=-1),
            F.normalize(mean + text + self.shot_out(title), dim=-1),
        )

    def layers(
        self, titles: Packed, masked: Bool[Tensor, " shots"]
    ) -> tuple[Float[Tensor, "sequences hidden"], Float[Tensor, "shots hidden"]]:
        """Output of the last layer for titles and for shots."""
        longest = max(titles.lengths)
        if longest > self.config.max_shots:
            raise InvalidInput(
                f"a sequence of {longest} shots is longer than the model's"
                f" {self.config.max_shots}; embed it with `embed_titles`"
            )
        bias = _distance_bias(longest, self.config.heads, device=masked.device)
        lengths = tuple(n + _SPECIAL for n in titles.lengths)
        x = self.tokens(titles, masked)
        # Several times as fast where there are units for it, and slower elsewhere.
        with torch.autocast(x.device.type, torch.bfloat16, enabled=x.is_cuda):
            bias = bias.to(torch.bfloat16 if x.is_cuda else x.dtype)  # once, not in every layer
            for block in self.blocks:
                x = block(x, bias, lengths)
        sequences = x.float().split(lengths)  # [CLS] is only there to be seen
        return torch.stack([s[1] for s in sequences]), torch.cat([s[_SPECIAL:] for s in sequences])

    def tokens(
        self, titles: Packed, masked: Bool[Tensor, " shots"]
    ) -> Float[Tensor, "tokens hidden"]:
        """[CLS] [GLOBAL] shot_1 ... shot_n of each title, before the first layer."""
        shots = torch.where(masked[:, None], self.mask, self.shot_in(titles.fused))
        globals_ = self.title + self.metadata_in(titles.metadata)
        parts: list[Tensor] = []
        for title, piece in zip(globals_, shots.split(titles.lengths), strict=True):
            parts += [self.cls[None], title[None], piece + self.positions[: len(piece)]]
        return torch.cat(parts)

    def expected(
        self, titles: Packed, masked: Bool[Tensor, " shots"]
    ) -> Float[Tensor, "masked dim"]:
        """Prediction without training: weighted averages of the visible shots."""
        return torch.cat(
            [
                torch.einsum("kms,k->ms", shares, self.mix) @ fused
                for shares, fused in averages(titles, masked)
            ]
        )
