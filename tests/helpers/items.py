"""Items of each modality, as encoders read them."""

import numpy as np
from skimage import data

from mediafm_store.encoders.yamnet import RATE

SECOND = np.arange(RATE) / RATE


def pictures() -> list[np.ndarray]:
    return [data.chelsea(), data.coffee(), data.astronaut()[:100, :300], np.zeros((1, 1, 3), "u1")]


def sounds() -> list[np.ndarray]:
    noise = np.random.default_rng(0).normal(0, 0.1, 3 * RATE)
    return [x.astype("f4") for x in (noise, tone(440), np.zeros(2 * RATE), tone(1760)[:500])]


def tone(hertz: float) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * SECOND).astype("f4") / 2


def sentences() -> list[str]:
    return ["A cat sleeps.", "word " * 400, "?", "Été à la plage, 東京, \U0001f600"]


ITEMS = {"visual": pictures, "audio": sounds, "text": sentences}
"""Four items of each modality that differ from each other."""
