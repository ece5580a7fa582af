"""Fuse the blocks of each shot into one vector."""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from mediafm_store.arrays import MODALITIES, Blocks, Fused, Modality, unit_rows
from mediafm_store.encoders.encoder import Encoder


def fuse(blocks: Mapping[Modality, Blocks]) -> Fused:
    """Blocks side by side, each row of length 1: what a shot is. All zero stays zero."""
    return unit_rows(_side_by_side(blocks))


def describe(blocks: Mapping[Modality, Blocks]) -> Fused:
    """Blocks side by side, each of length 1/sqrt(3): what could be said of a shot.

    Not scaled to length 1 as a whole: a text query asks each modality whether it is so, and a
    shot without sound must not score higher for being without it.
    """
    return _side_by_side(blocks) / np.float32(np.sqrt(len(MODALITIES)))


def _side_by_side(blocks: Mapping[Modality, Blocks]) -> Fused:
    """Concatenate in the order of MODALITIES."""
    return np.concatenate([blocks[m] for m in MODALITIES], axis=1)


def fingerprint(space: str, encoders: Sequence[Encoder]) -> str:
    """Of vectors that these encoders make; independent of their order."""
    return combined(space, {e.modality: e.fingerprint for e in encoders})


def combined(space: str, fingerprints: Mapping[Modality, str]) -> str:
    """Of vectors whose blocks have these fingerprints."""
    parts = sorted(f"{modality}={made}" for modality, made in fingerprints.items())
    return hashlib.sha256("|".join([space, *parts]).encode()).hexdigest()[:16]
