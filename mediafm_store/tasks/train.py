"""Fit the contextual model on the titles of a store."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from mediafm_store.errors import BadInput, NotFound
from mediafm_store.model.checkpoint import save_checkpoint
from mediafm_store.model.train import Step, TrainConfig, TrainResult
from mediafm_store.model.train import train as fit
from mediafm_store.model.transformer import PRESETS
from mediafm_store.model.windows import TitleShots
from mediafm_store.store.store import Store
from mediafm_store.tasks.encoding import DeviceChoice, resolve_device


@dataclass(frozen=True)
class Trained:
    """A finished training run and the folder of its checkpoint."""

    checkpoint: Path
    result: TrainResult


def train(
    store: Store,
    *,
    preset: str = "base",
    config: TrainConfig | None = None,
    device: DeviceChoice = "auto",
    on_step: Callable[[Step], None] = lambda step: None,
) -> Trained:
    """Train by masked shot modelling on all titles and save a checkpoint in the store.

    Raises BadInput for an unknown preset or a store with too few titles, NotFound without any.
    """
    check_preset(preset)
    store.check_writable()
    fused = store.live("fused")
    titles = all_shots(store)
    chosen = resolve_device(device)
    result = fit(titles, PRESETS[preset], config or TrainConfig(), device=chosen, on_step=on_step)
    facts = {
        "fused": fused.fingerprint,
        "preset": preset,
        "validation": result.validation,
        "baselines": result.baselines,
        "best_step": result.best_step,
        "stopped": result.stopped,
        "titles": len(titles),
        "history": [step._asdict() for step in result.history],
    }
    folder = next_checkpoint(store)
    save_checkpoint(result.model, folder, extra=facts)
    return Trained(folder, result)


def check_preset(preset: str) -> None:
    """Raise BadInput if there is no such size of model."""
    if preset not in PRESETS:
        raise BadInput(f"no preset {preset!r}; there are {', '.join(PRESETS)}")


def all_shots(store: Store) -> list[TitleShots]:
    """What the model sees of every title."""
    fused = store.vectors(store.live("fused")).by_title()
    titles = {t["id"]: t for t in store.titles().to_dicts()}
    return [TitleShots(shots, metadata_vector(titles[t])) for t, shots in fused.items()]


def metadata_vector(title: Mapping[str, Any]) -> Float32[np.ndarray, " 768"]:
    """What the model knows about a title, from its row."""
    return np.asarray(title["metadata_vector"], np.float32)


def checkpoints(store: Store) -> Path:
    """The folder that holds a store's checkpoints, numbered from 0001."""
    return store.path / "checkpoints"


def next_checkpoint(store: Store) -> Path:
    """The folder of the checkpoint to come."""
    return checkpoints(store) / f"{1 + max(map(number, saved(store)), default=0):04d}"


def saved(store: Store) -> list[Path]:
    """A store's checkpoints, oldest first."""
    folders = checkpoints(store).glob("[0-9]*") if checkpoints(store).is_dir() else ()
    return sorted((f for f in folders if f.name.isdigit()), key=number)


def number(checkpoint: Path) -> int:
    """A checkpoint's number, its folder's name."""
    return int(checkpoint.name)


def latest(store: Store) -> Path:
    """The newest checkpoint; raise NotFound if nothing was trained yet."""
    if folders := saved(store):
        return folders[-1]
    raise NotFound(f"store {store.path} has no trained model yet; run `mediafm train`")
