"""Fit a probe to labels, and say what it reaches on titles that it did not see."""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from mediafm_store.arrays import MODALITIES
from mediafm_store.encoding import DeviceChoice
from mediafm_store.errors import InvalidInput, MediaFMError
from mediafm_store.labels.labels import table_version
from mediafm_store.linear.linear_model import Inputs, Kind
from mediafm_store.linear.ridge import Groups, fit, fittable
from mediafm_store.linear.tfidf import TextInput, TfIdf, words_of
from mediafm_store.probing.dataset import ProbeDataset, groups_of, items_of, texts_of
from mediafm_store.probing.figures import OnStep, measured
from mediafm_store.probing.options import ProbeOptions
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


def fit_probe(
    store: Storage,
    task: str,
    options: ProbeOptions = ProbeOptions(),  # noqa: B008 - frozen
    *,
    device: DeviceChoice = "auto",
    on_step: OnStep = lambda what, done, total: None,
) -> Probe:
    """Fit one linear layer to the labels of a task, measure it on titles held out, and save it.

    Its figures are of titles (and series) held out, beside other vectors of the same items and
    chance; each is recorded in the table `evaluations`. Labels of too few titles are left out, with
    a warning.

    Args:
        store: Where labels and vectors are read and the probe is written.
        task: The name of the labels, as they were imported.
        options: What is fitted, and how it is measured.
        device: Where clips are embedded by themselves, to compare with.
        on_step: Called with what is measured, how many steps are done, and of how many.

    Returns:
        The probe, as it was saved.

    Raises:
        NotFound: The task has no labels.
        InvalidInput: Too few titles have labels, or the options do not go with them.
    """
    store.check_writable()
    labels_version = table_version(store)
    items = items_of(store, task)
    kind, pool = _kind_and_pool(store, items, options)
    space = store.live(POOLS[pool])
    items = _with_vectors(store, items, space)
    groups = groups_of(store, items.titles)
    items = _usable(items, groups)
    own, words = _own_inputs(store, items, pool, options)
    _warn_of_leaks(store, items, pool)
    compared = {pool: own, **_other_pools(store, items, pool, own, device)}
    figures = measured(kind, items, groups, compared, options=options, on_step=on_step)
    _warn_of_chance(figures, task)
    on_step("fit", len(compared), len(compared) + 1)
    if words:
        own[WORDS] = words.matrix(own[WORDS].texts)
    probe = Probe(
        task=task,
        version=next_version(store, task),
        level=items.level,
        pool=pool,
        space=space.table,
        fingerprint=space.fingerprint,
        labels=tuple(items.labels),
        linear=fit(kind, own, items.targets, groups, seed=options.seed),
        words=words,
        facts=_facts(items, groups, options, figures) | {"labels_version": labels_version},
    )
    write_probe(store, probe)
    record(store, "probe", figures, name=task, version=probe.name, fingerprint=space.fingerprint)
    on_step("done", len(compared) + 1, len(compared) + 1)
    return probe


def _own_inputs(
    store: Storage, items: ProbeDataset, pool: str, options: ProbeOptions
) -> tuple[dict[str, Any], TfIdf | None]:
    """Inputs of the probe, and the vocabulary of their words, if these are wanted."""
    own: dict[str, Any] = {VECTOR: pool_vectors(store, items, pool)}
    if not options.words:
        return own, None
    words = words_of(texts_of(store, sorted(set(items.titles))))
    own[WORDS] = TextInput(texts_of(store, items.titles))
    return own, words


def _facts(
    items: ProbeDataset, groups: Groups, options: ProbeOptions, figures: Sequence[Metric]
) -> dict[str, Any]:
    """Sizes of the data, options and main figures, as they are saved with the probe."""
    return {
        "items": len(items.ids),
        "titles": len(set(items.titles)),
        "groups": len(np.unique(groups)),
        "folds": options.folds,
        "seed": options.seed,
        "figures": {
            f"{f.measure} {f.of}": [f.value, f.low, f.high]
            for f in figures
            if not f.label and not f.detail
        },
    }


def _kind_and_pool(store: Storage, items: ProbeDataset, options: ProbeOptions) -> tuple[Kind, str]:
    """Choose how the labels are fitted, and which vectors stand for an item."""
    kind = options.kind or items.kind
    if kind == "tags" and items.kind != "tags":
        raise InvalidInput(f"labels of {items.task} are grades; fit them as grades or ranking")
    pool = options.pool or default_pool(store, items.level)
    if pool not in POOLS:
        raise InvalidInput(f"no pool {pool!r}; there are {', '.join(POOLS)}")
    if items.level == "clips" and pool in OF_TITLES:
        raise InvalidInput(
            f"{items.task} labels shots or segments, which have no {pool} vectors; use --pool"
            " context"
        )
    return kind, pool


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
