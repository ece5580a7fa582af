"""Random passages of a store, which say what is usual in it."""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import numpy as np

from mediafm_store.arrays import FUSED, block, unit_rows
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.spaces import Passage, Space

Answer = TypeVar("Answer")
_PASSAGES, LENGTH = 64, 8
"""Number of passages sampled from a store, and shots in each: 250,000 pairs of shots."""


def passages(store: Storage, space: Space) -> list[Passage]:
    """Random runs of shots from a space; the sample stays until its table or the titles change."""
    key = store.place.address, space.table
    state = store.tables.version(space.table), store.revisions()
    if key not in _SAMPLED or _SAMPLED[key][0] != state:
        rng = np.random.default_rng(0)
        _SAMPLED[key] = state, store.sample(space, _PASSAGES, LENGTH, rng=rng)
    return _SAMPLED[key][1]


_SAMPLED: dict[tuple[str, str], tuple[tuple[int, dict[str, str]], list[Passage]]] = {}
"""Of each space, the version of its table, the revisions of titles, which no other store has, and
the passages that were taken last."""


def cached(sample: list[Passage], question: Hashable, make: Callable[[], Answer]) -> Answer:
    """Cache what `make` computes from a sample, by sample and `question`."""
    known = _ANSWERED.pop(question, None)
    answer = known[1] if known and known[0] is sample else make()
    _ANSWERED[question] = sample, answer  # what was asked last stands last
    for oldest in list(_ANSWERED)[:-_MOST_ANSWERS]:
        _ANSWERED.pop(oldest, None)
    return answer


_MOST_ANSWERS = 32
"""Cached answers, of up to 1 MB each."""
_ANSWERED: dict[Hashable, tuple[list[Passage], Any]] = {}
"""Samples that were asked, and what came of it."""


def likeness_from(store: Storage, share: float) -> float:
    """Cosine of pictures that lie `share` of the way from identical (0) to the store's average (1).

    Encoders differ in the similarity of unrelated pictures, so a fixed cosine would not do.
    """
    sample = passages(store, store.live("fused"))
    question = ("usual likeness", store.place.address)
    return 1 - share * (1 - cached(sample, question, lambda: _usual_likeness(sample)))


def _usual_likeness(sample: list[Passage]) -> float:
    """The median cosine of two pictures; 1 if there are no two."""
    rows = np.concatenate([np.zeros((0, FUSED), np.float32), *(p.vectors for p in sample)])
    pictures = unit_rows(rows[:, block("visual")])
    pairs = (pictures @ pictures.T)[np.triu_indices(len(pictures), 1)]
    return float(np.median(pairs)) if len(pairs) else 1.0
