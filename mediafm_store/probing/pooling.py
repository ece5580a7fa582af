"""Items as vectors: a title or a clip in one of several ways."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float32

from mediafm_store.arrays import Blocks, Fused, Modality, Vectors, block, unit_rows
from mediafm_store.encoding import DeviceChoice
from mediafm_store.errors import InvalidInput
from mediafm_store.probing.dataset import ProbeDataset
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.spaces import Space, SpaceName

OF_TITLES = ("title", "metadata")
"""Pools that clips have none of."""
_Vector = Float32[np.ndarray, " dim"]
POOLS: Mapping[str, SpaceName] = {
    "title": "title",
    "context": "context",
    "concatenation": "fused",
    "metadata": "metadata",
}
"""What a probe may stand on -> the space: [GLOBAL]; the mean of an item's shots in context of their
title; the mean of the shots alone, which is picture, sound and words side by side; what is told of
a title, which is there without its film."""


def pool_vectors(store: Storage, items: ProbeDataset, pool: str) -> Vectors:
    """Pool the vectors of items: one row of unit length an item.

    Raises:
        NotFound: The space has no vectors yet.
        InvalidInput: An item has no vector.
    """
    space = store.live(POOLS[pool])
    if space.of_titles:
        found = store.vectors(space)
        place = {item_id: i for i, item_id in enumerate(found.ids)}
        return found.vectors[[_known_of(place, item_id, space) for item_id in items.ids]]
    if items.level == "titles":
        means = title_means(store, space, items.ids)
        return np.stack([_known_of(means, item_id, space) for item_id in items.ids])
    return _clip_means(store, items, space)


def _known_of(known: Mapping[str, Any], item_id: str, space: Space) -> Any:
    """Look up the vector of an item; raise InvalidInput if it has none."""
    if item_id not in known:
        raise InvalidInput(f"{item_id!r} has no {space.name} vector yet; run `mediafm embed`")
    return known[item_id]


def title_means(store: Storage, space: Space, titles: Sequence[str]) -> dict[str, _Vector]:
    """The mean of each title's shots, of length 1; a batch at a time is in memory."""
    sums: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(space.dim, np.float64))
    for batch in store.vector_batches(space, set(titles)):
        of = np.array(batch.titles)
        rows = batch.vectors.astype(np.float32)
        for title in dict.fromkeys(batch.titles):
            sums[title] += rows[of == title].sum(axis=0)
    return {t: unit_rows(total[None].astype(np.float32))[0] for t, total in sums.items()}


def _clip_means(store: Storage, items: ProbeDataset, space: Space) -> Vectors:
    """The mean of each clip's shots, of length 1."""
    return _per_clip(
        store, items, space, lambda title, rows, clips: [rows[clip].mean(axis=0) for clip in clips]
    )


def isolated(store: Storage, items: ProbeDataset, device: DeviceChoice) -> Vectors:
    """Contextual vectors of clips without their titles; raise NotFound if there is no model."""
    from mediafm_store.embedding.embed import open_model, read_shots
    from mediafm_store.model.windows import embed_titles
    from mediafm_store.training.checkpoints import checkpoint_of

    model = open_model(store, checkpoint_of(store, store.live("context")), device)

    def alone(title: str, rows: Vectors, clips: Sequence[np.ndarray]) -> list[np.ndarray]:
        _, whole = read_shots(store, store.title(title))
        parts = [whole._replace(fused=rows[clip]) for clip in clips]
        return [made.shots.mean(axis=0) for made in embed_titles(model, parts)]

    return _per_clip(store, items, store.live("fused"), alone)


def _per_clip(
    store: Storage,
    items: ProbeDataset,
    space: Space,
    made: Callable[[str, Vectors, Sequence[np.ndarray]], Sequence[np.ndarray]],
) -> Vectors:
    """One row a clip, from the shots of its title and the places of its own, title by title."""
    found = np.zeros((len(items.ids), space.dim), np.float32)
    own: dict[str, list[int]] = defaultdict(list)
    for number, title in enumerate(items.titles):
        own[title].append(number)
    for title, numbers in own.items():
        vectors = store.vectors(space, title)
        shots = store.shots(title)
        if vectors.ids != shots["id"].to_list():
            raise InvalidInput(
                f"title {title!r} has no {space.name} vectors yet; run `mediafm embed`"
            )
        start, end = shots["start_s"].to_numpy(), shots["end_s"].to_numpy()
        place = {item_id: i for i, item_id in enumerate(vectors.ids)}
        clips = [_clip_of(items, n, start, end, place) for n in numbers]
        found[numbers] = np.stack(made(title, vectors.vectors, clips))
    return unit_rows(found)


def _clip_of(
    items: ProbeDataset, number: int, start: np.ndarray, end: np.ndarray, place: Mapping[str, int]
) -> np.ndarray:
    """The places of the shots of a clip among those of its title; at least the nearest one."""
    span, item_id = items.spans[number], items.ids[number]
    if span is None:
        if item_id == items.titles[number]:
            return np.arange(len(start))
        if item_id not in place:
            raise InvalidInput(f"{items.task}: shot {item_id!r} is gone; import its labels anew")
        return np.array([place[item_id]])
    inside = np.flatnonzero((start < span[1]) & (end > span[0]))
    return inside if len(inside) else np.array([np.abs((start + end) / 2 - span[0]).argmin()])


def single(vectors: Fused, modality: Modality) -> Blocks:
    """One modality of vectors of the space fused."""
    return unit_rows(vectors[:, block(modality)])


def default_pool(store: Storage, level: str) -> str:
    """Default pooling of items of this level."""
    if level == "titles" and store.has("title"):
        return "title"
    return "context" if store.has("context") else "concatenation"
