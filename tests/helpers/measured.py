"""Evaluations that were made up, of all kinds."""

import math

import numpy as np

from mediafm_store.storage.evaluations import Metric, record
from mediafm_store.storage.storage import Storage


def probe_figures(tags: list[str], level: float, pool: str = "context") -> list[Metric]:
    """What a probe tells of itself."""
    found = [
        Metric("micro_ap", level, pool, low=level - 0.05, high=level + 0.05),
        Metric("micro_ap", level - 0.15, "isolated", low=level - 0.2, high=level - 0.1),
        Metric("micro_ap", level - 0.1, "concatenation", low=level - 0.15, high=level - 0.05),
        Metric("micro_ap", level - 0.3, "audio", low=level - 0.35, high=level - 0.25),
        Metric("micro_ap", 0.12, "chance"),
        Metric("macro_ap", level - 0.05, pool, low=level - 0.1, high=level),
        Metric("macro_ap", level - 0.2, "isolated"),
        Metric("macro_ap", 0.1, "chance"),
    ]
    recall = np.linspace(0, 1, 30)
    for i, tag in enumerate(tags):
        ap = max(0.02, level * (1 - i / len(tags)) ** 0.7)
        precision = np.clip(1 - (1 - ap) * recall ** (0.4 + ap), 0, 1)
        curve = {"precision": precision.round(4).tolist(), "recall": recall.round(4).tolist()}
        found.append(Metric("ap", ap, pool, tag, detail=curve))
    n = min(len(tags), 20)
    counts = [[20 - i if i == j else max(0, 4 - abs(i - j)) for j in range(n)] for i in range(n)]
    places = [0.05, 0.15, 0.25, 0.45, 0.65, 0.85, 0.95]
    observed = [min(1.0, p * 0.9 + 0.03 * math.sin(9 * p)) for p in places]
    calibration = {"predicted": places, "observed": observed, "count": [90, 50, 30, 20, 12, 15, 25]}
    found += [
        Metric("confusion", 0.6, pool, detail={"labels": tags[:n], "counts": counts}),
        Metric("calibration", 0.05, pool, better="lower", detail=calibration),
    ]
    return beside(found, pool)


def beside(figures: list[Metric], *own: str) -> list[Metric]:
    """All but those of our own are there to be compared with."""
    return [figure._replace(own=figure.of in own) for figure in figures]


def measure(store: Storage, tags: list[str]) -> None:
    """Two versions of a probe, three searches, two models, two indexes."""
    levels = {"genre v1": 0.61, "genre v2": 0.7, "genre v3": 0.66}
    for version, level in levels.items():
        given = probe_figures(tags, level)
        record(store, "probe", given, name="genre", version=version, fingerprint="f1")
    grades = [
        Metric("kendall_tau", 0.41, "context", low=0.3, high=0.5),
        Metric("kendall_tau", 0.3, "isolated", low=0.2, high=0.4),
        Metric("spearman", 0.55, "context"),
        Metric("spearman", 0.4, "isolated"),
    ]
    record(
        store, "probe", beside(grades, "context"), name="pace", version="pace v1", fingerprint="f1"
    )
    for number, loss in enumerate([0.31, 0.29], 1):
        figures = [
            Metric("masked_shots", loss, "model", better="lower"),
            Metric("masked_shots", 0.33, "interpolation", better="lower"),
            Metric("same_scene", 0.8 - loss / 10, "context"),
            Metric("same_scene", 0.68, "isolated"),
        ]
        told = {"name": "small", "version": f"checkpoint {number:04d}", "fingerprint": "c"}
        record(store, "model", beside(figures, "model", "context"), **told)
    for version, recall in (("context_v1", 0.999), ("context_v2", 0.991)):
        figures = [
            Metric("recall_at_10", recall),
            Metric("recall_at_10", recall - 0.01, "filter keeps 0.1"),
            Metric("recall_at_10", recall - 0.03, "filter keeps 0.01"),
            Metric("p50_ms", 0.4, better="lower"),
            Metric("memory_mb", 16, better="lower"),
        ]
        record(store, "index", figures, name="context", version=version, fingerprint="c")
        searched = [
            Metric("top_5", recall - 0.3, "context", low=recall - 0.35, high=recall - 0.25),
            Metric("top_5", 0.6, "isolated", low=0.55, high=0.65),
            Metric("top_5", 0.22, "chance"),
        ]
        record(store, "search", searched, name="same scene", version=version, fingerprint="c")
