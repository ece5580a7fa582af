"""Lay out the shots of a catalogue in a plane, so that shots that are alike lie close together."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int

from mediafm_store.arrays import Vectors
from mediafm_store.storage.storage import Storage

_MOST = 5000
"""Shots that are laid out; of a larger catalogue, as many of each title as there is room for."""
_DIRECTIONS = 50
"""Principal components that t-SNE compares: it takes less time, and noise lies in the others."""
_PERPLEXITY = 30.0
"""Neighbours that count, about; the default of t-SNE."""
_FEWEST = 10
"""Fewer points have no neighbourhoods: they are laid out by their principal components."""
_SEED = 0


@dataclass(frozen=True)
class ShotMap:
    """Positions of shots in the plane, grouped by title in play order."""

    shots: tuple[str, ...]
    places: Float32[np.ndarray, "shots 2"]
    """0 to 1 both ways; the larger extent takes up all of it."""


def lay_out(store: Storage, *, most: int = _MOST) -> ShotMap:
    """Project shots onto a plane; similar shots lie close together.

    Isolated vectors are compared: in context, the shots of a title lie along a line of their own.
    The result depends only on the vectors.

    Args:
        store: The store that has the shots.
        most: Greatest number of shots.
    """
    space = store.live("fused")
    ids: list[str] = []
    vectors = [np.empty((0, space.dim), np.float32)]
    for title, count in _quotas(store.rows_by_title(space), most).items():
        found = store.vectors(space, title)
        taken = _evenly(len(found.ids), count)
        ids += [found.ids[i] for i in taken]
        vectors.append(found.vectors[taken])
    return ShotMap(tuple(ids), _fitted(_project(np.concatenate(vectors))))


def _quotas(counts: Mapping[str, int], most: int) -> dict[str, int]:
    """Number of shots to take from each title: all of short ones, an equal number of the others.

    Example:
        >>> _quotas({"a": 1, "b": 9, "c": 9}, most=7)
        {'a': 1, 'b': 3, 'c': 3}
    """
    left, titles = most, len(counts)
    found: dict[str, int] = {}
    for title, count in sorted(counts.items(), key=lambda item: (item[1], item[0])):
        found[title] = min(count, left // titles)
        left, titles = left - found[title], titles - 1
    return {title: found[title] for title in counts if found[title]}


def _evenly(count: int, wanted: int) -> Int[np.ndarray, " places"]:
    """Positions of `wanted` items spread evenly over a list of `count`; all if there are no more.

    Example:
        >>> _evenly(3, 5).tolist()
        [0, 1, 2]
    """
    taken = min(count, wanted)
    return (2 * np.arange(taken) + 1) * count // (2 * max(1, taken))


def _project(vectors: Vectors) -> Float32[np.ndarray, "n 2"]:
    """t-SNE of principal components (van der Maaten and Hinton, JMLR 9, 2008).

    It starts from the first two components, which keeps what lies far apart where it is (Kobak
    and Berens, Nature Communications 10, 2019).
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    if len(vectors) < 2:
        return np.zeros((len(vectors), 2), np.float32)
    kept = min(_DIRECTIONS, *vectors.shape)
    pca = PCA(kept, svd_solver="randomized", random_state=_SEED)
    components = pca.fit_transform(vectors).astype(np.float32)
    if len(vectors) < _FEWEST or not components.any():
        return np.pad(components, ((0, 0), (0, 2)))[:, :2]
    perplexity = min(_PERPLEXITY, (len(vectors) - 1) / 3)
    # Scaled as scikit-learn scales its own start, which other components would turn.
    start = components[:, :2] / components[:, 0].std() * 1e-4
    found = TSNE(init=start, perplexity=perplexity, random_state=_SEED).fit_transform(components)
    return found.astype(np.float32)


def _fitted(places: Float32[np.ndarray, "n 2"]) -> Float32[np.ndarray, "n 2"]:
    """Moved and scaled into the unit square, proportions kept."""
    if not len(places):
        return places
    least, most = places.min(axis=0), places.max(axis=0)
    size = float((most - least).max()) or 1.0
    return ((places - (least + most) / 2) / size + 0.5).astype(np.float32)
