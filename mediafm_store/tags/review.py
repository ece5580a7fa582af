"""The loop of people and probes: what is uncertain is asked, answers are labels, probes learn."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import logit

from mediafm_store.encoding import DeviceChoice
from mediafm_store.errors import InvalidInput, MediaFMError, NotFound
from mediafm_store.labels.labels import FILE, REVIEW, add
from mediafm_store.probing.figures import OnStep
from mediafm_store.probing.fit import fit_probe
from mediafm_store.probing.options import ProbeOptions
from mediafm_store.probing.registry import Probe, newest_probe
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.sql import quoted
from mediafm_store.tags.apply import apply_tags
from mediafm_store.tags.tag import REVIEW as ANSWERED
from mediafm_store.tags.tag import Tag, keep_answers, read_tags
from mediafm_store.titles.naming import find_titles

_CLOSE = 1e-6


class Feedback(NamedTuple):
    """Decision of a person on a proposed tag."""

    title: str
    tag: str
    accept: bool


class ReviewOutcome(NamedTuple):
    """Effect of the feedback on one task."""

    task: str
    answers: int
    probe: Probe | None
    """The new version; None if labels are still too few."""
    reason: str
    """Why there is none, or why it tags nothing."""
    tags: int
    """Number of tags that were written again."""


def uncertain_tags(store: Storage, *, task: str | None = None, n: int = 20) -> list[Tag]:
    """Proposed tags nearest to their threshold, which teach a probe most (Lewis & Gale, 1994).

    Tags with feedback are left out.

    Args:
        store: The store that has the tags.
        task: Task of the tags; None for all.
        n: Greatest number of tags.
    """
    found = [t for t in read_tags(store) if t.source != ANSWERED and task in (None, t.task)]
    return sorted(found, key=lambda t: (_distance(t), t.title, t.tag))[:n]


def _distance(tag: Tag) -> float:
    """Distance of a score from its threshold, in log-odds."""
    score, threshold = np.clip([tag.score, tag.threshold], _CLOSE, 1 - _CLOSE)
    return float(abs(logit(score) - logit(threshold)))


def answer_tags(
    store: Storage,
    answers: Sequence[Feedback],
    *,
    device: DeviceChoice = "auto",
    on_step: OnStep = lambda what, done, total: None,
) -> list[ReviewOutcome]:
    """Store feedback as labels, fit the probes of its tasks again, and tag titles with these.

    Args:
        store: The store that has the tags.
        answers: Decisions on proposed tags.
        device: Device of the model.
        on_step: Called with the step, the number done and the total.

    Returns:
        Outcome for each task.

    Raises:
        NotFound: A title and tag were not proposed; nothing is stored.
        InvalidInput: Two answers contradict each other; nothing is stored.
    """
    proposed: dict[tuple[str, str], list[Tag]] = defaultdict(list)
    for tag in read_tags(store):
        proposed[tag.title, tag.tag].append(tag)
    said: dict[Tag, bool] = {}
    titles = find_titles(store, (answer.title for answer in answers))
    for title, (_, name, accept) in zip(titles, answers, strict=True):
        if (title, name) not in proposed:
            raise NotFound(
                f"tag {name!r} was not proposed for title {title!r}; `mediafm tags review` lists"
                " what was"
            )
        for tag in proposed[title, name]:
            if said.setdefault(tag, accept) != accept:
                raise InvalidInput(f"{title}={name} is accepted and rejected at once; choose one")
    by_task: dict[str, list[Tag]] = defaultdict(list)
    for tag in said:
        by_task[tag.task].append(tag)
    for task, own in by_task.items():
        _keep_labels(store, task, {tag: said[tag] for tag in own})
    keep_answers(store, said)
    return [_learn(store, task, len(own), device, on_step) for task, own in by_task.items()]


def _keep_labels(store: Storage, task: str, answers: Mapping[Tag, bool]) -> None:
    """Store feedback as labels.

    Labels from a file stay those of the file, corrected: a file says that the item has no other
    labels, which feedback does not.
    """
    of_task = f"task = {quoted(task)} AND source = {quoted(FILE)}"
    with store.tables.lock():
        filed = set(store.rows("labels", of_task).select("item", "label").iter_rows())
        for source in (FILE, REVIEW):
            rows = [
                _label(tag, accept)
                for tag, accept in answers.items()
                if ((tag.title, tag.tag) in filed) == (source == FILE)
            ]
            if rows:
                add(store, rows, source=source)


def _label(tag: Tag, accept: bool) -> dict[str, object]:
    """An answer as the table of labels holds it."""
    return {
        "task": tag.task,
        "item": tag.title,
        "title": tag.title,
        "label": tag.tag,
        "value": float(accept),
    }


def _learn(
    store: Storage, task: str, answers: int, device: DeviceChoice, on_step: OnStep
) -> ReviewOutcome:
    """Fit a probe again, with its settings, and tag titles with it."""
    try:
        before = newest_probe(store, task)
    except NotFound:
        before = None
    pool, words = (before.pool, before.words is not None) if before else (None, False)
    try:
        probe = fit_probe(
            store, task, ProbeOptions(pool=pool, words=words), device=device, on_step=on_step
        )
    except MediaFMError as error:
        return ReviewOutcome(task, answers, None, str(error), 0)
    try:
        tags = apply_tags(store, task=task)
    except InvalidInput as error:
        return ReviewOutcome(task, answers, probe, str(error), 0)
    return ReviewOutcome(task, answers, probe, "", len(tags))
