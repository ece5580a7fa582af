"""Tags by a probe: probabilities, with the shots and words that speak for them."""

from collections.abc import Sequence

import numpy as np

from mediafm_store.probing.predict import inputs_of, loudest_shots, loudest_words, vectors_of
from mediafm_store.probing.registry import WORDS, Probe
from mediafm_store.storage.storage import Storage
from mediafm_store.tags.tag import Tag, answered

_EVIDENCE = 3
"""Shots, and words, that are named at most."""
_LEAST = 1e-6
"""Lower bound of thresholds: with none, a label would apply to every title."""
_MAYBE = 0.5
"""Tags of this share of their threshold are kept for review."""


def from_probe(store: Storage, probe: Probe, titles: Sequence[str]) -> list[Tag]:
    """The tags that titles have or may have, at least one each, of those that nobody has answered.

    Titles without vectors get none.
    """
    ids, vectors = vectors_of(store, probe, titles)
    if not ids:
        return []
    inputs = inputs_of(store, probe, ids, vectors)
    scores = probe.linear.decide(inputs)
    least = np.maximum(probe.linear.thresholds, _LEAST)
    said = answered(store)
    asked = np.array(
        [[(probe.task, item_id, label) not in said for label in probe.labels] for item_id in ids]
    )
    keep = scores >= _MAYBE * least
    keep[np.arange(len(ids)), np.where(asked, scores / least, -1).argmax(axis=1)] = True
    keep &= asked
    labels = {item_id: np.flatnonzero(row).tolist() for item_id, row in zip(ids, keep, strict=True)}
    shots = loudest_shots(store, probe, labels, _EVIDENCE)
    found = []
    for number, item_id in enumerate(ids):
        for label in sorted(labels[item_id], key=lambda n: (-scores[number, n], n)):
            words = (
                loudest_words(probe, inputs[WORDS][number], label, _EVIDENCE) if probe.words else []
            )
            evidence = [f'"{word}"' for word in words]
            evidence += [shot for _, shot in shots.get((item_id, label), [])]
            found.append(
                Tag(
                    probe.task,
                    item_id,
                    probe.labels[label],
                    float(scores[number, label]),
                    float(least[label]),
                    probe.name,
                    tuple(evidence),
                )
            )
    return found
