"""Initialization of the model: averages of the neighbours, and layers that extend them.

On a small catalogue a transformer that starts at random never becomes as good as such averages
(docs/decisions/0003-model-start.md). So the model predicts by averages, and training corrects them.
The corrections start out as averages too, in the principal directions of the training shots: the
projections in and out hold those, and attention weights shots by distance alone. Their share is
small, and grows only if the hidden matrices learn something useful.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor, nn

from mediafm_store.model.sequences import Title, read, read_each
from mediafm_store.model.smoothing import averages
from mediafm_store.model.transformer import TEXT_SHARE, Block, ModelConfig, ShotTransformer
from mediafm_store.model.whitening import Whitening
from mediafm_store.training.validation import ValidationSet

_SAMPLE = 16_384
"""Shots that are enough to find the principal directions."""
_SOME = 64
"""Titles that are enough to see how neighbours differ."""
_OUT = 0.1
"""Initial weight of what the layers add."""
_RIDGE, _TINY = 1e-4, 1e-9


def start_model(
    config: ModelConfig,
    titles: Sequence[Title],
    *,
    generator: torch.Generator,
) -> ShotTransformer:
    """A model that predicts a hidden shot by averages of its neighbours (on the CPU)."""
    with torch.device("meta"):  # every parameter is set below, none by torch's global generator
        model = ShotTransformer(config)
    model.to_empty(device="cpu")
    sample = _sample_shots(titles, _SAMPLE, generator=generator)
    basis = _principal_directions(sample, config.hidden, generator=generator)
    del sample
    some = [titles[i] for i in torch.randperm(len(titles), generator=generator).tolist()[:_SOME]]
    with torch.no_grad():
        _start_ends(model, _deal_directions(basis, config.heads))
        for block in model.modules():
            if isinstance(block, Block):
                _start_block(block, generator)
        _fit_context(model, some)
    return model


def _sample_shots(
    titles: Sequence[Title], count: int, *, generator: torch.Generator
) -> Float32[Tensor, "n dim"]:
    """Random shots of all titles, in the order of these; all of them if there are no more."""
    ends = np.cumsum([t.shots for t in titles])
    chosen = np.sort(torch.randperm(int(ends[-1]), generator=generator)[:count].numpy())
    cuts = np.searchsorted(chosen, ends)
    starts = ends - [t.shots for t in titles]
    rows = [own - start for own, start in zip(np.split(chosen, cuts), starts, strict=False)]
    picked = [t.at(own) for t, own in zip(titles, rows, strict=True) if len(own)]
    return torch.from_numpy(np.concatenate([t.fused for t in read(picked)]))


def _fit_context(model: ShotTransformer, titles: Sequence[Title]) -> None:
    """Find how shots are compared in context: what to whiten, to weigh, and how far to look.

    How alike neighbours are is seen in titles that the whitening was not fitted to: in its own they
    are too much alike. So it is fitted to each half and looks at the other, and then to all.
    """
    halves = titles[::2], titles[1::2] or titles
    pairs = []
    for fitted_to, others in (halves, halves[::-1]):
        whitening = Whitening(model.config.dim, model.config.metadata_dim)
        whitening.fit(read_each(fitted_to))
        pairs.append((whitening, others))
    steady = torch.stack([w.steadiness(read_each(others)) for w, others in pairs]).mean(0)
    for whitening, _ in pairs:
        whitening.weigh(steady)
    model.surroundings.fit(
        whitening(torch.from_numpy(title.fused))
        for whitening, others in pairs
        for title in read_each(others)
    )
    model.whitening.fit(read_each(titles))
    model.whitening.weigh(steady)


def _start_ends(model: ShotTransformer, basis: Float[Tensor, "dim hidden"]) -> None:
    """Set all that lies outside the blocks.

    Tokens are scaled so that their elements are about 1, what a norm makes of them. Metadata enters
    where, and as long as, the text block of a shot does. [MASK] and the rest start at zero: they
    add nothing to an average.
    """
    dim, hidden = basis.shape
    into = basis.T * hidden**0.5
    model.mix.fill_(1 / len(model.mix))
    model.shot_in.weight.copy_(into)
    model.metadata_in.weight.copy_(TEXT_SHARE * into[:, dim - model.config.metadata_dim :])
    model.shot_out.weight.copy_(_OUT * basis / hidden**0.5)
    for token in (model.cls, model.title, model.mask, model.positions):
        token.zero_()


@torch.inference_mode()
def fit_mix(model: ShotTransformer, practice: ValidationSet) -> None:
    """Weigh the averages so that together they predict the masked shots best (least squares).

    Five numbers, the same for all directions: more were fitted better and predicted worse.
    """
    kinds = len(model.mix)
    gram, target = torch.zeros(kinds, kinds), torch.zeros(kinds)
    for titles, masked in practice.questions:
        hidden = masked.split(titles.lengths)
        for (shares, fused), here in zip(averages(titles, masked), hidden, strict=True):
            guesses = (shares @ fused).flatten(1).cpu()
            gram += guesses @ guesses.T
            target += guesses @ fused[here].flatten().cpu()
    ridge = _RIDGE * gram.trace().clamp(min=_TINY) / kinds * torch.eye(kinds)
    model.mix.copy_(torch.linalg.solve(gram + ridge, target))


def _start_block(block: Block, generator: torch.Generator) -> None:
    """Values and outputs pass on what they get, keys say nothing yet, the MLP is silent.

    So attention weighs by distance alone. Queries and the MLP's first matrix are random, or no
    gradient would reach the matrices that are zero.
    """
    for norm in (block.attention_norm, block.mlp_norm):
        nn.init.ones_(norm.weight)
    for passing_on in (block.value, block.out):
        nn.init.eye_(passing_on.weight)
    for silent in (block.key, block.down):
        nn.init.zeros_(silent.weight)
    for random in (block.query, block.up):
        nn.init.normal_(random.weight, std=random.in_features**-0.5, generator=generator)


def _deal_directions(basis: Float[Tensor, "dim hidden"], heads: int) -> Float[Tensor, "dim hidden"]:
    """Deal the directions out to the heads in turn, so that each sees as much as the others."""
    return basis.reshape(len(basis), -1, heads).transpose(1, 2).flatten(1)


def _principal_directions(
    x: Float[Tensor, "n dim"], count: int, *, generator: torch.Generator, rounds: int = 6
) -> Float[Tensor, "dim count"]:
    """The orthonormal directions that hold most of `x`, heaviest first, by subspace iteration.

    Not centred: only directions matter to a cosine, and the mean is one of them. Where `x` has
    fewer directions than asked for, random ones orthogonal to it fill up.
    """
    gram = x.T @ x if len(x) > x.shape[1] else None
    ridge = 1e-4 * x.square().sum() / x.shape[1]  # lets the random ones survive the iteration
    q = torch.randn(x.shape[1], count, generator=generator)
    for _ in range(rounds):
        q, _ = torch.linalg.qr((x.T @ (x @ q) if gram is None else gram @ q) + ridge * q)
    seen = x @ q
    _, order = torch.linalg.eigh(seen.T @ seen)  # ascending
    found: Tensor = q @ order.flip(1)
    return found
