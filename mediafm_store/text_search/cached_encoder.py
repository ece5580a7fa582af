"""A text encoder that encodes each query once, as several steps of a search need its vector."""

from collections.abc import Sequence

import numpy as np

from mediafm_store.arrays import Blocks, Modality, zeros
from mediafm_store.encoders.encoder import Encoder, EncoderOutput, encode, encode_query


class CachedTextEncoder:
    """A text encoder that encodes each text once."""

    modality: Modality = "text"

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.name, self.fingerprint = encoder.name, encoder.fingerprint
        self._known: dict[str, Blocks] = {}

    def encode(self, items: Sequence[str]) -> EncoderOutput:
        """Encode items with the underlying encoder."""
        return encode(self._encoder, items)

    def encode_query(self, texts: Sequence[str]) -> Blocks:
        """Encode texts as queries, each of them once."""
        if new := [text for text in dict.fromkeys(texts) if text not in self._known]:
            rows = encode_query(self._encoder, new)
            self._known |= {text: rows[i : i + 1] for i, text in enumerate(new)}
        return np.concatenate([zeros(0), *(self._known[text] for text in texts)])
