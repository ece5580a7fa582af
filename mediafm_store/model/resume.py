"""A training that was cut off goes on as if it had not been."""

import dataclasses
import hashlib
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from mediafm_store.model.packed import TitleShots
from mediafm_store.model.run import Best, Run, Step, TrainConfig
from mediafm_store.model.transformer import ModelConfig
from mediafm_store.model.world import World

EVERY_S = 60.0
"""Between two writes: the weights of a base model and its optimizers are 1.4 GB."""


class Unfinished:
    """One file: weights, the best weights, what the optimizers remember, and the history.

    Chances are drawn anew for each step from its number, so no generator has a state to keep.
    """

    def __init__(self, path: Path, key: str, world: World) -> None:
        self.path, self.key, self.world = path, key, world
        self.written = time.monotonic()

    def keep(self, run: Run) -> None:
        """Write the state, if it is time; a kill while it is written leaves the one before."""
        if self.world.rank or time.monotonic() - self.written < EVERY_S:
            return
        facts = {
            "key": self.key,
            "history": [step._asdict() for step in run.history],
            "best": {"step": run.best.step, "validation": run.best.validation},
        }
        beside = self.path.with_name(f".{self.path.name}")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        save_file(tensors_of(run), beside, metadata={"facts": json.dumps(facts)})
        os.replace(beside, self.path)
        self.written = time.monotonic()

    def restore(self, run: Run) -> None:
        """Bring a run to where it was cut off; one of other titles or settings is passed over."""
        try:
            with safe_open(self.path, framework="pt", device=str(run.device)) as file:
                facts = json.loads((file.metadata() or {}).get("facts", "{}"))
                if facts.get("key") != self.key:
                    return
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (FileNotFoundError, SafetensorError):
            return
        run.model.load_state_dict(part_of(tensors, "model"))
        run.best = Best(**facts["best"], weights=part_of(tensors, "best"))
        run.history = [Step(**step) for step in facts["history"]]
        for number, optimizer in enumerate(run.optimizers):
            state: dict[int, dict[str, Tensor]] = {}
            for name, tensor in part_of(tensors, f"optimizer{number}").items():
                parameter, _, what = name.partition(".")
                state.setdefault(int(parameter), {})[what] = tensor
            groups = optimizer.state_dict()["param_groups"]
            optimizer.load_state_dict({"state": state, "param_groups": groups})

    def remove(self) -> None:
        """Training is over."""
        if not self.world.rank:
            self.path.unlink(missing_ok=True)


def tensors_of(run: Run) -> dict[str, Tensor]:
    """All that a run would miss, by name."""
    parts = {"model": run.model.state_dict(), "best": run.best.weights}
    for number, optimizer in enumerate(run.optimizers):
        state = optimizer.state_dict()["state"]
        parts[f"optimizer{number}"] = {
            f"{parameter}.{what}": tensor
            for parameter, kept in state.items()
            for what, tensor in kept.items()
        }
    return {
        f"{part}.{name}": tensor.detach().clone().contiguous()
        for part, tensors in parts.items()
        for name, tensor in tensors.items()
    }


def part_of(tensors: dict[str, Tensor], part: str) -> dict[str, Tensor]:
    """The tensors of one part, by their own names."""
    start = f"{part}."
    return {n.removeprefix(start): t for n, t in tensors.items() if n.startswith(start)}


def key_of(
    titles: Sequence[TitleShots], model: ModelConfig, config: TrainConfig, processes: int
) -> str:
    """What must be the same for a training to go on: titles, sizes, settings, torch."""
    settings = (dataclasses.asdict(model), dataclasses.asdict(config), processes)
    digest = hashlib.blake2b(repr((settings, torch.__version__)).encode())
    for title in titles:
        digest.update(title.fused.tobytes())
        digest.update(title.metadata.tobytes() + title.series.encode())
    return digest.hexdigest()
