"""Learning curves of a store's checkpoints."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mediafm_store.errors import MediaFMError
from mediafm_store.model.metadata import read_facts
from mediafm_store.storage.storage import Storage
from mediafm_store.training.checkpoints import HISTORY, saved

_NEWEST = 4
"""Checkpoints whose curves are shown."""
Steps = Sequence[tuple[int, float]]
"""A step and the loss after it."""


@dataclass(frozen=True)
class Curve:
    """The losses of one training: mean cosine distances at masked shots, 0 is best."""

    checkpoint: str
    preset: str
    training: Steps
    validation: Steps
    baselines: Mapping[str, float]
    """The validation loss of trivial predictors."""


def training_curves(store: Storage) -> list[Curve]:
    """Learning curves of the newest checkpoints, the latest first.

    Checkpoints without a readable history are left out.
    """
    curves = (_curve(folder) for folder in reversed(saved(store)[-_NEWEST:]))
    return [one for one in curves if one is not None]


def _curve(folder: Path) -> Curve | None:
    """Learning curve of a checkpoint; None if its history cannot be read."""
    try:
        rows = list(csv.DictReader(io.StringIO((folder / HISTORY).read_text(encoding="utf-8"))))
        facts = read_facts(folder)
        training, validation = (_losses(rows, name) for name in ("loss", "validation"))
    except (MediaFMError, OSError, ValueError, KeyError, TypeError):
        return None
    preset, baselines = str(facts.get("preset", "")), dict(facts.get("baselines", {}))
    return Curve(folder.name, preset, training, validation, baselines) if training else None


def _losses(rows: Sequence[Mapping[str, str]], name: str) -> Steps:
    """A column of the history, where it was measured."""
    return [(int(row["step"]), float(row[name])) for row in rows if row[name]]
