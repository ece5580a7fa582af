"""Sound by CLAP, which knows it by words, and by speech models, which do not."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float32

from mediafm_store.arrays import BLOCK, Blocks, Modality, unit_rows
from mediafm_store.encoders.blocks import in_batches
from mediafm_store.encoders.encoder import EncoderOutput
from mediafm_store.encoders.huggingface.folder import ModelFolder
from mediafm_store.encoders.huggingface.picture import to_plain_blocks
from mediafm_store.media.sound import SAMPLE_RATE, resample

_BATCH = 16
_SPEECH_S, _SHORTEST = 20, SAMPLE_RATE // 10
"""Seconds that a speech model reads at once, and the fewest samples that any model gets."""
_Samples = Float32[np.ndarray, " _"]


class JointSound:
    """Wu et al., "Large-scale Contrastive Language-Audio Pretraining" (CLAP), 2023."""

    modality: Modality = "audio"

    def __init__(self, folder: ModelFolder) -> None:
        self._folder = folder
        self.name = folder.name
        self.fingerprint = folder.fingerprint("mean of unit windows, audio and text features")

    @cached_property
    def _prepare(self) -> Any:
        return self._folder.load("AutoFeatureExtractor")

    @cached_property
    def _tokenizer(self) -> Any:
        return self._folder.load("AutoTokenizer")

    def encode(self, items: Sequence[_Samples]) -> EncoderOutput:
        """Sounds to unit blocks, which words are compared with as they are."""
        blocks = in_batches(items, 1, lambda one: self._blocks(one[0]))
        return EncoderOutput(blocks, blocks.copy(), [()] * len(items))

    def encode_query(self, texts: Sequence[str]) -> Blocks:
        """Texts through the model's own text tower."""
        return in_batches(texts, _BATCH, self._text_blocks)

    def _blocks(self, samples: _Samples) -> Blocks:
        rate = self._prepare.sampling_rate
        pieces = _windows(resample(_padded(samples), rate), int(self._prepare.max_length_s * rate))
        inputs = self._prepare(pieces, sampling_rate=rate, return_tensors="pt")
        inputs = inputs.to(self._folder.device)
        heard = self._folder.run(lambda net: net.get_audio_features(**inputs))
        return unit_rows(to_plain_blocks(heard).mean(axis=0, keepdims=True))

    def _text_blocks(self, texts: Sequence[str]) -> Blocks:
        inputs = self._tokenizer(
            list(texts), padding=True, truncation=True, return_tensors="pt"
        ).to(self._folder.device)
        return to_plain_blocks(self._folder.run(lambda net: net.get_text_features(**inputs)))


class Speech:
    """Baevski et al., "wav2vec 2.0", 2020, and its kin: the mean of the last layer over time."""

    modality: Modality = "audio"

    def __init__(self, folder: ModelFolder) -> None:
        self._folder = folder
        self.name = folder.name
        self.fingerprint = folder.fingerprint("mean over time of unit windows", _SPEECH_S)

    @cached_property
    def _prepare(self) -> Any:
        return self._folder.load("AutoFeatureExtractor")

    def encode(self, items: Sequence[_Samples]) -> EncoderOutput:
        """Sounds to unit blocks; nothing could be said of them."""
        blocks = in_batches(items, 1, lambda one: self._blocks(one[0]))
        return EncoderOutput(blocks, np.zeros_like(blocks), [()] * len(items))

    def encode_query(self, texts: Sequence[str]) -> Blocks:
        """Zero: this model knows no words, so a text query asks it nothing."""
        return np.zeros((len(texts), BLOCK), np.float32)

    def _blocks(self, samples: _Samples) -> Blocks:
        pieces = _windows(_padded(samples), _SPEECH_S * SAMPLE_RATE)
        means = [self._mean(piece) for piece in pieces]
        return unit_rows(to_plain_blocks(np.concatenate(means)).mean(axis=0, keepdims=True))

    def _mean(self, piece: _Samples) -> Float32[np.ndarray, "1 width"]:
        inputs = self._prepare(piece, sampling_rate=SAMPLE_RATE, return_tensors="pt")
        values = inputs["input_values"].to(self._folder.device)
        return self._folder.run(lambda net: net(values).last_hidden_state.mean(dim=1))


def _padded(samples: _Samples) -> _Samples:
    """A sound of a tenth of a second at least: no model reads less."""
    return np.pad(samples, (0, max(0, _SHORTEST - len(samples))))


def _windows(samples: _Samples, longest: int) -> list[_Samples]:
    """As many segments of at most `longest` samples as cover a sound, evenly spread over it."""
    count = max(1, -(-len(samples) // longest))
    starts = np.linspace(0, max(0, len(samples) - longest), count).astype(int)
    return [samples[s : s + longest] for s in starts]
