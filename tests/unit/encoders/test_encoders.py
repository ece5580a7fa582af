"""Each default encoder knows what it was trained to know."""

import os
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from skimage import data

from mediafm_store.arrays import Modality
from mediafm_store.encoders.class_names import Classes
from mediafm_store.encoders.efficientnet import EfficientNetLite0
from mediafm_store.encoders.encoder import Encoder
from mediafm_store.encoders.minilm import MiniLM
from mediafm_store.encoders.yamnet import _PATCH as PATCH
from mediafm_store.encoders.yamnet import RATE, YAMNet
from mediafm_store.encoders.yamnet import _patch_starts as patch_starts
from mediafm_store.errors import InvalidInput
from tests.helpers.items import tone

DEFAULTS = [(EfficientNetLite0, "visual"), (YAMNet, "audio"), (MiniLM, "text")]
KINDS = [kind for kind, _ in DEFAULTS]


@pytest.mark.parametrize(("kind", "modality"), DEFAULTS)
def test_it_is_an_encoder_of_its_modality(kind: type, modality: Modality) -> None:
    encoder = kind(threads=1)
    assert isinstance(encoder, Encoder)
    assert encoder.modality == modality


@pytest.mark.parametrize("kind", KINDS)
def test_fingerprint_is_of_the_vectors_not_of_the_machine(kind: type) -> None:
    assert kind(threads=2).fingerprint == kind(threads=1).fingerprint
    assert len({kind().fingerprint for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_unknown_device_is_refused(kind: type) -> None:
    with pytest.raises(InvalidInput, match="'tpu' is not one of: cpu, cuda"):
        kind(device="tpu")


@pytest.mark.parametrize(
    ("picture", "known_as"),
    [(data.chelsea, {"Egyptian Mau", "tabby cat", "tiger cat"}), (data.coffee, {"espresso"})],
)
def test_photographs_are_named(picture: Callable[[], np.ndarray], known_as: set[str]) -> None:
    (labels,) = EfficientNetLite0().encode([picture()]).labels
    assert labels[0] in known_as


def test_a_text_finds_the_photograph_it_is_about() -> None:
    photographs = [data.chelsea(), data.coffee(), data.rocket(), data.stereo_motorcycle()[0]]
    texts = ["a cat", "a cup of coffee", "a rocket on its launch pad", "a motorcycle"]
    described = EfficientNetLite0().encode(photographs).described
    cosines = MiniLM().encode(texts).blocks @ described.T
    assert cosines.argmax(axis=1).tolist() == [0, 1, 2, 3]


def test_a_picture_is_nearer_to_its_crop_than_to_others() -> None:
    cat, coffee = data.chelsea(), data.coffee()
    crops = [photo[20:-20, 30:-30] for photo in (cat, coffee)]
    blocks = EfficientNetLite0().encode([cat, coffee, *crops]).blocks
    cosines = blocks[:2] @ blocks[2:].T
    assert cosines.diagonal().min() > cosines[[0, 1], [1, 0]].max() + 0.3


def test_the_sides_of_a_wide_picture_count() -> None:
    wide = np.zeros((100, 300, 3), np.uint8)
    cat = np.asarray(Image.fromarray(data.chelsea()).resize((100, 100)))
    with_cat = wide.copy()
    with_cat[:, :100] = cat
    empty, cornered = EfficientNetLite0().encode([wide, with_cat]).blocks
    assert empty @ cornered < 0.9


def test_an_unrecognised_item_describes_nothing() -> None:
    classes = Classes.of(
        "sound",
        names="audioset_names.txt",
        describe_from=0.05,
        label_from=0.1,
        text=MiniLM(),
    )
    likely = np.full((2, len(classes.names)), 0.01, np.float32)
    likely[1, 7] = 0.9
    described = classes.described(likely)
    assert not described[0].any()
    assert described[1, :384] @ classes.vectors[7] > 0.9
    assert classes.labels(likely) == [(), (classes.names[7],)]
    assert classes.label_probabilities(likely) == [(), (pytest.approx(0.9),)]


def test_silence_is_called_silence() -> None:
    quiet = np.random.default_rng(0).normal(0, 1e-5, RATE).astype("f4")
    assert YAMNet().encode([np.zeros(3 * RATE, "f4"), quiet]).labels == [("Silence",)] * 2


def test_one_sample_is_a_sound() -> None:
    (block,) = YAMNet().encode([np.full(1, 0.5, "f4")]).blocks
    assert np.linalg.norm(block) == pytest.approx(1, abs=1e-5)


def test_noise_tone_and_silence_are_told_apart() -> None:
    noise = np.random.default_rng(0).normal(0, 0.2, (2, RATE)).astype("f4")
    kinds = [noise[0], noise[1], tone(440), tone(450), np.zeros(RATE, "f4")]
    encoded = YAMNet().encode(kinds)
    cosines = encoded.blocks @ encoded.blocks.T
    assert min(cosines[0, 1], cosines[2, 3]) > max(cosines[0, 2], cosines[0, 4], cosines[2, 4])
    assert "White noise" in encoded.labels[0]


def test_all_of_a_long_sound_counts() -> None:
    music, noise = tone(440), np.random.default_rng(0).normal(0, 0.2, RATE).astype("f4")
    both = np.concatenate([music, noise])
    alone, before, mixed = YAMNet().encode([noise, music, both]).blocks
    assert mixed @ alone > before @ alone + 0.1
    assert mixed @ before > alone @ before + 0.1


@pytest.mark.parametrize("samples", [1, PATCH - 1, PATCH, PATCH + 1, 10 * PATCH, 12 * RATE + 7])
def test_patches_cover_a_sound(samples: int) -> None:
    starts = patch_starts(samples)
    assert starts[0] == 0
    assert starts[-1] + PATCH >= samples
    assert max(np.diff([*starts, starts[-1]])) <= PATCH
    assert starts[-1] + PATCH <= max(samples, PATCH)


def test_paraphrases_are_nearer_than_unrelated_sentences() -> None:
    pairs = [
        ("The boy is playing with his dog.", "A child and a puppy have fun together."),
        ("We must leave before sunrise.", "They have to go while it is still dark."),
        ("The bank was robbed last night.", "Thieves stole money from the bank yesterday evening."),
    ]
    blocks = MiniLM().encode([s for pair in pairs for s in pair]).blocks
    cosines = blocks[::2] @ blocks[1::2].T
    assert cosines.diagonal().min() > cosines[~np.eye(3, dtype=bool)].max()


def test_case_does_not_matter_and_long_texts_are_cut() -> None:
    long = "a quiet village by the sea " * 60
    lower, upper, cut, longer = (
        MiniLM().encode(["stop the car", "STOP THE CAR", long, long + "and a war"]).blocks
    )
    np.testing.assert_array_equal(lower, upper)
    np.testing.assert_array_equal(cut, longer)


def test_the_protocol_does_not_load_a_runtime() -> None:
    code = (
        "import sys, mediafm_store.encoders.encoder;"
        "sys.exit(bool({'onnxruntime', 'tokenizers', 'PIL', 'torch'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], env=os.environ, check=False).returncode == 0
