"""Gates: the checks that a version of a space must pass before it goes live."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from mediafm_store.errors import NotFound
from mediafm_store.indexing.build import build_index
from mediafm_store.indexing.space_index import config_of
from mediafm_store.indexing.status import has_index
from mediafm_store.model.metadata import read_facts
from mediafm_store.model.scene_metrics import LabelledFilm, random_pair_cosine, stratified_auc
from mediafm_store.storage.evaluations import Metric
from mediafm_store.storage.snapshot import at_one_moment
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.spaces import Space
from mediafm_store.training.checkpoints import checkpoint_of

_NARROWER = 0.1
"""By so much may the mean cosine of random pairs grow."""
_NARROW = 0.95
"""The mean cosine of random pairs with which vectors tell nothing apart."""
_WORSE_SCENES = 0.02
"""By so much may telling scenes apart get worse."""
_SHORT_OF_TARGET = 0.01
"""By so much may the measured recall of an index miss its target: three standard errors."""
_TITLES = 50
"""That are enough to measure with."""


class Gate(NamedTuple):
    """One thing that was measured of a version."""

    name: str
    passed: bool
    said: str
    """Measured value and threshold, in words."""
    figure: Metric | None = None
    """Metric to store, if it describes the quality of the version."""


@at_one_moment
def gates(store: Storage, space: Space) -> list[Gate]:
    """Run all gates that can be measured for a version, beside the live one."""
    live = store.live(space.name) if store.has(space.name) else None
    found: list[Gate] = []
    for check in _CHECKS:
        if check is _index_recall and not all(gate.passed for gate in found):
            break  # an index takes long
        found += check(store, space, live)
    return found


def _complete(store: Storage, space: Space, live: Space | None) -> Iterator[Gate]:
    """Every title has its vectors."""
    del live
    lacking = store.lacking(space)
    yield Gate("complete", not lacking, f"{len(lacking)} titles lack vectors; may be 0")


def _spread_gate(store: Storage, space: Space, live: Space | None) -> Iterator[Gate]:
    """Vectors have not collapsed into a narrow cone."""
    if space.of_titles or space.name == "described":
        return
    titles = _some_titles(store)
    cosine = _mean_cosine(store, space, titles)
    before = _mean_cosine(store, live, titles) if live else None
    if cosine is None:
        return
    limit = _NARROW if before is None else min(_NARROW, before + _NARROWER)
    yield Gate(
        "anisotropy",
        cosine <= limit,
        f"two random shots have a cosine of {cosine:.3f}; may be {limit:.3f}",
        Metric("random_pairs", cosine, better="lower", detail={"limit": limit}),
    )


def _scenes_gate(store: Storage, space: Space, live: Space | None) -> Iterator[Gate]:
    """Gate: scenes are separated, where they are labelled."""
    if space.of_titles or space.name == "described" or live is None:
        return
    shots = store.shots(columns=["title", "scene"]).drop_nulls("scene")
    titles = shots["title"].unique(maintain_order=True).to_list()[:_TITLES]
    if not titles:
        return
    found, before = (_same_scene(store, version, titles) for version in (space, live))
    if np.isnan(found) or np.isnan(before):
        return
    least = before - _WORSE_SCENES
    said = f"shots of one scene above others: {found:.3f}; must be {least:.3f}"
    figure = Metric("same_scene", found, detail={"limit": least})
    yield Gate("scenes", found >= least, said, figure)


def _masked_shots(store: Storage, space: Space, live: Space | None) -> Iterator[Gate]:
    """Gate: the model predicts masked shots better than the mean of their neighbours."""
    del live
    if space.name != "context":
        return
    try:
        facts = read_facts(checkpoint_of(store, space))
    except NotFound:
        return  # gone; nothing to measure
    trivial = {n: v for n, v in facts.get("baselines", {}).items() if n != "untrained"}
    if not trivial:
        return
    best = min(trivial, key=trivial.__getitem__)
    loss = facts["validation"]
    said = f"loss {loss:.3f}; must be at most that of the {best}, {trivial[best]:.3f}"
    figure = Metric("masked_shots", loss, better="lower", detail={"limit": trivial[best]})
    yield Gate("masked shots", loss <= trivial[best], said, figure)


def _index_recall(store: Storage, space: Space, live: Space | None) -> Iterator[Gate]:
    """Gate: recall of an index as the version before has one, if it has one."""
    if live is None or not has_index(store, live):
        return
    built = build_index(store, space, config_of(store, live))
    least = built.target - _SHORT_OF_TARGET
    said = f"recall@10 of the index {built.recall_at_10:.3f}; must be {least:.3f}"
    yield Gate("index recall", built.recall_at_10 >= least, said)


_CHECKS = (_complete, _spread_gate, _scenes_gate, _masked_shots, _index_recall)


def _some_titles(store: Storage) -> list[str]:
    """A few titles, always the same."""
    titles = list(store.revisions())
    return [titles[i] for i in np.random.default_rng(0).permutation(len(titles))[:_TITLES]]


def _mean_cosine(store: Storage, space: Space, titles: Sequence[str]) -> float | None:
    """Mean cosine of random pairs of shots; None without shots."""
    none = np.empty((0, space.dim), np.float32)
    vectors = np.concatenate([none, *(store.vectors(space, t).vectors for t in titles)])
    if len(vectors) < 2:
        return None
    return random_pair_cosine(vectors, rng=np.random.default_rng(0))


def _same_scene(store: Storage, space: Space, titles: Sequence[str]) -> float:
    """Probability that two shots of one scene are more alike than two of different scenes."""
    films = []
    for title in titles:
        labels = store.shots(title)["scene"].fill_null(-1).to_numpy().astype(np.int64)
        vectors = store.vectors(space, title).vectors
        if len(vectors) == len(labels):
            films.append(LabelledFilm(vectors, labels))
    return stratified_auc(films)
