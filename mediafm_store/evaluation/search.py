"""Quality of searches, where shots carry the number of their scene."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mediafm_store.arrays import Vectors
from mediafm_store.errors import NotFound
from mediafm_store.model.same_scene import same_scene
from mediafm_store.model.scene_metrics import Scenes, smoothed
from mediafm_store.storage.evaluations import Metric, record_if_writable
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.spaces import Space

_TASK = "same scene"
_WIDTH = 2
"""Shots to each side of the moving average that context must beat."""
_MEASURES = {"top_5": "top_5", "recall_10": "recall_10", "scene_auc": "auc"}
"""What is kept -> the field of what was ranked."""
_CHANCE = {"top_5": "chance", "recall_10": "recall_chance"}
_RESAMPLES = 1000
_NO_MERIT = ("chance", "smoothed")
"""What is measured to be compared with."""


@dataclass(frozen=True)
class SearchReport:
    """Report on searches in the live vectors."""

    version: str
    """The space that shots are compared in, such as context_v1."""
    titles: int
    """With labelled scenes."""
    shots: int
    """That were searched for."""
    figures: Sequence[Metric]


def evaluate_search(store: Storage) -> SearchReport:
    """Search for every labelled shot among those of its title, by itself and in context.

    Measures are the share of the five best answers that are of its scene (`top_5`), the share of
    its scene among the ten best (`recall_10`), and the probability that a shot of its scene ranks
    above another (`scene_auc`), beside a moving average over neighbours and chance. Intervals
    (95 %) are bootstrapped over titles; one title has none. The metrics are stored in the table
    `evaluations`, if it can be written to.

    Raises:
        NotFound: No shots carry scene numbers.
    """
    space, scenes = store.registry.shot_space(), _labelled_scenes(store)
    fused, found = (_of_titles(store, one, scenes) for one in (store.live("fused"), space))
    fused = {title: rows for title, rows in fused.items() if title in found}
    compared = {
        "isolated": fused,
        "smoothed": {title: smoothed(rows, _WIDTH) for title, rows in fused.items()},
    }
    if space.name == "context":
        compared["context"] = {title: found[title] for title in fused}
    ranked = {
        of: [same_scene(rows, scenes[title]) for title, rows in vectors.items()]
        for of, vectors in compared.items()
    }
    figures = [
        _figure(measure, [getattr(film, name) for film in films], of)
        for measure, name in _MEASURES.items()
        for of, films in ranked.items()
    ]
    figures += [
        _figure(measure, [getattr(film, name) for film in ranked["isolated"]], "chance")
        for measure, name in _CHANCE.items()
    ]
    figures.append(Metric("scene_auc", 0.5, "chance", own=False))
    told = {"name": _TASK, "version": space.table, "fingerprint": space.fingerprint}
    record_if_writable(store, "search", figures, **told)
    shots = sum(len(film.auc) for film in ranked["isolated"])
    return SearchReport(space.table, len(fused), shots, figures)


def _labelled_scenes(store: Storage) -> dict[str, Scenes]:
    """The scene of each shot, -1 where nobody said, of titles of two scenes or more."""
    rows = store.view("shots").lazy().select("title", "index", "scene").collect()
    found = {}
    for (title,), shots in rows.partition_by("title", as_dict=True).items():
        scenes = shots.sort("index")["scene"].fill_null(-1).to_numpy().astype(np.int64)
        if _rankable(scenes):
            found[title] = scenes
    if not found:
        raise NotFound(
            f"no title of {store.path} has two labelled scenes, by which searches are judged; bring"
            " some with `mediafm import`, whose files may hold `scene`"
        )
    return dict(sorted(found.items()))


def _rankable(scenes: Scenes) -> bool:
    """True if some shot has others of its scene, and others of another scene."""
    _, sizes = np.unique(scenes[scenes >= 0], return_counts=True)
    return len(sizes) > 1 and bool((sizes > 1).any())


def _of_titles(store: Storage, space: Space, scenes: dict[str, Scenes]) -> dict[str, Vectors]:
    """The vectors of those titles that have all of theirs."""
    found = {title: store.vectors(space, title).vectors for title in scenes}
    return {title: rows for title, rows in found.items() if len(rows) == len(scenes[title])}


def _figure(measure: str, titles: Sequence[np.ndarray], of: str) -> Metric:
    """The mean over shots, with its interval."""
    own = of not in _NO_MERIT
    sums, counts = (np.array([f(t) for t in titles]) for f in (np.sum, len))
    value = float(sums.sum() / counts.sum()) if counts.sum() else float("nan")
    if len(titles) < 2 or not counts.sum():
        return Metric(measure, value, of, own=own)
    drawn = np.random.default_rng(0).integers(len(titles), size=(_RESAMPLES, len(titles)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return Metric(measure, value, of, low=float(low), high=float(high), own=own)
