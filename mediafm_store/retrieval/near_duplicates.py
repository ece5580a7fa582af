"""Near duplicates among answers: fold them into one, or keep answers apart from each other."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mediafm_store.arrays import Fused, block, unit_rows

SAME_VIEW = 0.25
"""How far from identical to usual the pictures of one view may lie. With the default encoder and
Sintel that is a cosine of .77: pairs above it show one camera position, those below other views of
the same person."""
_EXCHANGE = 4
"""Two shots of one view, so near to each other, with one of another view between them: shot and
reverse shot."""
_SPREAD = 0.5
"""How much likeness to answers before it counts against an answer: 1 - lambda of maximal marginal
relevance (Carbonell and Goldstein, 1998)."""


def fold(shots: Sequence[Mapping[str, Any]], fused: Fused, same: float) -> list[list[int]]:
    """Group near-duplicate shots; the first of each group stands for the others.

    Shots of the same view are duplicates, in whatever title, and so are all black ones. Two views
    that alternate (shot and reverse shot) are one answer, but not elsewhere.

    Args:
        shots: Rows of the table of shots, best first.
        fused: Fused vectors of the shots.
        same: Cosine of pictures from which they show the same view.

    Returns:
        Groups of indices into `shots`, all in the order of `shots`.
    """
    pictures = unit_rows(fused[:, block("visual")])
    alike = pictures @ pictures.T >= same
    black = np.array([shot["black"] or False for shot in shots], bool)
    alike |= black[:, None] & black

    def views(some: Sequence[int]) -> list[list[int]]:
        """Shots of one view each; each view's first is unlike that of every other."""
        found: list[list[int]] = []
        firsts = np.zeros(len(shots), bool)
        view_of = np.zeros(len(shots), int)
        for i in some:
            near = np.flatnonzero(alike[i] & firsts)
            if len(near):
                found[view_of[near].min()].append(i)
            else:
                firsts[i], view_of[i] = True, len(found)
                found.append([i])
        return found

    groups = views(range(len(shots)))
    view_at = {
        (shots[i]["title"], shots[i]["index"]): number
        for number, group in enumerate(groups)
        for i in group
    }
    answers: list[list[int]] = []
    for number, group in enumerate(groups):
        rest = group
        for view in sorted(_views_near(shots, group, view_at)):
            if view >= number:
                break
            replies = _in_exchange(shots, groups[view], group)
            answers[view] += [i for i in rest if i in replies]
            rest = [i for i in rest if i not in replies]
        answers.append(list(rest))
    of_leader = {min(answer): answer for answer in answers if answer}
    # An exchange may have left several answers with the same view in front.
    one = [[i for leader in view for i in of_leader[leader]] for view in views(sorted(of_leader))]
    return sorted(map(sorted, one))


def _views_near(
    shots: Sequence[Mapping[str, Any]], group: Sequence[int], view_at: Mapping[tuple[str, int], int]
) -> set[int]:
    """The views of the shots near those of a group, which alone can be in exchange with it."""
    return {
        view_at[place]
        for i in group
        for step in range(-_EXCHANGE, _EXCHANGE + 1)
        if (place := (shots[i]["title"], shots[i]["index"] + step)) in view_at
    }


def _in_exchange(
    shots: Sequence[Mapping[str, Any]], one: Sequence[int], other: Sequence[int]
) -> set[int]:
    """The shots of two views where they alternate: one, other, one, all within EXCHANGE shots."""
    if len(one) + len(other) < 3:
        return set()
    view = dict.fromkeys(one, 0) | dict.fromkeys(other, 1)
    order = sorted(view, key=lambda i: (shots[i]["title"], shots[i]["index"]))
    found = set[int]()
    for first, middle, last in zip(order, order[1:], order[2:], strict=False):
        alternate = view[first] == view[last] != view[middle]
        together = shots[first]["title"] == shots[last]["title"]
        if alternate and together and shots[last]["index"] - shots[first]["index"] <= _EXCHANGE:
            found |= {first, middle, last}
    return found


def diversify(scores: Sequence[float], vectors: Fused, k: int) -> list[int]:
    """The `k` answers to show, each as good as may be and unlike those before it."""
    worth = np.asarray(scores, np.float32)
    left = dict.fromkeys(range(len(worth)))
    alike = np.full(len(worth), -np.inf, np.float32)
    chosen: list[int] = []
    while left and len(chosen) < k:
        penalty = _SPREAD * np.maximum(alike, 0) if chosen else 0.0
        gain = (1 - _SPREAD) * worth - penalty
        best = max(left, key=lambda i: float(gain[i]))
        chosen.append(best)
        del left[best]
        alike = np.maximum(alike, vectors @ vectors[best])
    return chosen
