"""Run the detector and the encoders over one title."""

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from mediafm_store.arrays import BLOCK, MODALITIES, Blocks, Fused, Modality
from mediafm_store.errors import BadInput
from mediafm_store.features.encoders import Encoded, Encoder
from mediafm_store.features.fuse import describe, fuse
from mediafm_store.media.decode import SAMPLE_RATE, Warn, log_warning, sound, split_sound
from mediafm_store.media.detectors import Detector
from mediafm_store.media.levels import Levels, loudness_db
from mediafm_store.media.shots import CutShot, read_shots
from mediafm_store.media.subtitles import read_cues, words_of_shots
from mediafm_store.records import Cue, Shot, Title

BATCH = 16
THUMBNAIL_WIDTH = 320
LOUDNESS_STEP = SAMPLE_RATE // 10
"""Samples over which loudness is measured: a tenth of a second."""
T = TypeVar("T")
Encoders = Mapping[Modality, Encoder]
OnProgress = Callable[[str, float, float], None]
"""Called with the stage, the seconds of film done and those in all."""


@dataclass(frozen=True)
class Features:
    """What was extracted from a title; every list and array but `cues` has one entry a shot."""

    shots: list[Shot]
    cues: list[Cue]
    """The subtitles, which belong to the title rather than to one shot."""
    thumbnails: list[bytes]
    """JPEG."""
    words: list[str]
    seen: list[tuple[str, ...]]
    heard: list[tuple[str, ...]]
    fused: Fused
    described: Fused
    brightness: Levels
    """Of the frames, 0 to 1."""
    loudness: Levels
    """Of tenths of seconds, in decibels below full scale; empty without sound."""
    metadata: Blocks
    """One row: name, synopsis, genres and tags through the text encoder."""


@dataclass
class EncodedShots:
    """Encoded batches of one modality, gathered shot by shot; shots without it stay zero."""

    blocks: list[Blocks] = field(default_factory=list)
    described: list[Blocks] = field(default_factory=list)
    labels: list[tuple[str, ...]] = field(default_factory=list)

    def add(self, encoder: Encoder, items: Sequence[Any | None]) -> None:
        """Encode the items that are there, and leave zero rows for those that are not."""
        there = [i for i, item in enumerate(items) if item is not None]
        encoded = encoder.encode([items[i] for i in there])
        rows = Encoded(zeros(len(items)), zeros(len(items)), [()] * len(items))
        for source, i in enumerate(there):
            rows.blocks[i] = encoded.blocks[source]
            rows.described[i] = encoded.described[source]
            rows.labels[i] = encoded.labels[source]
        self.blocks.append(rows.blocks)
        self.described.append(rows.described)
        self.labels.extend(rows.labels)


def extract(
    title: Title,
    *,
    encoders: Encoders,
    detector: Detector,
    on_progress: OnProgress = lambda stage, done_s, total_s: None,
    warn: Warn = log_warning,
) -> Features:
    """Cut a title into shots and encode them.

    Raises BadMedia if it has no readable picture, BadSubtitles if its subtitles are unreadable.
    """
    cues = read_cues(title.subtitles, warn) if title.subtitles else []
    encoded = {modality: EncodedShots() for modality in MODALITIES}
    brightness, loudness = Levels(), Levels()
    shots: list[Shot] = []
    thumbnails: list[bytes] = []

    cuts = read_shots(
        title.media,
        detector,
        brightness=brightness,
        on_progress=lambda done, total: on_progress("picture", done, total),
        warn=warn,
    )
    for batch in batches(cuts, BATCH):
        encoded["visual"].add(encoders["visual"], [cut.keyframe for cut in batch])
        thumbnails += [jpeg(cut) for cut in batch]
        shots += [Shot(title.id, len(shots) + i, cut.span) for i, cut in enumerate(batch)]

    spans = [shot.span for shot in shots]
    heard = metered(split_sound(sound(title.media, warn), spans), shots, loudness)
    for pieces in batches(zip(shots, heard, strict=True), BATCH):
        encoded["audio"].add(encoders["audio"], [s if len(s) else None for _, s in pieces])
        on_progress("sound", pieces[-1][0].span.end_s, spans[-1].end_s)

    words = words_of_shots(cues, spans)
    encoded["text"].add(encoders["text"], [w or None for w in words])
    return Features(
        shots=shots,
        cues=cues,
        thumbnails=thumbnails,
        words=words,
        seen=encoded["visual"].labels,
        heard=encoded["audio"].labels,
        fused=fuse({m: np.concatenate(e.blocks) for m, e in encoded.items()}),
        described=describe({m: np.concatenate(e.described) for m, e in encoded.items()}),
        brightness=brightness,
        loudness=loudness,
        metadata=encode_text(encoders["text"], title.metadata_text),
    )


def by_modality(encoders: Iterable[Encoder]) -> Encoders:
    """Encoders by what they read; raise BadInput unless there is one for each modality."""
    found: dict[Modality, Encoder] = {}
    for encoder in encoders:
        if encoder.modality in found:
            names = f"{found[encoder.modality].name} and {encoder.name}"
            raise BadInput(f"two encoders for {encoder.modality}: {names}; name one")
        found[encoder.modality] = encoder
    for modality in MODALITIES:
        if modality not in found:
            raise BadInput(f"no encoder for {modality}; name one")
    return found


def encode_text(encoder: Encoder, text: str) -> Blocks:
    """One row; zero where there is no text."""
    return encoder.encode([text]).blocks if text else zeros(1)


def metered(
    pieces: Iterable[np.ndarray], shots: Sequence[Shot], loudness: Levels
) -> Iterator[np.ndarray]:
    """Pass the sound of the shots through and measure how loud it is."""
    for shot, samples in zip(shots, pieces, strict=True):
        for start in range(0, len(samples), LOUDNESS_STEP):
            level = loudness_db(samples[start : start + LOUDNESS_STEP])
            loudness.append(shot.span.start_s + start / SAMPLE_RATE, level)
        yield samples


def jpeg(cut: CutShot) -> bytes:
    """The keyframe as a small JPEG."""
    image = Image.fromarray(cut.keyframe)
    image.thumbnail((THUMBNAIL_WIDTH, THUMBNAIL_WIDTH))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80)
    return out.getvalue()


def zeros(rows: int) -> Blocks:
    """Blocks of items that are not there."""
    return np.zeros((rows, BLOCK), np.float32)


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of `size` items; the last may be shorter."""
    source = iter(items)
    while batch := list(islice(source, size)):
        yield batch
