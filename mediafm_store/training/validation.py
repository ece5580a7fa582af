"""The held-out titles with fixed masks: the same questions to every model, and to none."""

from collections.abc import Sequence
from itertools import groupby

import torch

from mediafm_store.errors import InvalidInput
from mediafm_store.model.sequences import Title, pack, read
from mediafm_store.training.batching import batches, windows
from mediafm_store.training.masking import Predictor, cosine_distances, mask_shots
from mediafm_store.training.process_group import ALONE, ProcessGroup

_BATCH_SHOTS = 2048
_MOST_SHOTS = 16_384
"""Most shots to validate on; they stay in memory, 151 MB. Of 100,000 shots, 15 % are held out."""


class ValidationSet:
    """Fixed masked shots to predict; several draws of masks reduce the noise of few titles.

    Titles are taken in order until they have `_MOST_SHOTS` together.
    """

    def __init__(
        self,
        titles: Sequence[Title],
        *,
        size: int,
        mask_rate: float,
        draws: int,
        generator: torch.Generator,
        device: str | torch.device = "cpu",
        world: ProcessGroup = ALONE,
    ) -> None:
        asked = next(batches(windows(titles, size), _MOST_SHOTS), [])
        groups = list(batches(asked, _BATCH_SHOTS))
        drawn = [
            (number, tickets)
            for number, group in enumerate(groups)
            for tickets in torch.rand(draws, sum(s.shots for s in group), generator=generator)
        ]
        self.questions = []
        for number, mine in groupby(world.share(drawn), key=lambda question: question[0]):
            batch = pack(read(groups[number])).to(device)
            for _, tickets in mine:
                masked = mask_shots(batch.eligible, batch.lengths, rate=mask_rate, tickets=tickets)
                self.questions.append((batch, masked))
        self.device, self.world = device, world

    @torch.inference_mode()
    def grade(self, predict: Predictor) -> float:
        """Mean cosine distance over all masked shots; lower is better.

        Raises:
            InvalidInput: If no title has a shot that can be masked.
        """
        sums = torch.zeros(2, dtype=torch.float64, device=self.device)
        for batch, masked in self.questions:
            wrong = cosine_distances(predict(batch, masked), batch.fused[masked])
            sums += torch.stack([wrong.sum(), torch.ones_like(wrong).sum()])
        total, count = self.world.sum(sums).tolist()
        if not count:
            raise InvalidInput(
                "the titles that are held out have no shot with a picture, a sound or a word:"
                " ingest more"
            )
        return total / count
