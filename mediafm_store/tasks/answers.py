"""From a ranking to answers: shots, scenes or titles, near duplicates folded, noise left out."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Float32

from mediafm_store.arrays import MODALITIES
from mediafm_store.tasks.alignment import in_order
from mediafm_store.tasks.encoding import DeviceChoice
from mediafm_store.tasks.folding import SAME_VIEW, fold, spread
from mediafm_store.tasks.hit import Hit
from mediafm_store.tasks.nearest import nearest
from mediafm_store.tasks.ranking import Known, Ranking
from mediafm_store.tasks.sampling import likeness_from
from mediafm_store.tasks.scenes import find_scenes

LEAST_DEPTH, DEEPER = 100, 4
"""So many shots are looked at first, and so many times as many if they are too few."""
PROBES = 8
"""A sequence is looked for by so many of its shots."""
TITLES = 4
"""So many titles are looked through for each answer that is wanted."""


class Wanted(NamedTuple):
    """How many answers, and which."""

    k: int
    least: float
    """The percentile below which there is no good match."""
    fold: bool
    diverse: bool
    among: pl.Series | None
    """The ids of the shots that may be found; None: all."""
    without: frozenset[str]
    """Titles that may not be."""
    itself: frozenset[str]
    """The shots that were asked with."""
    device: DeviceChoice


class Answer(NamedTuple):
    """What was found, as yet without what the store says of it."""

    shares: Float32[np.ndarray, " 3"]
    """By modality."""
    key: str
    shots: Sequence[str]
    alone: float | None = None
    alike: Sequence[str] = ()

    @property
    def score(self) -> float:
        """The sum of the shares."""
        return float(self.shares.sum())


def shots_like(ranking: Ranking, wanted: Wanted) -> list[Hit]:
    """The best shots."""
    known = Known(ranking.store)
    for ids, exhausted in candidates(ranking, wanted, known):
        found = ranked(ranking, known, ids)
        good = [a for a in found if ranking.percentile(a.score) >= wanted.least]
        answers = folded(ranking, known, good) if wanted.fold else good
        if exhausted or len(good) < len(found) or len(answers) >= wanted.k:
            break
    if wanted.diverse:
        fused = known.vectors(ranking.store.live("fused"), [a.key for a in answers])
        answers = [answers[i] for i in spread([a.score for a in answers], fused, wanted.k)]
    return told(ranking, known, answers[: wanted.k])


def ranked(ranking: Ranking, known: Known, ids: Sequence[str]) -> list[Answer]:
    """Shots as answers, best first; those that have something in common with the query.

    No words where words are asked for are no answer.
    """
    shares, alone = ranking.shares(known, ids)[:, 0], ranking.alone(known, ids)
    best = np.argsort(-shares.sum(axis=0), kind="stable")
    return [
        Answer(shares[:, i], ids[i], (ids[i],), None if alone is None else float(alone[0, i]))
        for i in best
        if shares[:, i].any()
    ]


def folded(ranking: Ranking, known: Known, answers: Sequence[Answer]) -> list[Answer]:
    """Near duplicates as one, the best of them with the others' ids."""
    rows = known.shots([a.key for a in answers])
    there = [a for a in answers if a.key in rows]  # others were replaced a moment ago
    fused = known.vectors(ranking.store.live("fused"), [a.key for a in there])
    return [
        there[first]._replace(alike=tuple(there[i].key for i in others))
        for first, *others in fold(
            [rows[a.key] for a in there], fused, likeness_from(ranking.store, SAME_VIEW)
        )
    ]


def runs_like(ranking: Ranking, wanted: Wanted, *, titles: bool) -> list[Hit]:
    """The best scenes, or titles, by how well their shots match those of the query in order."""
    known, store = Known(ranking.store), ranking.store
    ids, _ = next(candidates(ranking, wanted, known))
    scores = ranking.shares(known, ids).sum(axis=0).max(axis=0)
    found = [ids[i] for i in np.argsort(-scores, kind="stable")]
    answers = []
    for title in list(dict.fromkeys(map(title_of, found)))[: TITLES * wanted.k]:
        every = store.shots(title)["id"].to_list()
        for run in [every] if titles else [s.shots for s in find_scenes(store, title)]:
            if wanted.itself.isdisjoint(run) and not set(found).isdisjoint(run):
                answers.append(laid_along(ranking, known, run))
    good = [a for a in answers if ranking.percentile(a.score) >= wanted.least]
    return told(ranking, known, sorted(good, key=lambda a: -a.score)[: wanted.k])


def titles_like(ranking: Ranking, wanted: Wanted) -> list[Hit]:
    """The best titles, by their own vectors; the shot in the middle stands for each.

    All that is looked for is one vector in the space `title`.
    """
    known, store = Known(ranking.store), ranking.store
    (query,) = ranking.queries
    among = wanted.among
    (near,) = nearest(
        store,
        query.space,
        query.rows,
        max(LEAST_DEPTH, DEEPER * wanted.k),
        ids=None if among is None else pl.Series([*{*map(title_of, among)}], dtype=pl.String),
        without=wanted.without.union(map(title_of, wanted.itself)),
        device=wanted.device,
    )
    known.add(query.space, near.ids, near.vectors)
    found = ranked(ranking, known, near.ids)
    good = [a for a in found if ranking.percentile(a.score) >= wanted.least]
    answers = []
    for answer in good[: wanted.k]:
        shots = store.shots(answer.key)["id"].to_list()
        if shots:  # else the title has gone a moment ago
            answers.append(answer._replace(key=shots[len(shots) // 2], shots=tuple(shots)))
    return told(ranking, known, answers)


def laid_along(ranking: Ranking, known: Known, run: Sequence[str]) -> Answer:
    """A run of shots as an answer."""
    shares, alone = ranking.shares(known, run), ranking.alone(known, run)
    similar = shares.sum(axis=0)
    rows, shots = np.arange(len(similar)), in_order(similar)
    return Answer(
        shares=shares[:, rows, shots].mean(axis=1),
        key=run[int(shots[similar[rows, shots].argmax()])],
        shots=tuple(run),
        alone=None if alone is None else float(alone[rows, shots].mean()),
    )


def candidates(ranking: Ranking, wanted: Wanted, known: Known) -> Iterator[tuple[list[str], bool]]:
    """Ever more shots that may be answers, and whether these are all."""
    count = max(LEAST_DEPTH, DEEPER * wanted.k)
    while True:
        found: dict[str, None] = {}
        exhausted = True
        for query in ranking.queries:
            some = np.unique(np.linspace(0, len(query.rows) - 1, PROBES).astype(int))
            asked = np.concatenate([query.as_one.rows, query.rows[some]])
            for near in nearest(
                ranking.store,
                query.space,
                asked if len(query.rows) > 1 else query.rows,
                count,
                ids=wanted.among,
                without=wanted.without,
                device=wanted.device,
            ):
                known.add(query.space, near.ids, near.vectors)
                found |= dict.fromkeys(near.ids)
                exhausted &= len(near.ids) < count
        found |= dict.fromkeys(ranking.said)
        allowed = (id for id in found if title_of(id) not in wanted.without)
        yield [id for id in allowed if id not in wanted.itself], exhausted
        count *= DEEPER


def told(ranking: Ranking, known: Known, answers: Sequence[Answer]) -> list[Hit]:
    """Answers with what the store says of them; without those that were replaced a moment ago."""
    ends = [id for a in answers for id in (a.key, a.shots[0], a.shots[-1])]
    rows = known.shots(ends)
    return [
        Hit(
            shot=a.key,
            title=rows[a.key]["title"],
            start_s=rows[a.shots[0]]["start_s"],
            end_s=rows[a.shots[-1]]["end_s"],
            score=a.score,
            percentile=ranking.percentile(a.score) if ranking.queries else None,
            shares={m: float(share) for m, share in zip(MODALITIES, a.shares, strict=True)},
            alone=a.alone,
            words=rows[a.key]["words"],
            seen=tuple(rows[a.key]["seen"]),
            heard=tuple(rows[a.key]["heard"]),
            seen_p=None if rows[a.key]["seen_p"] is None else tuple(rows[a.key]["seen_p"]),
            heard_p=None if rows[a.key]["heard_p"] is None else tuple(rows[a.key]["heard_p"]),
            looks=tuple(rows[a.key]["looks"] or ()),
            shots=tuple(a.shots),
            alike=tuple(a.alike),
        )
        for a in answers
        if rows.keys() >= {a.key, a.shots[0], a.shots[-1]}
    ]


def title_of(shot: str) -> str:
    """The title that a shot's id names."""
    return shot.rpartition("/")[0]
