"""The nearest vectors of a space as it is now: from its index, and what that does not hold."""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Float32

from mediafm_indexes import DamagedError
from mediafm_store.arrays import Vectors
from mediafm_store.store.spaces import Space
from mediafm_store.store.store import Store
from mediafm_store.tasks.encoding import DeviceChoice
from mediafm_store.tasks.indexed import open_index, tell_damaged


class Nearest(NamedTuple):
    """The best answers to a query, best first."""

    ids: list[str]
    scores: Float32[np.ndarray, " found"]
    vectors: Vectors
    """As they are stored, as float32."""


def nearest(
    store: Store,
    space: Space,
    query: Float32[np.ndarray, "1 dim"],
    k: int,
    *,
    ids: pl.Series | None = None,
    without: Collection[str] = (),
    device: DeviceChoice = "cpu",
) -> Nearest:
    """The `k` nearest vectors of a space, exactly scored.

    Of `ids` alone, if given, and of no title in `without`; if there are `k` such vectors, as many
    are found. Rows that came after the index was built are found, those replaced are not.
    """
    revisions = {t: r for t, r in store.revisions().items() if t not in without}
    opened = open_index(store, space, device=device)
    if opened is not None:
        valid = opened.still_valid(revisions)
        try:
            (found,) = opened.indexed.search(query, k, only=opened.rows(valid, ids))
            vectors = opened.indexed.vectors.read(found.rows)
        except DamagedError as error:
            tell_damaged(opened.folder, error)
        else:
            indexed = Nearest(opened.ids.gather(found.rows).to_list(), found.scores, vectors)
            rest = revisions.keys() - {run.title for run in valid}
            return best(indexed, compare(store, space, query, k, titles=rest, ids=ids), k)
    return compare(store, space, query, k, titles=revisions if without else None, ids=ids)


def compare(
    store: Store,
    space: Space,
    query: Float32[np.ndarray, "1 dim"],
    k: int,
    *,
    titles: Collection[str] | None,
    ids: pl.Series | None,
) -> Nearest:
    """The nearest of the vectors of some titles, or of all, without an index."""
    found = Nearest([], np.empty(0, np.float32), np.empty((0, space.dim), np.float32))
    if titles is not None and not titles:
        return found
    among = None if ids is None else frozenset(ids)
    for batch in store.vector_batches(space, titles):
        allowed = [i for i, id in enumerate(batch.ids) if among is None or id in among]
        vectors = batch.vectors[allowed].astype(np.float32)
        part = Nearest([batch.ids[i] for i in allowed], vectors @ query[0], vectors)
        found = best(found, part, k)
    return found


def best(one: Nearest, other: Nearest, k: int) -> Nearest:
    """The best of two sets of answers; where scores are equal, those of the first."""
    ids, scores = [*one.ids, *other.ids], np.concatenate([one.scores, other.scores])
    order = np.argsort(-scores, kind="stable")[:k]
    vectors = np.concatenate([one.vectors, other.vectors])[order]
    return Nearest([ids[i] for i in order], scores[order], vectors)
