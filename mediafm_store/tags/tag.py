"""A proposed tag, and where proposals are kept."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from mediafm_store.storage.storage import Storage
from mediafm_store.tables.sql import one_of, quoted

NEIGHBOURS, TEXT, REVIEW = "neighbours", "text", "review"
"""Where tags come from if not from a probe."""
PROPOSALS = "tags"
"""The task of tags that come from no probe."""
_SURE = 0.5
"""Threshold of tags that somebody has answered, whose score is 0 or 1."""


@dataclass(frozen=True, slots=True)
class Tag:
    """A proposed tag of a title."""

    task: str
    """That an answer to it belongs to."""
    title: str
    tag: str
    score: float
    """By a probe a probability, else the share of similar titles' votes, or of random pairs of
    shots that are less like the tag's name; 0 to 1."""
    threshold: float
    """From which score on the title has the tag."""
    source: str
    """The probe, as `genre v2`; else neighbours or text; review once somebody has answered."""
    evidence: tuple[str, ...]
    """Evidence for it, the strongest first: titles, shots, or words in quotes."""

    @property
    def applies(self) -> bool:
        """True if the title has the tag; others are kept for review.

        By the numbers as the table holds them, so that whoever reads them finds the same.
        """
        return bool(np.float32(self.score) >= np.float32(self.threshold))


def write_tags(
    store: Storage, titles: Collection[str], tags: Sequence[Tag], *, instead: str
) -> list[Tag]:
    """Write tags of titles in the place of those that fulfil a condition, in one commit.

    What people have answered stays; returns the others, which were written.
    """
    condition = f"{one_of('title', sorted(titles))} AND source != {quoted(REVIEW)} AND ({instead})"
    with store.tables.lock():  # an answer may come while tags are made
        said = answered(store)
        new = [tag for tag in tags if (tag.task, tag.title, tag.tag) not in said]
        if new or store.table("tags").count_rows(condition):
            store.put("tags", [_row_of(tag) for tag in new], instead_of=condition)
    return new


def answered(store: Storage) -> set[tuple[str, str, str]]:
    """Task, title and tag of all feedback in the store."""
    rows = store.rows("tags", f"source = {quoted(REVIEW)}").select("task", "title", "tag")
    return set(rows.iter_rows())


def keep_answers(store: Storage, answers: Mapping[Tag, bool]) -> None:
    """Tags that people have accepted are certain, others are out of the question."""
    sure = (
        replace(tag, score=float(accept), threshold=_SURE, source=REVIEW)
        for tag, accept in answers.items()
    )
    store.put("tags", [_row_of(tag) for tag in sure])


def read_tags(store: Storage) -> list[Tag]:
    """Read all tags of the store, best first within a title."""
    rows = store.tags().drop("proposed_at", "applies")
    return [Tag(**row | {"evidence": tuple(row["evidence"])}) for row in rows.to_dicts()]


def _row_of(tag: Tag) -> dict[str, Any]:
    """A tag as the table holds it."""
    now = datetime.now(UTC)
    told = {"applies": tag.applies, "evidence": list(tag.evidence), "proposed_at": now}
    return asdict(tag) | told
