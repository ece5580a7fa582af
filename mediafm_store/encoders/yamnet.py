"""Sound encoder YAMNet, trained on AudioSet."""

from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
from jaxtyping import Float32

from mediafm_store import weights
from mediafm_store.arrays import Blocks, Modality, unit_rows
from mediafm_store.encoders.blocks import BlockMap, to_blocks
from mediafm_store.encoders.class_names import Classes
from mediafm_store.encoders.encoder import EncoderOutput, Runtime
from mediafm_store.encoders.minilm import MiniLM
from mediafm_store.encoders.onnx import Graph

GRAPH, NAMES = "yamnet.onnx", "audioset_names.txt"
RATE = 16_000
_WINDOW, _HOP, _FFT = 400, 160, 512
_FRAMES, _BANDS = 96, 64
_FEATURES, _CLASSES = 1024, 521
_LOWEST_HZ, _HIGHEST_HZ = 125.0, 7500.0
_LOG_OFFSET = np.float32(0.001)
_PATCH = _WINDOW + _HOP * (_FRAMES - 1)
"""Samples of a patch: 0.975 s."""
_DESCRIBE_FROM, _LABEL_FROM = 0.05, 0.1
_Samples = Float32[np.ndarray, " _"]
_Patch = Float32[np.ndarray, "1 96 64"]


class YAMNet:
    """Mono sound of any length at 16 kHz, 1024 features a patch of 0.975 s (Plakal and Ellis)."""

    name = "yamnet"
    modality: Modality = "audio"
    runtime: Runtime = "onnx"

    def __init__(self, *, device: str = "cpu", threads: int | None = None) -> None:
        self._graph = Graph(weights.path(GRAPH), device=device, threads=threads)
        self._map = BlockMap.of("sound")
        self._classes = Classes.of(
            "sound",
            names=NAMES,
            describe_from=_DESCRIBE_FROM,
            label_from=_LABEL_FROM,
            text=MiniLM(device=device, threads=threads),
        )
        self.fingerprint = weights.fingerprint(
            files=(GRAPH, NAMES),
            prefix="sound",
            constants=(
                *("patches spread evenly, unit, mean", RATE, _WINDOW, _HOP, _FFT, _FRAMES, _BANDS),
                *(_LOWEST_HZ, _HIGHEST_HZ, 0.001, _DESCRIBE_FROM, _LABEL_FROM),
            ),
        )

    @property
    def class_names(self) -> Float32[np.ndarray, "classes 384"]:
        """The names of sounds, as the text encoder has them."""
        return self._classes.vectors

    def encode(self, items: Sequence[_Samples]) -> EncoderOutput:
        """Encode sounds as unit blocks."""
        features = np.zeros((len(items), len(self._map.mean)), np.float32)
        likely = np.zeros((len(items), len(self._classes.names)), np.float32)
        for i, item in enumerate(items):
            features[i], likely[i] = listen(self._graph, item)
        return EncoderOutput(
            blocks=to_blocks(features, *self._map),
            described=self._classes.described(likely),
            labels=self._classes.labels(likely),
            probabilities=self._classes.label_probabilities(likely),
        )

    def encode_query(self, texts: Sequence[str]) -> Blocks:
        """Encode texts with the encoder of the class names."""
        return self._classes.text.encode_query(texts)


def listen(
    graph: Graph, samples: _Samples
) -> tuple[Float32[np.ndarray, " 1024"], Float32[np.ndarray, " 521"]]:
    """Mean over a sound's patches of unit features, and of class probabilities.

    Features are scaled to length 1 because those of a silent patch are ten times as long as those
    of music: one moment of silence would dominate the mean.
    """
    starts = _patch_starts(len(samples))
    features, likely = np.zeros(_FEATURES, np.float32), np.zeros(_CLASSES, np.float32)
    for first in range(0, len(starts), graph.batch):
        batch = starts[first : first + graph.batch]
        heard, logits = graph.run(patches=np.stack(list(_patches(samples, batch))))
        features += unit_rows(heard).sum(axis=0)
        likely += _sigmoid(logits).sum(axis=0)
    return features / np.float32(len(starts)), likely / np.float32(len(starts))


def _patch_starts(samples: int) -> list[int]:
    """Starts of the patches that cover the sound, evenly spread over it."""
    count = max(1, -(-samples // _PATCH))
    return [int(s) for s in np.linspace(0, max(0, samples - _PATCH), count)]


def _patches(samples: _Samples, starts: Sequence[int]) -> Iterator[_Patch]:
    """Logarithmic mel spectrograms; a sound shorter than a patch is padded with zeros."""
    for start in starts:
        piece = samples[start : start + _PATCH]
        yield _log_mel(np.pad(piece, (0, _PATCH - len(piece))))[None]


def _log_mel(piece: Float32[np.ndarray, " 15600"]) -> Float32[np.ndarray, "96 64"]:
    """Log-mel spectrogram, as in YAMNet's features.py: Hann-windowed Fourier magnitudes."""
    frames = np.lib.stride_tricks.sliding_window_view(piece, _WINDOW)[::_HOP]
    magnitudes = np.abs(np.fft.rfft(frames * _hann(), _FFT)).astype(np.float32)
    # Eight rows a product: small enough for BLAS to stay on this thread. Waking its others, while
    # the network's threads hold the cores, took 12 ms a patch instead of 0.2.
    bands = magnitudes.reshape(-1, 8, magnitudes.shape[1]) @ _mel_bands()
    return np.asarray(np.log(bands.reshape(_FRAMES, _BANDS) + _LOG_OFFSET))


@cache
def _hann() -> Float32[np.ndarray, " 400"]:
    """The periodic Hann window."""
    turns = 2 * np.pi * np.arange(_WINDOW) / _WINDOW
    return np.asarray(0.5 - 0.5 * np.cos(turns), np.float32)


@cache
def _mel_bands() -> Float32[np.ndarray, "257 64"]:
    """Triangles that are evenly spaced in mel, from 125 to 7500 Hz; the zero frequency has none."""
    bins = _mel(np.linspace(0, RATE / 2, _FFT // 2 + 1))[:, None]
    edges = np.linspace(_mel(_LOWEST_HZ), _mel(_HIGHEST_HZ), _BANDS + 2)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    triangles = np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre))
    triangles[0] = 0
    return np.asarray(np.maximum(triangles, 0), np.float32)


def _mel(hertz: np.ndarray | float) -> np.ndarray:
    """The mel scale as HTK defines it."""
    return np.asarray(1127 * np.log1p(np.asarray(hertz) / 700))


def _sigmoid(logits: Float32[np.ndarray, "n classes"]) -> Float32[np.ndarray, "n classes"]:
    """Probabilities of classes that do not exclude each other; this form cannot overflow."""
    return np.asarray(np.float32(0.5) * (1 + np.tanh(np.float32(0.5) * logits)))
