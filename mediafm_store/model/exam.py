"""The held-out titles with fixed masks: the same questions to every model, and to none."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mediafm_store.model.batches import Batch, grouped, windows
from mediafm_store.model.masking import distances, mask_shots, neighbour_mean, title_mean
from mediafm_store.model.transformer import ShotTransformer
from mediafm_store.model.windows import TitleShots

BATCH_SHOTS = 2048

Predictor = Callable[[Batch, Bool[Tensor, "batch shots"]], Float[Tensor, "batch shots dim"]]
"""Guesses the shots of a batch that are masked."""


class Exam:
    """Masked shots to predict; several draws of masks cut the noise of few titles."""

    def __init__(
        self,
        titles: Sequence[TitleShots],
        *,
        size: int,
        mask_rate: float,
        draws: int,
        device: str | torch.device,
        generator: torch.Generator,
    ) -> None:
        batches = list(grouped(windows(titles, size), batch_shots=BATCH_SHOTS))
        self.questions = [
            (batch.to(device), mask.to(device))
            for batch in batches
            for mask in (
                mask_shots(batch.eligible, rate=mask_rate, generator=generator)
                for _ in range(draws)
            )
        ]

    @torch.inference_mode()
    def grade(self, predict: Predictor) -> float:
        """Mean cosine distance over all masked shots; lower is better."""
        wrong = [distances(predict(b, m), b.fused, m) for b, m in self.questions]
        return float(torch.cat(wrong).mean())


def predictor(model: ShotTransformer) -> Predictor:
    """What a model predicts."""
    return lambda batch, masked: model(batch.fused, batch.metadata, batch.valid, masked).shots


def trivial_predictors() -> dict[str, Predictor]:
    """What a trained model must beat: predictors that know only the shots left visible."""
    return {
        "title mean": lambda batch, masked: title_mean(batch.fused, batch.eligible & ~masked),
        "mean of 4 neighbours": lambda b, masked: neighbour_mean(b.fused, b.eligible & ~masked),
    }
