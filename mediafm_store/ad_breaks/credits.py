"""Opening and closing credits, as far as shots show them.

Nothing in a store says what is a credit. What is taken for credits is a run of shots from either
end of the title in which no word is said (by the subtitles; without any, in which no speech is
heard), and each of which is black or at least LONG times as long as the title's median shot: logos,
titles over a long view, a roll. It is never more than MOST of the title, and none where nothing is
known of words and sounds. Wordless long views beside the credits count in; breaks are not missed
there.

Closing credits also begin where cards do: shots that are black but for letters without colour, be
they long or short, with words (a song's, those of who made the subtitles) or without. Between and
after them may be other shots, such as a logo. In a black and white film cards are not told from
dark scenes.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from mediafm_store.ad_breaks.context import BreakContext, Shot
from mediafm_store.ad_breaks.cut_features import SPEECH, hears

_LONG, _MOST = 3.0, 0.15
_MOST_WITH_CARDS = 1 / 3
"""Of the title: credits of short films are a good part of them."""
_BLACK, _COLOURLESS = 0.8, 0.005
"""So much of a card is black at least, and so high is its mean chroma at most: dark scenes of films
in colour have 0.013 and more."""
_BESIDE = 2.0
"""Weight of shots that are no cards: two thirds of what begins with a card are cards."""


def credit_shots(facts: BreakContext) -> tuple[int, int]:
    """Number of shots of credits at the start and at the end."""
    if not facts.shots:
        return 0, 0
    spoken = _speaking(facts)
    usual_s = float(np.median([shot["duration_s"] for shot in facts.shots]))
    calm = [
        not says and bool(shot["black"] or shot["duration_s"] >= _LONG * usual_s)
        for shot, says in zip(facts.shots, spoken, strict=True)
    ]
    most_s = _MOST * facts.duration_s
    first = _run(zip(calm, facts.shots, strict=True), most_s)
    last = _run(zip(calm[::-1], facts.shots[::-1], strict=True), most_s)
    return first, max(last, _from_first_card(facts, spoken))


def _speaking(facts: BreakContext) -> Sequence[bool]:
    """In which shots somebody speaks; in all, where nothing tells."""
    if any(shot["words"] for shot in facts.shots):
        return [bool(shot["words"]) for shot in facts.shots]
    if any(shot["heard"] for shot in facts.shots):
        return [hears(shot, SPEECH) for shot in facts.shots]
    return [True] * len(facts.shots)


def _run(shots: Iterable[tuple[bool, Shot]], most_s: float) -> int:
    """Number of first shots that are calm and together no longer than `most_s` seconds."""
    count, length_s = 0, 0.0
    for calm, shot in shots:
        length_s += shot["duration_s"]
        if not calm or length_s > most_s:
            break
        count += 1
    return count


def _from_first_card(facts: BreakContext, spoken: Sequence[bool]) -> int:
    """Number of last shots from the first card of the closing credits on; 0 without cards."""
    count, best_s, worth_s, beside_s, length_s = 0, 0.0, 0.0, 0.0, 0.0
    ending = zip(facts.shots[::-1], _cards(facts)[::-1], spoken[::-1], strict=True)
    for number, (shot, card, says) in enumerate(ending, start=1):
        length_s += shot["duration_s"]
        beside_s += 0.0 if card else shot["duration_s"]
        too_long = beside_s > _MOST * facts.duration_s
        if (says and not card) or too_long or length_s > _MOST_WITH_CARDS * facts.duration_s:
            break
        worth_s += shot["duration_s"] * (1.0 if card else -_BESIDE)
        if card and worth_s > best_s:
            count, best_s = number, worth_s
    return count


def _cards(facts: BreakContext) -> list[bool]:
    """Mask of the shots that are letters on black, as far as their pictures show."""
    known = [s["saturation"] for s in facts.shots if s["saturation"] is not None]
    if not known or np.median(known) <= _COLOURLESS:
        return [False] * len(facts.shots)
    return [
        shot["saturation"] is not None
        and shot["saturation"] <= _COLOURLESS
        and _black_share(shot) >= _BLACK
        for shot in facts.shots
    ]


def _black_share(shot: Shot) -> float:
    """Share of a shot's picture that is black, in [0, 1]."""
    colours = zip(shot["colours"] or (), shot["colour_shares"] or (), strict=True)
    return float(dict(colours).get("black", 0.0))
