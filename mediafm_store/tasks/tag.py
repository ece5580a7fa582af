"""Propose tags for titles: those of the most similar titles that have some."""

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import numpy as np
import polars as pl

from mediafm_store.arrays import Vectors, unit_rows
from mediafm_store.errors import BadInput
from mediafm_store.store.store import Store
from mediafm_store.store.tables import quoted

log = logging.getLogger("mediafm_store")
NEIGHBOURS = 5
DOUBT = 1.0
"""Weight of one vote for nothing: few or distant neighbours give low scores."""


@dataclass(frozen=True, slots=True)
class Tag:
    """A proposed tag of a title."""

    title: str
    tag: str
    score: float
    """Share of the votes of the most similar titles, weighted by similarity; 0 to 1."""
    evidence: tuple[str, ...]
    """The titles that have the tag, most similar first."""


def propose_tags(store: Store, titles: Sequence[str] | None = None, *, top: int = 5) -> list[Tag]:
    """Propose and store up to `top` tags for each title (default: those without any tags).

    A title's known tags are its tags and genres. The votes of the five most similar titles that
    have some are weighted by their cosine. Raises NotFound for an unknown title, BadInput if no
    title has tags.
    """
    store.check_writable()
    table = store.titles()
    known = {r["id"]: [*r["tags"], *r["genres"]] for r in table.to_dicts()}
    for title in titles or ():
        store.title(title)
    if not any(known.values()):
        raise BadInput(
            "no title of the store has tags or genres to learn from; add them to the titles'"
            " metadata (film.json beside film.mp4) and ingest again"
        )
    ids, vectors = title_vectors(store)
    place = {title: i for i, title in enumerate(ids)}
    wanted = list(titles or table.filter(pl.col("tags").list.len() == 0)["id"])
    if without := [title for title in wanted if title not in place]:
        log.warning("no vectors yet of %s; run `mediafm embed`", ", ".join(without))
    proposals: list[Tag] = []
    for title in (t for t in wanted if t in place):
        similar = vectors @ vectors[place[title]]
        order = np.argsort(-similar, kind="stable")
        others = [(ids[i], float(similar[i])) for i in order if ids[i] != title]
        voters = [(t, weight) for t, weight in others if known[t] and weight > 0][:NEIGHBOURS]
        found = vote(title, voters, known)[:top]
        store.put("tags", [row(tag) for tag in found], instead_of=f"title = {quoted(title)}")
        proposals += found
    return proposals


def vote(title: str, voters: Sequence[tuple[str, float]], known: dict[str, list[str]]) -> list[Tag]:
    """All tags of the voters that the title does not have, best first."""
    votes: dict[str, float] = defaultdict(float)
    evidence: dict[str, list[str]] = defaultdict(list)
    for voter, weight in voters:
        for tag in dict.fromkeys(known[voter]):
            votes[tag] += weight
            evidence[tag].append(voter)
    total = DOUBT + sum(weight for _, weight in voters)
    tags = [
        Tag(title, tag, weight / total, tuple(evidence[tag]))
        for tag, weight in votes.items()
        if tag not in known[title]
    ]
    return sorted(tags, key=lambda tag: (-tag.score, tag.tag))


def title_vectors(store: Store) -> tuple[list[str], Vectors]:
    """One vector a title: [GLOBAL] once titles are embedded, else the mean of its shots."""
    if store.has("title"):
        ids, vectors = store.vectors(store.live("title"))
        return ids, vectors
    fused = store.vectors(store.live("fused")).by_title()
    return list(fused), unit_rows(np.stack([shots.mean(axis=0) for shots in fused.values()]))


def row(tag: Tag) -> dict[str, object]:
    """A proposal as the tags table holds it."""
    told = {"threshold": 0.0, "applies": True, "source": "neighbours"}
    return {**asdict(tag), **told, "evidence": list(tag.evidence), "proposed_at": datetime.now(UTC)}
