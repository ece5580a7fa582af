"""A training that was cut off goes on as if it had not been."""

import dataclasses
import hashlib
import json
import time
from collections.abc import Sequence
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save_file
from torch import Tensor

from mediafm_store.disk import writing
from mediafm_store.errors import InvalidInput
from mediafm_store.files import read_file, remove_file, whole_file
from mediafm_store.model.sequences import Title
from mediafm_store.model.transformer import ModelConfig
from mediafm_store.training.process_group import ProcessGroup
from mediafm_store.training.run import Best, Step, TrainConfig, TrainingRun

_EVERY_S = 60.0
"""Between two writes: the weights of a base model and its optimizers are 1.4 GB."""


class ResumeState:
    """One file: weights, the best weights, what the optimizers remember, and the history.

    Chances are drawn again for each step from its number, so no generator has a state to keep. The
    first process writes it, reads it and tells the others: they need not reach it. Raises
    InvalidInput if the processes do not train on the same titles.
    """

    def __init__(self, address: str, key: str, world: ProcessGroup) -> None:
        self.address, self.key, self.world = address, key, world
        self.written = time.monotonic()
        if world.tell(key) != key:
            raise InvalidInput(
                "the processes that train together see different titles or settings; start them"
                " anew, all alike, when nothing is written to the store"
            )

    def keep(self, run: TrainingRun) -> None:
        """Write the state, if it is time; a kill while it is written leaves the one before."""
        if self.world.rank or time.monotonic() - self.written < _EVERY_S:
            return
        facts = {
            "key": self.key,
            "step_shots": run.step_shots,
            "history": [step._asdict() for step in run.history],
            "best": {"step": run.best.step, "validation": run.best.validation},
        }
        with writing(self.address, also=(SafetensorError,)), whole_file(self.address) as part:
            save_file(_tensors_of(run), part, metadata={"facts": json.dumps(facts)})
        self.written = time.monotonic()

    def restore(self, run: TrainingRun) -> None:
        """Bring a run to where it was cut off; one of other titles or settings is passed over."""
        found = self.world.tell(b"" if self.world.rank else read_file(self.address) or b"")
        facts = _facts_of(found)
        if facts.get("key") != self.key:
            return
        try:
            tensors = load(found)  # optimizers keep their count of steps on the CPU, or wait for it
        except SafetensorError:
            return
        run.model.load_state_dict(_part_of(tensors, "model"))
        best = {name: w.to(run.device) for name, w in _part_of(tensors, "best").items()}
        run.best = Best(**facts["best"], weights=best)
        run.history = [Step(**step) for step in facts["history"]]
        run.step_shots = facts["step_shots"]
        for number, optimizer in enumerate(run.optimizers):
            state: dict[int, dict[str, Tensor]] = {}
            for name, tensor in _part_of(tensors, f"optimizer{number}").items():
                parameter, _, what = name.partition(".")
                state.setdefault(int(parameter), {})[what] = tensor
            groups = optimizer.state_dict()["param_groups"]
            optimizer.load_state_dict({"state": state, "param_groups": groups})

    def remove(self) -> None:
        """Training is over."""
        if not self.world.rank:
            remove_file(self.address)


def _facts_of(file: bytes) -> dict[str, Any]:
    """Metadata in the header of a safetensors file; empty if it is not one.

    Its header is JSON, after its length as 8 bytes.
    """
    try:
        header = json.loads(file[8 : 8 + int.from_bytes(file[:8], "little")])
        facts: dict[str, Any] = json.loads(header["__metadata__"]["facts"])
    except (ValueError, KeyError):
        return {}
    return facts


def _tensors_of(run: TrainingRun) -> dict[str, Tensor]:
    """State that a training needs to go on, by name."""
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


def _part_of(tensors: dict[str, Tensor], part: str) -> dict[str, Tensor]:
    """The tensors of one part, by their own names."""
    start = f"{part}."
    return {n.removeprefix(start): t for n, t in tensors.items() if n.startswith(start)}


def key_of(titles: Sequence[Title], model: ModelConfig, config: TrainConfig) -> str:
    """Hash of all that must be equal to resume a training: titles, sizes, settings."""
    settings = (dataclasses.asdict(model), dataclasses.asdict(config), torch.__version__)
    digest = hashlib.blake2b(repr(settings).encode())
    for title in titles:
        digest.update(repr((title.id, title.series, title.shots, title.key)).encode())
    return digest.hexdigest()
