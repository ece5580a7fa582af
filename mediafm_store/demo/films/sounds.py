"""Synthesised sounds for the sample films: a few lines of arithmetic each, no recordings."""

from collections.abc import Callable, Iterable

import numpy as np
from jaxtyping import Float32, Float64

Wave = Float64[np.ndarray, " n"]
Notes = Float64[np.ndarray, " notes"]
Number = int | float
Sound = Callable[[int, int, np.random.Generator], Wave]


def sample_times(n: int, rate: int) -> Wave:
    """The time of each sample."""
    return np.arange(n) / rate


def sine(cycles: Wave) -> Wave:
    """A sine wave, its phase given in cycles: `hz * t` for a steady tone."""
    wave: Wave = np.sin(2 * np.pi * cycles)
    return wave


def total(waves: Iterable[Wave]) -> Wave:
    """The sum of some sounds."""
    mix, *others = waves
    for wave in others:
        mix = mix + wave
    return mix


def noise(n: int, rate: int, rng: np.random.Generator, *, low: Number, high: Number) -> Wave:
    """Noise between `low` and `high` Hz, of unit power, with soft edges."""
    padded = 1 << (n - 1).bit_length()  # a power of two transforms fastest
    spectrum = np.fft.rfft(rng.standard_normal(padded))
    hz = np.fft.rfftfreq(padded, 1 / rate)
    spectrum *= 1 / (1 + (low / np.maximum(hz, 1e-3)) ** 4) / (1 + (hz / high) ** 4)
    wave = np.fft.irfft(spectrum)[:n]
    return wave / max(float(wave.std()), 1e-9)


def strikes(
    n: int, rate: int, starts: Notes, tones: Notes, *, decay: float, partials: tuple[Number, ...]
) -> Wave:
    """A struck or plucked note of `tones[i]` Hz at each of `starts` (seconds), dying away."""
    wave = np.zeros(n)
    for start, tone in zip(starts, tones, strict=True):
        first = min(int(start * rate), n)
        t = np.arange(min(int(6 * decay * rate), n - first)) / rate
        note = total(sine(tone * p * t) / (k + 1) for k, p in enumerate(partials))
        wave[first : first + len(t)] += note * np.exp(-t / decay)
    return wave


def beats(n: int, rate: int, rng: np.random.Generator, *, every: float, jitter: float) -> Notes:
    """Times in seconds, one every `every`, with a normal `jitter`."""
    times = np.arange(0.1, n / rate, every)
    return np.clip(times + jitter * rng.standard_normal(len(times)), 0, None)


def silence(n: int, rate: int, rng: np.random.Generator) -> Wave:
    """Nothing at all."""
    del rate, rng
    return np.zeros(n)


def wind(n: int, rate: int, rng: np.random.Generator) -> Wave:
    """Low noise that comes and goes in gusts."""
    gusts: Wave = np.tanh(noise(n, rate, rng, low=0.05, high=0.4))
    return noise(n, rate, rng, low=80, high=500) * (1 + 0.6 * gusts)


def sea(n: int, rate: int, rng: np.random.Generator) -> Wave:
    """Broad noise in waves of about five seconds."""
    swell = sine(sample_times(n, rate) / 5 + rng.random()) ** 4
    return noise(n, rate, rng, low=200, high=3000) * (swell + 0.15)


def rain(n: int, rate: int, rng: np.random.Generator) -> Wave:
    """Steady high noise and drops."""
    drops = 12 * (rng.random(n) < 0.002) * noise(n, rate, rng, low=2000, high=6000)
    return total([noise(n, rate, rng, low=1000, high=7000), drops])


def engine(n: int, rate: int, rng: np.random.Generator) -> Wave:
    """A rumble: harmonics of about 45 Hz under rough low noise."""
    turn = 45 * (1 + 0.04 * noise(n, rate, rng, low=0.05, high=1))
    hum = total(sine(k * np.cumsum(turn) / rate) / k for k in range(1, 7))
    return total([hum, 0.7 * noise(n, rate, rng, low=30, high=300)])


def drone(n: int, rate: int, rng: np.random.Generator) -> Wave:
    """A dark, slowly beating hum: the inside of a ship in a science-fiction film."""
    t = sample_times(n, rate)
    tones = (55, 55.4, 82.5, 110.3)
    hum = total(sine(hz * t + rng.random()) for hz in tones)
    return total([hum, 0.2 * noise(n, rate, rng, low=300, high=900)])


def music(n: int, rate: int, rng: np.random.Generator) -> Wave:
    """Plucked major chords, broken, at 150 notes a minute."""
    chords = np.array([[0, 4, 7, 12], [5, 9, 12, 17], [7, 11, 14, 19], [0, 4, 7, 12]])
    starts = beats(n, rate, rng, every=0.4, jitter=0.005)
    steps = np.arange(len(starts))
    notes = chords[steps // 4 % 4, rng.permutation(4)[steps % 4]]
    return strikes(n, rate, starts, 261.6 * 2 ** (notes / 12), decay=0.5, partials=(1, 2, 3))


def lament(n: int, rate: int, rng: np.random.Generator) -> Wave:
    """A slow minor chord held by strings, with vibrato."""
    t = sample_times(n, rate)
    bend = 0.0008 * sine(5 * t + rng.random())
    voices = (total(sine(f * k * (t + bend)) / k for k in range(1, 8))
              for f in (146.8, 174.6, 220.0))  # fmt: skip
    return total(voices) * (0.6 + 0.4 * sine(t / 4 + rng.random()))


def drums(n: int, rate: int, rng: np.random.Generator) -> Wave:
    """A low drum twice a second and a hiss of cymbal between."""
    starts = beats(n, rate, rng, every=0.5, jitter=0.003)
    low = strikes(n, rate, starts, np.full(len(starts), 62.0), decay=0.12, partials=(1, 1.5))
    pulse: Wave = np.exp(-np.mod(sample_times(n, rate) + 0.25, 0.5) / 0.04)
    return total([2 * low, 0.5 * pulse * noise(n, rate, rng, low=3000, high=7000)])


def bells(n: int, rate: int, rng: np.random.Generator) -> Wave:
    """Bells: inharmonic partials that ring for long."""
    starts = beats(n, rate, rng, every=1.6, jitter=0.1)
    tones = rng.choice(np.array([392.0, 440.0, 523.3]), len(starts))
    return strikes(n, rate, starts, tones, decay=0.9, partials=(0.5, 1, 1.19, 1.56, 2, 2.74))


def birds(n: int, rate: int, rng: np.random.Generator) -> Wave:
    """Chirps that sweep about 3 kHz, in short songs, over faint wind."""
    t = sample_times(n, rate)
    singing = (noise(n, rate, rng, low=0.1, high=1) > 0) * sine(6 * t).clip(0)
    sweep = 3000 + 700 * sine(12 * t) + 300 * noise(n, rate, rng, low=0.1, high=1)
    song = sine(np.cumsum(sweep) / rate) * singing
    return total([song, 0.05 * noise(n, rate, rng, low=100, high=600)])


def crickets(n: int, rate: int, rng: np.random.Generator) -> Wave:
    """A 4.5 kHz trill, on and off: a summer night."""
    t = sample_times(n, rate)
    trill = sine(30 * t).clip(0) * (np.mod(t + rng.random(), 0.8) < 0.45)
    song: Wave = trill * sine((4500 + 40 * rng.random()) * t)
    return song


def ticking(n: int, rate: int, rng: np.random.Generator) -> Wave:
    """A clock: two ticks a second in a quiet room."""
    starts = beats(n, rate, rng, every=0.5, jitter=0.0)
    tones = np.where(np.arange(len(starts)) % 2, 2100.0, 1700.0)
    ticks = strikes(n, rate, starts, tones, decay=0.012, partials=(1, 1.7, 2.3))
    return total([ticks, 0.01 * noise(n, rate, rng, low=100, high=1000)])


def beeps(n: int, rate: int, rng: np.random.Generator) -> Wave:
    """The beeps of an instrument over the hum of a laboratory."""
    t = sample_times(n, rate)
    tone = sine(1000 * t) * (np.mod(t + rng.random(), 1.0) < 0.12)
    hum = noise(n, rate, rng, low=50, high=2000)
    return total([tone, 0.1 * sine(100 * t), 0.03 * hum])


def cafe(n: int, rate: int, rng: np.random.Generator) -> Wave:
    """A room full of voices too far off to understand, and some cups."""
    voices = (noise(n, rate, rng, low=f, high=f * 1.6) * np.abs(noise(n, rate, rng, low=1, high=5))
              for f in (180, 350, 700, 1400))  # fmt: skip
    starts = beats(n, rate, rng, every=1.9, jitter=0.5)
    tones = rng.uniform(2500, 4500, len(starts))
    cups = strikes(n, rate, starts, tones, decay=0.03, partials=(1, 1.4))
    return total([*voices, cups])


SOUNDS: dict[str, Sound] = {
    f.__name__: f
    for f in (silence, wind, sea, rain, engine, drone, music, lament, drums, bells, birds,
              crickets, ticking, beeps, cafe)
}  # fmt: skip
LOUDNESS = 0.12


def synthesise(
    name: str, n: int, rate: int, *, generator: np.random.Generator
) -> Float32[np.ndarray, " n"]:
    """`n` samples of SOUNDS[name] at one loudness, with a slow change of level, within [-1, 1]."""
    wave = SOUNDS[name](n, rate, generator)
    power = float(np.sqrt(np.mean(wave**2)))
    if power == 0:
        return np.zeros(n, np.float32)
    level = 1 + 0.15 * sine(sample_times(n, rate) / 7 + generator.random())
    return np.clip(wave * level * (LOUDNESS / power), -1, 1).astype(np.float32)
