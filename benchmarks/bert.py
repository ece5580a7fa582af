"""What one would write instead: Hugging Face's BertModel over padded batches of titles."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from mediafm_store.model.sequences import TitleSequence, read
from mediafm_store.model.transformer import ModelConfig
from mediafm_store.training.batching import windows
from mediafm_store.training.masking import cosine_distances, mask_shots

Batch = tuple[Tensor, Tensor]
"""Shots [titles, longest, dim] padded with zeros, and which are real [titles, longest]."""


class BertOfShots(nn.Module):
    """Projections around a BertModel of the same size as ours."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.shot_in = nn.Linear(config.dim, config.hidden)
        self.mask = nn.Parameter(torch.zeros(config.hidden))
        self.bert = BertModel(
            BertConfig(
                vocab_size=1,
                hidden_size=config.hidden,
                num_hidden_layers=config.layers,
                num_attention_heads=config.heads,
                intermediate_size=4 * config.hidden,
                max_position_embeddings=config.max_shots,
                hidden_dropout_prob=0.0,
                attention_probs_dropout_prob=0.0,
            ),
            add_pooling_layer=False,
        )
        self.shot_out = nn.Linear(config.hidden, config.dim)

    def forward(self, shots: Tensor, real: Tensor, masked: Tensor) -> Tensor:
        """A vector a shot."""
        tokens = torch.where(masked[..., None], self.mask, self.shot_in(shots))
        seen = self.bert(inputs_embeds=tokens, attention_mask=real.long()).last_hidden_state
        return self.shot_out(seen)


def padded(titles: Sequence[TitleSequence], size: int, batch_shots: int) -> list[Batch]:
    """Batches in the given order, each of as many sequences as make up `batch_shots` real shots."""
    batches: list[Batch] = []
    group: list[Tensor] = []
    for sequence in (torch.from_numpy(w.fused) for w in read(windows(titles, size))):
        if group and sum(map(len, group)) + len(sequence) > batch_shots:
            batches.append(pad(group))
            group = []
        group.append(sequence)
    return [*batches, pad(group)]


def pad(group: Sequence[Tensor]) -> Batch:
    """Sequences side by side."""
    lengths = torch.tensor([len(s) for s in group])
    shots = nn.utils.rnn.pad_sequence(list(group), batch_first=True)
    return shots, torch.arange(shots.shape[1]) < lengths[:, None]


def train_step(
    model: BertOfShots, optimizer: torch.optim.Optimizer, batch: Batch, chances: torch.Generator
) -> None:
    """Masked shot modelling, as ours."""
    shots, real = batch
    lengths = [real.shape[1]] * len(real)
    tickets = torch.rand(real.numel(), generator=chances)
    masked = mask_shots(real.flatten(), lengths, rate=0.2, tickets=tickets).view_as(real)
    loss = cosine_distances(model(shots, real, masked)[masked], shots[masked]).mean()
    optimizer.zero_grad()
    torch.autograd.backward(loss)
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()


@torch.inference_mode()
def embed(model: BertOfShots, batches: Sequence[Batch]) -> None:
    """A unit vector of each shot."""
    for shots, real in batches:
        F.normalize(model(shots, real, torch.zeros_like(real))[real], dim=-1)
