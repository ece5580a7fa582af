"""Shots around the query shots, and grouping of answers that lie close together."""

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple, TypeVar

from mediafm_store.indexing.known import ReadCache
from mediafm_store.records import index_of, shot_id, title_of
from mediafm_store.scenes.scenes import scene_shots
from mediafm_store.storage.storage import Storage

NEAR = 30
"""Shots before and after a query that count as its surroundings. In the 21 films of OVSD two shots
of a film are of one scene in 45 % of the pairs 10 shots apart, in 13 % of those 30 apart."""
_CLOSE, _MOST_CLOSE, PAGE = 10, 4, 10
"""Of each ten answers at most four lie within ten shots of one of them."""
T = TypeVar("T")


class OwnScene(NamedTuple):
    """Scene of the query shots, which is shown apart from the answers."""

    title: str
    start_s: float
    end_s: float
    shots: tuple[str, ...]
    """Their ids in play order."""


def own_scene(store: Storage, shots: Collection[str]) -> OwnScene | None:
    """Merge the scenes that some shots of a title belong to; None without shots."""
    if not shots:
        return None
    title, wanted = title_of(min(shots)), set(shots)
    scenes = scene_shots(store, title, ReadCache(store))
    own = tuple(shot for scene in scenes if not wanted.isdisjoint(scene) for shot in scene)
    rows = store.shots_by_id([own[0], own[-1]]) if own else {}
    if not own or rows.keys() < {own[0], own[-1]}:  # replaced a moment ago
        return None
    return OwnScene(title, rows[own[0]]["start_s"], rows[own[-1]]["end_s"], own)


def surroundings(shots: Iterable[str], reach: int = NEAR) -> frozenset[str]:
    """Ids of shots and of those within `reach` of them, whether they exist or not."""
    return frozenset(near_id for shot in shots for near_id in [shot, *neighbours(shot, reach)])


def neighbours(shot: str, reach: int) -> list[str]:
    """Ids of the shots within `reach` of one, itself excluded, whether they exist or not."""
    title, index = title_of(shot), index_of(shot)
    return [
        shot_id(title, i) for i in range(max(0, index - reach), index + reach + 1) if i != index
    ]


def in_pages(answers: Sequence[T], shots: Sequence[str]) -> list[T]:
    """Reorder answers, best first, so that no scene fills a page of `PAGE`.

    Surplus answers of a scene come first on the next page.

    Args:
        answers: Answers, best first.
        shots: Id of the shot where each answer lies.
    """
    rest = deque(
        (answer, title_of(shot), index_of(shot))
        for answer, shot in zip(answers, shots, strict=True)
    )
    ordered: list[T] = []
    while rest:
        page: list[tuple[T, str, int]] = []
        later: list[tuple[T, str, int]] = []
        while rest and len(page) < PAGE:
            one = rest.popleft()
            _, title, index = one
            close = sum(t == title and abs(i - index) <= _CLOSE for _, t, i in page)
            (page if close < _MOST_CLOSE else later).append(one)
        ordered += [answer for answer, _, _ in page]
        rest.extendleft(reversed(later))
    return ordered
