"""What of an example is compared, what that is called, and beside which random queries."""

import wave

import numpy as np
import pytest

from mediafm_store.errors import InvalidInput
from mediafm_store.media.sound import SAMPLE_RATE
from tests.conftest import random_vectors
from tests.helpers.asking import search
from tests.helpers.planted import ENCODERS, add_film, pitch, put_in_context

SHOTS = 40
TONE = 500


@pytest.fixture
def films(store):
    """Each view is in both films, each sound once; something is said in one shot of the first."""
    views = [f"view {i}" for i in range(SHOTS)]
    said = [None] * (SHOTS - 1) + ["a dragon"]
    add_film(store, "one", views, [pitch(TONE + 20 * i) for i in range(SHOTS)], said)
    add_film(store, "two", views, [pitch(5000 + 20 * i) for i in range(SHOTS)], ["a dragon"] * 40)
    return store


def tone(path, hz):
    samples = 30_000 * np.sin(2 * np.pi * hz * np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        file.writeframes(samples.astype("<i2").tobytes())
    return path


def test_a_sound_is_a_good_match_beside_other_sounds(films, tmp_path):
    hits = search(films, sound=tone(tmp_path / "a.wav", TONE), encoders=ENCODERS, device="cpu")
    assert hits.compared == "by sound alone"
    assert hits[0].shot == "one/00000"
    assert hits[0].chance < 0.1


@pytest.mark.parametrize("unit", ["shot", "scene"])
def test_words_alone_are_compared_though_most_shots_have_none(films, unit):
    only = {"visual": 0, "audio": 0, "context": 0}
    hits = search(films, shot=f"one/{SHOTS - 1:05d}", weights=only, unit=unit, least=0)
    assert hits.compared == "by words alone"
    assert hits[0].title == "two"
    with pytest.raises(InvalidInput, match="all modalities of this query have weight 0"):
        search(films, shot="one/00000", weights=only)


@pytest.mark.parametrize(
    ("weights", "told"),
    [
        ({}, "by picture first, then sound, words and context"),
        ({"text": 0}, "by picture first, then sound and context"),
        ({"audio": 2, "visual": 0.2, "context": 0}, "by sound first, then picture and words"),
        ({"visual": 0, "audio": 0, "text": 0}, "by context alone"),
    ],
)
def test_what_counts_is_told(films, weights, told):
    rows = {title: random_vectors(SHOTS, len(title)) for title in ("one", "two")}
    put_in_context(films, rows)
    shot = f"one/{SHOTS - 1:05d}"
    assert search(films, shot=shot, weights=weights, least=0).compared == told
