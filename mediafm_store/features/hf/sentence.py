"""Sentences by any text model, with the pooling that sentence-transformers wrote beside it."""

import json
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from mediafm_store.arrays import Blocks, Modality
from mediafm_store.errors import BadInput
from mediafm_store.features.blocks import in_batches
from mediafm_store.features.encoders import Encoded
from mediafm_store.features.hf.folder import ModelFolder
from mediafm_store.features.hf.picture import to_plain_blocks

BATCH, MOST_TOKENS = 16, 512
POOLINGS = {"pooling_mode_cls_token": "first", "pooling_mode_lasttoken": "last"}
"""Keys of sentence-transformers' `1_Pooling/config.json`; all else is the mean."""


class Sentence:
    """Reimers and Gurevych, "Sentence-BERT", 2019, and all that came after it."""

    modality: Modality = "text"

    def __init__(self, folder: ModelFolder) -> None:
        kind = folder.config.model_type
        if folder.config.is_encoder_decoder or not list(folder.path.glob("tokenizer*")):
            raise BadInput(
                f"{folder.name}: models of type {kind} cannot be used; known are clip, siglip,"
                " clap, wav2vec2 and text encoders with a tokenizer"
            )
        self._folder = folder
        self.name = folder.name
        self.fingerprint = folder.fingerprint("pooled tokens", MOST_TOKENS)

    @cached_property
    def _tokenizer(self) -> Any:
        return self._folder.load("AutoTokenizer")

    @cached_property
    def _pooling(self) -> str:
        path = self._folder.path / "1_Pooling" / "config.json"
        facts = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        return next((name for key, name in POOLINGS.items() if facts.get(key)), "mean")

    def encode(self, items: Sequence[str]) -> Encoded:
        """Texts to unit blocks; what is said describes itself."""
        blocks = self.encode_query(items)
        return Encoded(blocks, blocks.copy(), [()] * len(items))

    def encode_query(self, texts: Sequence[str]) -> Blocks:
        """The same."""
        return in_batches(texts, BATCH, self._blocks)

    def _blocks(self, texts: Sequence[str]) -> Blocks:
        longest = min(self._tokenizer.model_max_length, MOST_TOKENS)
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
