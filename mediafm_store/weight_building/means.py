"""The fixed means that vectors are centred by, from no data that is not here."""

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Float, Float32

from mediafm_store.encoders.onnx import Graph
from mediafm_store.encoders.yamnet import RATE, listen

_LEVELS = (0.5, 0.05, 0.01)


def relu6_means(state: Mapping[str, np.ndarray]) -> Float32[np.ndarray, " 1280"]:
    """The mean of each of EfficientNet's features over ImageNet, in closed form.

    The last convolution goes through a batch norm, so over the training pictures its channels
    have mean beta and deviation |gamma|; this is the mean of ReLU6 of such a normal variable.
    """
    mean = torch.from_numpy(state["_bn1.bias"]).double()
    deviation = torch.from_numpy(state["_bn1.weight"]).double().abs()
    low, high = -mean / deviation, (6 - mean) / deviation

    def density(x: torch.Tensor) -> torch.Tensor:
        bell: torch.Tensor = torch.exp(-x.square() / 2) / (2 * torch.pi) ** 0.5
        return bell

    below, under_six = torch.special.ndtr(low), torch.special.ndtr(high)
    inside = mean * (under_six - below) + deviation * (density(low) - density(high))
    means: np.ndarray = (inside + 6 * (1 - under_six)).float().numpy()
    return means


def sound_mean(graph: Graph) -> Float32[np.ndarray, " 1024"]:
    """The mean of YAMNet's features over synthetic sounds, each at three levels."""
    generator = np.random.Generator(np.random.PCG64(0))
    heard = [
        listen(graph, (sound * level).astype(np.float32))[0]
        for sound in _synthetic_sounds(generator)
        for level in _LEVELS
    ]
    return np.asarray(np.mean(heard, axis=0), np.float32)


def _synthetic_sounds(generator: np.random.Generator) -> list[Float[np.ndarray, " n"]]:
    """Noises, tones, chords, sweeps, clicks and decays of three seconds."""
    t = np.arange(3 * RATE) / RATE
    white, pink, brown = (_noise(generator, len(t), slope) for slope in (0.0, 0.5, 1.0))
    tones = [_harmonics(t, hertz, 1) for hertz in (110, 220, 440, 880, 1760)]
    voices = [_harmonics(t, hertz, 9) for hertz in (110, 220, 330)]
    chords = [sum(_harmonics(t, f * r, 1) for r in (1, 1.26, 1.5)) / 3 for f in (130, 196)]
    swelling = [pink * (0.5 + 0.5 * _wave(t, 4)), brown * (0.5 + 0.5 * _wave(t, 0.7))]
    clicks = [(np.arange(len(t)) % every == 0).astype(float) for every in (4000, 800)]
    sweeps = [
        np.sin(2 * np.pi * (100 * t + 600 * t**2)),
        np.sin(2 * np.pi * (4000 * t - 600 * t**2)),
    ]
    decays = [pink * np.exp(-(t % 0.5) * 12), _wave(t, 330) * np.exp(-(t % 0.4) * 8)]
    return [white, pink, brown, *tones, *voices, *chords, *swelling, *clicks, *sweeps, *decays]


def _wave(t: Float[np.ndarray, " n"], hertz: float) -> Float[np.ndarray, " n"]:
    """A sine."""
    return np.asarray(np.sin(2 * np.pi * hertz * t))


def _harmonics(t: Float[np.ndarray, " n"], hertz: float, count: int) -> Float[np.ndarray, " n"]:
    """A tone with overtones that fall off as 1/k."""
    return np.asarray(sum(_wave(t, hertz * k) / k for k in range(1, count + 1)) / count**0.5)


def _noise(generator: np.random.Generator, n: int, slope: float) -> Float[np.ndarray, " n"]:
    """Noise with an amplitude spectrum of frequency to the power -slope, peak 1."""
    spectrum = np.fft.rfft(generator.standard_normal(n))
    shaped = np.fft.irfft(spectrum / np.maximum(np.arange(len(spectrum)), 1) ** slope, n)
    return np.asarray(shaped / np.abs(shaped).max())
