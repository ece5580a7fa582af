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
"""Two shots of the same view so near to each other enclose reverse shots of it."""
SPREAD = 0.5
"""How much likeness to answers before it counts against an answer: 1 - lambda of maximal marginal
relevance (Carbonell and Goldstein, 1998)."""


def fold(shots: Sequence[Mapping[str, Any]], fused: Fused, same: float) -> list[list[int]]:
    """Which of some shots are one answer, both in their order: the first stands for the others.

    `shots` are rows of the store's table, best first, `fused` their vectors by themselves, `same`
    the cosine of pictures from which they show the same view. Shots of the same view are one, in
    whatever title, and so are those between two such that are near (shot and reverse shot), and all
    black ones.
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
    kept: list[list[int]] = []
    for group in groups:
        enclosing = (other for other in kept if encloses(shots, other, group))
        into = next(enclosing, None)
        if into is None:
            kept.append(group)
        else:
            into += group
    return [sorted(group) for group in kept]


def encloses(shots: Sequence[Mapping[str, Any]], one: Sequence[int], other: Sequence[int]) -> bool:
    """Whether a shot of one group lies between two near ones of the other group."""
    return any(within(shots, i, one) for i in other) or any(within(shots, i, other) for i in one)


def within(shots: Sequence[Mapping[str, Any]], i: int, group: Sequence[int]) -> bool:
    """Whether a shot lies between two near ones of a group."""
    places = [shots[j]["index"] for j in group if shots[j]["title"] == shots[i]["title"]]
    before = [p for p in places if p < shots[i]["index"]]
    after = [p for p in places if p > shots[i]["index"]]
    return bool(before and after) and min(after) - max(before) <= EXCHANGE


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
