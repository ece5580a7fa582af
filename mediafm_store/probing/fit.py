"""Fit a probe to labels, and say what it reaches on titles that it did not see."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float32

from mediafm_store.arrays import MODALITIES
from mediafm_store.encoding import DeviceChoice
from mediafm_store.errors import InvalidInput, MediaFMError
from mediafm_store.labels.labels import table_version
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
from mediafm_store.linear.ridge import Groups, cross_validate, fit, fittable
from mediafm_store.linear.tfidf import TextInput, words_of
from mediafm_store.metrics.intervals import Interval
from mediafm_store.probing.dataset import ProbeDataset, groups_of, items_of, texts_of
from mediafm_store.probing.pooling import (
    OF_TITLES,
    POOLS,
    default_pool,
    isolated,
    pool_vectors,
    single,
)
from mediafm_store.probing.registry import VECTOR, WORDS, Probe, next_version, write_probe
from mediafm_store.storage.evaluations import Metric, record
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.spaces import Space

_TOLD = ("title", "metadata", "context")
"""Pools that know what the metadata of a title say."""
log = logging.getLogger("mediafm_store")
OnStep = Callable[[str, int, int], None]
"""Told what is measured, how many have been, and of how many."""


def fit_probe(
    store: Storage,
    task: str,
    *,
    kind: Kind | None = None,
    pool: str | None = None,
    words: bool = False,
    folds: int = 5,
    seed: int = 0,
    device: DeviceChoice = "auto",
    on_step: OnStep = lambda what, done, total: None,
) -> Probe:
    """Fit one linear layer to the labels of a task and keep it, with what it reaches.

    `kind` is by default what the labels look like: tags if all values are 0 or 1, else grades;
    "ranking" counts the order within a title only. `pool` is what an item is as a vector (see
    POOLS); `words` reads a title's name and synopsis beside it. Figures are of titles (and series)
    held out in `folds`, beside other vectors of the same items and chance; each is recorded in
    `evaluations`. Labels of too few titles are left out, with a warning. Raises NotFound without
    labels, InvalidInput if too few titles have any.
    """
    store.check_writable()
    labels_version = table_version(store)
    items = items_of(store, task)
    kind = kind or items.kind
    if kind == "tags" and items.kind != "tags":
        raise InvalidInput(f"labels of {task} are grades; fit them as grades or ranking")
    pool = pool or default_pool(store, items.level)
    if pool not in POOLS:
        raise InvalidInput(f"no pool {pool!r}; there are {', '.join(POOLS)}")
    if items.level == "clips" and pool in OF_TITLES:
        raise InvalidInput(
            f"{task} labels shots or segments, which have no {pool} vectors; use --pool context"
        )
    space = store.live(POOLS[pool])
    items = _with_vectors(store, items, space)
    groups = groups_of(store, items.titles)
    items = _usable(items, groups)
    own: dict[str, Any] = {VECTOR: pool_vectors(store, items, pool)}
    counted = words_of(texts_of(store, sorted(set(items.titles)))) if words else None
    texts = texts_of(store, items.titles)
    if counted:
        own[WORDS] = TextInput(texts)
    _warn_of_leaks(store, items, pool)
    compared = {pool: own, **_other_pools(store, items, pool, own, device)}
    figures: list[Metric] = []
    for done, (name, inputs) in enumerate(compared.items()):
        on_step(name, done, len(compared) + 1)
        out, thresholds = cross_validate(
            kind, inputs, items.targets, groups, folds=folds, seed=seed
        )
        figures += _summary(kind, items.targets, out, groups, of=name, own=name == pool, seed=seed)
        if name == pool:
            figures += _details(kind, items, out, thresholds, of=name)
    figures += _chance(kind, items, groups, seed)
    _warn_of_chance(figures, task)
    on_step("fit", len(compared), len(compared) + 1)
    if counted:
        own[WORDS] = counted.matrix(texts)
    linear = fit(kind, own, items.targets, groups, seed=seed)
    probe = Probe(
        task,
        next_version(store, task),
        items.level,
        pool,
        space.table,
        space.fingerprint,
        tuple(items.labels),
        linear,
        counted,
        {
            "items": len(items.ids),
            "titles": len(set(items.titles)),
            "groups": len(np.unique(groups)),
            "folds": folds,
            "seed": seed,
            "labels_version": labels_version,
            "figures": {
                f"{f.measure} {f.of}": [f.value, f.low, f.high]
                for f in figures
                if not f.label and not f.detail
            },
        },
    )
    write_probe(store, probe)
    record(store, "probe", figures, name=task, version=probe.name, fingerprint=space.fingerprint)
    on_step("done", len(compared) + 1, len(compared) + 1)
    return probe


def _with_vectors(store: Storage, items: ProbeDataset, space: Space) -> ProbeDataset:
    """Without the items of titles that have no vectors, with a warning."""
    there = set(store.rows_by_title(space))
    if without := sorted(set(items.titles) - there):
        log.warning("left out, without %s vectors: %s", space.name, ", ".join(without[:5]))
    rows = np.array([i for i, title in enumerate(items.titles) if title in there], int)
    if not len(rows):
        raise InvalidInput(
            f"no title that {items.task} labels has {space.name} vectors; run `mediafm embed`"
        )
    return items.only(rows, np.arange(len(items.labels)))


def _usable(items: ProbeDataset, groups: Groups) -> ProbeDataset:
    """Without the labels that stand in too few titles to hold some out."""
    enough = fittable(items.targets, groups)
    if not enough.any():
        raise InvalidInput(
            f"labels of {items.task} stand in too few titles: each needs 3 that have it and 3 that"
            " have not, of different series; label more"
        )
    if left_out := [name for name, there in zip(items.labels, enough, strict=True) if not there]:
        more = f" and {len(left_out) - 5} more" if len(left_out) > 5 else ""
        log.warning("in too few titles to be fitted: %s%s", ", ".join(left_out[:5]), more)
    return items.only(np.arange(len(items.ids)), np.flatnonzero(enough))


def _warn_of_leaks(store: Storage, items: ProbeDataset, pool: str) -> None:
    """Say so where title vectors were made from the very labels: new titles will not have them."""
    if pool not in _TOLD:
        return
    titles = store.titles().filter(store.titles()["id"].is_in(items.titles))
    named = {
        name.lower() for column in ("genres", "tags") for name in titles[column].explode() if name
    }
    known = [label for label in items.labels if label.lower() in named]
    if known:
        log.warning(
            "%s vectors know the titles' genres and tags, which name %d of %d labels (%s ...):"
            " figures are too good for titles that lack them; use --pool concatenation",
            pool,
            len(known),
            len(items.labels),
            known[0],
        )


def _warn_of_chance(figures: Sequence[Metric], task: str) -> None:
    """Say so where a probe cannot be told from a guess."""
    by_chance = {f.measure: f.value for f in figures if f.of == "chance"}
    for own in figures:
        if own.own and own.low is not None and own.low <= by_chance.get(own.measure, -np.inf):
            log.warning(
                "%s is not surely better than chance (%s %.2f, from %.2f; chance %.2f): label more"
                " titles, of more series",
                task,
                own.measure,
                own.value,
                own.low,
                by_chance[own.measure],
            )
            return


def _other_pools(
    store: Storage, items: ProbeDataset, pool: str, own: Inputs, device: DeviceChoice
) -> dict[str, Inputs]:
    """Other vectors of the same items, to compare with: those that the store has."""
    found: dict[str, Inputs] = {}
    if WORDS in own:
        found["vectors alone"] = {VECTOR: own[VECTOR]}
        found["words alone"] = {WORDS: own[WORDS]}
    for name in POOLS:
        if name != pool and (items.level == "titles" or name not in OF_TITLES):
            try:
                found[name] = {VECTOR: pool_vectors(store, items, name)}
            except MediaFMError as error:
                log.info("not compared with %s: %s", name, error)
    if items.level == "clips":
        try:
            found["isolated"] = {VECTOR: isolated(store, items, device)}
        except MediaFMError as error:
            log.info("not compared with clips by themselves: %s", error)
    plain = own if pool == "concatenation" else found.get("concatenation", {})
    for modality in MODALITIES if plain else ():
        rows = single(plain[VECTOR], modality)
        if rows.any():
            found[modality] = {VECTOR: rows}
    return found


_MEASURES: Mapping[Kind, Mapping[str, Callable[..., Interval]]] = {
    "tags": {"macro_ap": macro_ap_interval, "micro_ap": micro_ap_interval},
    "grades": {"spearman": partial(interval, spearman)},
    "ranking": {"kendall_tau": tau_interval},
}
"""What is measured of each kind."""


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
    """Curves and counts of tags: what a page draws."""
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
    """What a guess without any look at the items reaches: its rate for a tag, else at random."""
    rates = np.nanmean(items.targets, axis=0, keepdims=True)
    guess = np.repeat(rates, len(items.ids), axis=0).astype(np.float32)
    if kind != "tags":
        guess = np.random.default_rng(seed).random(guess.shape, np.float32)
    yield from _summary(kind, items.targets, guess, groups, of="chance", own=False, seed=seed)
