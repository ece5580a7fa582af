"""Pictures by CLIP and SigLIP, which know them by words."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import UInt8

from mediafm_store.arrays import Blocks, Modality
from mediafm_store.encoders.blocks import BlockMap, in_batches
from mediafm_store.encoders.encoder import EncoderOutput
from mediafm_store.encoders.huggingface.folder import ModelFolder

_BATCH = 16
Picture = UInt8[np.ndarray, "_ _ 3"]


class JointPicture:
    """Radford et al., "Learning Transferable Visual Models", 2021; Zhai et al., SigLIP, 2023."""

    modality: Modality = "visual"

    def __init__(self, folder: ModelFolder) -> None:
        self._folder = folder
        self.name = folder.name
        self.fingerprint = folder.fingerprint("image and text features")

    @cached_property
    def _prepare(self) -> Any:
        return self._folder.load("AutoImageProcessor", backend="pil")

    @cached_property
    def _tokenizer(self) -> Any:
        return self._folder.load("AutoTokenizer")

    def encode(self, items: Sequence[Picture]) -> EncoderOutput:
        """RGB pictures to unit blocks, which words are compared with as they are."""
        blocks = in_batches(items, _BATCH, self._blocks)
        return EncoderOutput(blocks, blocks.copy(), [()] * len(items))

    def encode_query(self, texts: Sequence[str]) -> Blocks:
        """Texts through the model's own text tower."""
        return in_batches(texts, _BATCH, self._text_blocks)

    def _blocks(self, items: Sequence[Picture]) -> Blocks:
        inputs = self._prepare(images=list(items), return_tensors="pt").to(self._folder.device)
        return to_plain_blocks(self._folder.run(lambda net: net.get_image_features(**inputs)))

    def _text_blocks(self, texts: Sequence[str]) -> Blocks:
        # SigLIP was trained on texts that are all padded to one length.
        clip = self._folder.config.model_type == "clip"
        inputs = self._tokenizer(
            list(texts),
            padding=True if clip else "max_length",
            max_length=self._folder.config.text_config.max_position_embeddings,
            truncation=True,
            return_tensors="pt",
        ).to(self._folder.device)
        return to_plain_blocks(self._folder.run(lambda net: net.get_text_features(**inputs)))


def to_plain_blocks(native: np.ndarray) -> Blocks:
    """Blocks with the same map for items and words, so that their cosines stay as they are."""
    return BlockMap.plain(native.shape[1]).blocks(native)
