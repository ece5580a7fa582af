"""Figures of a probe: cross-validated on titles held out, and of chance."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import numpy as np
from jaxtyping import Float32

from mediafm_store.linear.linear_model import Inputs, Kind
from mediafm_store.linear.measures import (
    aps,
    calibration,
    confusion,
    curve,
    interval,
    macro_ap_interval,
    micro_ap_interval,
    spearman,
    tau_interval,
)
from mediafm_store.linear.ridge import Groups, cross_validate
from mediafm_store.metrics.intervals import Interval
from mediafm_store.probing.dataset import ProbeDataset
from mediafm_store.probing.options import ProbeOptions
from mediafm_store.storage.evaluations import Metric

OnStep = Callable[[str, int, int], None]
"""Called with what is measured, how many are done, and of how many."""
_MEASURES: Mapping[Kind, Mapping[str, Callable[..., Interval]]] = {
    "tags": {"macro_ap": macro_ap_interval, "micro_ap": micro_ap_interval},
    "grades": {"spearman": partial(interval, spearman)},
    "ranking": {"kendall_tau": tau_interval},
}
"""Measures of each kind of labels."""


def measured(
    kind: Kind,
    items: ProbeDataset,
    groups: Groups,
    compared: Mapping[str, Inputs],
    *,
    options: ProbeOptions,
    on_step: OnStep,
) -> list[Metric]:
    """Cross-validated figures of each of the vectors compared, its own first, and of chance."""
    figures: list[Metric] = []
    for done, (name, inputs) in enumerate(compared.items()):
        on_step(name, done, len(compared) + 1)
        out, thresholds = cross_validate(
            kind, inputs, items.targets, groups, folds=options.folds, seed=options.seed
        )
        own = done == 0
        figures += _summary(kind, items.targets, out, groups, of=name, own=own, seed=options.seed)
        if own:
            figures += _details(kind, items, out, thresholds, of=name)
    return [*figures, *_chance(kind, items, groups, options.seed)]


def _summary(
    kind: Kind,
    targets: np.ndarray,
    predicted: Float32[np.ndarray, "items labels"],
    groups: Groups,
    *,
    of: str,
    own: bool,
    seed: int,
) -> Iterator[Metric]:
    """Figures over all labels, with intervals over titles."""
    for name, measure in _MEASURES[kind].items():
        found = measure(targets, predicted, groups, seed=seed)
        yield Metric(name, found.value, of, low=found.low, high=found.high, own=own)


def _details(
    kind: Kind,
    items: ProbeDataset,
    predicted: Float32[np.ndarray, "items labels"],
    thresholds: Float32[np.ndarray, "items labels"],
    *,
    of: str,
) -> Iterator[Metric]:
    """Curves and counts of each tag, for the report."""
    if kind != "tags":
        return
    for place, (label, ap) in enumerate(
        zip(items.labels, aps(items.targets, predicted), strict=True)
    ):
        truth, chances = items.targets[:, place], predicted[:, place]
        yield Metric("ap", float(ap), of, label, detail=curve(truth, chances))
        known = ~np.isnan(truth)
        said = chances[known] >= thresholds[known, place]
        hits = float((said * truth[known]).sum())
        f1 = 2 * hits / max(1.0, said.sum() + truth[known].sum())
        yield Metric("f1", float(f1), of, label)
    error, bins = calibration(items.targets, predicted)
    yield Metric("calibration", error, of, better="lower", detail=bins)
    share, counts = confusion(items.targets, predicted)
    if np.isfinite(share) and len(items.labels) > 1:
        yield Metric("confusion", share, of, detail={"labels": items.labels, "counts": counts})


def _chance(kind: Kind, items: ProbeDataset, groups: Groups, seed: int) -> Iterator[Metric]:
    """Figures of a guess: the share of items that have a tag; random numbers for grades."""
    rates = np.nanmean(items.targets, axis=0, keepdims=True)
    guess = np.repeat(rates, len(items.ids), axis=0).astype(np.float32)
    if kind != "tags":
        guess = np.random.default_rng(seed).random(guess.shape, np.float32)
    yield from _summary(kind, items.targets, guess, groups, of="chance", own=False, seed=seed)
