"""Stores in which it is known what is like what: things that are called the same are the same."""

import zlib
from dataclasses import replace

import numpy as np

from mediafm_store.arrays import BLOCK, FUSED, MODALITIES, unit_rows
from mediafm_store.encoders.encoder import EncoderOutput
from mediafm_store.features.fusion import describe, fingerprint, fuse
from mediafm_store.media.sound import SAMPLE_RATE
from tests.conftest import rows_of, shot_row


def direction(name: str | np.ndarray | None) -> np.ndarray:
    """A unit vector for each name, at right angles to others but for a twentieth; None is zero."""
    if isinstance(name, np.ndarray):
        return name
    if name is None:
        return np.zeros(BLOCK, np.float32)
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    return unit_rows(rng.normal(size=(1, BLOCK)).astype(np.float32))[0]


def between(cosine: float, one: str, other: str) -> np.ndarray:
    """A unit vector that is so alike to the first of two names."""
    a, b = direction(one), direction(other)
    b = unit_rows((b - (a @ b) * a)[None])[0]
    return (np.float32(cosine) * a + np.float32(np.sqrt(1 - cosine**2)) * b).astype(np.float32)


class Planted:
    """Calls a picture by its brightness, a sound by its pitch, words by themselves."""

    def __init__(self, modality):
        self.name, self.modality, self.fingerprint = "planted", modality, f"planted {modality}"

    def encode(self, items):
        rows = self.encode_query([self.called(item) for item in items])
        return EncoderOutput(rows, rows, [()] * len(items))

    def called(self, item) -> str:
        if self.modality == "visual":
            return grey(item.mean())
        if self.modality == "audio":
            loudest = np.abs(np.fft.rfft(item[:SAMPLE_RATE])).argmax()
            return pitch(loudest * SAMPLE_RATE / len(item[:SAMPLE_RATE]))
        return item

    def encode_query(self, texts):
        return np.stack([direction(t) for t in texts]) if texts else np.zeros((0, BLOCK), "f4")


ENCODERS = {m: Planted(m) for m in MODALITIES}


def grey(brightness: float) -> str:
    """What a picture of one brightness, 0 to 255, is called."""
    return f"grey {round(brightness / 10)}"


def pitch(hz: float) -> str:
    """What a tone is called."""
    return f"pitch {round(hz / 10)}"


def blocks(visual, audio=None, text=None):
    """Names of what is seen, heard and said in each shot, as vectors by modality."""
    nothing = [None] * len(visual)
    names = {"visual": visual, "audio": audio or nothing, "text": text or nothing}
    return {m: np.stack([direction(n) for n in names[m]]) for m in MODALITIES}


def fused(visual, audio=None, text=None):
    """What the shots are."""
    return fuse(blocks(visual, audio, text))


def add_film(store, title, visual, audio=None, text=None, *, shots=None, **columns):
    """A title of such shots; `shots` are columns of their rows, `columns` those of the title."""
    made = blocks(visual, audio, text)
    version = store.registry.only_version
    spaces = {
        version(
            name,
            fingerprint(name, list(ENCODERS.values())),
            dim=FUSED,
            made_by="planted",
            fused=fingerprint("fused", list(ENCODERS.values())),
        ): made_of
        for name, made_of in (("fused", fuse(made)), ("described", describe(made)))
    }
    rows = rows_of(title, len(visual), spaces, **columns)
    ids = [row["id"] for row in rows.shots]
    words = [w if isinstance(w, str) else "" for w in text or [""] * len(ids)]
    said = [{"words": w} | own for w, own in zip(words, shots or [{}] * len(ids), strict=True)]
    made_rows = [
        shot_row(shot_id, i, **own) for i, (shot_id, own) in enumerate(zip(ids, said, strict=True))
    ]
    store.add_title(replace(rows, shots=made_rows))


def put_in_context(store, vectors):
    """Live versions of context and title with these vectors of each title."""
    version = store.registry.version
    told = {"dim": FUSED, "made_by": "checkpoint 0001", "fused": store.live("fused").fingerprint}
    context, title = version("context", "c", **told), version("title", "t", **told)
    for name, rows in vectors.items():
        ids = store.shots(name)["id"].to_list()
        store.add_vectors(context, store.title(name), ids, rows)
        store.add_vectors(title, store.title(name), [name], unit_rows(rows.mean(0)[None]))
    store.registry.promote(context, title)
