"""Fit the contextual model on the titles of a store."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from mediafm_store.arrays import Fused
from mediafm_store.encoding import DeviceChoice, resolve_device
from mediafm_store.errors import InvalidInput
from mediafm_store.model.sequences import LazyTitle, TitleSequence
from mediafm_store.model.transformer import PRESETS
from mediafm_store.storage.storage import Storage
from mediafm_store.training.checkpoints import HISTORY, save_next, unfinished
from mediafm_store.training.resume import key_of
from mediafm_store.training.run import Step, TrainConfig
from mediafm_store.training.trainer import TrainResult
from mediafm_store.training.trainer import train_model as fit


@dataclass(frozen=True)
class TrainReport:
    """A finished training run and the folder of its checkpoint."""

    checkpoint: Path | None
    """None in all processes but the first."""
    result: TrainResult


def train(
    store: Storage,
    *,
    preset: str = "base",
    config: TrainConfig | None = None,
    device: DeviceChoice = "auto",
    on_step: Callable[[Step], None] = lambda step: None,
) -> TrainReport:
    """Train by masked shot modelling on all titles and save a checkpoint in the store.

    An interrupted training is resumed if titles and settings are the same. The checkpoint holds
    `history.csv`, with a row per step.

    Args:
        store: Store with at least two titles of two or more shots.
        preset: Size of the model.
        config: Settings; default: those of `TrainConfig`.
        device: `auto`, `cpu` or `cuda`.
        on_step: Called after every step.

    Raises:
        InvalidInput: If the preset is unknown, or there are too few titles.
        NotFound: If there are no titles.
    """
    check_preset(preset)
    store.check_writable()
    fused = store.live("fused")
    titles = stored_titles(store)
    sizes, config = PRESETS[preset], config or TrainConfig()
    made: list[Path] = []

    def save(result: TrainResult) -> None:
        facts = {
            "fused": fused.fingerprint,
            "preset": preset,
            "mask_rate": config.mask_rate,
            "validation": result.validation,
            "baselines": result.baselines,
            "best_step": result.best_step,
            "stopped": result.stopped,
            "titles": len(titles),
            "held_out": result.held_out,
        }
        history = {HISTORY: _as_csv(result.history)}
        made.append(save_next(store, result.model, extra=facts, files=history))

    result = fit(
        titles,
        sizes,
        config,
        device=resolve_device(device),
        unfinished=unfinished(store, key_of(titles, sizes, config)),
        on_step=on_step,
        save=save,
    )
    return TrainReport(made[0] if made else None, result)


def _as_csv(history: Sequence[Step]) -> str:
    """A row a step; `validation` is empty where it was not measured."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(Step._fields)
    writer.writerows(history)
    return text.getvalue()


def check_preset(preset: str) -> None:
    """Raise InvalidInput if there is no model size of this name."""
    if preset not in PRESETS:
        raise InvalidInput(f"no preset {preset!r}; there are {', '.join(PRESETS)}")


def stored_titles(store: Storage) -> list[LazyTitle]:
    """Titles of a store by id, whose vectors are read when they are needed."""
    known = store.titles()
    revisions, series = (
        dict(zip(known["id"], known[column], strict=True)) for column in ("revision", "series")
    )
    spaces = store.live("fused"), store.live("metadata")
    fused, metadata = (store.places(space, revisions) for space in spaces)

    def read(titles: Sequence[LazyTitle]) -> list[TitleSequence]:
        shots = fused.read(np.concatenate([t.places for t in titles])).astype(np.float32)
        about = metadata.read(np.array([t.metadata for t in titles])).astype(np.float32)
        parts = np.split(shots, np.cumsum([t.shots for t in titles])[:-1])
        return [
            TitleSequence(own, told, series=title.series, id=title.id)
            for title, own, told in zip(titles, parts, about, strict=True)
        ]

    made_by = " ".join(space.fingerprint for space in spaces)
    return [
        LazyTitle(
            id=title_id,
            series=series[title_id],
            key=f"{made_by} {revisions[title_id]}",
            places=places,
            metadata=int(metadata.of[title_id][0]),
            read=read,
        )
        for title_id, places in fused.of.items()
    ]


def title_shots(
    title: Mapping[str, Any], fused: Fused, metadata: Float32[np.ndarray, " 768"]
) -> TitleSequence:
    """Input of the model for a title, from its row and its vectors."""
    return TitleSequence(fused, metadata, series=title["series"], id=title["id"])
