"""Where the opening and the closing credits lie, as far as shots tell.

Nothing in a store says what is a credit. What is taken for credits is a run of shots from either
end of the title in which no word is said (by the subtitles; without any, in which no speech is
heard), and each of which is black or at least LONG times as long as the title's median shot: logos,
titles over a long view, a roll. It is never more than MOST of the title, and none where nothing is
known of words and sounds. Wordless long views beside the credits count in; breaks are not missed
there.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from mediafm_store.tasks.breaks.facts import Facts, Shot
from mediafm_store.tasks.breaks.signs import SPEECH, hears

LONG, MOST = 3.0, 0.15


def credit_shots(facts: Facts) -> tuple[int, int]:
    """How many shots at the start and at the end are credits."""
    spoken = speaking(facts)
    if spoken is None:
        return 0, 0
    usual_s = float(np.median([shot["duration_s"] for shot in facts.shots]))
    calm = [
        not says and bool(shot["black"] or shot["duration_s"] >= LONG * usual_s)
        for shot, says in zip(facts.shots, spoken, strict=True)
    ]
    most_s = MOST * facts.duration_s
    first = run(zip(calm, facts.shots, strict=True), most_s)
    last = run(zip(calm[::-1], facts.shots[::-1], strict=True), most_s)
    return first, last


def speaking(facts: Facts) -> Sequence[bool] | None:
    """In which shots somebody speaks; None where nothing tells."""
    if any(shot["words"] for shot in facts.shots):
        return [bool(shot["words"]) for shot in facts.shots]
    if any(shot["heard"] for shot in facts.shots):
        return [hears(shot, SPEECH) for shot in facts.shots]
    return None


def run(shots: Iterable[tuple[bool, Shot]], most_s: float) -> int:
    """How many of the first shots are calm and together no longer than `most_s`."""
    count, length_s = 0, 0.0
    for calm, shot in shots:
        length_s += shot["duration_s"]
        if not calm or length_s > most_s:
            break
        count += 1
    return count
