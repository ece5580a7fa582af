"""Predictions of a probe for titles and shots that it was not fitted to."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32

from mediafm_store.arrays import Vectors
from mediafm_store.probing.dataset import texts_of
from mediafm_store.probing.pooling import title_means
from mediafm_store.probing.registry import VECTOR, WORDS, Probe, newest_probe, space_of
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.spaces import SpaceName
from mediafm_store.titles.naming import find_titles

_SHOTS_OF: Mapping[str, SpaceName] = {
    "context": "context",
    "concatenation": "fused",
    "title": "fused",
}
"""Pool -> where the shots lie that its vectors are made from; [GLOBAL] begins as the mean of fused
shots, so there it is near, not exact."""


class Prediction(NamedTuple):
    """Score of one label for one item."""

    item: str
    """A title or a shot."""
    title: str
    label: str
    score: float
    """A probability, of a tag; else a grade, of which a ranking counts the order only."""
    applies: bool | None
    """True if a tag's probability reaches its threshold."""


def apply_probe(
    store: Storage, task: str, titles: Sequence[str] | None = None, *, version: int | None = None
) -> list[Prediction]:
    """Apply the newest probe of a task, or one version of it, to titles.

    A probe of titles scores titles; a probe of clips scores each of their shots.

    Args:
        store: The store that has the probe.
        task: Name of the task.
        titles: Ids of titles; None for all.
        version: Version of the probe; None for the newest.

    Raises:
        SpaceMismatch: The live vectors differ from those that the probe was fitted to.
        NotFound: There is no such probe.
    """
    probe = newest_probe(store, task, version)
    wanted = list(store.revisions()) if titles is None else find_titles(store, titles)
    found = []
    for items, of, inputs in _probe_batches(store, probe, wanted):
        scores = probe.linear.decide(inputs)
        for item, title, row in zip(items, of, scores, strict=True):
            for label, score, least in zip(probe.labels, row, probe.linear.thresholds, strict=True):
                applies = bool(score >= least) if probe.kind == "tags" else None
                found.append(Prediction(item, title, label, float(score), applies))
    return found


def _probe_batches(
    store: Storage, probe: Probe, titles: Sequence[str]
) -> Iterator[tuple[list[str], list[str], dict[str, Any]]]:
    """Items, their titles, and what the probe reads of them; those without vectors are left out."""
    if probe.level == "titles":
        ids, vectors = vectors_of(store, probe, titles)
        if ids:
            yield ids, ids, inputs_of(store, probe, ids, vectors)
        return
    for title in titles:
        shots = store.vectors(space_of(store, probe), title)
        if shots.ids:
            of = [title] * len(shots.ids)
            yield shots.ids, of, inputs_of(store, probe, of, shots.vectors)


def vectors_of(store: Storage, probe: Probe, titles: Sequence[str]) -> tuple[list[str], Vectors]:
    """Titles that have vectors, and one pooled vector each, as the probe reads it."""
    space = space_of(store, probe)
    if space.of_titles:
        found = store.vectors_by_id(space, titles)
        return found.ids, found.vectors
    means = title_means(store, space, titles)
    ids = [title for title in titles if title in means]
    none = np.empty((0, space.dim), np.float32)
    return ids, np.stack([means[item_id] for item_id in ids]) if ids else none


def inputs_of(store: Storage, probe: Probe, titles: list[str], vectors: Vectors) -> dict[str, Any]:
    """Inputs of a probe: vectors of items, and the words of their titles if it reads them."""
    if probe.words is None:
        return {VECTOR: vectors}
    return {VECTOR: vectors, WORDS: probe.words.matrix(texts_of(store, titles))}


def loudest_shots(
    store: Storage, probe: Probe, applies: dict[str, list[int]], count: int
) -> dict[tuple[str, int], list[tuple[float, str]]]:
    """Shots of each title that contribute most to each of its labels.

    Titles are read in batches that fit into memory. Probes of metadata have no such shots.

    Args:
        store: The store that has the vectors.
        probe: Probe that chose the labels.
        applies: Numbers of the labels of each title.
        count: Shots a label.

    Returns:
        Contribution and id of each shot, by title and label number.
    """
    name = _SHOTS_OF.get(probe.pool)
    if name is None or not store.has(name):
        return {}
    found: dict[tuple[str, int], list[tuple[float, str]]] = {}
    for batch in store.vector_batches(store.live(name), set(applies)):
        push: Float32[np.ndarray, "shots labels"] = probe.linear.push(
            VECTOR, batch.vectors.astype(np.float32)
        )
        of = np.array(batch.titles)
        for title in dict.fromkeys(batch.titles):
            rows = np.flatnonzero(of == title)
            for label in applies[title]:
                best = rows[np.argsort(-push[rows, label], kind="stable")[:count]]
                known = found.get((title, label), [])
                known += [(float(push[row, label]), batch.ids[row]) for row in best]
                found[title, label] = sorted(known, key=lambda k: (-k[0], k[1]))[:count]
    return found


def loudest_words(probe: Probe, row: Any, label: int, count: int) -> list[str]:
    """Words of one title that contribute most to a label; none that speak against it."""
    if probe.words is None:
        return []
    weights = probe.linear.layers[WORDS].weights[label]
    push = row.data * weights[row.indices]
    order = np.argsort(-push, kind="stable")[:count]
    return [probe.words.vocabulary[row.indices[i]] for i in order if push[i] > 0]
