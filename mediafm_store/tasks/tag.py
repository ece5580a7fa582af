"""Propose tags for titles: those of the most similar titles that have some."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import polars as pl

from mediafm_store.arrays import Vectors, unit_rows
from mediafm_store.errors import BadInput
from mediafm_store.store.store import Store

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
    table = store.titles()
    known = {r["id"]: [*r["tags"], *r["genres"]] for r in table.to_dicts()}
    for title in titles or ():
        store.title(title)
    if not any(known.values()):
        raise BadInput(
            "no title of the store has tags or genres to learn from; add them to the titles'"
            " metadata (film.json beside film.mp4) and ingest again"
        )
    wanted = list(titles or table.filter(pl.col("tags").list.len() == 0)["id"])
    ids, vectors = title_vectors(store)
    similar = vectors @ vectors.T
    proposals: list[Tag] = []
    for title in wanted:
        if title not in ids:
            raise BadInput(f"title {title!r} has no vector yet; run `mediafm embed`")
        order = np.argsort(-similar[ids.index(title)], kind="stable")
        voters = [(ids[i], float(similar[ids.index(title), i])) for i in order if ids[i] != title]
        voters = [(t, w) for t, w in voters if known[t] and w > 0][:NEIGHBOURS]
        found = vote(title, voters, known)[:top]
        store.set_tags(title, [row(tag) for tag in found])
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
    fused = store.live("fused")
    ids = list(store.titles()["id"])
    means = [store.vectors(fused, title).vectors.mean(axis=0) for title in ids]
    return ids, unit_rows(np.stack(means))


def row(tag: Tag) -> dict[str, object]:
    """A proposal as the tags table holds it."""
    return {**asdict(tag), "evidence": list(tag.evidence)}
