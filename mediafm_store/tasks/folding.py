"""Near duplicates among answers: fold them into one, or keep answers apart from each other."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mediafm_store.arrays import Fused, block, unit_rows

SAME_VIEW = 0.25
"""How far from identical to usual the pictures of one view may lie. With the default encoder and
Sintel that is a cosine of .77: pairs above it show one camera position, those below other views of
the same person."""
EXCHANGE = 4
"""Two shots of one view, so near to each other, with one of another view between them: shot and
reverse shot."""
SPREAD = 0.5
"""How much likeness to answers before it counts against an answer: 1 - lambda of maximal marginal
relevance (Carbonell and Goldstein, 1998)."""


def fold(shots: Sequence[Mapping[str, Any]], fused: Fused, same: float) -> list[list[int]]:
    """Which of some shots are one answer, both in their order: the first stands for the others.

    `shots` are rows of the store's table, best first, `fused` their vectors by themselves, `same`
    the cosine of pictures from which they show the same view. Shots of the same view are one, in
    whatever title, and all black ones are; so are two views where they alternate (shot and reverse
    shot), but not elsewhere.
    """
    pictures = unit_rows(fused[:, block("visual")])
    groups: list[list[int]] = []
    for i, shot in enumerate(shots):
        of_view = (
            group
            for group in groups
            if (shot["black"] and shots[group[0]]["black"])
            or pictures[i] @ pictures[group[0]] >= same
        )
        group = next(of_view, None)
        if group is None:
            groups.append([i])
        else:
            group.append(i)
    view_at = {
        (shots[i]["title"], shots[i]["index"]): number
        for number, group in enumerate(groups)
        for i in group
    }
    answers: list[list[int]] = []
    for number, group in enumerate(groups):
        rest = group
        for view in sorted(views_near(shots, group, view_at)):
            if view >= number:
                break
            replies = in_exchange(shots, groups[view], group)
            answers[view] += [i for i in rest if i in replies]
            rest = [i for i in rest if i not in replies]
        answers.append(list(rest))
    # An exchange may leave what is left of two views with the same one in front.
    by_leader: dict[int, list[int]] = {}
    for answer in filter(None, answers):
        leader = shots[min(answer)]
        by_leader.setdefault(view_at[leader["title"], leader["index"]], []).extend(answer)
    return sorted(map(sorted, by_leader.values()))


def views_near(
    shots: Sequence[Mapping[str, Any]], group: Sequence[int], view_at: Mapping[tuple[str, int], int]
) -> set[int]:
    """The views of the shots near those of a group, which alone can be in exchange with it."""
    return {
        view_at[place]
        for i in group
        for step in range(-EXCHANGE, EXCHANGE + 1)
        if (place := (shots[i]["title"], shots[i]["index"] + step)) in view_at
    }


def in_exchange(
    shots: Sequence[Mapping[str, Any]], one: Sequence[int], other: Sequence[int]
) -> set[int]:
    """The shots of two views where they alternate: one, other, one, all within EXCHANGE shots."""
    view = dict.fromkeys(one, 0) | dict.fromkeys(other, 1)
    order = sorted(view, key=lambda i: (shots[i]["title"], shots[i]["index"]))
    found = set[int]()
    for first, middle, last in zip(order, order[1:], order[2:], strict=False):
        alternate = view[first] == view[last] != view[middle]
        together = shots[first]["title"] == shots[last]["title"]
        if alternate and together and shots[last]["index"] - shots[first]["index"] <= EXCHANGE:
            found |= {first, middle, last}
    return found


def spread(scores: Sequence[float], vectors: Fused, k: int) -> list[int]:
    """The `k` answers to show, each as good as may be and unlike those before it."""
    worth = np.asarray(scores, np.float32)
    left = dict.fromkeys(range(len(worth)))
    alike = np.full(len(worth), -np.inf, np.float32)
    chosen: list[int] = []
    while left and len(chosen) < k:
        penalty = SPREAD * np.maximum(alike, 0) if chosen else 0.0
        gain = (1 - SPREAD) * worth - penalty
        best = max(left, key=lambda i: float(gain[i]))
        chosen.append(best)
        del left[best]
        alike = np.maximum(alike, vectors @ vectors[best])
    return chosen
