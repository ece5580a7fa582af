"""Encoders that processes with GPUs hold, for the workers that decode."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import numpy as np

from mediafm_store.arrays import Blocks, Modality
from mediafm_store.engines.ray import RayTaskError, cause, ray
from mediafm_store.features.encoders import Encoded, Encoder, Encoders
from mediafm_store.parallel import groups

MESSAGE_BYTES = 8 * 2**20
"""Of pictures or sound that are sent at once: sixteen key frames of 512 x 288."""
OPTIONS = {"num_cpus": 0, "num_gpus": 1, "max_restarts": -1, "max_task_retries": 3}
"""A holder that dies is begun again by Ray, and asked again: it writes nothing."""


class Holder:
    """All encoders, in a process of its own."""

    def __init__(self, encoders: Encoders) -> None:
        self._encoders = encoders

    def on_gpu(self) -> list[Modality]:
        """What it encodes on its GPU: all, where encoders do not say."""
        return sorted(getattr(self._encoders, "on_gpu", self._encoders))

    def encode(self, modality: Modality, items: Sequence[Any]) -> Encoded:
        """By the encoder of a modality."""
        return self._encoders[modality].encode(items)

    def encode_query(self, modality: Modality, texts: Sequence[str]) -> Blocks:
        """By the encoder of a modality."""
        return self._encoders[modality].encode_query(texts)


def hold(encoders: Encoders, count: int) -> Encoders:
    """Load encoders in so many processes; return stand-ins for those that run on a GPU there.

    The processes end with the stand-ins' first owner. Raises what keeps encoders from loading.
    """
    names = tuple(f"encoders-{uuid4()}" for _ in range(count))
    sent, make = ray.put(encoders), ray.remote(Holder)
    holders = [make.options(name=name, **OPTIONS).remote(sent) for name in names]
    try:
        on_gpu: list[Modality] = ray.get(holders[0].on_gpu.remote())
    except RayTaskError as error:
        raise cause(error) from error
    stand_ins = {
        m: HeldEncoder(encoders[m].name, m, encoders[m].fingerprint, names) for m in on_gpu
    }
    return Held(encoders, stand_ins, holders) if stand_ins else encoders


class Held(dict[Modality, Encoder]):
    """Encoders and stand-ins; as long as this is there, so are the processes."""

    def __init__(self, own: Encoders, stand_ins: Encoders, holders: Sequence[Any]) -> None:
        super().__init__({**own, **stand_ins})
        self._own, self._stand_ins, self._holders = own, stand_ins, holders

    def __reduce__(self) -> tuple[Callable[..., Encoders], tuple[Encoders, ...]]:
        """Workers know the processes by name, and load what these do not hold."""
        all_held = self._own.keys() == self._stand_ins.keys()
        return both, (self._stand_ins,) if all_held else (self._own, self._stand_ins)


def both(*encoders: Encoders) -> Encoders:
    """Of each modality the last."""
    return {m: encoder for some in encoders for m, encoder in some.items()}


@dataclass(frozen=True)
class HeldEncoder:
    """Stands for an encoder that processes of these names hold."""

    name: str
    modality: Modality
    fingerprint: str
    holders: tuple[str, ...]

    def encode(self, items: Sequence[Any]) -> Encoded:
        """As the encoder does, in messages of MESSAGE_BYTES at most, or of one item."""
        messages = list(groups(items, size, most=MESSAGE_BYTES)) or [[]]
        parts = [self._ask("encode", message) for message in messages]
        return Encoded(
            blocks=np.concatenate([part.blocks for part in parts]),
            described=np.concatenate([part.described for part in parts]),
            labels=[labels for part in parts for labels in part.labels],
        )

    def encode_query(self, texts: Sequence[str]) -> Blocks:
        """As the encoder does."""
        return self._ask("encode_query", texts)

    def _ask(self, method: str, items: Sequence[Any]) -> Any:
        """A process keeps to one holder, so that each holder has as many workers."""
        holder = ray.get_actor(self.holders[os.getpid() % len(self.holders)])
        try:
            return ray.get(getattr(holder, method).remote(self.modality, items))
        except RayTaskError as error:
            raise cause(error) from None


def size(item: Any) -> int:
    """Bytes of a picture, of sound, or of words."""
    return len(item.encode()) if isinstance(item, str) else int(np.asarray(item).nbytes)
