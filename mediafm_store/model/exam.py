"""The held-out titles with fixed masks: the same questions to every model, and to none."""

from collections.abc import Sequence

import torch

from mediafm_store.model.batches import packs, windows
from mediafm_store.model.masking import Predictor, cosine_distances, mask_shots
from mediafm_store.model.packed import TitleShots
from mediafm_store.model.world import ALONE, World

BATCH_SHOTS = 2048


class Exam:
    """Masked shots to predict; several draws of masks cut the noise of few titles."""

    def __init__(
        self,
        titles: Sequence[TitleShots],
        *,
        size: int,
        mask_rate: float,
        draws: int,
        generator: torch.Generator,
        device: str | torch.device = "cpu",
        world: World = ALONE,
    ) -> None:
        questions = [
            (batch, mask_shots(batch.eligible, batch.lengths, rate=mask_rate, tickets=tickets))
            for batch in packs(windows(titles, size), batch_shots=BATCH_SHOTS)
            for tickets in torch.rand(draws, len(batch.fused), generator=generator)
        ]
        mine = world.share(questions)
        self.questions = [(batch.to(device), masked.to(device)) for batch, masked in mine]
        self.device, self.world = device, world

    @torch.inference_mode()
    def grade(self, predict: Predictor) -> float:
        """Mean cosine distance over all masked shots; lower is better."""
        sums = torch.zeros(2, dtype=torch.float64, device=self.device)
        for batch, masked in self.questions:
            wrong = cosine_distances(predict(batch, masked), batch.fused[masked])
            sums += torch.stack([wrong.sum(), torch.ones_like(wrong).sum()])
        total, count = self.world.sum(sums).tolist()
        return total / max(1.0, count)
