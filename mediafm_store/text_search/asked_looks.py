"""Looks that a text asks for, such as a black screen or a close-up of a face."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float32

from mediafm_store.arrays import Blocks, unit_rows
from mediafm_store.encoders.encoder import Encoder, encode_query
from mediafm_store.features.looks import LOOKS, Look
from mediafm_store.storage.storage import Storage
from mediafm_store.text_search.asked_for import content_words

_SURE, _UNSURE = 0.9, 0.65
"""Cosines with a phrase from which a text surely, or perhaps, asks for that look. Of everyday
captions one in a thousand comes to 0.55 with any phrase."""


@dataclass(frozen=True)
class AskedLook:
    """A look that a text asks for."""

    look: Look
    weight: float
    """Confidence, in [0, 1]."""
    degrees: Mapping[str, float]
    """Degree to which shots have it, for those that have it at all."""
    mean: float
    spread: float

    def score(self, shot: str) -> float:
        """In standard deviations above a random shot, as other evidence is."""
        return (self.degrees.get(shot, 0.0) - self.mean) / self.spread


def asked_look(store: Storage, text: str, encoder: Encoder) -> AskedLook | None:
    """The look that a text asks for; None if it asks for none."""
    every = [(phrase, look) for look in LOOKS for phrase in look.phrases]
    words = _stems(text)
    near = [(phrase, look) for phrase, look in every if words & _stems(phrase)]
    if not near:
        return None
    phrases = tuple(phrase for phrase, _ in near)
    cosines = _encoded(encoder, phrases) @ unit_rows(encode_query(encoder, [text]))[0]
    best = int(cosines.argmax())
    weight = float(np.clip((cosines[best] - _UNSURE) / (_SURE - _UNSURE), 0, 1))
    if weight == 0:
        return None
    return _measured_look(store, near[best][1], weight)


def _encoded(encoder: Encoder, phrases: Sequence[str]) -> Blocks:
    """Phrases of looks as unit rows; each is encoded once in a process."""
    known = _ENCODED.setdefault(encoder.fingerprint, {})
    if new := [phrase for phrase in phrases if phrase not in known]:
        known.update(zip(new, unit_rows(encode_query(encoder, new)), strict=True))
    return np.stack([known[phrase] for phrase in phrases])


_ENCODED: dict[str, dict[str, Float32[np.ndarray, " 768"]]] = {}
"""By the fingerprint of the encoder."""


def _measured_look(store: Storage, look: Look, weight: float) -> AskedLook | None:
    """A look with what every shot of the store has of it; None if nobody measured it."""
    columns = list(dict.fromkeys(["id", *look.columns]))
    shots = store.view("shots").lazy().select(columns).collect()
    shots = shots.filter(pl.all_horizontal(pl.col(look.columns).is_not_null()))
    if shots.is_empty():
        return None
    every = look.degrees({name: shots[name].to_list() for name in look.columns})
    found = pl.DataFrame({"id": shots["id"], "degree": every}).filter(pl.col("degree") > 0)
    spread = float(every.std()) or 1.0
    return AskedLook(look, weight, dict(found.iter_rows()), float(every.mean()), spread)


def _stems(text: str) -> set[str]:
    """Content words without the ends that grammar adds."""
    words = re.findall(r"\w+", content_words(text).casefold())
    return {re.sub(r"(ing|s|ed)$", "", word) for word in words}
