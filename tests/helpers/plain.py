"""An encoder that needs no weights."""

import os
import zlib

import numpy as np

from mediafm_store.arrays import unit_rows
from mediafm_store.encoders.encoder import EncoderOutput
from tests.helpers.asking import search


class PlainEncoder:
    """Encodes quickly: items of equal bytes get equal unit vectors, others random ones."""

    def __init__(self, modality, fingerprint="plain"):
        self.name, self.modality, self.fingerprint = f"plain-{modality}", modality, fingerprint

    def encode(self, items):
        rows = np.zeros((len(items), 768), np.float32)
        for row, item in zip(rows, items, strict=True):
            content = item.encode() if isinstance(item, str) else np.ascontiguousarray(item)
            row[:] = np.random.default_rng(zlib.crc32(content)).normal(size=768)
        return EncoderOutput(unit_rows(rows), unit_rows(rows), [()] * len(items))

    def encode_query(self, texts):
        return self.encode(texts).blocks


def search_all(store, **asked):
    """All of a store in order, by plain cosines, the query's own scene with it.

    Of vectors that mean nothing, nothing is a good match. Where nothing else is said they are
    compared in context if the store and the query have such.
    """
    plain = {"same_scene": True, "least": 0.0, "fold": False}
    if "space" not in asked:
        named = [*asked.get("like", ()), *asked.get("unlike", ())]
        files = asked.keys() & {"clip", "picture", "sound"} or any(map(os.path.isfile, named))
        plain["space"] = "context" if store.has("context") and not files else "fused"
    return search(store, **plain | asked)


def visual(*, device):
    """A plug-in, as the two below."""
    return PlainEncoder("visual")


def audio(*, device):
    return PlainEncoder("audio")


def text(*, device):
    return PlainEncoder("text")


PLUGINS = [f"--encoder=tests.helpers.plain:{modality}" for modality in ("visual", "audio", "text")]
