"""Sentences by any text model, with the pooling that sentence-transformers wrote beside it."""

import json
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from mediafm_store.arrays import Blocks, Modality
from mediafm_store.encoders.blocks import in_batches
from mediafm_store.encoders.encoder import EncoderOutput
from mediafm_store.encoders.huggingface.folder import ModelFolder, short_errors
from mediafm_store.encoders.huggingface.picture import to_plain_blocks
from mediafm_store.errors import InvalidInput

_BATCH, _MOST_TOKENS = 16, 512
_POOLINGS = {
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_cls_token": "first",
    "pooling_mode_lasttoken": "last",
}
"""Keys of sentence-transformers' `1_Pooling/config.json`."""
_MODULES = ("Transformer", "Pooling", "Normalize")
"""Parts of a model, by `modules.json`, that are understood here."""


class Sentence:
    """Reimers and Gurevych, "Sentence-BERT", 2019, and all that came after it."""

    modality: Modality = "text"

    def __init__(self, folder: ModelFolder) -> None:
        kind = folder.config.model_type
        if folder.config.is_encoder_decoder or not list(folder.path.glob("tokenizer*")):
            raise InvalidInput(
                f"{folder.name}: models of type {kind} cannot be used; known are clip, siglip,"
                " clap, wav2vec2 and text encoders with a tokenizer"
            )
        other = [m["type"] for m in _read_json(folder, "modules.json", []) if _unknown(m["type"])]
        if other:
            raise InvalidInput(
                f"{folder.name}: its part {other[0]} is not known; choose another model"
            )
        pooling = _read_json(folder, "1_Pooling/config.json", {"pooling_mode_mean_tokens": True})
        on = [key for key in pooling if key.startswith("pooling_mode_") and pooling[key]]
        if len(on) != 1 or on[0] not in _POOLINGS:
            raise InvalidInput(f"{folder.name}: pooling {on} is not known; choose another model")
        self._pooling = _POOLINGS[on[0]]
        self._folder = folder
        self.name = folder.name
        self.fingerprint = folder.fingerprint("pooled tokens", _MOST_TOKENS)

    @cached_property
    def _tokenizer(self) -> Any:
        return self._folder.load("AutoTokenizer")

    def encode(self, items: Sequence[str]) -> EncoderOutput:
        """Encode texts as unit blocks, which are their own descriptions."""
        blocks = self.encode_query(items)
        return EncoderOutput(blocks, blocks.copy(), [()] * len(items))

    def encode_query(self, texts: Sequence[str]) -> Blocks:
        """Encode queries as texts."""
        return in_batches(texts, _BATCH, self._blocks)

    def _blocks(self, texts: Sequence[str]) -> Blocks:
        with short_errors(self.name):  # such as tokenizers that cannot pad
            longest = min(self._tokenizer.model_max_length, _MOST_TOKENS)
            inputs = self._tokenizer(
                list(texts), padding=True, truncation=True, max_length=longest, return_tensors="pt"
            ).to(self._folder.device)

        def pooled(network: Any) -> Any:
            hidden = network(**inputs).last_hidden_state  # [texts, tokens, width]
            there = inputs["attention_mask"].unsqueeze(-1)
            if self._pooling == "mean":
                return (hidden * there).sum(dim=1) / there.sum(dim=1)
            places = there.cumsum(dim=1) * there  # 1 at the first token, the most at the last
            at = places.argmax(dim=1) if self._pooling == "last" else (places == 1).int().argmax(1)
            return hidden.take_along_dim(at.unsqueeze(-1), dim=1).squeeze(1)

        return to_plain_blocks(self._folder.run(pooled))


def _read_json(folder: ModelFolder, name: str, missing: Any) -> Any:
    """A JSON file of the folder; raise InvalidInput if it is none."""
    path = folder.path / name
    with short_errors(folder.name):
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else missing


def _unknown(kind: str) -> bool:
    """True if a module of sentence-transformers, by its class, is not supported."""
    return kind.rpartition(".")[2] not in _MODULES
