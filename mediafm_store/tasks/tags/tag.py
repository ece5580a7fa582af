"""A proposed tag, and where proposals are kept."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

import polars as pl

from mediafm_store.store.store import Store
from mediafm_store.store.tables import one_of, quoted

NEIGHBOURS, TEXT = "neighbours", "text"
REVIEW = "review of "
"""Where tags come from if not from a probe; a review is of a task."""
SURE = 0.5
REVIEWED = "tags"
"""The task that answers to proposals belong to which are no probe's."""


@dataclass(frozen=True, slots=True)
class Tag:
    """A proposed tag of a title."""

    title: str
    tag: str
    score: float
    """By a probe a probability, else the share of similar titles' votes, or of random pairs of
    shots that are less like the tag's name; 0 to 1."""
    threshold: float
    """From which score on the title has the tag."""
    source: str
    """The probe, as `genre v2`; else neighbours or text; `review of genre` once it is answered."""
    evidence: tuple[str, ...]
    """What speaks for it, the strongest first: titles, shots, or words in quotes."""

    @property
    def applies(self) -> bool:
        """Whether the title has the tag; others are kept for review."""
        return self.score >= self.threshold

    @property
    def task(self) -> str:
        """The task that an answer to it belongs to."""
        task, _, version = self.source.rpartition(" v")
        if self.answered:
            return self.source.removeprefix(REVIEW)
        return task if version.isdigit() else REVIEWED

    @property
    def answered(self) -> bool:
        """Whether somebody has accepted or rejected it."""
        return self.source.startswith(REVIEW)


def keep(store: Store, titles: Collection[str], tags: Sequence[Tag], *, instead: str) -> None:
    """Write tags in the place of those that titles have had from one task, in one commit.

    What people have answered stays.
    """
    own = one_of("title", sorted(titles))
    of_task = f"source LIKE {quoted(instead + ' v%')}"
    if instead == REVIEWED:
        of_task = one_of("source", [NEIGHBOURS, TEXT])
    condition = f"({own}) AND ({of_task})"
    reviewed = store.rows("tags", f"source LIKE {quoted(REVIEW + '%')}")
    answered = set(reviewed.select("title", "tag").iter_rows())
    rows = [row_of(t) for t in tags if (t.title, t.tag) not in answered]
    if rows or store.table("tags").count_rows(condition):
        store.put("tags", rows, instead_of=condition)


def keep_answers(
    store: Store,
    answers: Mapping[tuple[str, str], bool],
    proposed: Mapping[tuple[str, str], Tag],
) -> None:
    """Tags that people have accepted are certain, others are out of the question."""
    rows = [
        row_of(replace(tag, score=float(answers[key]), threshold=SURE, source=REVIEW + tag.task))
        for key, tag in proposed.items()
        if key in answers
    ]
    store.put("tags", rows)


def kept(store: Store) -> list[Tag]:
    """All tags of titles that are in the store, best first within a title."""
    there = list(store.revisions())
    rows = store.tags().filter(pl.col("title").is_in(there)).drop("proposed_at", "applies")
    return [Tag(**row | {"evidence": tuple(row["evidence"])}) for row in rows.to_dicts()]


def row_of(tag: Tag) -> dict[str, Any]:
    """A tag as the table holds it."""
    now = datetime.now(UTC)
    told = {"applies": tag.applies, "evidence": list(tag.evidence), "proposed_at": now}
    return asdict(tag) | told
