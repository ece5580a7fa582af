"""Fuse the blocks of each shot into one vector."""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from mediafm_store.arrays import MODALITIES, Blocks, Fused, Modality, unit_rows
from mediafm_store.encoders.encoder import Encoder


def fuse(blocks: Mapping[Modality, Blocks]) -> Fused:
    """Concatenate blocks into fused vectors, each row of length 1; zero rows stay zero."""
    return unit_rows(_side_by_side(blocks))


def describe(blocks: Mapping[Modality, Blocks]) -> Fused:
    """Concatenate blocks into description vectors, each block of length 1/sqrt(3).

    The rows are not scaled to length 1 as a whole: a text query is compared with each modality, and
    a shot without sound must not score higher because of that.
    """
    return _side_by_side(blocks) / np.float32(np.sqrt(len(MODALITIES)))


def _side_by_side(blocks: Mapping[Modality, Blocks]) -> Fused:
    """Concatenate in the order of MODALITIES."""
    return np.concatenate([blocks[m] for m in MODALITIES], axis=1)


def fingerprint(space: str, encoders: Sequence[Encoder]) -> str:
    """Fingerprint of vectors that these encoders make; independent of their order."""
    return combined(space, {e.modality: e.fingerprint for e in encoders})


def combined(space: str, fingerprints: Mapping[Modality, str]) -> str:
    """Fingerprint of vectors whose blocks have these fingerprints."""
    parts = sorted(f"{modality}={made}" for modality, made in fingerprints.items())
    return hashlib.sha256("|".join([space, *parts]).encode()).hexdigest()[:16]
