"""Intervals in which somebody is in the middle of a sentence, by the subtitles."""

import re
from collections.abc import Iterable
from itertools import pairwise

from mediafm_store.records import Cue

_RUNS_ON_S = 1.5
"""A sentence without an end goes on in the next subtitle if that begins so soon."""
_ENDS = tuple(".!?\u2026\u3002\uff01\uff1f\u061f\u0964")
"""Full stops, exclamation and question marks and dots of Latin, Chinese, Arabic and Hindi."""
_AFTER_END = "\"')]}*_ \u201d\u2019\u201c\u00bb\u00ab\u203a\u300d\u300f\u266a\u266b"
"""Quotation marks and brackets that may follow them."""
_ASIDES = re.compile(r"\[[^\[\]]*\]|\([^()]*\)")


def sentences(cues: Iterable[Cue]) -> list[tuple[float, float]]:
    """Intervals in seconds of sentences that must not be cut.

    An interval spans a subtitle and those that its sentence runs on into.
    """
    spans: list[tuple[float, float]] = []
    going_on = False
    ordered = sorted(cues, key=lambda cue: (cue.start_s, cue.end_s))
    for before, cue in pairwise([None, *ordered]):
        assert cue is not None
        if going_on and before and cue.start_s - spans[-1][1] < _RUNS_ON_S:
            spans[-1] = (spans[-1][0], max(spans[-1][1], cue.end_s))
        else:
            spans.append((cue.start_s, cue.end_s))
        going_on = _runs_on(cue.text)
    return spans


def _runs_on(text: str) -> bool:
    """True if a subtitle does not end its sentence; a mere sound, such as [sighs], is none.

    Example:
        >>> _runs_on("I never said"), _runs_on("I never said that.")
        (True, False)
    """
    words = _ASIDES.sub("", text).rstrip().rstrip(_AFTER_END)
    return bool(re.search(r"\w", words)) and not words.endswith(_ENDS)
