"""Features of the shots of a title, by modality, computed in one pass over the streams."""

import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32
from PIL import Image as Pictures

from mediafm_store.arrays import Blocks, unit_rows, zeros
from mediafm_store.encoders.encoder import Encoder, EncoderOutput, encode
from mediafm_store.media.decode import Warn
from mediafm_store.media.scale import Image
from mediafm_store.media.sound import SAMPLE_RATE, Samples, sound, split_sound
from mediafm_store.parallel import batches
from mediafm_store.records import Cue, Span
from mediafm_store.shots.levels import TimeSeries, loudness_db
from mediafm_store.shots.picture import columns
from mediafm_store.shots.shot_flags import Repeats
from mediafm_store.shots.shots import CutShot
from mediafm_store.subtitles.parse import words_of_shots

_BATCH = 16
"""Items that an encoder gets at once."""
_THUMBNAIL_WIDTH = 320
_LOUDNESS_STEP = SAMPLE_RATE // 10
"""Samples over which loudness is measured: a tenth of a second."""
Row = Float32[np.ndarray, "1 768"]
_Named = tuple[tuple[str, ...], tuple[float, ...] | None]
"""The names of an item, and the probability of each, where the encoder tells."""


class VisualFeatures(NamedTuple):
    """Visual features, by shot."""

    encoded: EncoderOutput
    spans: list[Span]
    thumbnails: list[bytes]
    """JPEG."""
    repeats: list[int | None]
    """The number of a shot just before that shows the same picture."""
    measured: list[dict[str, Any]]
    """Columns that follow from each thumbnail."""


class AudioFeatures(NamedTuple):
    """Audio features, by shot."""

    encoded: EncoderOutput
    loudness: TimeSeries
    """Loudness of tenths of seconds, in dB below full scale; empty without sound."""
    goes_on: bool
    """True if there is sound for another second or more after the last shot."""


class TextFeatures(NamedTuple):
    """Features of the spoken words, by shot."""

    encoded: EncoderOutput
    words: list[str]


def see(encoder: Encoder, shots: Iterable[CutShot]) -> VisualFeatures:
    """Encode the keyframes of shots."""
    spans: list[Span] = []
    thumbnails: list[bytes] = []
    repeats: list[int | None] = []
    measured: list[dict[str, Any]] = []
    before = Repeats()

    def keyframes() -> Iterator[tuple[int, Image]]:
        for number, shot in enumerate(shots):
            spans.append(shot.span)
            cover = shot.cover
            thumbnails.append(_jpeg(cover))
            measured.append(columns(thumbnails[-1]))
            repeats.append(before.add(cover))
            for keyframe in shot.keyframes:
                yield number, keyframe

    pool = BatchedEncoder(encoder, keyframes())
    return VisualFeatures(pool.encoded(len(spans)), spans, thumbnails, repeats, measured)


def hear(encoder: Encoder, media: Path, warn: Warn, shots: Iterable[CutShot]) -> AudioFeatures:
    """Decode the sound of a file and encode the part of each shot."""
    loudness, spans = TimeSeries(), []
    samples = sound(media, warn)

    def known() -> Iterator[Span]:
        for shot in shots:
            spans.append(shot.span)
            yield shot.span

    def pieces() -> Iterator[tuple[int, Samples]]:
        for piece in split_sound(samples, known()):
            for start in range(0, len(piece.samples), _LOUDNESS_STEP):
                level = loudness_db(piece.samples[start : start + _LOUDNESS_STEP])
                loudness.append(piece.start_s + start / SAMPLE_RATE, level)
            yield piece.shot, piece.samples

    pool = BatchedEncoder(encoder, pieces())
    rest = 0
    while rest < SAMPLE_RATE and (chunk := next(samples, None)) is not None:
        rest += len(chunk)
    return AudioFeatures(pool.encoded(len(spans)), loudness, goes_on=rest >= SAMPLE_RATE)


def say(encoder: Encoder, cues: Sequence[Cue], spans: Iterable[Span]) -> TextFeatures:
    """Encode the words that are spoken in each span."""
    words: list[str] = []

    def texts() -> Iterator[tuple[int, str]]:
        for number, said in enumerate(words_of_shots(cues, spans)):
            words.append(said)
            if said:
                yield number, said

    pool = BatchedEncoder(encoder, texts())
    return TextFeatures(pool.encoded(len(words)), words)


class BatchedEncoder:
    """Encode items of numbered shots in batches; the vector of a shot is the mean of its items."""

    def __init__(self, encoder: Encoder, items: Iterable[tuple[int, Any]]) -> None:
        self._blocks: dict[int, Row] = {}
        self._described: dict[int, Row] = {}
        self._labels: defaultdict[int, list[_Named]] = defaultdict(list)
        for batch in batches(items, _BATCH):
            encoded = encode(encoder, [item for _, item in batch])
            for row, (shot, _) in enumerate(batch):
                _add(self._blocks, shot, encoded.blocks[row : row + 1])
                _add(self._described, shot, encoded.described[row : row + 1])
                likely = encoded.probabilities[row] if encoded.probabilities else None
                self._labels[shot].append((encoded.labels[row], likely))

    def encoded(self, shots: int) -> EncoderOutput:
        """One row a shot, of length 1, or zero where it has no item; its middle item's labels."""
        every = range(shots)
        labels = [self._labels.get(shot, [((), ())]) for shot in every]
        middle = [several[len(several) // 2] for several in labels]
        tells = all(likely is not None for _, likely in middle)
        return EncoderOutput(
            blocks=unit_rows(_dense_rows(self._blocks, every)),
            described=unit_rows(_dense_rows(self._described, every)),
            labels=[names for names, _ in middle],
            probabilities=[likely or () for _, likely in middle] if tells else (),
        )


def _add(sums: dict[int, Row], shot: int, row: Row) -> None:
    """Add to the sum of one shot."""
    sums[shot] = sums[shot] + row if shot in sums else row


def _dense_rows(found: Mapping[int, Row], every: Iterable[int]) -> Blocks:
    """A row a shot, zero where nothing was found."""
    return np.concatenate([zeros(0), *(found.get(shot, zeros(1)) for shot in every)])


def encode_text(encoder: Encoder, text: str) -> Blocks:
    """Encode a text as one row, which is zero if the text is empty."""
    return encode(encoder, [text]).blocks if text else zeros(1)


def _jpeg(image: Image) -> bytes:
    """A small JPEG of a keyframe."""
    picture = Pictures.fromarray(image)
    picture.thumbnail((_THUMBNAIL_WIDTH, _THUMBNAIL_WIDTH))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=80)
    return out.getvalue()
