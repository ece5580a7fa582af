"""From a ranking to answers: shots, scenes or titles, near duplicates folded, noise left out."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Float32

from mediafm_store.encoding import DeviceChoice
from mediafm_store.indexing.known import ReadCache
from mediafm_store.indexing.nearest import nearest
from mediafm_store.likeness.alignment import in_order
from mediafm_store.likeness.sampling import likeness_from
from mediafm_store.likeness.scale import PARTS
from mediafm_store.matching.scorer import Scorer
from mediafm_store.records import title_of
from mediafm_store.retrieval.hit import Hit
from mediafm_store.retrieval.near_duplicates import SAME_VIEW, diversify, fold
from mediafm_store.scenes.own_scene import PAGE, in_pages
from mediafm_store.scenes.scenes import scene_shots

LEAST_DEPTH, DEEPER = 100, 4
"""Number of candidate shots, and the factor by which it grows if they are too few."""
_PROBES = 8
"""Number of shots by which a sequence is searched."""
_TITLES = 4
"""Number of titles that are searched for each requested answer."""


class AnswerOptions(NamedTuple):
    """Number of answers, and conditions on them."""

    k: int
    least: float
    """There is no good match if a greater share of random queries than 1 - this finds better."""
    fold: bool
    diverse: bool
    scattered: bool
    """True if only few answers may lie close to each other."""
    among: pl.Series | None
    """The ids of the shots that may be found; None: all."""
    without: frozenset[str]
    """Titles that may not be."""
    itself: frozenset[str]
    """Shots that may not be: those that were asked with, and what lies around them."""
    device: DeviceChoice


class _Candidate(NamedTuple):
    """Candidate answer, before its rows are read from the store."""

    shares: Float32[np.ndarray, " 4"]
    """By part."""
    key: str
    shots: Sequence[str]
    alike: Sequence[str] = ()
    title: str | None = None
    """Cosine of a title that was compared by its own vector."""

    @property
    def score(self) -> float:
        """The sum of the shares."""
        return float(self.shares.sum())


class SearchResult(NamedTuple):
    """Hits, and how often a random query finds something as good as the best of them."""

    hits: list[Hit]
    chance: float | None


def shots_like(ranking: Scorer, wanted: AnswerOptions) -> SearchResult:
    """The best shots."""
    known = ranking.known
    for ids, exhausted in _candidates(ranking, wanted, known):
        answers = _ranked(ranking, known, ids)
        if wanted.fold:
            answers = _folded(ranking, known, answers, wanted.k)
        if exhausted or len(answers) >= wanted.k:
            break
    if wanted.diverse:
        fused = known.vectors(ranking.store.live("fused"), [a.key for a in answers])
        # Beside cosines of answers scores that are none count as shares of the best.
        best = max([1.0, *(a.score for a in answers)])
        worth = [a.score / best for a in answers]
        answers = [answers[i] for i in diversify(worth, fused, max(wanted.k, PAGE))]
    elif wanted.scattered:
        answers = in_pages(answers, [a.key for a in answers])
    return _to_hits(ranking, known, answers, wanted)


def _ranked(ranking: Scorer, known: ReadCache, ids: Sequence[str]) -> list[_Candidate]:
    """Shots as answers, best first; those that have something in common with the query.

    No words where words are asked for are no answer.
    """
    shares = ranking.shares(known, ids)[:, 0]
    best = np.argsort(-shares.sum(axis=0), kind="stable")
    return [_Candidate(shares[:, i], ids[i], (ids[i],)) for i in best if shares[:, i].any()]


def _folded(
    ranking: Scorer, known: ReadCache, answers: Sequence[_Candidate], k: int
) -> list[_Candidate]:
    """Near duplicates as one, the best of them with the others' ids.

    No more answers are looked through than it takes to find `k`.
    """
    same = likeness_from(ranking.store, SAME_VIEW)
    depth = max(LEAST_DEPTH, DEEPER * k)
    while True:
        rows = known.shots([a.key for a in answers[:depth]])
        there = [a for a in answers[:depth] if a.key in rows]  # others were replaced a moment ago
        fused = known.vectors(ranking.store.live("fused"), [a.key for a in there])
        groups = fold([rows[a.key] for a in there], fused, same)
        if len(groups) >= k or depth >= len(answers):
            return [
                there[first]._replace(alike=tuple(there[i].key for i in others))
                for first, *others in groups
            ]
        depth *= DEEPER


def runs_like(ranking: Scorer, wanted: AnswerOptions, *, titles: bool) -> SearchResult:
    """The best scenes, or titles, by how well their shots match those of the query in order."""
    known, store = ranking.known, ranking.store
    ids, _ = next(_candidates(ranking, wanted, known))
    scores = ranking.shares(known, ids).sum(axis=0).max(axis=0)
    found = [ids[i] for i in np.argsort(-scores, kind="stable")]
    some = list(dict.fromkeys(map(title_of, found)))[: _TITLES * wanted.k]
    runs = (
        run
        for title in some
        for run in ([store.shot_ids(title)] if titles else scene_shots(store, title, known))
    )
    near = frozenset(found)
    wished = [r for r in runs if wanted.itself.isdisjoint(r) and not near.isdisjoint(r)]
    answers = _laid_along(ranking, known, wished)
    return _to_hits(ranking, known, sorted(answers, key=lambda a: -a.score), wanted)


def titles_like(ranking: Scorer, wanted: AnswerOptions) -> SearchResult:
    """The best titles, by their own vectors; the shot in the middle stands for each.

    The query is a single vector in the space `title`.
    """
    known, store = ranking.known, ranking.store
    (matcher,) = ranking.matchers
    (probe,) = matcher.probes()
    among = wanted.among
    (near,) = nearest(
        store,
        probe.space,
        probe.rows,
        max(LEAST_DEPTH, DEEPER * wanted.k),
        ids=None if among is None else pl.Series([*{*map(title_of, among)}], dtype=pl.String),
        without=wanted.without.union(map(title_of, wanted.itself)),
        device=wanted.device,
    )
    known.add(probe.space, near.ids, near.vectors)
    answers = _ranked(ranking, known, near.ids)
    found = []
    for answer in answers[: max(wanted.k, PAGE)]:
        shots = store.shot_ids(answer.key)
        middle = shots[len(shots) // 2]
        found.append(answer._replace(key=middle, shots=tuple(shots), title=answer.key))
    return _to_hits(ranking, known, found, wanted)


def _laid_along(
    ranking: Scorer, known: ReadCache, runs: Sequence[Sequence[str]]
) -> list[_Candidate]:
    """Runs of shots as answers."""
    shares = ranking.shares(known, [shot for run in runs for shot in run])
    parts = np.split(shares, np.cumsum([len(run) for run in runs])[:-1], axis=2) if runs else []
    return [_best_path(run, part) for run, part in zip(runs, parts, strict=True)]


def _best_path(run: Sequence[str], shares: Float32[np.ndarray, "4 rows shots"]) -> _Candidate:
    """A run of shots as an answer, by the shots that match the rows of the query in order."""
    similar = shares.sum(axis=0)
    rows, shots = np.arange(len(similar)), in_order(similar)
    return _Candidate(
        shares=shares[:, rows, shots].mean(axis=1),
        key=run[int(shots[similar[rows, shots].argmax()])],
        shots=tuple(run),
    )


def _candidates(
    ranking: Scorer, wanted: AnswerOptions, known: ReadCache
) -> Iterator[tuple[list[str], bool]]:
    """Ever more shots that may be answers, and whether these are all."""
    count = max(LEAST_DEPTH, DEEPER * wanted.k) + len(wanted.itself)
    among = None if wanted.among is None else frozenset(wanted.among)
    while True:
        found: dict[str, None] = {}
        exhausted = True
        for probe in (probe for matcher in ranking.matchers for probe in matcher.probes()):
            some = np.unique(np.linspace(0, len(probe.rows) - 1, _PROBES + 1).astype(int))
            for near in nearest(
                ranking.store,
                probe.space,
                probe.rows[some],
                count,
                ids=wanted.among,
                without=wanted.without,
                device=wanted.device,
            ):
                known.add(probe.space, near.ids, near.vectors)
                found |= dict.fromkeys(near.ids)
                exhausted &= len(near.ids) < count
        found |= dict.fromkeys(
            row_id for row_id in ranking.named if among is None or row_id in among
        )
        allowed = (row_id for row_id in found if title_of(row_id) not in wanted.without)
        yield [row_id for row_id in allowed if row_id not in wanted.itself], exhausted
        count *= DEEPER


def _to_hits(
    ranking: Scorer, known: ReadCache, answers: Sequence[_Candidate], wanted: AnswerOptions
) -> SearchResult:
    """Answers with what the store says of them; none if the best of them is no good match.

    Those that were replaced a moment ago are left out.
    """
    first = answers[: max(wanted.k, PAGE)]  # however few are shown, the same is refused
    chances = ranking.chances(known, [[a.title] if a.title else a.shots for a in first])
    best = min((c for c in chances[:PAGE] if c is not None), default=None)
    if best is not None and 1 - best < wanted.least:
        return SearchResult([], best)
    shown = answers[: wanted.k]
    ends = [row_id for a in shown for row_id in (a.key, a.shots[0], a.shots[-1])]
    rows = known.shots(ends)
    hits = [
        Hit(
            shot=a.key,
            title=rows[a.key]["title"],
            start_s=rows[a.shots[0]]["start_s"],
            end_s=rows[a.shots[-1]]["end_s"],
            score=a.score,
            chance=chance,
            shares={p: float(share) for p, share in zip(PARTS, a.shares, strict=True)},
            words=rows[a.key]["words"],
            seen=tuple(rows[a.key]["seen"]),
            heard=tuple(rows[a.key]["heard"]),
            seen_p=None if rows[a.key]["seen_p"] is None else tuple(rows[a.key]["seen_p"]),
            heard_p=None if rows[a.key]["heard_p"] is None else tuple(rows[a.key]["heard_p"]),
            looks=tuple(rows[a.key]["looks"] or ()),
            shots=tuple(a.shots),
            alike=tuple(a.alike),
        )
        for a, chance in zip(shown, chances[: wanted.k], strict=True)
        if rows.keys() >= {a.key, a.shots[0], a.shots[-1]}
    ]
    return SearchResult(hits, best)
