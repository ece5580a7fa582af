"""Encoders that processes with GPUs hold, for the workers that decode."""

import logging
import pickle
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import uuid4

import numpy as np

from mediafm_store.arrays import Blocks, Modality
from mediafm_store.encoders.encoder import Encoder, EncoderOutput, Encoders
from mediafm_store.engines.cluster import RayError, RayTaskError, cause, ray, sendable
from mediafm_store.errors import InvalidInput
from mediafm_store.parallel import groups

log = logging.getLogger("mediafm_store")
_PLACE_S = 60.0
"""To wait for GPUs, which others may use."""
_MESSAGE_BYTES = 8 * 2**20
"""Bytes of pictures or sound per message: sixteen keyframes of 512 x 288."""
_OPTIONS = {"num_cpus": 0, "num_gpus": 1, "max_restarts": -1, "max_task_retries": 3}
"""A holder that dies is begun again by Ray, and asked again: it writes nothing."""


class _EncoderActor:
    """All encoders, in a process of its own."""

    def __init__(self, pickled: bytes) -> None:
        self._pickled = pickled

    @cached_property
    def _encoders(self) -> Encoders:
        """Loaded by the first call, whose error it is if they cannot be."""
        encoders: Encoders = pickle.loads(self._pickled)
        return encoders

    def on_gpu(self) -> list[Modality]:
        """Modalities that are encoded on the GPU; all, unless the encoders say otherwise."""
        return sorted(getattr(self._encoders, "on_gpu", self._encoders))

    def encode(self, modality: Modality, items: Sequence[Any]) -> EncoderOutput:
        """Encode items with the encoder of a modality."""
        return self._encoders[modality].encode(items)

    def encode_query(self, modality: Modality, texts: Sequence[str]) -> Blocks:
        """Encode queries with the encoder of a modality."""
        return self._encoders[modality].encode_query(texts)


def hold(encoders: Encoders, count: int) -> Encoders:
    """Load encoders in `count` processes; return stand-ins for those that run on a GPU there.

    The processes end with the stand-ins' first owner. Raises what keeps encoders from loading.
    """
    names = tuple(f"encoders-{uuid4()}" for _ in range(count))
    sent, make = ray.put(sendable(encoders)), ray.remote(_EncoderActor)
    holders = [make.options(name=name, **_OPTIONS).remote(sent) for name in names]
    asked = {h.on_gpu.remote(): name for h, name in zip(holders, names, strict=True)}
    answered, _ = ray.wait(list(asked), num_returns=count, timeout=_PLACE_S)
    if not answered:
        log.warning("no GPU of the cluster is free; encoders run on the CPUs of the workers")
        return encoders
    try:
        on_gpu = set.intersection(*map(set, ray.get(answered)))
    except RayTaskError as error:
        raise cause(error) from error
    except RayError as error:
        raise InvalidInput(f"encoders cannot be held: {type(error).__name__}") from error
    there = tuple(asked[one] for one in answered)
    stand_ins = {
        m: RemoteEncoder(encoders[m].name, m, encoders[m].fingerprint, there)
        for m in sorted(on_gpu)
    }
    return RemoteEncoders(encoders, stand_ins, [sent, *holders]) if stand_ins else encoders


class RemoteEncoders(dict[Modality, Encoder]):
    """Encoders and stand-ins; as long as this is there, so are the processes."""

    def __init__(self, own: Encoders, stand_ins: Encoders, kept: Sequence[Any]) -> None:
        super().__init__({**own, **stand_ins})
        self._own, self._stand_ins = own, stand_ins
        self._kept = kept
        """The processes, and what Ray needs to restart them."""

    def __reduce__(self) -> tuple[Callable[..., Encoders], tuple[Encoders, ...]]:
        """Workers know the processes by name, and load what these do not hold."""
        all_held = self._own.keys() == self._stand_ins.keys()
        return _both, (self._stand_ins,) if all_held else (self._own, self._stand_ins)


def _both(*encoders: Encoders) -> Encoders:
    """Merge two mappings by modality; the last one wins."""
    return {m: encoder for some in encoders for m, encoder in some.items()}


@dataclass(frozen=True)
class RemoteEncoder:
    """Stands for an encoder that processes of these names hold."""

    name: str
    modality: Modality
    fingerprint: str
    holders: tuple[str, ...]

    def encode(self, items: Sequence[Any]) -> EncoderOutput:
        """Encode items in messages of at most MESSAGE_BYTES, or of one item."""
        messages = list(groups(items, _bytes_of_item, most=_MESSAGE_BYTES)) or [[]]
        parts = [self._ask("encode", message) for message in messages]
        return EncoderOutput(
            blocks=np.concatenate([part.blocks for part in parts]),
            described=np.concatenate([part.described for part in parts]),
            labels=[labels for part in parts for labels in part.labels],
            probabilities=[likely for part in parts for likely in part.probabilities] or (),
        )

    def encode_query(self, texts: Sequence[str]) -> Blocks:
        """Encode queries in the process that holds the encoder."""
        return self._ask("encode_query", texts)

    def _ask(self, method: str, items: Sequence[Any]) -> Any:
        """Any holder will do: by chance, each has as much to do."""
        holder = ray.get_actor(random.choice(self.holders))
        try:
            return ray.get(getattr(holder, method).remote(self.modality, items))
        except RayTaskError as error:
            raise cause(error) from None


def _bytes_of_item(item: Any) -> int:
    """Bytes of a picture, of sound, or of words."""
    return len(item.encode()) if isinstance(item, str) else int(np.asarray(item).nbytes)
