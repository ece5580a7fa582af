"""The loop of people and probes: what is uncertain is asked, answers are labels, probes learn."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import logit

from mediafm_store.errors import BadInput, NotFound
from mediafm_store.store.store import Store
from mediafm_store.tasks.encoding import DeviceChoice
from mediafm_store.tasks.labels import add
from mediafm_store.tasks.probing.fit import OnStep, fit_probe
from mediafm_store.tasks.probing.saved import Probe, probes
from mediafm_store.tasks.tags.apply import apply_tags
from mediafm_store.tasks.tags.tag import Tag, keep_answers, kept

CLOSE = 1e-6


class Answer(NamedTuple):
    """What somebody says to a proposed tag."""

    title: str
    tag: str
    accept: bool


class Learnt(NamedTuple):
    """What became of the answers to one task."""

    task: str
    answers: int
    probe: Probe | None
    """The new version; None if labels are still too few."""
    reason: str
    """Why there is none."""
    tags: int
    """That were written anew."""


def uncertain_tags(store: Store, *, task: str | None = None, n: int = 20) -> list[Tag]:
    """The `n` proposals nearest to their threshold, which teach a probe most (Lewis & Gale, 1994).

    Only those of one task, if it is named; those that have been answered are not asked again.
    """
    found = [t for t in kept(store) if not t.answered and task in (None, t.task)]
    return sorted(found, key=lambda t: (distance(t), t.title, t.tag))[:n]


def distance(tag: Tag) -> float:
    """How far a score is from its threshold, in log-odds."""
    score, threshold = np.clip([tag.score, tag.threshold], CLOSE, 1 - CLOSE)
    return float(abs(logit(score) - logit(threshold)))


def answer_tags(
    store: Store,
    answers: Sequence[Answer],
    *,
    device: DeviceChoice = "auto",
    on_step: OnStep = lambda what, done, total: None,
) -> list[Learnt]:
    """Keep answers as labels, fit the probes of their tasks anew, and tag titles with these.

    Raises NotFound for a title and tag that were not proposed; then nothing is kept.
    """
    proposed = {(t.title, t.tag): t for t in kept(store)}
    for answer in answers:
        if (answer.title, answer.tag) not in proposed:
            raise NotFound(
                f"tag {answer.tag!r} was not proposed for title {answer.title!r};"
                " `mediafm tag review` lists what was"
            )
    by_task: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        by_task[proposed[answer.title, answer.tag].task].append(answer)
    for task, own in by_task.items():
        add(store, [label(task, a) for a in own], source="review")
    keep_answers(store, {(a.title, a.tag): a.accept for a in answers}, proposed)
    return [learn(store, task, len(own), device, on_step) for task, own in by_task.items()]


def label(task: str, answer: Answer) -> dict[str, object]:
    """An answer as the table of labels holds it."""
    return {
        "task": task,
        "item": answer.title,
        "title": answer.title,
        "label": answer.tag,
        "value": float(answer.accept),
    }


def learn(store: Store, task: str, answers: int, device: DeviceChoice, on_step: OnStep) -> Learnt:
    """Fit a probe anew, as it was fitted before, and tag titles with it."""
    before = next((p for p in reversed(probes(store)) if p.task == task), None)
    pool, words = (before.pool, before.words is not None) if before else (None, False)
    try:
        probe = fit_probe(store, task, pool=pool, words=words, device=device, on_step=on_step)
    except BadInput as error:
        return Learnt(task, answers, None, str(error), 0)
    return Learnt(task, answers, probe, "", len(apply_tags(store, task=task, device=device)))
