"""A text encoder that counts sequences of three letters.

Register it in pyproject.toml:

    [project.entry-points."mediafm_store.encoders"]
    trigrams = "my_plugins.encoder:Trigrams"

Then: mediafm ingest FOLDER --encoder trigrams
"""

from zlib import crc32

import numpy as np

from mediafm_store.encoders.encoder import EncoderOutput


class Trigrams:
    name = "trigrams"
    modality = "text"
    fingerprint = "trigrams 1"  # change it when vectors change

    def __init__(self, *, device):
        del device  # it needs no GPU

    def encode(self, items):
        blocks = self.encode_query(items)
        return EncoderOutput(blocks, blocks.copy(), labels=[()] * len(items))

    def encode_query(self, texts):
        counts = np.zeros((len(texts), 768), np.float32)
        for row, text in zip(counts, texts, strict=True):
            padded = f" {text.lower()} "
            for i in range(len(padded) - 2):
                row[crc32(padded[i : i + 3].encode()) % 768] += 1
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)
