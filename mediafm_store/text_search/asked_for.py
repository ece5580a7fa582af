"""Intent of a text query: something seen, something heard, or spoken words."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from mediafm_store.arrays import Modality
from mediafm_store.encoders.encoder import Encoders, encode_query
from mediafm_store.likeness.scale import Part

_SEEN: Mapping[Part, float] = {"visual": 1.0, "audio": 0.0, "text": 0.2, "context": 0.5}
_HEARD: Mapping[Part, float] = {"visual": 0.3, "audio": 1.0, "text": 0.2, "context": 0.1}
SAID: Mapping[Part, float] = {"visual": 0.3, "audio": 0.0, "text": 1.0, "context": 0.1}
_NAMED_SOUND = 0.3
"""What sound weighs in a text that is the name of a sound, as "gunfire" is, without saying so."""
_SURE, _UNSURE = 0.9, 0.6
"""Cosines with the name of a sound from which a text is surely, or perhaps, about that sound."""
_SOUND_WORDS = re.compile(
    r"\b(sounds?|nois(e|es|y)|hear(s|d|ing)?|listen(s|ing)?|music|songs?|melod(y|ies)|tunes?"
    r"|audio|loud|voices?|silence)\b",
    re.IGNORECASE,
)
_SPEECH_WORDS = re.compile(
    r"\b(say(s|ing)?|said|mention(s|ed|ing)?|talk(s|ing)? about|speak(s|ing)? (of|about)"
    r"|tell(s|ing)? .* (that|about)|dialogue|the words?|the line|quot(e|es|ing))\b",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[\"“„«]([^\"”“»]{2,})[\"”“»]")


class AskedFor(NamedTuple):
    """Parts of a shot that a text is compared with, and the reason."""

    weights: Mapping[Part, float]
    reason: str
    """In plain words, as it follows "compared": "by what is seen"."""
    left_out: frozenset[Part] = frozenset()
    """Parts that are not to be compared in any way."""


def _asked_for(text: str, *, near_sound: float = 0.0, near_sight: float = 0.0) -> AskedFor:
    """Decide which parts of a shot a text is about.

    Args:
        text: Text of the query.
        near_sound: Greatest cosine with a name of a sound: high for "birds singing".
        near_sight: Greatest cosine with a name of a thing seen: high for "a birdhouse".

    Example:
        >>> _asked_for("a snowy mountain").reason
        'by what is seen'
    """
    if _QUOTED.search(text) or _SPEECH_WORDS.search(text):
        return AskedFor(SAID, "by what is said, as it is about words")
    if _SOUND_WORDS.search(text):
        return AskedFor(_HEARD, "by what is heard, as it is about sound")
    sure = min(1.0, max(0.0, (near_sound - _UNSURE) / (_SURE - _UNSURE)))
    if sure > 0 and near_sound > near_sight:
        weights = {**_SEEN, "audio": _NAMED_SOUND * sure}
        return AskedFor(weights, "by what is seen, and by what is heard, as it is near to a sound")
    return AskedFor(_SEEN, "by what is seen")


def quoted(text: str) -> str | None:
    """Quoted part of a text; None without quotation marks.

    Example:
        >>> quoted('a man says "never again"')
        'never again'
    """
    found = _QUOTED.search(text)
    return found[1].strip() if found else None


_STOP_WORDS = (
    "a an and are as at be by for from had has have he her his i in into is it its me my of on or"
    " our over she some someone something than that the their them then there they this through"
    " to under up was we were what when where which who with without you your"
    " say says saying said mention mentions mentioned mentioning talk talks talking about speak"
    " speaks speaking tell tells telling dialogue word words line quote quotes"
)
STOP_WORDS = frozenset(_STOP_WORDS.split())


def content_words(text: str) -> str:
    """The words of a text that subtitles can be searched for."""
    return " ".join(w for w in re.findall(r"[\w'\u2019-]+", text) if w.casefold() not in STOP_WORDS)


def asked_of(text: str, encoders: Encoders, weights: Mapping[Part, float]) -> AskedFor:
    """Parts that a text is about, or those that `weights` choose instead."""
    asked = _asked_for(text, **_nearness(text, encoders))
    if encoders.keys() == {"text"}:
        asked = AskedFor(SAID, "by what is said, as nothing else is known")
    if not weights:
        return asked
    left_out = frozenset(part for part, weight in weights.items() if weight == 0)
    return AskedFor({**asked.weights, **weights}, "by the weights that were given", left_out)


def _nearness(text: str, encoders: Encoders) -> dict[str, float]:
    """Greatest cosine of a text with names of sounds and of things, if encoders have such names."""
    found: dict[str, float] = {}
    names: tuple[tuple[str, Modality], ...] = (("near_sound", "audio"), ("near_sight", "visual"))
    for name, modality in names:
        classes = getattr(encoders.get(modality), "class_names", None)
        if classes is not None:
            query = encode_query(encoders["text"], [text])[:, : classes.shape[1]]
            found[name] = float((query @ classes.T).max())
    return found
