"""Shots in which the words of a text, or words of that meaning, are spoken."""

from collections import defaultdict
from collections.abc import Sequence

from mediafm_store.errors import InvalidInput
from mediafm_store.indexing.known import ReadCache
from mediafm_store.indexing.nearest import nearest
from mediafm_store.storage.storage import Storage
from mediafm_store.text_search.asked_for import content_words, quoted
from mediafm_store.text_search.evidence import Evidence

MOST_SAID = 200
"""Shots in which words of a text are said."""


_SENTENCE = 4
"""Words of a text from which on it may be a sentence that somebody says."""


_RANK_OFFSET = 60
"""Of reciprocal rank fusion, as its authors chose it."""


def meanings(
    evidence: Sequence[Evidence], known: ReadCache, literal: Sequence[str] = ()
) -> dict[str, float]:
    """Scores of shots by the meaning of their words; `literal` shots contain the text itself."""
    return fused_by_rank([literal, *(_meant(e, known) for e in evidence if e.part == "text")])


def _meant(evidence: Evidence, known: ReadCache) -> list[str]:
    """Shots in which something of that meaning is said, best first."""
    probe = evidence.probe()
    (near,) = nearest(evidence.store, probe.space, probe.rows, MOST_SAID)
    known.add(probe.space, near.ids, near.vectors)
    scores = evidence.scores(known, near.ids)
    return [shot_id for shot_id, score in zip(near.ids, scores, strict=True) if score > 0]


def in_a_row(store: Storage, text: str) -> list[str]:
    """Shots in which the quoted words of a text are said in this order, or all of a sentence."""
    words = quoted(text) or (text if len(text.split()) >= _SENTENCE else "")
    return _spoken_words(store, f'"{words}"') if words else []


def spoken(store: Storage, text: str) -> list[str]:
    """Shots in which content words of a text are said, best first by BM25."""
    words = content_words(text)
    return _spoken_words(store, words) if words else []


def _spoken_words(store: Storage, words: str) -> list[str]:
    """Shots in which words are said; none where the store has no full-text index, nor can have."""
    try:
        return list(store.said(words, MOST_SAID))
    except InvalidInput:
        return []


def fused_by_rank(rankings: Sequence[Sequence[str]]) -> dict[str, float]:
    """Several rankings as one score, the greatest 1.

    Reciprocal rank fusion: Cormack, Clarke and Büttcher, 2009.
    """
    scores: dict[str, float] = defaultdict(float)
    for ranking in rankings:
        for rank, shot_id in enumerate(ranking, 1):
            scores[shot_id] += 1 / (_RANK_OFFSET + rank)
    best = max(scores.values(), default=1.0)
    return {shot_id: score / best for shot_id, score in scores.items()}
