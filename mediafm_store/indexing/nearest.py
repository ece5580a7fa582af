"""The nearest vectors of a space as it is now: from its index, and what that does not hold."""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Float32

from mediafm_indexes import DamagedError
from mediafm_store.arrays import Vectors
from mediafm_store.encoding import DeviceChoice
from mediafm_store.indexing.space_index import left_out, open_index
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.spaces import Space


class Nearest(NamedTuple):
    """The best answers to a query, best first."""

    ids: list[str]
    scores: Float32[np.ndarray, " found"]
    vectors: Vectors
    """Stored vectors, as float32."""


def nearest(
    store: Storage,
    space: Space,
    queries: Float32[np.ndarray, "q dim"],
    k: int,
    *,
    ids: pl.Series | None = None,
    without: Collection[str] = (),
    device: DeviceChoice = "cpu",
) -> list[Nearest]:
    """Find the `k` nearest vectors of a space to each query, with exact cosines.

    Rows that were added after the index was built are found; replaced rows are not.

    Args:
        store: The store that has the space.
        space: Space to search.
        queries: Query vectors of unit length, one a row.
        k: Number of neighbours; as many are found if there are that many allowed vectors.
        ids: If given, only these ids may be found.
        without: Ids of titles that may not be found.
        device: Device that compares.

    Returns:
        Neighbours of each query, nearest first.
    """
    revisions = {t: r for t, r in store.revisions().items() if t not in without}
    opened = open_index(store, space, device=device)
    while opened is not None:
        valid = opened.still_valid(revisions)
        try:
            found = opened.indexed.search(queries, k, only=opened.rows(valid, ids))
            # Many queries have many answers in common: each is read once.
            every = [np.zeros(0, np.int64), *(one.rows for one in found)]
            rows, places = np.unique(np.concatenate(every), return_inverse=True)
            vectors = opened.indexed.read(rows)
        except DamagedError as error:
            opened = left_out(opened, error)
            continue
        rest = revisions.keys() - {run.title for run in valid}
        others = _compare(store, space, queries, k, titles=rest, ids=ids)
        names = np.array(opened.ids.gather(rows).to_list(), object)
        parts = np.split(places, np.cumsum([len(one.rows) for one in found]))[:-1]
        return [
            _best(Nearest(names[part].tolist(), one.scores, vectors[part]), other, k)
            for one, part, other in zip(found, parts, others, strict=True)
        ]
    return _compare(store, space, queries, k, titles=revisions if without else None, ids=ids)


def _compare(
    store: Storage,
    space: Space,
    queries: Float32[np.ndarray, "q dim"],
    k: int,
    *,
    titles: Collection[str] | None,
    ids: pl.Series | None,
) -> list[Nearest]:
    """The nearest of the vectors of some titles, or of all, without an index."""
    nothing = Nearest([], np.empty(0, np.float32), np.empty((0, space.dim), np.float32))
    found = [nothing] * len(queries)
    if titles is not None and not titles:
        return found
    among = None if ids is None else frozenset(ids)
    for batch in store.vector_batches(space, titles):
        allowed = [i for i, row_id in enumerate(batch.ids) if among is None or row_id in among]
        vectors = batch.vectors[allowed].astype(np.float32)
        for number, scores in enumerate(queries @ vectors.T):
            top = np.argsort(-scores, kind="stable")[:k]
            part = Nearest([batch.ids[allowed[i]] for i in top], scores[top], vectors[top])
            found[number] = _best(found[number], part, k)
    return found


def _best(one: Nearest, other: Nearest, k: int) -> Nearest:
    """The best of two sets of answers; where scores are equal, those of the first."""
    if not other.ids:
        return one
    ids, scores = [*one.ids, *other.ids], np.concatenate([one.scores, other.scores])
    order = np.argsort(-scores, kind="stable")[:k]
    vectors = np.concatenate([one.vectors, other.vectors])[order]
    return Nearest([ids[i] for i in order], scores[order], vectors)
